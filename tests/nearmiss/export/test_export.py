"""Export: every value of every format against the frames it came from; whole folders; same bytes."""

import gzip
import itertools
import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.data.dataset import Dataset, ReadCounts
from nearmiss.errors import RecipeError, RunError
from nearmiss.export import EXPORT_FORMATS, Export, ExportReviews, FormatName, dry_run, examples, write
from nearmiss.export.plan import usual_width
from nearmiss.export.shards import FileLayout, write_shards
from nearmiss.storage.files import sha256_of

PROVENANCE = {"recipe": {"sources": ("bm25", "dense")}, "policy": {"relative_margin": 0.05}, "seconds": {"dense": 1.5}}

QUERIES = [
    ("q1", "where is\tit?", "geo", 3),
    ("q2", 'who said "no"?', None, None),
    ("q3", "why?", "x", 1),
    ("q4", "?", "y", 2),
]
DOCUMENTS = [
    ("d0", "", "plain text", 1990),
    ("d1", "A title", 'tab\there\nand "quotes"', 1991),
    ("d2", "", "two  spaces\r\nNA", 1992),
    ("d3", "Ünïcode", "line\u2028separator 日本", 1993),
    ("d4", "A\ttitle", "null", 1994),
    ("d5", "", "back\\slash, comma", 1995),
    ("d6", "", "never used", 1996),
]
POSITIVES = [("q1", "d3", 2.0), ("q1", "d0", 1.0), ("q2", "d1", 1.0), ("q3", "d2", 0.5), ("q4", "d6", 1.0)]
# query, document, positive, score, status, slot. Slots disagree with scores, as they do when drawn at random.
CANDIDATES = [
    ("q1", "d0", True, 0.9, "known_positive", None),
    ("q1", "d4", False, 0.3, "kept", 2),
    ("q1", "d5", False, 0.1, "kept", 1),
    ("q1", "d2", False, 0.89, "too_close", None),
    ("q1", "d3", True, 0.7, "known_positive", None),
    ("q2", "d1", True, -1.5, "known_positive", None),
    ("q2", "d0", False, -2.25, "kept", 1),
    ("q2", "d3", False, -3.0, "kept", 3),
    ("q2", "d4", False, -4.0, "kept", 7),
    ("q3", "d2", True, 0.6, "known_positive", None),
    ("q3", "d1", False, 0.2, "kept", 1),
    ("q4", "d6", True, 0.6, "known_positive", None),
    ("q4", "d1", False, 0.59, "too_close", None),
]
TITLED = {doc_id: f"{title} {text}" if title else text for doc_id, title, text, _ in DOCUMENTS}
TITLE = {doc_id: title for doc_id, title, _, _ in DOCUMENTS}
TEXT = {doc_id: text for doc_id, _, text, _ in DOCUMENTS}
QUERY = {query_id: text for query_id, text, _, _ in QUERIES}
# Worked out by hand from the tables above: positives in the dataset's order, negatives by slot.
POS = {"q1": ["d3", "d0"], "q2": ["d1"], "q3": ["d2"]}
NEG = {"q1": ["d5", "d4"], "q2": ["d0", "d3", "d4"], "q3": ["d1"]}


def frame_of(rows=CANDIDATES):
    frame = pd.DataFrame(rows, columns=["query_id", "doc_id", "is_positive", "teacher_score", "status", "slot"])
    return frame.astype({"teacher_score": "float32", "slot": "Int32", "is_positive": "bool"})


SELECTED = frame_of()
SCORE = {(row.query_id, row.doc_id): float(row.teacher_score) for row in SELECTED.itertuples()}


def dataset_of(queries=QUERIES):
    return Dataset(
        pd.DataFrame(queries, columns=["query_id", "text", "topic", "level"]).astype({"level": "Int64"}),
        pd.DataFrame(DOCUMENTS, columns=["doc_id", "title", "text", "year"]),
        pd.DataFrame(POSITIVES, columns=["query_id", "doc_id", "grade"]),
        pd.DataFrame({"query_id": [], "doc_id": []}, dtype="str"),
        ReadCounts(0, 0, 0),
    )


@pytest.fixture
def dataset():
    return dataset_of()


