"""Tuning: the sliders show what `decide` says; what is saved, undone and copied is the policy that was meant."""

import ast
import inspect
import itertools
import re
import shlex
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args, get_type_hints

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.cli import app
from nearmiss.errors import RecipeError
from nearmiss.presets import PRESETS
from nearmiss.run import Run
from nearmiss.selection import STATUSES, decide, prepare
from nearmiss.session import tuning
from nearmiss.session.tuning.along import MOVABLE, Refusals
from nearmiss.session.tuning.counting import count, is_exact
from nearmiss.session.tuning.edge_pairs import excess
from nearmiss.session.tuning.scatter import FEWEST_OF_A_STATUS, MOST_POINTS
from nearmiss.settings import Mining, as_written
from nearmiss.workspace import open_workspace
from tests.nearmiss.selection.test_selection import row
from tests.words import OverlapTeacher, WordEncoder
from tests.words import margins as Policy


@st.composite
def tables(draw):
    rows = []
    for q in range(draw(st.integers(1, 4))):
        query = f"q{q}"
        positive = {"query_id": query, "is_positive": True, "p_relevant": 0.9}
        rows += [row(draw(scores), f"p{p}", **positive) for p in range(draw(st.integers(1, 2)))]
        rows += [candidate(draw, query, f"d{d}") for d in range(draw(st.integers(0, 12)))]
    frame = pd.DataFrame(rows).astype({"bm25_rank": "Int32", "dense_rank": "Int32", "teacher_score": "float32"})
    return prepare(frame)


# Few and round, so that many lie on a limit; small ones too, where a share of the positive is next to nothing.
scores = st.one_of(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1e-6]), st.floats(-5, 5, width=16))


def candidate(draw, query_id, doc_id):
    ranks = st.one_of(st.just(pd.NA), st.integers(1, 12))
    return row(
        draw(scores),
        doc_id,
        query_id=query_id,
        dense_rank=draw(ranks),
        bm25_rank=draw(ranks),
        is_sibling=draw(st.integers(0, 3)) == 0,
        is_labelled_negative=draw(st.integers(0, 5)) == 0,
        duplicate_kind=draw(st.sampled_from(["", "", "", "same_text"])),
        positive_cosine=draw(st.sampled_from([0.5, 0.9, 0.95, 1.0])),
        positive_jaccard=draw(st.sampled_from([np.nan, 0.7, 0.8, 1.0])),
        p_relevant=draw(st.sampled_from([0.0, 0.3, 0.5, 1.0])),
        same_cluster=draw(st.booleans()),
        verdict=draw(st.sampled_from([None, None, None, "relevant", "partial", "not_relevant", "unsure"])),
    )


def some(values):
    return st.one_of(st.none(), values)


def possible(**chosen):
    """A policy of these settings, a least and a most in their order."""
    for ends in (("min_score", "max_score"), ("min_p_relevant", "max_p_relevant")):
        if None not in (pair := [chosen[end] for end in ends]):
            chosen |= dict(zip(ends, sorted(pair), strict=True))
    return Policy(**chosen)


policies = st.builds(
    possible,
    max_score=some(st.floats(-2, 5)),
    absolute_margin=some(st.floats(0, 3)),
    relative_margin=some(st.floats(0, 1)),
    max_p_relevant=some(st.floats(0, 1)),
    min_score=some(st.floats(-5, 0)),
    absolute_floor=some(st.floats(0, 5)),
    relative_floor=some(st.floats(0, 2)),
    min_p_relevant=some(st.floats(0, 1)),
    anchor=st.sampled_from(["min", "mean", "max"]),
    skip_top=st.integers(0, 2),
    skip_survivors=st.integers(0, 2),
    max_rank=st.integers(4, 12),
    different_cluster=st.booleans(),
    allow_siblings=st.booleans(),
    negatives_per_query=st.integers(1, 5),
    sampling=st.sampled_from(["top", "random", "simans", "stratified"]),
    shortfall=st.sampled_from(["fewer", "drop", "deepen"]),
    quota=st.sampled_from([(), (("bm25", 0.5), ("dense", 0.5)), (("dense", 0.4),)]),
)
SHARES = (0.0, 0.05, 0.3, 0.5, 1.0)
STOPS = {
    "max_score": (-2.0, 0.0, 0.1, 0.5, 1.0, 4.0, None),
    "absolute_margin": (None, 0.0, 0.5, 1.0, 2.75),
    "relative_margin": (None, *SHARES),
    "max_p_relevant": (*SHARES, None),
    "min_score": (None, -4.0, -1.0, 0.0, 0.5),
    "absolute_floor": (0.0, 0.5, 1.0, 3.0, None),
    "relative_floor": (*SHARES, 2.0, None),
    "min_p_relevant": (None, *SHARES),
    "skip_top": (0, 1, 2, 3),
    "max_rank": (4, 5, 7, 12, None),
    "duplicate_cosine": (0.0, 0.5, 0.9, 0.93, 0.95, 1.0),
    "duplicate_jaccard": (0.0, 0.7, 0.8, 1.0),
    "negatives_per_query": (1, 2, 3, 5, 9),
    "skip_survivors": (0, 1, 2, 4),
}


