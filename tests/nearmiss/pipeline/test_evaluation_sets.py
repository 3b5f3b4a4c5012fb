"""What stands in an evaluation set is not trained on: read, found, kept in the run, and left out of every export."""

import json
import shutil

import pandas as pd
import pytest

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.audit.exported import exported
from nearmiss.data.avoided import Avoided, read_avoided, write_avoided
from nearmiss.errors import DatasetError
from nearmiss.export.read_back import rows_of_first_table, written
from nearmiss.pipeline.evaluation_sets import evaluation_set, overlap_of
from nearmiss.reports import funnel
from nearmiss.run import open_run
from nearmiss.session.export_inputs import prepare
from nearmiss.settings import Export, Mining, Policy, Teaching
from nearmiss.training import from_run
from nearmiss.workspace import open_to_read
from tests.conftest import ROOT
from tests.words import OverlapTeacher, WordEncoder

RECIPE = Mining(sources=("bm25", "dense"), teacher="overlap")


def mine(folder, **more):
    return pipeline.mine(folder, RECIPE, encoder=WordEncoder(), teacher=OverlapTeacher(), **more)


@pytest.fixture
def test_set(run):
    """An evaluation set that asks q01 in capitals, and is answered by the labelled answer of q02."""
    data = open_run(run).dataset
    answer = data.positives.set_index("query_id")["doc_id"]["q02"]
    return {
        "queries": pd.DataFrame(
            {"query_id": ["e1"], "text": [data.queries.set_index("query_id")["text"]["q01"].upper()]}
        ),
        "documents": data.documents.loc[data.documents["doc_id"].eq(answer), ["title", "text"]].assign(doc_id="e2"),
        "positives": pd.DataFrame({"query_id": ["e1"], "doc_id": ["e2"]}),
    }


def test_line_separators_in_texts_cut_no_line_of_the_list(tmp_path):
    path = tmp_path / "avoided.jsonl"
    write_avoided(path, [{"query_id": "a\u2028b", "text": "x\u2029y\x85z\x0c"}, {"doc_id": "d", "text": "\u2028"}])
    assert read_avoided(path) == Avoided(frozenset({"a\u2028b"}), frozenset({"d"}))
    write_avoided(path, [])
    assert read_avoided(path) == Avoided()


def test_a_run_leaves_what_stands_in_an_evaluation_set_out_of_exports_trainings_and_audits(run, test_set, tmp_path):
    before = open_to_read(run)
    kept = set(exported(before, Policy())["query_id"])
    mine(run, avoid=[test_set])
    lines = [json.loads(line) for line in (run / "avoided.jsonl").read_text("utf-8").splitlines()]
    assert [(line.get("query_id"), line["kind"], line.get("answers")) for line in lines] == [
        ("q01", "normalised", None),
        (None, "exact", ["q02"]),
    ]
    assert {(line["set"], line["its_id"]) for line in lines} == {("data in memory", "e1"), ("data in memory", "e2")}

    work = open_to_read(run)
    inputs = prepare(work, Export())
    assert inputs.dry_run().left_out_queries == {
        "all positives stand in an evaluation set": 1,
        "stands in an evaluation set": 1,
        "no negative kept": 84 - len(kept),
    }
    inputs.write(tmp_path / "out", lambda rows: None)
    names = work.run.dataset.queries.set_index("text")["query_id"]
    written_queries = {names[row["query"]] for row in rows_of_first_table(written(tmp_path / "out"))}
    assert written_queries == kept - {"q01", "q02"}
    assert "1 of 84 queries (1 normalised) and 1 labelled answer of other queries" in (
        tmp_path / "out" / "card.md"
    ).read_text("utf-8")
    assert set(exported(before, Policy())["query_id"]) == kept - {"q01", "q02"}  # also where it was open before
    assert {"q01", "q02"}.isdisjoint(from_run(run, Teaching()).pairs["query_id"])


def test_the_run_keeps_what_was_named_last_and_its_report_says_it(run, test_set):
    mine(run, avoid=[test_set])
    mine(run)  # nothing named: it stays
    told = funnel.report(open_run(run))["avoided"]
    assert told["says"] == (
        "1 of 84 queries (1 normalised) and 1 labelled answer of other queries (1 exact) stand in data in memory: no "
        "training row holds them. 1 query is left without an answer. avoided.jsonl in the run lists them"
    )
    mine(run, avoid=[test_set], avoid_answers=False)
    assert open_run(run).facts["avoid"]["positives"] == {}
    assert open_run(run).avoided.documents == frozenset()
    mine(run, avoid=[])
    assert funnel.report(open_run(run))["avoided"] is None
    assert not (run / "avoided.jsonl").exists()


def test_of_several_splits_the_test_split_is_read_unless_another_is_named(tmp_path):
    folder = shutil.copytree(ROOT / "sample_data", tmp_path / "eval")
    lines = (folder / "qrels" / "train.tsv").read_text("utf-8").splitlines()
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines[:3]), "utf-8")
    assert len(evaluation_set(folder).queries) == 2
    assert len(evaluation_set(f"{folder}#train").queries) == 84
    (folder / "qrels" / "test.tsv").rename(folder / "qrels" / "dev.tsv")
    with pytest.raises(DatasetError, match=r"--avoid .*eval: .*wanted one split.*FOLDER#SPLIT"):
        evaluation_set(folder)


def test_a_folder_that_is_no_data_is_named_with_its_flag(tmp_path):
    (tmp_path / "notes").mkdir()
    with pytest.raises(DatasetError, match=r"--avoid .*notes: "):
        evaluation_set(tmp_path / "notes")


def test_a_set_that_cannot_be_read_stops_the_command_before_anything_is_written(tmp_path):
    data = dataset.read(str(ROOT / "sample_data"))
    with pytest.raises(DatasetError, match=r"--avoid .*nowhere"):
        pipeline.mine(tmp_path / "new", RECIPE, data, encoder=WordEncoder(), avoid=[str(tmp_path / "nowhere")])
    assert not (tmp_path / "new").exists()


def test_data_against_itself_is_found_whole():
    data = dataset.read(str(ROOT / "sample_data"))
    facts = overlap_of(data, [ROOT / "sample_data"]).facts
    assert (facts["queries"], facts["queries_without_positive"]) == ({"exact": 84}, 0)
