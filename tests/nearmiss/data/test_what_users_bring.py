"""The files that people have: every usual layout is read as it is meant, or refused with what to do."""

import gzip
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from nearmiss.data import ColumnNames, ReadCounts, passages, read
from nearmiss.errors import DatasetError

PLAIN = ([("q", "a"), ("r", "b")], [("q", "n"), ("r", "m")])


def judged(dataset):
    """Positives and labelled negatives by their texts."""
    query = dataset.queries.set_index("query_id").text
    document = dict(zip(dataset.documents.doc_id, passages(dataset.documents), strict=True))
    return tuple(
        sorted((query[q], document[d]) for q, d in zip(frame.query_id, frame.doc_id, strict=True))
        for frame in (dataset.positives, dataset.negatives)
    )


def same(dataset, wanted=PLAIN):
    assert judged(dataset) == tuple(sorted(part) for part in wanted)


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def said(path, **options):
    with pytest.raises(DatasetError) as error:
        read(path, **options)
    return str(error.value).replace(str(path), "FILE")


# Columns.


NUMBERED = [
    ("negative1", "negative2"),
    ("negative_1", "negative_2"),
    ("neg_0", "neg_1"),
    ("neg0", "neg1"),
    ("neg", "hard_negative_3"),
    ("negatives.0", "negatives.1"),
    ("hardNegative1", "hardNegative2"),
    ("Negative 1", "Negative 2"),
    ("negative[0]", "negative[1]"),
    ("negative-1", "negative-10"),
    ("negative", "hard_negative"),
    ("neg_text_1", "neg_text_2"),
]


@pytest.mark.parametrize("names", NUMBERED)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "tsv"])
def test_a_negative_is_read_under_every_spelling_of_its_number(tmp_path, names, kind):
    frame = pd.DataFrame({"query": ["q"], "positive": ["a"], names[0]: ["n"], names[1]: ["m"], "topic": ["t"]})
    path = tmp_path / f"f.{kind}"
    match kind:
        case "jsonl":
            frame.to_json(path, orient="records", lines=True)
        case "parquet":
            frame.to_parquet(path)
        case _:
            frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    dataset = read(path, format="pairs")
    same(dataset, ([("q", "a")], [("q", "n"), ("q", "m")]))
    assert dataset.notes == (f"columns: query = query, positive = positive, negative = {names[0]} and {names[1]}",)
    assert list(dataset.queries) == ["query_id", "text", "topic"]


def test_numbers_pair_a_negative_with_its_id_on_either_side(tmp_path):
    row = {"query": "q", "positive": "a", "positive_id": "p", "neg_1": "n", "neg_1_id": 7, "neg2": "m", "neg_id2": 8}
    (tmp_path / "f.jsonl").write_text(lines(row))
    dataset = read(tmp_path / "f.jsonl", format="pairs")
    assert dict(zip(dataset.documents.doc_id, dataset.documents.text, strict=True)) == {"p": "a", "7": "n", "8": "m"}


def test_scores_of_negatives_are_no_negatives(tmp_path):
    (tmp_path / "f.jsonl").write_text(lines({"query": "q", "positive": "a", "neg_score_1": 0.5, "neg_scores": [1]}))
    dataset = read(tmp_path / "f.jsonl", format="pairs")
    assert dataset.negatives.empty
    assert list(dataset.queries) == ["query_id", "text", "neg_score_1", "neg_scores"]


def test_a_second_positive_in_a_numbered_column_is_one(tmp_path):
    (tmp_path / "f.csv").write_text("query,positive_1,positive_2\nq,a,b\n")
    same(read(tmp_path / "f.csv"), ([("q", "a"), ("q", "b")], []))


def test_an_index_without_a_name_is_the_users_own(tmp_path):
    frame = pd.DataFrame({"query": ["q", "r"], "positive": ["a", "b"], "negative": ["n", "m"]})
    frame.to_csv(tmp_path / "f.csv")
    dataset = read(tmp_path / "f.csv")
    same(dataset)
    assert dataset.queries.unnamed_1.tolist() == ["0", "1"]
    assert dataset.queries.query_id.str.startswith("q-").all()
    assert dataset.positives.grade.tolist() == [1.0, 1.0]