def test_every_setting_that_counts_move_with_has_stops_here():
    assert set(STOPS) == set(MOVABLE)


@pytest.mark.slow
@pytest.mark.parametrize("field", MOVABLE)
@settings(max_examples=20)
@given(tables(), policies)
def test_the_counts_at_every_stop_are_those_of_a_decision(field, table, policy):
    stops = [
        stop for stop in STOPS[field] if not (field == "max_rank" and stop is None and policy.shortfall == "deepen")
    ]
    found = Refusals(table, policy).along(field, stops)
    for place, stop in enumerate(stops):
        tried = as_written(type(policy), {**vars(policy), field: stop})
        counted = count(table, tried, decide(table, tried))
        told = {name: int(counts[place]) for name, counts in found.status.items()}
        if not is_exact(tried):
            # The last two trade places where a quota reaches below max_rank.
            for counts in (told, counted.status):
                counts["over_quota"] += counts.pop("too_deep")
        assert told == counted.status
        assert (found.short[place], found.empty[place]) == (counted.short, counted.empty)


@settings(max_examples=30)
@given(tables(), policies, st.integers(1, 2))
def test_with_a_cap_on_reuse_the_counts_are_bounds(table, policy, cap):
    capped = replace(policy, reuse_cap=cap)
    assert not is_exact(capped)
    [kept], [short] = (lambda a: (a.status["kept"], a.short))(
        Refusals(table, capped).along("skip_top", [policy.skip_top])
    )
    counted = count(table, capped, decide(table, capped))
    assert counted.status["kept"] <= kept
    assert counted.short >= short


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A small run with margins, copies and siblings, opened."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    data = dataset.read(str(Path(__file__).parents[3] / "sample_data"))
    pipeline.mine(folder, Mining(teacher="overlap"), data, encoder=WordEncoder(), teacher=OverlapTeacher())
    return open_workspace(folder)


def test_every_setting_stands_in_one_group_with_its_own_words(work):
    settings = [one for group in tuning.settings(work, Policy()).values() for one in group]
    assert sorted(one.name for one in settings) == sorted(field.name for field in fields(Policy()))
    words = {name: get_args(hint)[1] for name, hint in get_type_hints(type(Policy()), include_extras=True).items()}
    assert {one.name: one.words for one in settings} == words
    assert {one.name for one in settings if one.unavailable} == {"different_cluster"}


@pytest.mark.parametrize("name", PRESETS)
def test_every_value_of_a_preset_is_a_stop_of_its_slider(work, name):
    policy = PRESETS[name].policy
    spelled = tuning.spell(policy)
    for one in itertools.chain(*tuning.settings(work, policy).values()):
        if one.kind == "slider":
            assert one.stops[one.at] == spelled[one.name] or float(one.stops[one.at]) == float(spelled[one.name])
            numbers = [float(stop) for stop in one.stops if stop != "none"]
            assert numbers == sorted(set(numbers))
            assert len(numbers) <= 203