def plain_bytes(path):
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def rows_in(folder, stem="train"):
    """Every row of a table, read by the standard library (Parquet by pyarrow)."""
    rows = []
    for path in sorted(folder.glob(f"{stem}-*")):
        if path.suffix == ".parquet":
            rows += pq.read_table(path).to_pylist()
        elif ".jsonl" in path.name:
            rows += [json.loads(line) for line in plain_bytes(path).decode().split("\n")[:-1]]
        else:
            rows += [line.split("\t") for line in plain_bytes(path).decode().split("\n")[:-1]]
    return rows


def exported(dataset, tmp_path, **choices):
    write(dataset, SELECTED, tmp_path / "out", Export(**choices), PROVENANCE)
    return tmp_path / "out"


def bytes_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pairs(query_id):
    return itertools.product(POS[query_id], NEG[query_id])


def scores(query_id, *doc_ids):
    return [SCORE[query_id, doc_id] for doc_id in doc_ids]


def test_an_example_holds_what_the_frames_hold_in_the_order_of_queries_positives_and_slots(dataset):
    found = list(examples(dataset, SELECTED))
    assert [example.query_id for example in found] == ["q1", "q2", "q3"]
    assert [example.query for example in found] == [QUERY[query_id] for query_id in ("q1", "q2", "q3")]
    assert {e.query_id: [p.doc_id for p in e.positives] for e in found} == POS
    assert {e.query_id: [p.doc_id for p in e.negatives] for e in found} == NEG
    assert [(p.title, p.text, p.score, p.grade, p.own) for p in found[0].passages] == [
        ("Ünïcode", "line\u2028separator 日本", SCORE["q1", "d3"], 2.0, {"year": 1993}),
        ("", "plain text", SCORE["q1", "d0"], 1.0, {"year": 1990}),
        ("", "back\\slash, comma", SCORE["q1", "d5"], 0.0, {"year": 1995}),
        ("A\ttitle", "null", SCORE["q1", "d4"], 0.0, {"year": 1994}),
    ]
    assert [dict(example.own) for example in found] == [
        {"topic": "geo", "level": 3},
        {"topic": None, "level": None},
        {"topic": "x", "level": 1},
    ]


def test_the_order_of_the_candidates_does_not_matter(dataset):
    shuffled = SELECTED.sample(frac=1, random_state=3)
    assert list(examples(dataset, shuffled)) == list(examples(dataset, SELECTED))


@pytest.mark.parametrize("name", ["n-tuple", "pylate"])
def test_categories_export_as_their_values(dataset, tmp_path, name):
    ids = ["query_id", "doc_id", "status"]
    categories = SELECTED.astype(dict.fromkeys(ids, "category"))
    write(dataset, categories, tmp_path / "categories", Export(format=name), PROVENANCE)
    write(dataset, SELECTED, tmp_path / "values", Export(format=name), PROVENANCE)
    assert bytes_of(tmp_path / "categories") == bytes_of(tmp_path / "values")


def test_a_positive_that_the_dataset_does_not_list_comes_last_with_grade_one(dataset):
    reviewed = frame_of([*CANDIDATES, ("q2", "d5", True, 0.0, "reviewed_relevant", None)])
    second = list(examples(dataset, reviewed))[1]
    assert [(p.doc_id, p.grade) for p in second.positives] == [("d1", 1.0), ("d5", 1.0)]


def test_triplet_has_a_row_for_each_positive_and_negative(dataset, tmp_path):
    assert rows_in(exported(dataset, tmp_path, format="triplet", scores=True)) == [
        {"query": QUERY[q], "answer": TITLED[p], "negative": TITLED[n], "scores": scores(q, p, n)}
        for q in POS
        for p, n in pairs(q)
    ]


def test_without_scores_the_columns_are_text_alone(dataset, tmp_path):
    assert list(rows_in(exported(dataset, tmp_path, format="triplet"))[0]) == ["query", "answer", "negative"]


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_n_tuple_leaves_out_queries_with_too_few_and_cuts_those_with_more(dataset, tmp_path, wanted):
    out = exported(dataset, tmp_path, format="n-tuple", scores=True, negatives=wanted)
    enough = [q for q in POS if len(NEG[q]) >= wanted]
    assert rows_in(out) == [
        {"query": QUERY[q], "answer": TITLED[p]}
        | {f"negative_{i + 1}": TITLED[NEG[q][i]] for i in range(wanted)}
        | {"scores": scores(q, p, *NEG[q][:wanted])}
        for q in enough
        for p in POS[q]
    ]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["left_out_queries"].get(f"fewer than {wanted} negatives", 0) == len(POS) - len(enough)
    assert manifest["exported_negatives"] == wanted * len(enough)
    beyond = manifest["left_out_candidates"].get("beyond the row's number of negatives", 0)
    assert beyond == sum(len(NEG[q]) - wanted for q in enough)