def test_no_field_is_looked_up_under_an_empty_name(tmp_path):
    (tmp_path / "f.jsonl").write_text(lines({"": 5, "query": "q", "positive": "a"}))
    dataset = read(tmp_path / "f.jsonl", format="pairs")
    assert dataset.positives.doc_id.tolist() == ["d-ca978112ca1bbdca"]
    assert dataset.queries.unnamed.tolist() == [5]


def test_two_columns_without_a_name_stay_two(tmp_path):
    (tmp_path / "f.csv").write_text("query,positive,,\nq,a,x,y\n")
    assert list(read(tmp_path / "f.csv").queries) == ["query_id", "text", "unnamed_3", "unnamed_4"]


def test_a_wrong_column_is_said_once_with_the_rows_and_what_to_do(tmp_path):
    (tmp_path / "f.jsonl").write_text("".join(lines({"q": str(n), "positive": "a", str(n): 1}) for n in range(8)))
    assert said(tmp_path / "f.jsonl", format="pairs").splitlines() == [
        "8 of 8 rows cannot be used (--reject FILE sets them aside and goes on):",
        "FILE:1: wanted a column for the query, named query or anchor or question (or --column query=NAME); "
        "found ['q', 'positive', '0'] (and 7 more like it: 2, 3, 4, 5, 6 ...)",
    ]


# Labels.


LABELS = [("1", "0"), (1, 0), (1.0, 0.0), (True, False), ("true", "false")]


@pytest.mark.parametrize(("yes", "no"), LABELS)
@pytest.mark.parametrize("column", ["passage", "document", "answer", "text", "positive", "doc"])
def test_a_label_says_which_document_is_a_negative(tmp_path, yes, no, column):
    rows = [("q", "n", no), ("q", "a", yes), ("r", "b", yes), ("r", "m", no)]
    (tmp_path / "f.jsonl").write_text(lines(*({"query": q, column: d, "label": label} for q, d, label in rows)))
    dataset = read(tmp_path / "f.jsonl", format="pairs")
    same(dataset)
    assert dataset.notes == (f"columns: query = query, document = {column}, label = label",)


def test_labelled_lists_are_read(tmp_path):
    rows = ({"query": "q", "docs": ["n", "a"], "labels": [0, 1]}, {"query": "r", "docs": ["b", "m"], "labels": [1, 0]})
    (tmp_path / "f.jsonl").write_text(lines(*rows))
    same(read(tmp_path / "f.jsonl", format="pairs"))
    (tmp_path / "f.jsonl").write_text(lines({"query": "q", "docs": ["n", "a"], "labels": [0]}))
    assert "wanted a label for each document in 'labels'; found 1 for 2" in said(tmp_path / "f.jsonl", format="pairs")


def test_other_labels_need_a_threshold_and_are_asked_for_once(tmp_path):
    (tmp_path / "f.csv").write_text("query,passage,label\nq,a,3\nq,n,0.5\nr,b,2\nr,m,1\n")
    assert said(tmp_path / "f.csv").splitlines() == [
        "3 of 4 rows cannot be used (--reject FILE sets them aside and goes on):",
        "FILE:2: wanted 0 or 1 in 'label'; for other numbers --positive-from NUMBER, from which on a document is a "
        "positive; found 3.0 (and 2 more like it: 3, 4)",
    ]
    dataset = read(tmp_path / "f.csv", positive_from=2)
    same(dataset)
    assert dataset.positives.grade.tolist() == [3.0, 2.0]


@pytest.mark.parametrize("column", ["score", "scores"])
def test_a_score_in_place_of_a_label_is_no_positive_without_a_threshold(tmp_path, column):
    rows = [("q", "a", 3.0), ("q", "n", 0.2), ("r", "b", 0.9), ("r", "m", -1.5)]
    (tmp_path / "f.jsonl").write_text(lines(*({"query": q, "answer": d, column: score} for q, d, score in rows)))
    assert f"wanted --positive-from NUMBER, since '{column}' may score negatives too" in said(
        tmp_path / "f.jsonl", format="pairs"
    )
    dataset = read(tmp_path / "f.jsonl", format="pairs", positive_from=0.9)
    same(dataset)
    assert dataset.positives.grade.tolist() == [1.0, 1.0]
    every = read(tmp_path / "f.jsonl", format="pairs", columns=ColumnNames(score=()))
    assert len(every.positives) == 4