def test_counts_along_come_when_asked_for_and_are_those_of_decisions(work):
    policy = Policy(relative_margin=0.11, skip_survivors=1)
    named = list(tuning.count_along(work, policy))
    assert named == list(MOVABLE)
    for one in itertools.chain(*tuning.settings(work, policy).values()):
        assert one.counts == (one.along is not None) == (one.name in named)
        for place in range(0, len(one.stops), 40) if one.along else []:
            tried = tuning.parse({one.name: one.stops[place]}, policy)
            counted = tuning.count(work.table, tried, work.decision(tried))
            assert {name: int(counts[place]) for name, counts in one.along.status.items()} == counted.status


@settings(max_examples=100)
@given(policies)
def test_a_policy_spelled_is_the_policy_parsed(policy):
    assert tuning.parse(tuning.spell(policy)) == policy
    address = {name: text if isinstance(text, list) else [text] for name, text in tuning.as_address(policy).items()}
    assert tuning.from_address(address) == policy
    assert tuning.from_address({"reviewer": ["ana"]}) is None


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies)
def test_the_command_line_reads_the_same_policy_from_the_command(monkeypatch, policy):
    from nearmiss.cli import commands

    saved = []
    monkeypatch.setattr("nearmiss.run.open_run", lambda *_: SimpleNamespace(policy=None, save_policy=saved.append))
    monkeypatch.setattr(commands, "_report", lambda *_: None)
    words = shlex.split(tuning.as_command(Path("a run/of 'mine'"), policy))
    assert words[:3] == ["nearmiss", "select", "a run/of 'mine'"]
    app(words[1:], standalone_mode=False)
    assert saved == [policy]


@pytest.mark.parametrize(
    ("texts", "sentence", "at_fault"),
    [
        ({"relative_margin": "-1"}, "wanted 0 or more", ["relative_margin"]),
        ({"relative_margin": "a"}, "wanted a number or none; found 'a'", ["relative_margin"]),
        ({"max_score": "inf"}, "wanted a number up to 1,000,000,000", ["max_score"]),
        ({"negatives_per_query": "9" * 30}, "wanted 1 or more up to 2,147,483,647", ["negatives_per_query"]),
        ({"skip_top": "5", "max_rank": "3"}, "wanted more than --skip-top 5; found 3", ["max_rank"]),
        ({"shortfall": "deepen"}, "wanted --max-rank N, below which to look", ["shortfall"]),
        ({"quota": ["bm25=0.7", "dense=0.7"]}, "sum to at most 1", ["quota"]),
        ({"quota": "bm25"}, "wanted SOURCE=SHARE", ["quota"]),
        ({"allow_siblings": "perhaps"}, "wanted on or off", ["allow_siblings"]),
        ({"seed": 3}, "wanted a text; found 3", ["seed"]),
    ],
)
def test_what_makes_no_policy_is_a_sentence_that_names_its_setting(texts, sentence, at_fault):
    with pytest.raises(RecipeError, match=re.escape(sentence)) as raised:
        tuning.parse(texts)
    assert tuning.at_fault(raised.value) == at_fault


@pytest.mark.slow
@pytest.mark.parametrize("teacher", ["", "a/teacher"])
@pytest.mark.parametrize("name", PRESETS)
def test_the_call_of_sentence_transformers_has_keywords_that_it_knows(name, teacher):
    from sentence_transformers import CrossEncoder
    from sentence_transformers.util import mine_hard_negatives

    preset = PRESETS[name]
    call = tuning.as_call(replace(preset.mining, teacher=teacher), preset.policy)
    [asked] = [node for node in ast.walk(ast.parse(call.code)) if _calls(node, "mine_hard_negatives")]
    named = {keyword.arg: keyword.value for keyword in asked.keywords}
    assert set(named) <= set(inspect.signature(mine_hard_negatives).parameters)
    assert ("cross_encoder" in named) == bool(teacher)
    assert "activation_fn" in inspect.signature(CrossEncoder).parameters
    # It raises where fewer candidates are looked at than negatives wanted.
    values = {key: value.value for key, value in named.items() if isinstance(value, ast.Constant)}
    assert values["range_max"] - values.get("range_min", 0) >= values["num_negatives"]


def _calls(node, name):
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == name