def test_row_labels_that_repeat_drop_nothing(dataset, tmp_path):
    repeated = SELECTED.set_axis([0] * len(SELECTED))
    write(dataset, repeated, tmp_path / "repeated", Export(format="n-tuple", negatives=1), PROVENANCE)
    write(dataset, SELECTED, tmp_path / "unique", Export(format="n-tuple", negatives=1), PROVENANCE)
    assert bytes_of(tmp_path / "repeated") == bytes_of(tmp_path / "unique")


def test_n_tuple_is_by_default_as_wide_as_keeps_most_queries(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="n-tuple")
    assert {tuple(row) for row in rows_in(out)} == {("query", "answer", "negative_1")}
    assert json.loads((out / "manifest.json").read_text())["left_out_queries"] == {"no negative kept": 1}


@pytest.mark.parametrize(
    ("negatives", "width"),
    [
        ([7] * 7 + [1], 1),  # of 8, seven are fewer than nine in ten
        ([7] * 19 + [1], 7),
        ([7] + [6] * 18 + [2], 6),  # not the most that one has
        ([3, 3, 0, 0, 0], 3),  # queries without any are left out whatever the width
        ([0, 0], 1),
    ],
)
def test_the_usual_width_keeps_nine_in_ten_of_the_queries(negatives, width):
    assert usual_width(np.array(negatives)) == width


@pytest.mark.parametrize("name", ["n-tuple", "kl", "margin-mse-list"])
def test_the_width_is_said_before_anything_is_written(dataset, name):
    assert dry_run(dataset, SELECTED, Export(format=name), ExportReviews()).width == 1
    assert dry_run(dataset, SELECTED, Export(format=name, negatives=2), ExportReviews()).width == 2
    assert dry_run(dataset, SELECTED, Export(), ExportReviews()).width is None


@pytest.mark.parametrize("with_scores", [False, True])
def test_labeled_pair_names_each_passage_once(dataset, tmp_path, with_scores):
    assert rows_in(exported(dataset, tmp_path, format="labeled-pair", scores=with_scores)) == [
        {"query": QUERY[q], "answer": TITLED[d]}
        | ({"score": SCORE[q, d]} if with_scores else {"label": int(d in POS[q])})
        for q in POS
        for d in POS[q] + NEG[q]
    ]


@pytest.mark.parametrize("with_scores", [False, True])
def test_labeled_list_has_a_row_for_each_positive(dataset, tmp_path, with_scores):
    assert rows_in(exported(dataset, tmp_path, format="labeled-list", scores=with_scores)) == [
        {"query": QUERY[q], "answer": [TITLED[d] for d in [p, *NEG[q]]]}
        | ({"scores": scores(q, p, *NEG[q])} if with_scores else {"labels": [1] + [0] * len(NEG[q])})
        for q in POS
        for p in POS[q]
    ]


def test_margin_mse_labels_are_the_teachers_margins(dataset, tmp_path):
    assert rows_in(exported(dataset, tmp_path, format="margin-mse")) == [
        {"query": QUERY[q], "positive": TITLED[p], "negative": TITLED[n], "label": SCORE[q, p] - SCORE[q, n]}
        for q in POS
        for p, n in pairs(q)
    ]


@pytest.mark.parametrize("name", ["margin-mse-list", "kl"])
def test_score_lists_start_with_the_positive(dataset, tmp_path, name):
    assert rows_in(exported(dataset, tmp_path, format=name, negatives=2)) == [
        {
            "query": QUERY[q],
            "positive": TITLED[p],
            "negative_1": TITLED[NEG[q][0]],
            "negative_2": TITLED[NEG[q][1]],
            "label": scores(q, p, *NEG[q][:2]),
        }
        for q in ("q1", "q2")
        for p in POS[q]
    ]