def test_the_label_of_a_triplet_is_no_label(tmp_path):
    (tmp_path / "f.jsonl").write_text(lines({"query": "q", "positive": "a", "negative": "n", "label": -0.5}))
    dataset = read(tmp_path / "f.jsonl", format="pairs")
    same(dataset, ([("q", "a")], [("q", "n")]))
    assert dataset.queries.label.tolist() == [-0.5]


def test_labels_that_are_words_are_asked_about_or_passed_over(tmp_path):
    (tmp_path / "f.csv").write_text("query,positive,label\nq,a,sports\n")
    assert "wanted a number in 'label'; found 'sports'" in said(tmp_path / "f.csv")
    assert read(tmp_path / "f.csv", columns=ColumnNames(label=())).queries.label.tolist() == ["sports"]


def test_queries_with_labelled_negatives_alone_are_set_aside_and_counted(tmp_path):
    (tmp_path / "f.csv").write_text("query,passage,label\nq,a,1\nq,n,0\nr,m,0\nr,b,0\n")
    dataset = read(tmp_path / "f.csv")
    same(dataset, ([("q", "a")], [("q", "n")]))
    assert dataset.counts == ReadCounts(read=4, kept=2, rejected=2)
    assert dataset.notes[1] == (
        f"set aside: {tmp_path}/f.csv:4: wanted a query with a positive; found one with labelled negatives alone "
        "(and 1 more like it: 5)"
    )


def test_a_threshold_without_labels_is_refused(tmp_path):
    (tmp_path / "f.csv").write_text("query,positive\nq,a\n")
    assert said(tmp_path / "f.csv", positive_from=1).startswith("--positive-from: wanted a column of labels or scores")


# Bytes.


@pytest.mark.parametrize(
    "type", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.dictionary(pa.int32(), pa.binary()), pa.binary(1)]
)
def test_bytes_of_parquet_are_text_where_they_are_utf8(tmp_path, type):
    texts = pa.array([b"a", b"b"], pa.binary(1) if pa.types.is_fixed_size_binary(type) else pa.binary())
    positive = texts.dictionary_encode() if pa.types.is_dictionary(type) else texts.cast(type)
    pq.write_table(
        pa.table({"query": ["q", "r"], "positive": positive, "negative": [[b"n"], [b"m"]]}), tmp_path / "f.parquet"
    )
    same(read(tmp_path / "f.parquet"))


def test_bytes_that_are_no_text_are_refused_by_row_and_stay_as_the_users_own(tmp_path):
    table = {"query": ["q", "r"], "positive": [b"a", b"\xff\x00"], "own": [b"\xff", b"\xfe"]}
    pq.write_table(pa.table(table), tmp_path / "f.parquet")
    assert said(tmp_path / "f.parquet").splitlines()[1] == (
        "FILE:2: wanted UTF-8 in 'positive'; found other bytes (base64: /wA=)"
    )
    assert read(tmp_path / "f.parquet", reject=tmp_path / "bad").queries.own.tolist() == ["/w=="]


ENCODED = [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE"), ("utf-32", "UTF-32")]


@pytest.mark.parametrize(("encoding", "name"), ENCODED)
@pytest.mark.parametrize(("kind", "format"), [("csv", None), ("jsonl", "flag"), ("json", "dpr"), ("tsv", "rocketqa")])
def test_another_encoding_is_named_with_what_to_do(tmp_path, encoding, name, kind, format):
    (tmp_path / f"f.{kind}").write_bytes("query,positive\nq,a\n".encode(encoding))
    sentence = said(tmp_path / f"f.{kind}", format=format)
    assert sentence.startswith("FILE: wanted text in UTF-8; found UTF-")
    assert f"iconv -f {name} -t UTF-8" in sentence or encoding == "utf-32-le"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("f.zip", b"PK\x03\x04", "found an archive: unpack it"),
        ("f.tar.gz", b"", "found an archive: unpack it"),
        ("f.xlsx", b"PK\x03\x04", "found a spreadsheet: save it as CSV in UTF-8"),
        ("f.csv", b"PK\x03\x04....", "found a ZIP archive: unpack it first"),
        ("f.csv", gzip.compress(b"query,positive", mtime=0), "found gzip: give it a name that ends in .gz"),
        ("f.csv", zstandard.compress(b"query,positive"), "found Zstandard: give it a name that ends in .zst"),
        ("f.csv", b"query;positive\nq;a\n", "wanted columns between commas; found semicolons in 'query;positive'"),
        ("f.csv", b"query\tpositive\nq\ta\n", "wanted columns between commas; found tabs in 'query\\tpositive'"),
        ("f.tsv", b"q\ta\tn\n", "(without a header line: --format msmarco (triples) or rocketqa)"),
    ],
)
def test_what_is_no_table_of_ours_gets_its_own_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    assert words in said(tmp_path / name, format="pairs" if name.endswith(".tsv") else None)


