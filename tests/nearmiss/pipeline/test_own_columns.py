"""A user's own columns may have any name: also one of ours. They come along, and mean nothing."""

import json

import pandas as pd
import pytest

from nearmiss import data, pipeline
from nearmiss.errors import RunError
from nearmiss.reports import explanation
from nearmiss.session.export_inputs import prepare
from nearmiss.settings import Export, Mining
from nearmiss.workspace import open_to_read
from tests.words import WordEncoder

# Names of columns of candidates, verdicts and decisions, of lists of texts, and of our own renaming.
OURS = (
    "status", "slot", "p_relevant", "dense_score", "dense_rank", "bm25_rank", "fused_rank", "teacher_score",
    "positive_score", "is_labelled_negative", "duplicate_of", "cluster", "verdict", "title",
    "own_text", "level_0", "index",
)  # fmt: skip
PLACES = ("harbour", "castle", "library", "market", "station", "museum")


def rows(own):
    return [
        {"query": f"when does the {place} open", "positive": f"the {place} opens at nine"}
        | {name: f"{name} of {place}" for name in own}
        for place in PLACES
    ]


def mined(tmp_path, own):
    path = tmp_path / f"{len(own)}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows(own))))
    dataset = data.read(path, format="pairs")
    run = pipeline.mine(tmp_path / f"run{len(own)}", Mining(teacher=""), dataset, encoder=WordEncoder())
    return dataset, run


def test_columns_with_names_of_ours_change_no_decision_and_come_along(tmp_path):
    dataset, run = mined(tmp_path, OURS)
    _, plain = mined(tmp_path, ())
    pd.testing.assert_frame_equal(run.selected(), plain.selected())
    query_id = dataset.queries["query_id"][0]
    told = explanation.explain(run.judged(), run.policy, query_id)
    assert told == explanation.explain(plain.judged(), plain.policy, query_id)
    own = dataset.queries.drop(columns=["query_id", "text"])
    assert sorted(own.iloc[0]) == sorted(f"{name} of harbour" for name in OURS)


def test_an_export_with_them_names_those_that_its_format_uses_itself(tmp_path):
    _, run = mined(tmp_path, OURS)
    work = open_to_read(run.folder)
    manifest = prepare(work, Export(own_columns=True)).write(tmp_path / "out", lambda rows: None)
    assert set(OURS) <= set(manifest.own_columns)
    _, taken = mined(tmp_path, ("prompt",))
    export = Export(format="flag", prompt="search: ", own_columns=True)
    with pytest.raises(RunError, match=r"wanted names that the format does not use; found \['prompt'\]: rename them"):
        prepare(open_to_read(taken.folder), export).write(tmp_path / "no", lambda rows: None)