def test_flag_has_a_line_for_each_query_with_scores_and_prompt(dataset, tmp_path):
    assert rows_in(exported(dataset, tmp_path, format="flag", scores=True, prompt="Find: ")) == [
        {
            "query": QUERY[q],
            "pos": [TITLED[d] for d in POS[q]],
            "neg": [TITLED[d] for d in NEG[q]],
            "pos_scores": scores(q, *POS[q]),
            "neg_scores": scores(q, *NEG[q]),
            "prompt": "Find: ",
            "type": "normal",
        }
        for q in POS
    ]


def test_flag_without_scores_and_prompt_has_neither_field(dataset, tmp_path):
    assert list(rows_in(exported(dataset, tmp_path, format="flag"))[0]) == ["query", "pos", "neg", "type"]


@pytest.mark.parametrize("with_scores", [False, True])
def test_tevatron_holds_passages_inline(dataset, tmp_path, with_scores):
    def passage(q, d):
        return {"docid": d, "title": TITLE[d], "text": TEXT[d]} | ({"score": SCORE[q, d]} if with_scores else {})

    assert rows_in(exported(dataset, tmp_path, format="tevatron", scores=with_scores)) == [
        {
            "query_id": q,
            "query": QUERY[q],
            "positive_passages": [passage(q, d) for d in POS[q]],
            "negative_passages": [passage(q, d) for d in NEG[q]],
        }
        for q in POS
    ]


def test_tevatron_ids_stand_beside_a_corpus_of_the_documents_they_name(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="tevatron-ids")
    assert rows_in(out) == [
        {
            "query_id": q,
            "query_text": QUERY[q],
            "query_image": None,
            "positive_document_ids": POS[q],
            "negative_document_ids": NEG[q],
        }
        for q in POS
    ]
    # d6 is named by no exported query.
    named = ["d0", "d1", "d2", "d3", "d4", "d5"]
    assert rows_in(out, "corpus") == [{"docid": d, "text": TITLED[d], "image": None} for d in named]


def test_dpr_is_one_json_array_with_the_users_answers(tmp_path):
    dataset = dataset_of()
    queries = dataset.queries.assign(answers=pd.Series([["a", "b"], "c", None, None], dtype="object"))
    out = exported(replace(dataset, queries=queries), tmp_path, format="dpr")

    def context(q, d):
        of = {"title": TITLE[d], "text": TEXT[d], "score": SCORE[q, d]}
        return of | {"title_score": int(d in POS[q]), "passage_id": d}

    answers = {"q1": ["a", "b"], "q2": ["c"], "q3": []}
    assert json.loads((out / "train-00000.json").read_text()) == [
        {
            "question": QUERY[q],
            "answers": answers[q],
            "positive_ctxs": [context(q, d) for d in POS[q]],
            "negative_ctxs": [],
            "hard_negative_ctxs": [context(q, d) for d in NEG[q]],
        }
        for q in POS
    ]


def test_pylate_has_three_tables(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="pylate")
    assert rows_in(out) == [
        {"query_id": q, "document_ids": [p, *NEG[q]], "scores": scores(q, p, *NEG[q])} for q in POS for p in POS[q]
    ]
    assert rows_in(out, "queries") == [{"query_id": q, "text": QUERY[q]} for q in POS]
    assert rows_in(out, "documents") == [{"document_id": f"d{i}", "text": TITLED[f"d{i}"]} for i in range(6)]


def test_nemo_has_a_json_of_ids_and_a_corpus_folder(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="nemo", corpus_id="toys")
    content = json.loads((out / "train-00000.json").read_text())
    assert content["corpus"] == [{"path": "./corpus"}]
    assert content["data"] == [
        {
            "question_id": q,
            "question": QUERY[q],
            "corpus_id": "toys",
            "pos_doc": [{"id": d, "score": SCORE[q, d]} for d in POS[q]],
            "neg_doc": [{"id": d, "score": SCORE[q, d]} for d in NEG[q]],
        }
        for q in POS
    ]
    assert content["mining"] == {"args": json.loads(json.dumps(PROVENANCE))}
    assert json.loads((out / "corpus/merlin_metadata.json").read_text()) == {
        "class": "TextQADataset",
        "corpus_id": "toys",
    }
    assert rows_in(out / "corpus") == [{"id": f"d{i}", "text": TITLED[f"d{i}"]} for i in range(6)]


def one_line(text):
    return text.replace("\t", " ").replace("\n", " ").replace("\r", " ").replace("\u2028", " ")