ROWS = ({"query": "q", "positive": "a", "negative": "n"}, {"query": "r", "positive": "b", "negative": "m"})
FLAG = ({"query": "q", "pos": ["a"], "neg": ["n"]}, {"query": "r", "pos": ["b"], "neg": ["m"]})
TEVATRON = tuple(
    {
        "query_id": q,
        "query": q,
        "positive_passages": [{"docid": p, "text": p}],
        "negative_passages": [{"docid": n, "text": n}],
    }
    for q, p, n in (("q", "a", "n"), ("r", "b", "m"))
)
DPR = tuple(
    {"question": q, "positive_ctxs": [{"text": p}], "hard_negative_ctxs": [{"text": n}]}
    for q, p, n in (("q", "a", "n"), ("r", "b", "m"))
)
INLINE = ({"query": "q", "pos_doc": ["a"], "neg_doc": ["n"]}, {"query": "r", "pos_doc": ["b"], "neg_doc": ["m"]})
JSON = [("pairs", ROWS), ("flag", FLAG), ("tevatron", TEVATRON), ("dpr", DPR), ("nemo", INLINE)]
WRITTEN = {
    "lines": lambda rows: lines(*rows),
    "array": lambda rows: json.dumps(rows),
    "pretty array": lambda rows: json.dumps(rows, indent=2),
    "pretty objects": lambda rows: "\n".join(json.dumps(row, indent=2) for row in rows),
    "array of lines": lambda rows: "[" + ",\n".join(json.dumps(row) for row in rows) + "]\n",
}


@pytest.mark.parametrize(("format", "rows"), JSON)
@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("ending", [".json", ".jsonl", ".json.gz", ".jsonl.zst"])
def test_every_json_format_is_read_however_its_objects_are_set_apart(tmp_path, format, rows, written, ending):
    content = b"\xef\xbb\xbf" + WRITTEN[written](rows).encode()
    packed = {"gz": lambda data: gzip.compress(data, mtime=0), "zst": zstandard.compress}.get(ending[-3:].strip("."))
    (tmp_path / f"f{ending}").write_bytes(packed(content) if packed else content)
    same(read(tmp_path / f"f{ending}", format=format))


def test_objects_on_one_line_get_their_own_sentence(tmp_path):
    (tmp_path / "f.jsonl").write_text(json.dumps(ROWS[0]) + json.dumps(ROWS[1]) + "\n")
    assert "wanted one JSON object a line; found another one at column 49 (`jq -c . FILE` puts" in said(
        tmp_path / "f.jsonl", format="pairs"
    )


def test_a_cut_first_line_costs_one_row_and_not_the_file(tmp_path):
    (tmp_path / "f.jsonl").write_text('{"query": "q", \n' + lines(*ROWS))
    assert said(tmp_path / "f.jsonl", format="pairs").startswith("1 of 3 rows cannot be used")


