"""Tuning: the sliders show what `decide` says; what is saved, undone and copied is the policy that was meant."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.errors import RecipeError
from mining.recipe import Policy
from mining.selection import decide, prepare
from mining.tuning.along import MOVABLE, Refusals
from mining.tuning.counting import count, is_exact
from tests.test_selection import row


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


policies = st.builds(
    Policy,
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


@pytest.mark.parametrize("field", MOVABLE)
@settings(max_examples=60, deadline=None)
@given(tables(), policies)
def test_the_counts_at_every_stop_are_those_of_a_decision(field, table, policy):
    stops = [
        stop for stop in STOPS[field] if not (field == "max_rank" and stop is None and policy.shortfall == "deepen")
    ]
    found = Refusals(table, policy).along(field, stops)
    for place, stop in enumerate(stops):
        tried = replace(policy, **{field: stop})
        counted = count(table, tried, decide(table, tried))
        told = {name: int(counts[place]) for name, counts in found.status.items()}
        if not is_exact(tried):
            # The last two trade places where a quota reaches below max_rank.
            for counts in (told, counted.status):
                counts["over_quota"] += counts.pop("too_deep")
        assert told == counted.status
        assert (found.short[place], found.empty[place]) == (counted.short, counted.empty)


@settings(max_examples=60, deadline=None)
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