def test_rocketqa_keeps_a_row_a_line_whatever_the_texts_hold(dataset, tmp_path):
    assert rows_in(exported(dataset, tmp_path / "ce", format="rocketqa-ce")) == [
        [one_line(QUERY[q]), one_line(TITLE[d]) or "-", one_line(TEXT[d]), str(int(d in POS[q]))]
        for q in POS
        for d in POS[q] + NEG[q]
    ]
    assert rows_in(exported(dataset, tmp_path / "de", format="rocketqa-de")) == [
        [one_line(QUERY[q])] + [one_line(cell) for d in (p, n) for cell in (TITLE[d] or "-", TEXT[d])] + ["0"]
        for q in POS
        for p, n in pairs(q)
    ]


def test_trec_has_qrels_with_grades_and_a_run_in_the_teachers_order(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="trec")
    grade = {"d3": "2", "d0": "1", "d1": "1", "d2": "0.5"}
    assert rows_in(out, "qrels") == [
        [q, "0", d, grade[d] if d in POS[q] else "0"] for q in POS for d in POS[q] + NEG[q]
    ]
    assert rows_in(out, "run") == [
        [q, "Q0", d, str(rank), str(SCORE[q, d]), "nearmiss"]
        for q, best_first in {"q1": "d0 d3 d4 d5", "q2": "d1 d0 d3 d4", "q3": "d2 d1"}.items()
        for rank, d in enumerate(best_first.split(), start=1)
    ]


def test_trec_refuses_an_id_with_white_space(dataset, tmp_path):
    spaced = replace(dataset, queries=dataset.queries.replace({"query_id": {"q1": "q 1"}}))
    candidates = SELECTED.replace({"query_id": {"q1": "q 1"}})
    with pytest.raises(RunError, match="without white space; found 'q 1'"):
        write(spaced, candidates, tmp_path / "out", Export(format="trec"), PROVENANCE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_own_columns_follow_the_formats_on_request(dataset, tmp_path, container):
    rows = rows_in(exported(dataset, tmp_path, format="triplet", own_columns=True, container=container))
    assert list(rows[0]) == ["query", "answer", "negative", "topic", "level"]
    own = {"q1": ("geo", 3), "q2": (None, None), "q3": ("x", 1)}
    assert [(row["topic"], row["level"]) for row in rows] == [own[q] for q in POS for _ in pairs(q)]


def test_own_columns_of_documents_go_into_the_table_of_documents(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="pylate", own_columns=True, container="parquet")
    assert [row["year"] for row in rows_in(out, "documents")] == [1990, 1991, 1992, 1993, 1994, 1995]
    assert [row["topic"] for row in rows_in(out, "queries")] == ["geo", None, "x"]
    assert list(rows_in(out)[0]) == ["query_id", "document_ids", "scores"]
    assert json.loads((out / "manifest.json").read_text())["own_columns"] == ["topic", "level", "year"]


def test_an_own_column_never_overwrites_the_formats(dataset, tmp_path):
    clash = replace(dataset, queries=dataset.queries.rename(columns={"topic": "negative"}))
    with pytest.raises(RunError, match=r"found \['negative'\]: rename"):
        exported(clash, tmp_path, format="triplet", own_columns=True)


def test_a_column_of_several_types_goes_to_json_lines_but_not_to_parquet(dataset, tmp_path):
    mixed = pd.Series([1, "one", None, [2]], dtype="object")
    dataset = replace(dataset, queries=dataset.queries.assign(topic=mixed))
    assert [row["topic"] for row in rows_in(exported(dataset, tmp_path / "json", format="flag", own_columns=True))] == [
        1,
        "one",
        None,
    ]
    with pytest.raises(RunError, match="'topic' holds several: use jsonl"):
        exported(dataset, tmp_path / "parquet", format="flag", own_columns=True, container="parquet")


@pytest.mark.parametrize("name", get_args(FormatName))
def test_shards_together_hold_the_rows_of_one_file(dataset, tmp_path, name):
    whole = exported(dataset, tmp_path / "whole", format=name)
    split = exported(dataset, tmp_path / "split", format=name, shard_size=2)
    for table in EXPORT_FORMATS[name].tables:
        if EXPORT_FORMATS[name].file != "array":
            assert rows_in(split, table.stem) == rows_in(whole, table.stem)
    found = json.loads((split / "manifest.json").read_text())["shards"]
    assert all(shard["rows"] <= 2 for shard in found)
    assert sum(shard["rows"] for shard in found) == sum(
        shard["rows"] for shard in json.loads((whole / "manifest.json").read_text())["shards"]
    )


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ({"compress": "zst"}, "train-00001.jsonl.zst"),
        ({"compress": "gz"}, "train-00001.jsonl.gz"),
        ({"compress": "none"}, "train-00001.jsonl"),
        ({}, "train-00001.jsonl.zst"),
        ({"container": "parquet"}, "train-00001.parquet"),
        ({"container": "parquet", "compress": "gz"}, "train-00001.parquet"),
        ({"container": "parquet", "compress": "none"}, "train-00001.parquet"),
    ],
)
def test_every_container_holds_the_same_rows(dataset, tmp_path, choices, name):
    out = exported(dataset, tmp_path / "one", format="triplet", scores=True, shard_size=3, **choices)
    plain = exported(dataset, tmp_path / "two", format="triplet", scores=True, compress="none")
    assert (out / name).is_file()
    assert rows_in(out) == rows_in(plain)