@pytest.mark.slow
def test_a_zst_file_that_breaks_off_is_not_taken_for_a_whole_one(tmp_path):
    packed = zstandard.compress(("query,positive\n" + "".join(f"{n},{n * n}\n" for n in range(20_000))).encode())
    for cut in (len(packed) // 2, len(packed) - 3, 2):
        (tmp_path / "f.csv.zst").write_bytes(packed[:cut])
        with pytest.raises(
            DatasetError, match=r"f\.csv\.zst:\d+: wanted a whole, readable file; found Compressed file"
        ):
            read(tmp_path / "f.csv.zst", format="pairs")


def test_frames_of_a_zst_file_follow_each_other(tmp_path):
    (tmp_path / "f.jsonl.zst").write_bytes(b"".join(zstandard.compress(lines(row).encode()) for row in ROWS))
    same(read(tmp_path / "f.jsonl.zst", format="pairs"))


# Folders.


@pytest.mark.parametrize(
    "names",
    [
        ("train-00000-of-00002.jsonl", "train-00001-of-00002.jsonl"),
        ("part0.jsonl", "part1.jsonl.gz"),
        ("train-9.jsonl", "train-10.jsonl"),
        ("0.jsonl", "1.jsonl"),
        (
            "part-00000-0a1b2c3d-0000-0000-0000-0a1b2c3d4e5f-c000.json",
            "part-00001-0a1b2c3d-0000-0000-0000-0a1b2c3d4e5f-c000.json",
        ),
    ],
)
@pytest.mark.parametrize(("format", "rows"), JSON)
def test_a_folder_of_parts_is_one_table(tmp_path, names, format, rows):
    for name, row in zip(names, rows, strict=True):
        content = lines(row).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (tmp_path / "README.md").write_text("of no concern")
    dataset = read(tmp_path, format=format)
    same(dataset)
    assert dataset.queries.text.tolist() == ["q", "r"]
    assert f"read together, as parts of one table: {', '.join(names)}" in dataset.notes


def test_a_part_that_is_missing_by_its_own_name_is_an_error(tmp_path):
    (tmp_path / "train-00000-of-00003.jsonl").write_text(lines(ROWS[0]))
    (tmp_path / "train-00002-of-00003.jsonl").write_text(lines(ROWS[1]))
    assert "wanted 3 parts; found 2: train-00000-of-00003.jsonl" in said(tmp_path, format="pairs")


def test_two_tables_of_a_folder_are_two_splits(tmp_path):
    (tmp_path / "train.jsonl").write_text(lines(ROWS[0]))
    (tmp_path / "dev.jsonl").write_text(lines(ROWS[1]))
    assert "wanted the parts of one table, or --split NAME; found ['dev', 'train']" in said(tmp_path, format="pairs")
    same(read(tmp_path, format="pairs", split="dev"), ([("r", "b")], [("r", "m")]))
    (tmp_path / "train.csv").write_text("query,positive\n")
    assert "wanted each table once; found train.csv, train.jsonl" in said(tmp_path, format="pairs", split="train")


def test_folds_are_no_parts(tmp_path):
    for name, row in zip(("fold1.jsonl", "fold2.jsonl"), ROWS, strict=True):
        (tmp_path / name).write_text(lines(row))
    assert "--split NAME; found ['fold1', 'fold2']" in said(tmp_path, format="pairs")


def test_tevatron_finds_the_corpus_beside_its_rows(tmp_path):
    row = {"query_id": 1, "query_text": "q", "positive_document_ids": [5], "negative_document_ids": None}
    (tmp_path / "train.jsonl").write_text(lines(row, row | {"query_id": 2}))
    (tmp_path / "corpus-00000.jsonl").write_text(lines({"docid": 5, "text": "a"}))
    (tmp_path / "corpus-00001.jsonl").write_text(lines({"docid": 6, "text": "z"}))
    dataset = read(tmp_path, format="tevatron")
    assert dataset.positives.to_dict("list") == {"query_id": ["1", "2"], "doc_id": ["5", "5"], "grade": [1.0, 1.0]}
    assert dataset.documents.text.tolist() == ["a", "z"]


# BEIR, TREC and MTEB.


CORPUS = (
    {"_id": "d0", "text": "a"},
    {"_id": "d1", "text": "n"},
    {"_id": "d2", "text": "b"},
    {"_id": "d3", "text": "m"},
)
QUERIES = ({"_id": "q0", "text": "q"}, {"_id": "q1", "text": "r"}, {"_id": "q2", "text": "nobody judged it"})
GRADES = (("q0", "d0", 1), ("q0", "d1", 0), ("q1", "d2", 2), ("q1", "d3", 0))
QRELS = {
    "test.tsv": "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{d}\t{g}\n" for q, d, g in GRADES),
    "dev.tsv": "".join(f"{q}\t0\t{d}\t{g}\n" for q, d, g in GRADES),
    "test.trec": "".join(f"{q} Q0 {d} {g}\n" for q, d, g in GRADES),
    "test.txt": "".join(f"{q}  0 {d}\t{g}\r\n" for q, d, g in GRADES),
    "test.qrels": "query_id\titer\tdoc_id\trelevance\n" + "".join(f"{q}\t0\t{d}\t{g}\n" for q, d, g in GRADES),
    "a.jsonl": lines(*({"query-id": q, "corpus-id": d, "score": g} for q, d, g in GRADES)),
    "a.csv": "qid,docid,rel\n" + "".join(f"{q},{d},{g}\n" for q, d, g in GRADES),
}