def test_what_the_call_cannot_say_is_said():
    mining = Mining(sources=("bm25", "dense"), teacher="t")
    policy = Policy(relative_margin=None, skip_top=3, skip_survivors=2, absolute_floor=4.0, anchor="max", reuse_cap=5)
    call = tuning.as_call(mining, policy)
    assert "range_min=2," in call.code
    said = "\n".join(call.leaves_out)
    for part in (
        "skip_top 3",
        "absolute_floor 4.0",
        "anchor max",
        "reuse_cap 5",
        "bm25",
        "never asks the cross-encoder",
    ):
        assert part in said
    plain = tuning.as_call(
        Mining(sources=("dense",), teacher=""), Policy(allow_siblings=True, allow_twin_answers=True)
    ).leaves_out
    late = tuning.as_call(Mining(sources=("dense",)), Policy(allow_siblings=True))
    assert "CrossEncoder" not in late.code
    assert "late interaction" in late.leaves_out[-1]
    assert len(plain) == 2  # copies, and that it keeps no table: true of every policy


@settings(max_examples=30)
@given(tables(), policies, st.sampled_from(["ceiling", "floor"]))
def test_the_nearest_pairs_are_those_that_sorting_gives(table, policy, limit):
    decision = decide(table, policy)
    above = excess(table, policy, limit)
    refused, passed = tuning.nearest(table, policy, decision, limit, 3)
    if above is None:
        assert len(refused) == len(passed) == 0
        return
    names = np.array(STATUSES)[decision.status]
    assert (above[refused] > 0).all()
    assert (above[passed] <= 0).all()
    rule = {"ceiling": "too_close", "floor": "too_easy"}[limit]
    every = sorted((abs(above[row]), row) for row in np.flatnonzero(names == rule).tolist())
    assert refused.tolist() == [row for _, row in every[:3]]
    vouched = table.labelled | table.reviewed_negative
    assert not vouched[passed].any()
    assert (np.abs(above[passed]) == np.sort(np.abs(above[passed]))).all()


def test_of_two_limits_a_pair_tells_how_far_it_lies_from_the_one_that_decides(work):
    policy = Policy(relative_margin=0.05, max_p_relevant=0.1)
    decision = work.decision(policy)
    refused, passed = tuning.nearest(work.table, policy, decision, "ceiling", 40)
    p_relevant = work.table.number("p_relevant")
    found = tuning.read(work, policy, np.concatenate([refused, passed]), decision, decision, "ceiling")
    assert {pair.limited for pair in found} == {"teacher_score", "p_relevant"}
    for pair in found:
        by_score = pair.teacher_score - (pair.positive_score - 0.05 * abs(pair.positive_score))
        own = {"teacher_score": by_score, "p_relevant": p_relevant[pair.row] - 0.1}
        assert pair.distance == pytest.approx(own[pair.limited], abs=1e-6)
        assert (pair.distance > 0) == (pair.status == "too_close")


def test_pairs_gained_and_lost_are_the_difference_of_two_decisions(work):
    old, tried = work.decision(Policy()), Policy(relative_margin=None, negatives_per_query=3)
    new = work.decision(tried)
    found = tuning.changes(work.table, tried, new, old)
    kept, before = set(np.flatnonzero(new.slot > 0)), set(np.flatnonzero(old.slot > 0))
    assert (set(found.gained), set(found.lost)) == (kept - before, before - kept)
    above = work.table.score - work.table.anchors["min"]
    assert (np.diff(above[found.gained]) <= 0).all()
    [pair] = tuning.read(work, tried, found.gained[:1], new, old)
    assert (pair.query_id, pair.doc_id) == work.pair_at(found.gained[0])
    assert (pair.status, pair.query) == ("kept", work.query_text(pair.query_id))
    positive = work.row_of((pair.query_id, pair.positive_id))
    assert work.table.positive[positive]
    assert work.table.score[positive] == pytest.approx(pair.positive_score)