EVERY_WRITER = [
    (name, choices)
    for name in get_args(FormatName)
    for choices in ({"compress": "gz"}, {"compress": "zst"}, {"container": "parquet"})
    if EXPORT_FORMATS[name].file == "rows" or "compress" in choices
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "choices"), EVERY_WRITER)
def test_the_same_inputs_give_the_same_bytes(dataset, tmp_path, name, choices):
    first = exported(dataset, tmp_path / "first", format=name, **choices)
    second = exported(dataset_of(), tmp_path / "second", format=name, **choices)
    assert bytes_of(first) == bytes_of(second)


def test_the_manifest_tells_each_shards_checksum_and_every_candidates_status(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="pylate", shard_size=2)
    manifest = json.loads((out / "manifest.json").read_text())
    for shard in manifest["shards"]:
        path = out / shard["name"]
        assert (shard["bytes"], shard["sha256"]) == (path.stat().st_size, sha256_of(path))
    assert manifest["status"] == {"kept": 6, "known_positive": 5, "too_close": 2}
    assert sum(manifest["status"].values()) == len(SELECTED)
    assert manifest["provenance"] == json.loads(json.dumps(PROVENANCE))
    listed = {shard["name"] for shard in manifest["shards"]} | set(manifest["other_files"])
    assert listed == set(bytes_of(out))


def test_the_card_says_how_much_there_is_and_what_nobody_knows(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="triplet")
    text = (out / "card.md").read_text()
    head = yaml.safe_load(text.split("---")[1])
    assert head["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "train-*.jsonl.zst"}]}
    ]
    assert "3 queries with their positives and 6 hard negatives" in text
    assert "| kept | 6 |" in text
    assert "| no negative kept | 1 |" in text
    assert "| `negative` | a hard negative |" in text
    assert "false-negative rate of these rows has not been measured yet" in text
    assert (out / "README.md").read_text() == text


def test_an_export_that_fails_leaves_nothing_behind(dataset, tmp_path):
    bad = SELECTED.assign(teacher_score=SELECTED.teacher_score.where(SELECTED.doc_id.ne("d4"), float("nan")))
    with pytest.raises(RunError, match="no NaN"):
        write(dataset, bad, tmp_path / "out", Export(scores=True), PROVENANCE)
    assert list(tmp_path.iterdir()) == []


def killed(out):
    write(dataset_of(), SELECTED, out, Export(shard_size=1), PROVENANCE, advance=lambda done: os._exit(9))