@pytest.fixture
def beir(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text(lines(*CORPUS))
    (tmp_path / "queries.jsonl").write_text(lines(*QUERIES))
    return tmp_path


@pytest.mark.parametrize("name", QRELS)
def test_qrels_are_read_in_every_usual_form(beir, name):
    (beir / "qrels" / name).write_text(QRELS[name])
    dataset = read(beir)
    same(dataset)
    assert dataset.positives.grade.tolist() == [1.0, 2.0]
    assert dataset.notes == ("left out, since the qrels name no positive for them: 1 query",)


def test_a_row_of_another_width_is_told(beir):
    (beir / "qrels" / "test.tsv").write_text(QRELS["dev.tsv"] + "q0 0 d0\nq0\t0\td0\tx\n")
    assert said(beir).splitlines()[1:] == [
        "FILE/qrels/test.tsv:5: wanted 4 fields; found 3 in 'q0 0 d0'",
        "FILE/qrels/test.tsv:6: wanted a number in 'score'; found 'x'",
    ]


@pytest.mark.parametrize("key", ["_id", "id"])
@pytest.mark.parametrize("qrels", ["qrels", "default", "data"])
def test_mtebs_folders_of_parquet_are_read(tmp_path, key, qrels):
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES)):
        (tmp_path / name).mkdir()
        frame = pd.DataFrame(rows).rename(columns={"_id": key})
        for part, half in enumerate((frame.iloc[:2], frame.iloc[2:])):
            half.to_parquet(tmp_path / name / f"{name}-0000{part}-of-00002.parquet")
    (tmp_path / qrels).mkdir()
    frame = pd.DataFrame(GRADES, columns=["query-id", "corpus-id", "score"])
    frame.to_parquet(tmp_path / qrels / "test-00000-of-00001.parquet")
    frame.iloc[:2].to_parquet(tmp_path / qrels / "dev-00000-of-00001.parquet")
    same(read(tmp_path, split="test"))
    same(read(tmp_path, split="dev"), ([("q", "a")], [("q", "n")]))
    assert "wanted one split, or --split NAME; found ['dev', 'test']" in said(tmp_path)


def test_an_empty_document_is_set_aside_unless_a_positive_names_it(beir):
    (beir / "corpus.jsonl").write_text(
        lines(*CORPUS, {"_id": "d9", "title": "", "text": " "}, {"_id": "d8", "text": None})
    )
    (beir / "qrels" / "test.tsv").write_text(QRELS["test.tsv"] + "q1\td9\t0\n")
    dataset = read(beir, reject=beir.parent / f"{beir.name}.bad")
    same(dataset)
    assert dataset.counts == ReadCounts(read=13, kept=10, rejected=3)
    assert (
        f"set aside: {beir}/corpus.jsonl:5: wanted a document with text; found an empty one (and 1 more like it: 6)"
        in (dataset.notes)
    )
    bad = (beir.parent / f"{beir.name}.bad").read_text().splitlines()
    assert [json.loads(row)["line"] for row in bad] == [5, 6, 6]
    (beir / "qrels" / "test.tsv").write_text(QRELS["test.tsv"] + "q1\td9\t1\n")
    assert said(beir).splitlines()[1:] == [
        "FILE/qrels/test.tsv:6: wanted a document with text; found 'd9', which is empty at FILE/corpus.jsonl:5"
    ]


# MS MARCO and its kin.