def test_the_picture_draws_a_limit_as_a_line_on_its_own_scale_and_as_a_band_on_others(work):
    policy = Policy(relative_margin=0.1, max_score=None, absolute_floor=6.0)
    decision = work.decision(policy)
    share, gap = (tuning.picture(work, policy, decision, scale) for scale in ("share", "gap"))
    assert tuning.scale_for(policy) == "share"
    assert tuning.scale_for(Policy(relative_margin=None, min_score=0.1)) == "score"
    assert tuning.scale_for(Policy(relative_margin=None)) == "gap"
    assert share.ceiling.is_straight
    assert share.ceiling.middle == pytest.approx(-0.1, abs=1e-4)
    assert not gap.ceiling.is_straight
    assert gap.floor.is_straight
    assert gap.floor.middle == pytest.approx(-6.0, abs=1e-4)
    assert tuning.picture(work, Policy(relative_margin=None), decision, "score").ceiling is None
    for drawn, scale in ((share, "share"), (gap, "gap")):
        positive = work.table.anchors["min"][drawn.rows]
        apart = work.table.score[drawn.rows] - positive
        np.testing.assert_allclose(drawn.height, apart / abs(positive) if scale == "share" else apart, rtol=1e-5)


def test_what_is_drawn_of_many_has_every_status_and_stays_as_limits_move(work):
    first, second = (
        tuning.picture(work, policy, work.decision(policy), "gap")
        for policy in (Policy(relative_margin=0.1), Policy(relative_margin=0.12))
    )
    counts = work.decision(Policy(relative_margin=0.1)).counts()
    drawn = np.bincount(first.status, minlength=len(STATUSES))
    n = sum(counts.values())
    assert n > MOST_POINTS  # else all are drawn, and nothing here is tested
    for code, status in enumerate(STATUSES):
        share = counts[status] * MOST_POINTS // n
        assert drawn[code] == min(counts[status], max(FEWEST_OF_A_STATUS, share))
    assert len(np.intersect1d(first.rows, second.rows)) > 0.9 * len(first.rows)
    again = tuning.picture(work, Policy(relative_margin=0.1), work.decision(Policy(relative_margin=0.1)), "gap")
    np.testing.assert_array_equal(first.rows, again.rows)


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path)
    made.save_policy(Policy())
    return made


def margins(saved):
    return [one.policy.relative_margin for one in saved.saved]


def test_saves_are_undone_one_by_one_to_the_first_and_redone(run):
    for margin in (0.1, 0.2, 0.3):
        tuning.save(run, Policy(relative_margin=margin), "ana")
    undone = [tuning.undo(run, "ana") for _ in range(4)]
    assert [policy and policy.relative_margin for policy in undone] == [0.2, 0.1, 0.05, None]
    assert run.policy == Policy()
    redone = [tuning.redo(Run(run.folder), "ana") for _ in range(4)]
    assert [policy and policy.relative_margin for policy in redone] == [0.1, 0.2, 0.3, None]
    assert run.policy.relative_margin == 0.3
    assert tuning.history(run).saved[-1].by == "ana"


def test_a_save_after_an_undo_forgets_what_was_undone(run):
    tuning.save(run, Policy(relative_margin=0.1), "")
    tuning.undo(run, "")
    tuning.save(run, Policy(relative_margin=0.2), "")
    assert margins(tuning.history(run)) == [0.05, 0.2]
    assert tuning.redo(run, "") is None
    lines = (run.folder / "policies.jsonl").read_text().splitlines()
    assert len(lines) == 4  # but nothing is taken out of the file


def test_what_the_command_line_put_in_force_can_be_undone_too(run):
    tuning.save(run, Policy(relative_margin=0.1), "")
    run.save_policy(Policy(relative_margin=0.4))  # as `nearmiss select` does
    assert margins(tuning.history(run)) == [0.05, 0.1, 0.4]
    tuning.save(run, Policy(relative_margin=0.5), "")
    assert [tuning.undo(run, "").relative_margin for _ in range(3)] == [0.4, 0.1, 0.05]


def test_saving_what_is_in_force_changes_nothing(run):
    tuning.save(run, Policy(), "")
    assert not (run.folder / "policies.jsonl").exists()


def test_a_line_cut_off_by_a_crash_is_passed_over(run):
    tuning.save(run, Policy(relative_margin=0.1), "")
    with (run.folder / "policies.jsonl").open("a") as file:
        file.write('{"action": "sa')
    tuning.save(run, Policy(relative_margin=0.2), "")
    assert margins(tuning.history(run)) == [0.05, 0.1, 0.2]
    assert tuning.undo(run, "").relative_margin == 0.1
