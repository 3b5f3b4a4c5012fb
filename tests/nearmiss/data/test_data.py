"""Reading: each format gives the same four tables, with ids, grades, negatives and the user's own columns."""

import csv
import gzip
import json
from datetime import date

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearmiss.data import ColumnNames, Dataset, ReadCounts, fingerprint, load, passages, read, save
from nearmiss.errors import DatasetError, FileError

QUICK = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def jsonl(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def beir(folder, corpus, queries, **qrels):
    (folder / "qrels").mkdir(parents=True)
    jsonl(folder / "corpus.jsonl", *corpus)
    jsonl(folder / "queries.jsonl", *queries)
    for split, rows in qrels.items():
        lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in rows)]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    return folder


def rows(frame):
    return [tuple(row) for row in frame.itertuples(index=False)]


def judged(dataset):
    """Judgements by text, since made-up ids say nothing to a reader."""
    query = dataset.queries.set_index("query_id").text
    document = dataset.documents.set_index("doc_id").text
    positives = [(query[q], document[d], grade) for q, d, grade in rows(dataset.positives)]
    negatives = [(query[q], document[d]) for q, d in rows(dataset.negatives)]
    return positives, negatives


CORPUS = (
    {"_id": "d1", "title": "Rome", "text": "A city.", "metadata": {"group_id": 7}},
    {"_id": "d2", "title": "", "text": "A river.", "lang": "en"},
    {"_id": "d3", "title": "Title only", "text": ""},
)
QUERIES = (
    {"_id": "q1", "text": "which city", "metadata": {"answers": ["Rome"]}},
    {"_id": "q2", "text": "which river", "metadata": {}},
    {"_id": "q3", "text": "only judged irrelevant"},
)
QRELS = [("q1", "d1", 3), ("q1", "d2", 0), ("q2", "d2", 1), ("q2", "d3", 0.5), ("q3", "d1", 0)]


def test_a_beir_folder_gives_grades_labelled_negatives_and_the_users_columns(tmp_path):
    dataset = read(beir(tmp_path / "b", CORPUS, QUERIES, test=QRELS))
    assert rows(dataset.queries) == [("q1", "which city", {"answers": ["Rome"]}), ("q2", "which river", {})]
    documents = dataset.documents
    assert list(documents) == ["doc_id", "title", "text", "metadata", "group_id", "lang"]
    assert documents.doc_id.tolist() == ["d1", "d2", "d3"]
    assert documents.group_id.fillna("none").tolist() == ["7", "none", "none"]
    assert documents.lang.fillna("none").tolist() == ["none", "en", "none"]
    assert rows(dataset.positives) == [("q1", "d1", 3.0), ("q2", "d2", 1.0), ("q2", "d3", 0.5)]
    assert rows(dataset.negatives) == [("q1", "d2")]
    # q3 has no positive, so neither it nor its judgement belongs to the split.
    assert dataset.counts == ReadCounts(read=3 + 2 + 4, kept=9, rejected=0)


def test_passages_join_title_and_text_where_both_are_there(tmp_path):
    documents = read(beir(tmp_path / "b", CORPUS, QUERIES, test=QRELS)).documents
    assert passages(documents) == ["Rome A city.", "A river.", "Title only"]


def test_no_group_is_made_up(tmp_path):
    dataset = read(beir(tmp_path / "b", [{"_id": "d", "text": "x"}], [{"_id": "q", "text": "y"}], dev=[("q", "d", 1)]))
    assert list(dataset.documents) == ["doc_id", "title", "text"]
    assert dataset.documents.title.tolist() == [""]


def test_a_packed_folder_reads_like_a_plain_one(tmp_path):
    plain = beir(tmp_path / "plain", CORPUS, QUERIES, test=QRELS)
    packed = tmp_path / "packed"
    for path in plain.rglob("*.*"):
        target = packed / path.relative_to(plain).parent / f"{path.name}.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(path.read_bytes()))
    assert fingerprint(read(packed)) == fingerprint(read(plain))