COLLECTION = "d0\ta\nd1\tn\nd2\tb\nd3\tm\nd4\t\n"
TOPICS = "q0\tq\nq1\tr\nq2\tnobody judged it\n"
HARD = (
    {"qid": "q0", "pos": ["d0"], "neg": {"bm25": ["d1"], "dense": ["d1"]}},
    {"qid": "q1", "pos": ["d2"], "neg": {"bm25": ["d3"], "dense": []}},
)
JUDGED = {
    "qrels.train.tsv": QRELS["dev.tsv"],
    "triples.tsv": "q0\td0\td1\nq1\td2\td3\n",
    "qidpidtriples.train.full.tsv": "q0\td0\td1\nq1\td2\td3\n",
    "triples.train.small.tsv": "q\ta\tn\nr\tb\tm\n",
    "msmarco-hard-negatives.jsonl": lines(*HARD),
    "hard-negatives.jsonl": lines(*(row | {"neg": row["neg"]["bm25"]} for row in HARD)),
}


def numbered(text):
    """The ids as MS MARCO has them: numbers."""
    for letter in "qd":
        for digit in "01234":
            text = text.replace(f"{letter}{digit}", f"{letter == 'd':d}{digit}")
    return text


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("packed", [False, True])
def test_ms_marcos_folder_is_read_with_each_form_of_judgements(tmp_path, name, packed):
    for file, content in (("collection.tsv", COLLECTION), ("queries.train.tsv", TOPICS), (name, JUDGED[name])):
        content = numbered(content).encode()
        target = tmp_path / (f"{file}.gz" if packed else file)
        target.write_bytes(gzip.compress(content) if packed else content)
    dataset = read(tmp_path)
    same(dataset)
    if "small" not in name:
        assert sorted(dataset.positives.doc_id) == ["10", "12"]
        assert "left out, since no row names a positive for them: 1 query" in dataset.notes


@pytest.mark.parametrize("name", [name for name in JUDGED if "small" not in name])
def test_judgements_by_id_are_read_with_tables_that_are_named(tmp_path, name):
    (tmp_path / "c.tsv").write_text(numbered(COLLECTION))
    (tmp_path / "t.tsv").write_text(numbered(TOPICS))
    (tmp_path / name).write_text(numbered(JUDGED[name]))
    same(read(tmp_path / name, format="msmarco", corpus=tmp_path / "c.tsv", queries=tmp_path / "t.tsv"))
    assert "wanted the passages (id and text), beside the rows or as --corpus FILE; found none" in said(
        tmp_path / name, format="msmarco", queries=tmp_path / "t.tsv"
    )


def test_triples_of_texts_are_known_by_their_name(tmp_path):
    (tmp_path / "triples.train.tsv").write_text('q\ta\tn\nr\tb\tm\n"s\t"quotes" are text\t"n\n')
    same(read(tmp_path / "triples.train.tsv"), ([*PLAIN[0], ('"s', '"quotes" are text')], [*PLAIN[1], ('"s', '"n')]))


def test_two_forms_of_judgements_are_not_guessed_between(tmp_path):
    for file, content in {"collection.tsv": COLLECTION, "queries.tsv": TOPICS, **JUDGED}.items():
        (tmp_path / file).write_text(content)
    assert "wanted one of qrels, triples, hard negatives; found" in said(tmp_path)


def test_wikipedias_passages_are_a_corpus(tmp_path):
    (tmp_path / "psgs_w100.tsv").write_text('id\ttext\ttitle\n1\t"He said ""a"", twice"\tT\n2\tb\t"U"\n')
    (tmp_path / "f.jsonl").write_text(lines({"query": "q", "positive_id": "1"}))
    dataset = read(tmp_path / "f.jsonl", format="pairs", corpus=tmp_path / "psgs_w100.tsv")
    assert dataset.documents.values.tolist() == [["1", "T", 'He said "a", twice'], ["2", "U", "b"]]


