"""Rounds: what each keeps, and what one changed against another."""

import json
import shutil
from pathlib import Path

import pytest

from nearmiss import pipeline
from nearmiss.audit import estimate, plan
from nearmiss.reports import funnel
from nearmiss.review import Event
from nearmiss.run import open_run
from nearmiss.session import round_comparison
from nearmiss.settings import Mining
from nearmiss.workspace import open_workspace
from tests.words import OverlapTeacher, WordEncoder


@pytest.fixture(scope="module")
def twice(mined, tmp_path_factory):
    """The sample mined twice, the second time with another encoder."""
    folder = shutil.copytree(mined, tmp_path_factory.mktemp("twice") / "sample")
    recipe = Mining(sources=("bm25", "dense"), teacher="overlap")
    pipeline.mine(folder, recipe, encoder=WordEncoder("tuned"), teacher=OverlapTeacher())
    return folder


def kept(run, number):
    frame = run.selected(number)
    return set(map(tuple, frame.loc[frame["status"].eq("kept"), ["query_id", "doc_id"]].to_numpy()))


def pairs(frame):
    return list(map(tuple, frame[["query_id", "doc_id"]].to_numpy()))


def test_what_is_lost_and_gained_is_what_one_round_keeps_alone(twice):
    run = open_run(twice)
    first, second = kept(run, 1), kept(run, 2)
    found = round_comparison.change(run, 1, 2)
    assert set(pairs(found.lost)) == first - second
    assert set(pairs(found.gained)) == second - first
    assert found.in_both == len(first & second)
    assert len(found.lost) + found.in_both == len(first)


def test_each_lost_and_gained_negative_has_its_status_in_the_other_round(twice):
    run = open_run(twice)
    found = round_comparison.change(run, 1, 2)
    for frame, other in ((found.lost, 2), (found.gained, 1)):
        there = run.selected(other).astype({"status": "str"}).set_index(["query_id", "doc_id"])["status"]
        assert frame["elsewhere"].tolist() == [there.get(pair, funnel.NOT_FOUND) for pair in pairs(frame)]
        assert frame["teacher_score"].is_monotonic_decreasing
    assert found.lost_to == found.lost["elsewhere"].value_counts().to_dict()
    assert found.gained_from == found.gained["elsewhere"].value_counts().to_dict()
    assert found.easy == found.lost["elsewhere"].isin(["not_found", "over_quota", "too_easy"]).sum() > 0


def test_a_change_read_backwards_swaps_lost_and_gained(twice):
    run = open_run(twice)
    there, back = round_comparison.change(run, 1, 2), round_comparison.change(run, 2, 1)
    assert (pairs(there.lost), pairs(there.gained)) == (pairs(back.gained), pairs(back.lost))
    assert there.teacher_gap == back.teacher_gap[::-1]


def test_each_round_says_what_its_report_says(twice):
    run = open_run(twice)
    for one in round_comparison.side_by_side(open_workspace(twice)):
        told = funnel.report(run, one.number)
        assert (one.kept, one.short_queries, one.estimated) == (
            told["kept"],
            told["short_queries"],
            told["estimated_false_negatives"],
        )
        assert one.scores == told["scores"]
        assert one.measured is None


def test_a_teacher_that_a_round_went_without_is_named_and_folders_of_the_run_are_short(twice, tmp_path):
    folder = Path(shutil.copytree(twice, tmp_path / "sample"))
    run_file = folder / "run.json"
    content = json.loads(run_file.read_text())
    content["rounds"][1]["encoder"]["name"] = str(folder / "students" / "1-adapter")
    content["rounds"][1]["teacher"] = None
    run_file.write_text(json.dumps(content))
    found = round_comparison.change(open_run(folder), 1, 2)
    assert found.changed == [
        "encoder all-MiniLM-L6-v2 (embedded) -> students/1-adapter",
        "teacher overlap -> none",
    ]
    names = [(one.encoder, one.teacher) for one in round_comparison.side_by_side(open_workspace(folder))]
    assert names == [("all-MiniLM-L6-v2 (embedded)", "overlap"), ("students/1-adapter", "")]


def test_a_round_that_was_audited_says_what_was_measured(twice):
    work = open_workspace(twice)
    made, draws = plan(work, 30, 0.05, 7, "ann")
    events = [
        Event(
            query_id=draw.query_id,
            doc_id=draw.doc_id,
            verdict="not_relevant",
            reviewer="ann",
            arm=made.plan,
            inclusion_probability=draw.inclusion_probability,
            client_id="t",
            client_seq=number,
            decided_at=number,
        )
        for number, draw in enumerate(draws, start=1)
    ]
    work.append(events)
    first, second = round_comparison.side_by_side(work)
    assert second.measured == estimate(work).numbers.false_negative_rate
    # What the rounds share tells of the first one too, by fewer labels.
    assert first.measured is None or first.measured.labels < second.measured.labels
    assert second.measured.estimate == pytest.approx(0, abs=1e-3)
    assert second.measured.high > 0.0