def test_only_the_queries_of_the_split_are_read(tmp_path):
    folder = beir(tmp_path / "b", CORPUS, QUERIES, train=[("q1", "d1", 1)], test=[("q2", "d2", 1)])
    assert read(folder, split="test").queries.query_id.tolist() == ["q2"]
    with pytest.raises(DatasetError, match=r"wanted one split, or --split NAME; found \['test', 'train'\]"):
        read(folder)


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path):
    folder = beir(tmp_path / "b", CORPUS, QUERIES, test=QRELS)
    wanted = fingerprint(read(folder))
    for path in folder.rglob("*.*"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert fingerprint(read(folder)) == wanted


def test_pairs_merge_the_positives_of_an_equal_query(tmp_path):
    path = jsonl(
        tmp_path / "pairs.jsonl",
        {"anchor": "q", "positive": "a", "topic": "x", "row": 1},
        {"anchor": "q", "positive": ["b", "c"], "topic": "x", "row": 2},
        {"anchor": "r", "positive": "a", "negative_1": "n", "negative_2": None, "topic": "y"},
    )
    dataset = read(path, format="pairs")
    assert judged(dataset) == ([("q", "a", 1.0), ("q", "b", 1.0), ("q", "c", 1.0), ("r", "a", 1.0)], [("r", "n")])
    # `row` differs between the rows that became q, so it holds lists; `topic` does not.
    assert dataset.queries.drop(columns="query_id").to_dict("list") == {
        "text": ["q", "r"],
        "topic": ["x", "y"],
        "row": [[1, 2], []],
    }


def test_ids_come_from_content_where_there_are_none(tmp_path):
    dataset = read(jsonl(tmp_path / "p.jsonl", {"query": "q", "positive": "a"}), format="pairs")
    # The first 16 hex digits of `printf q | sha256sum` and `printf a | sha256sum`.
    assert rows(dataset.positives) == [("q-8e35c2cd3bf6641b", "d-ca978112ca1bbdca", 1.0)]


def test_ids_of_pairs_are_kept_and_columns_can_be_named(tmp_path):
    path = jsonl(
        tmp_path / "p.jsonl",
        {"qid": 5, "question": "q", "query": "mine", "good": "a", "gid": "d7", "bad_1": "n", "bid_1": "d8", "level": 2},
    )
    columns = ColumnNames(("question",), ("good",), ("bad",), ("qid",), ("gid",), ("bid",), ("level",))
    dataset = read(path, format="pairs", columns=columns)
    assert rows(dataset.queries) == [("5", "q", "mine")]
    assert rows(dataset.positives) == [("5", "d7", 2.0)]
    assert rows(dataset.negatives) == [("5", "d8")]


def test_a_users_column_never_hides_ours(tmp_path):
    path = jsonl(tmp_path / "p.jsonl", {"query": "q", "positive": "a", "text": "theirs", "own_text": "too"})
    queries = read(path, format="pairs").queries
    assert queries.text.tolist() == ["q"]
    assert sorted(queries.drop(columns=["query_id", "text"]).iloc[0]) == ["theirs", "too"]


def test_csv_and_parquet_are_pairs_by_their_names(tmp_path):
    (tmp_path / "p.csv").write_text('query,positive,negative,grade\n"q\nline 2",a,,2.5\nr,b,c,\n', "utf-8")
    wanted = ([("q\nline 2", "a", 2.5), ("r", "b", 1.0)], [("r", "c")])
    assert judged(read(tmp_path / "p.csv")) == wanted
    frame = pd.DataFrame({"query": ["q\nline 2", "r"], "positive": [["a"], ["b"]], "negative": [None, "c"]})
    frame.assign(grade=[2.5, None], day=date(2026, 1, 2)).to_parquet(tmp_path / "p.parquet")
    dataset = read(tmp_path / "p.parquet")
    assert judged(dataset) == wanted
    assert dataset.queries.day.tolist() == ["2026-01-02", "2026-01-02"]


def test_flagembedding_keeps_prompts_and_teacher_scores_as_the_users_columns(tmp_path):
    path = jsonl(
        tmp_path / "f.jsonl",
        {"query": "q", "pos": ["a"], "neg": ["b"], "pos_scores": [9.1], "neg_scores": [2], "prompt": "Find: "},
        {"query": "r", "pos": ["b"], "neg": [], "query_id": "q9", "pos_id": ["d9"]},
    )
    dataset = read(path, format="flag")
    assert judged(dataset) == ([("q", "a", 1.0), ("r", "b", 1.0)], [("q", "b")])
    assert dataset.queries.query_id.tolist()[1] == "q9"
    assert dataset.queries.pos_scores.tolist() == [[9.1], None]
    assert dataset.queries.prompt.tolist()[0] == "Find: "


def test_tevatron_is_read_in_both_styles(tmp_path):
    a, b = {"docid": "1", "title": "T", "text": "a"}, {"docid": "2", "title": "", "text": "b"}
    older = {"query_id": "q1", "query": "q", "positive_passages": [a], "negative_passages": [b], "answers": ["z"]}
    newer = {"query_id": "q1", "query_text": "q", "positive_document_ids": ["1"], "negative_document_ids": ["2"]}
    corpus = jsonl(tmp_path / "c.jsonl", a, b, {"docid": "3", "document_text": "only in the corpus"})
    first = read(jsonl(tmp_path / "o.jsonl", older), format="tevatron")
    second = read(jsonl(tmp_path / "n.jsonl", newer), format="tevatron", corpus=corpus)
    for dataset in (first, second):
        assert rows(dataset.positives) == [("q1", "1", 1.0)]
        assert rows(dataset.negatives) == [("q1", "2")]
    assert first.queries.answers.tolist() == [["z"]]
    assert rows(second.documents) == [("1", "T", "a"), ("2", "", "b"), ("3", "", "only in the corpus")]


def test_dpr_labels_both_kinds_of_negatives(tmp_path):
    items = [
        {
            "question": "q",
            "answers": ["z"],
            "positive_ctxs": [{"title": "T", "text": "a", "passage_id": "1", "score": 1000}],
            "hard_negative_ctxs": [{"title": "", "text": "b", "passage_id": "2", "score": 5}],
            "negative_ctxs": [{"title": "", "text": "c", "psg_id": 3, "score": 5}],
        }
    ]
    (tmp_path / "d.json").write_text(json.dumps(items, indent=2))
    dataset = read(tmp_path / "d.json", format="dpr")
    assert rows(dataset.documents) == [("1", "T", "a", 1000), ("2", "", "b", 5), ("3", "", "c", 5)]
    assert rows(dataset.negatives)[0][1] == "2"
    assert rows(dataset.negatives)[1][1] == "3"


def test_a_dpr_file_larger_than_the_window_keeps_its_line_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("nearmiss.data.json_values.CHUNK", 7)
    items = [{"question": f"q{n}é", "positive_ctxs": [{"text": "é" * n}]} for n in range(1, 9)]
    text = "[\n" + ",\n\n".join(json.dumps(item, ensure_ascii=False) for item in [*items, 5]) + "]\n"
    (tmp_path / "d.json").write_text(text, "utf-8")
    with pytest.raises(DatasetError, match=r"1 of 9 rows[^\n]*\n[^\n]*d\.json:18: wanted a JSON object; found 5$"):
        read(tmp_path / "d.json", format="dpr")
    dataset = read(tmp_path / "d.json", format="dpr", reject=tmp_path / "bad.jsonl")
    assert judged(dataset)[0] == [(f"q{n}é", "é" * n, 1.0) for n in range(1, 9)]


def test_a_datasets_folder_is_read_with_its_split(tmp_path):
    import datasets

    datasets.disable_progress_bars()
    table = datasets.Dataset.from_dict({"question": ["q"], "answer": ["a"], "own": [{"k": [1]}]})
    table.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": table, "dev": table}).save_to_disk(tmp_path / "two")
    for dataset in (read(tmp_path / "one"), read(tmp_path / "two", split="dev")):
        assert judged(dataset) == ([("q", "a", 1.0)], [])
        assert dataset.queries.own.tolist() == [{"k": [1]}]
    with pytest.raises(DatasetError, match=r"two: wanted one split, or --split NAME; found \['train', 'dev'\]"):
        read(tmp_path / "two")


@pytest.mark.parametrize("name", ["c.jsonl", "c.csv", "c.parquet"])
def test_texts_of_pairs_get_the_ids_of_a_separate_corpus(tmp_path, name):
    frame = pd.DataFrame({"id": ["d1", "d2", "d3"], "title": ["T", None, None], "text": ["a", "b", "c"]})
    match name:
        case "c.jsonl":
            frame.to_json(tmp_path / name, orient="records", lines=True)
        case "c.csv":
            frame.to_csv(tmp_path / name, index=False)
        case _:
            frame.to_parquet(tmp_path / name)
    pairs = jsonl(tmp_path / "p.jsonl", {"query": "q", "positive": ["a", "new"], "negative": "b"})
    dataset = read(pairs, format="pairs", corpus=tmp_path / name)
    assert rows(dataset.documents)[:3] == [("d1", "T", "a"), ("d2", "", "b"), ("d3", "", "c")]
    assert judged(dataset) == ([("q", "a", 1.0), ("q", "new", 1.0)], [("q", "b")])
    assert dataset.positives.doc_id.tolist()[0] == "d1"
    assert dataset.counts == ReadCounts(read=4, kept=4, rejected=0)


def test_equal_texts_with_two_ids_stay_two_documents(tmp_path):
    corpus = [{"_id": "d1", "text": "same"}, {"_id": "d2", "text": "same"}]
    dataset = read(beir(tmp_path / "b", corpus, QUERIES[:1], test=[("q1", "d2", 1)]))
    assert rows(dataset.documents) == [("d1", "", "same"), ("d2", "", "same")]
    assert rows(dataset.positives) == [("q1", "d2", 1.0)]


def test_a_document_of_ten_megabytes_is_a_document(tmp_path):
    text = "a long document " * 655_360
    sheet = tmp_path / "p.csv"
    sheet.write_text(f"query,positive\nq,{text}\n")
    path = jsonl(tmp_path / "p.jsonl", {"query": "q", "positive": text})
    assert read(sheet).documents.text.tolist() == [text]
    assert read(path, format="pairs").documents.text.tolist() == [text]


def same(one: Dataset, other: Dataset):
    for name in ("queries", "documents", "positives", "negatives"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.counts == other.counts


OWN = (
    {"i": 1, "f": 0.5, "b": True, "s": "é", "mixed": "x", "nested": {"a": [1, None]}, "big": 2**60, "list": [1]},
    {"i": None, "f": None, "b": None, "s": None, "mixed": 2, "nested": None, "big": 1, "list": []},
)


def test_a_saved_dataset_comes_back_equal_with_nested_columns_and_types(tmp_path):
    path = jsonl(tmp_path / "p.jsonl", *({"query": f"q{n}", "positive": "a", **own} for n, own in enumerate(OWN)))
    dataset = read(path, format="pairs")
    types = dataset.queries.drop(columns=["query_id", "text"]).dtypes.astype(str).to_dict()
    assert types == {
        "i": "Int64",
        "f": "float64",
        "b": "boolean",
        "s": "str",
        "mixed": "object",
        "nested": "object",
        "big": "object",
        "list": "object",
    }
    save(dataset, tmp_path / "saved")
    same(load(tmp_path / "saved"), dataset)
    assert fingerprint(load(tmp_path / "saved")) == fingerprint(dataset)


def test_saving_twice_gives_the_same_bytes(tmp_path):
    dataset = read(beir(tmp_path / "b", CORPUS, QUERIES, test=QRELS))
    for name in ("one", "two"):
        save(dataset, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_half_written_folder_is_no_dataset(tmp_path):
    save(read(beir(tmp_path / "b", CORPUS, QUERIES, test=QRELS)), tmp_path / "saved")
    (tmp_path / "saved" / "positives.parquet").unlink()
    with pytest.raises(FileError, match=r"positives\.parquet: wanted a whole Parquet file; found no such file"):
        load(tmp_path / "saved")


def test_the_fingerprint_follows_content_and_order_and_not_the_path(tmp_path):
    one, two = {"query": "q", "positive": "a"}, {"query": "r", "positive": "b"}
    first = fingerprint(read(jsonl(tmp_path / "1.jsonl", one, two), format="pairs"))
    assert fingerprint(read(jsonl(tmp_path / "2.jsonl", one, two), format="pairs")) == first
    assert fingerprint(read(jsonl(tmp_path / "3.jsonl", two, one), format="pairs")) != first
    assert fingerprint(read(jsonl(tmp_path / "4.jsonl", one, two | {"own": 1}), format="pairs")) != first


text = st.text(min_size=1, max_size=12).filter(lambda value: value.strip() and "\0" not in value)
text = text.filter(lambda value: not any("\ud800" <= mark <= "\udfff" for mark in value))
pair = st.tuples(text, text, st.lists(text, max_size=2))


@pytest.mark.slow
@QUICK
@given(st.lists(pair, min_size=1, max_size=6), st.sampled_from(["jsonl", "csv", "parquet"]))
def test_pairs_that_were_written_are_read_back(tmp_path, found, kind):
    # A document may not be both, which has a test of its own.
    found = [
        (f"{n}{query}", "+" + positive, ["-" + other for other in more])
        for n, (query, positive, more) in enumerate(found)
    ]
    frame = pd.DataFrame(
        {"query": q, "positive": p, **{f"negative_{n}": m[n] if n < len(m) else None for n in range(2)}}
        for q, p, m in found
    )
    path = tmp_path / f"p.{kind}"
    match kind:
        case "jsonl":
            jsonl(path, *frame.astype(object).where(frame.notna(), None).to_dict("records"))
        case "csv":
            frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
        case _:
            frame.to_parquet(path)
    dataset = read(path, format="pairs")
    positives, negatives = judged(dataset)
    assert positives == [(query, positive, 1.0) for query, positive, _ in found]
    assert negatives == [(query, other) for query, _, more in found for other in dict.fromkeys(more)]
    assert dataset.counts == ReadCounts(len(found), len(found), 0)
    save(dataset, tmp_path / "saved")
    same(load(tmp_path / "saved"), dataset)