@pytest.mark.slow
def test_an_export_that_was_killed_leaves_no_folder_and_runs_again_to_the_same_bytes(dataset, tmp_path):
    out = tmp_path / "out"
    child = multiprocessing.get_context("spawn").Process(target=killed, args=(out,))
    child.start()
    child.join()
    assert child.exitcode == 9
    [draft] = tmp_path.iterdir()
    assert (draft.name.startswith(".tmp-"), draft.name.endswith("-out")) == (True, True)
    write(dataset, SELECTED, out, Export(shard_size=1), PROVENANCE)
    write(dataset, SELECTED, tmp_path / "undisturbed", Export(shard_size=1), PROVENANCE)
    assert bytes_of(out) == bytes_of(tmp_path / "undisturbed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "undisturbed"]


def test_the_same_export_again_replaces_the_earlier_one_and_mends_it(dataset, tmp_path):
    out = exported(dataset, tmp_path)
    before = bytes_of(out)
    (out / "train-00000.jsonl.zst").write_bytes(b"damaged")
    assert bytes_of(exported(dataset, tmp_path)) == before


def test_another_export_is_never_replaced(dataset, tmp_path):
    out = exported(dataset, tmp_path)
    before = bytes_of(out)
    with pytest.raises(RunError, match="found an export with another format, options"):
        exported(dataset, tmp_path, format="flag")
    with pytest.raises(RunError, match="found an export with another provenance"):
        write(dataset, SELECTED, out, Export(), PROVENANCE | {"policy": {}})
    assert bytes_of(out) == before


def test_files_that_no_export_wrote_are_never_removed(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="found something that is no export"):
        exported(dataset, tmp_path)
    out = exported(dataset, tmp_path / "other")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"only the files of an earlier export; found \['notes.txt'\]"):
        exported(dataset, tmp_path / "other")
    assert (out / "notes.txt").read_text() == "mine"