def test_rocketqas_lines_are_told_apart_by_their_columns(tmp_path):
    (tmp_path / "ce.tsv").write_text("q\t-\tn\t0\nq\tT\ta\t1\nr\t-\tb\t1\nr\t-\tm\t0\n")
    same(read(tmp_path / "ce.tsv", format="rocketqa"), ([("q", "T a"), ("r", "b")], PLAIN[1]))
    (tmp_path / "de.tsv").write_text("q\t-\ta\t-\tn\t0\nr\t-\tb\t-\tm\t0\n")
    same(read(tmp_path / "de.tsv", format="rocketqa"))
    (tmp_path / "de.tsv").write_text("q\ta\tn\n")
    assert "wanted 4 columns (query, title, passage, label) or 6" in said(tmp_path / "de.tsv", format="rocketqa")


@pytest.mark.parametrize("kind", ["folder", "file", "named"])
def test_nemos_ids_are_found_in_its_corpus(tmp_path, kind):
    questions = [
        {
            "question_id": 0,
            "question": "q",
            "corpus_id": "c",
            "pos_doc": [{"id": "d0", "score": 0.5}],
            "neg_doc": ["d1"],
        },
        {"question_id": 1, "question": "r", "corpus_id": "c", "pos_doc": [{"id": "d2"}], "neg_doc": [{"id": "d3"}]},
    ]
    path = "corpus.jsonl" if kind == "file" else "corpus"
    (tmp_path / "train.json").write_text(json.dumps({"corpus": [{"path": path}], "data": questions}, indent=1))
    assert "FILE: wanted its corpus at" in said(tmp_path / "train.json", format="nemo")
    texts = lines(*({"id": row["_id"], "text": row["text"]} for row in CORPUS))
    if kind == "folder":
        (tmp_path / "corpus").mkdir()
        (tmp_path / "corpus" / "merlin_metadata.json").write_text('{"class": "TextQADataset", "corpus_id": "c"}')
    (
        tmp_path / {"folder": "corpus/train-00000.jsonl", "file": "corpus.jsonl", "named": "other.jsonl"}[kind]
    ).write_text(texts)
    more = {"corpus": tmp_path / "other.jsonl"} if kind == "named" else {}
    same(read(tmp_path / "train.json", format="nemo", **more))


# Options.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "flag", "columns": ColumnNames(query=("x",))}, "--column: wanted none, since the columns of flag"),
        ({"format": "flag", "positive_from": 0.5}, "--positive-from: wanted none, since flag says itself"),
        ({"format": "dpr", "queries": "q.tsv"}, "--queries: wanted none, since dpr has its queries itself"),
        ({"format": "tevatron", "split": "train"}, "--split: wanted none, since tevatron files have no splits"),
    ],
)
def test_an_option_that_a_format_would_pass_over_is_refused(tmp_path, options, words):
    (tmp_path / "f.jsonl").write_text(lines(*FLAG))
    assert words in said(tmp_path / "f.jsonl", **options)


def test_a_folder_of_ours_takes_no_names_of_columns(beir):
    (beir / "qrels" / "test.tsv").write_text(QRELS["test.tsv"])
    assert "--column: wanted none, since the columns of beir have fixed names" in said(
        beir, columns=ColumnNames(label=())
    )


@pytest.mark.parametrize("column", ["Label", "LABELS", "relevance", "is_relevant", "isRelevant", " label"])
def test_a_label_is_one_under_other_names_and_spellings(tmp_path, column):
    (tmp_path / "f.csv").write_text(f"Query,Answer,{column}\nq,a,1\nq,n,0\nr,b,1\nr,m,0\n")
    same(read(tmp_path / "f.csv"))


def test_a_clone_from_the_hub_keeps_its_parts_in_data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_text("a card")
    for part, row in enumerate(ROWS):
        pd.DataFrame([row]).to_parquet(tmp_path / "data" / f"train-0000{part}-of-00002.parquet")
    pd.DataFrame(ROWS[:1]).to_parquet(tmp_path / "data" / "test-00000-of-00001.parquet")
    same(read(tmp_path, split="train"))


def test_a_name_that_says_no_form_of_judgements_is_asked_about(tmp_path):
    (tmp_path / "f.tsv").write_text("1\t2\t3\n")
    assert said(tmp_path / "f.tsv", format="msmarco") == (
        "FILE: wanted qrels, triples or hard negatives, by the file's name (qrels.train.tsv, triples.tsv, "
        "hard-negatives.jsonl); found 'f.tsv'"
    )