def test_an_empty_folder_may_be_filled(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    assert len(rows_in(exported(dataset, tmp_path))) == 8


def test_a_writer_takes_no_row_before_its_turn(tmp_path):
    taken = itertools.count()
    endless = ({"row": number} for number in taken)
    shards = write_shards(
        tmp_path, "train", endless, FileLayout("jsonl", "none", shard_size=3), own_schema=pa.schema([])
    )
    first = next(shards)
    assert (first.name, first.rows) == ("train-00000.jsonl", 3)
    assert next(taken) == 3


def test_progress_counts_every_row_of_every_table_once(dataset, tmp_path):
    done = []
    write(dataset, SELECTED, tmp_path / "out", Export(format="pylate"), PROVENANCE, advance=done.append)
    assert done == [1] * (4 + 3 + 6)  # train, queries, documents


def test_nothing_to_write_is_said_with_the_reasons(dataset, tmp_path):
    refused = SELECTED.assign(status="too_close", slot=pd.array([None] * len(SELECTED), dtype="Int32"))
    with pytest.raises(RunError, match="nothing to write; of 4 queries, 4: no negative kept"):
        write(dataset, refused, tmp_path / "out", Export(), PROVENANCE)


def test_a_candidate_that_the_data_do_not_have_is_refused(dataset, tmp_path):
    stray = SELECTED.replace({"doc_id": {"d5": "d55"}})
    with pytest.raises(RunError, match="doc_id 'd55' is a candidate but not in the data"):
        write(dataset, stray, tmp_path / "out", Export(), PROVENANCE)


@pytest.mark.parametrize(
    ("choices", "wanted"),
    [
        ({"format": "csv"}, "--format: wanted one of triplet, n-tuple"),
        ({"compress": "xz"}, "--compress: wanted one of zst, gz, none; found 'xz'"),
        ({"shard_size": 0}, "--shard-size: wanted 1 or more; found 0"),
        ({"format": "rocketqa-ce", "scores": True}, "--scores: .* found rocketqa-ce"),
        ({"format": "trec", "own_columns": True}, "--own-columns: .* found trec"),
        ({"format": "dpr", "container": "parquet"}, "--container parquet: .* found dpr"),
        ({"format": "flag", "negatives": 2}, "--negatives: .* found flag"),
        ({"format": "kl", "prompt": "Find: "}, "--prompt: .* found kl"),
        ({"format": "triplet", "corpus_id": "mine"}, "--corpus-id: .* found triplet"),
    ],
)
def test_choices_that_a_format_cannot_serve_are_refused(dataset, tmp_path, choices, wanted):
    with pytest.raises(RecipeError, match=wanted):
        exported(dataset, tmp_path, **choices)


def test_every_format_that_can_be_named_exists():
    assert get_args(FormatName) == tuple(EXPORT_FORMATS)


@settings(max_examples=30)
@given(counts=st.lists(st.integers(0, 4), min_size=1, max_size=6), width=st.one_of(st.none(), st.integers(1, 4)))
def test_no_query_disappears_in_silence(tmp_path_factory, counts, width):
    queries = [(f"q{i}", f"query {i}", "t", 1) for i in range(len(counts))]
    rows = [(f"q{i}", "d0", True, 1.0, "known_positive", None) for i in range(len(counts))]
    rows += [(f"q{i}", f"d{k}", False, 0.1, "kept", k) for i, n in enumerate(counts) for k in range(1, n + 1)]
    out = Path(tmp_path_factory.mktemp("law")) / "out"
    having = sorted(count for count in counts if count)
    # Unset, the most that nine of ten queries have.
    at_least = width or max((w for w in having if 10 * sum(n >= w for n in having) >= 9 * len(having)), default=1)
    if not any(count >= max(at_least, 1) for count in counts):
        with pytest.raises(RunError, match="nothing to write"):
            write(dataset_of(queries), frame_of(rows), out, Export(format="n-tuple", negatives=width), {})
        return
    manifest = write(dataset_of(queries), frame_of(rows), out, Export(format="n-tuple", negatives=width), {})
    assert manifest.exported_queries + sum(manifest.left_out_queries.values()) == len(counts)
    assert manifest.exported_queries == sum(count >= at_least for count in counts)
    assert len(rows_in(out)) == manifest.exported_queries


# ms-swift and Arctic-Embed, read as their documentation and their code read them.


def said(texts, role):
    return [[{"role": role, "content": TITLED[doc_id]}] for doc_id in texts]


@pytest.mark.parametrize("prompt", ["", "Find the answer"])
def test_swift_has_one_positive_a_row_and_the_instruction_as_a_system_message(dataset, tmp_path, prompt):
    rows = rows_in(exported(dataset, tmp_path, format="swift", prompt=prompt))
    system = [{"role": "system", "content": prompt}] if prompt else []
    assert rows == [
        {
            "messages": [*system, {"role": "user", "content": QUERY[query_id]}],
            "positive_messages": said([positive], "user"),
            "negative_messages": said(NEG[query_id], "user"),
        }
        for query_id in POS
        for positive in POS[query_id]
    ]


def test_swifts_reranker_has_every_passage_of_a_query_as_the_assistants(dataset, tmp_path):
    rows = rows_in(exported(dataset, tmp_path, format="swift-reranker"))
    assert [row["positive_messages"] for row in rows] == [said(POS[query_id], "assistant") for query_id in POS]
    assert [row["negative_messages"] for row in rows] == [said(NEG[query_id], "assistant") for query_id in POS]


def test_arctic_embed_finds_the_texts_of_its_labels_by_unsigned_numbers(dataset, tmp_path):
    out = exported(dataset, tmp_path, format="arctic")
    labels, queries, documents = (
        pd.read_parquet(out / f"{name}-00000.parquet") for name in ("labels", "queries", "documents")
    )
    assert {name: str(kind) for name, kind in labels.dtypes.items()} | {"query_id": "", "doc_id": ""} == {
        "query_id": "",
        "doc_id": "",
        "QUERY_ID": "uint64",
        "DOCUMENT_ID": "uint64",
        "RELEVANCE": "int8",
    }
    # As `pretokenize_and_batch_mined_data` joins them.
    text_of_query = pd.Series(queries["QUERY_TEXT"].to_numpy(), index=queries["QUERY_ID"].to_numpy())
    text_of_document = pd.Series(documents["DOCUMENT_TEXT"].to_numpy(), index=documents["DOCUMENT_ID"].to_numpy())
    found = {"positive": [], "negative": []}
    for query_id in labels["QUERY_ID"].astype(np.uint64).unique():
        own = labels.iloc[labels.groupby("QUERY_ID").indices[query_id]]
        for name, rows in (("positive", own[own["RELEVANCE"] > 0]), ("negative", own[~(own["RELEVANCE"] > 0)])):
            texts = text_of_document.loc[rows["DOCUMENT_ID"].to_numpy(dtype=np.uint64)].tolist()
            found[name].append((text_of_query.loc[query_id], texts))
    assert found["positive"] == [(QUERY[query_id], [TITLED[doc_id] for doc_id in POS[query_id]]) for query_id in POS]
    assert found["negative"] == [(QUERY[query_id], [TITLED[doc_id] for doc_id in NEG[query_id]]) for query_id in POS]


def test_unsloth_trains_with_sentence_transformers_trainer_so_its_rows_are_those(dataset, tmp_path):
    assert Export(format="unsloth") == Export(format="triplet")
