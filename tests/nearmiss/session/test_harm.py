"""Harm: along every slider, and of one decision, the same numbers as deciding at each stop, one after the other."""

from dataclasses import replace

import numpy as np
import pytest

from nearmiss import selection
from nearmiss.errors import RecipeError
from nearmiss.review import Event
from nearmiss.session import tuning
from nearmiss.session.tuning import harm as harm_of
from nearmiss.session.tuning.along import Refusals
from nearmiss.session.tuning.harm import HarmAlong
from nearmiss.session.tuning.panel import stops_of
from nearmiss.settings import Policy

FIELDS = ("max_p_relevant", "relative_margin", "max_score", "relative_floor", "skip_top", "max_rank")


def judge(work, *rows):
    events = [
        Event(
            query_id=query,
            doc_id=doc,
            verdict="not_relevant",
            reviewer="ann",
            decided_at=0.0,
            client_id="t",
            client_seq=number,
        )
        for number, (query, doc) in enumerate(map(work.pair_at, rows))
    ]
    work.append(events)


def decided(work, policy):
    """The estimate, and how many others, by deciding with and without the verdicts."""
    plain = selection.decide(work.table.judged(np.zeros_like(work.table.verdicts), work.table.positive), policy)
    p = work.table.number("p_relevant")[plain.slot > 0]
    others = (selection.decide(work.table, policy).slot > 0) & (work.decision().slot == 0)
    return (float(np.mean(p.astype(np.float64))) if len(p) else float("nan")), int(others.sum())


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(max_p_relevant=None, relative_margin=0.1, negatives_per_query=3),
        Policy(sampling="random", shortfall="drop", max_p_relevant=0.4),
    ],
)
@pytest.mark.parametrize("field", [*FIELDS, "negatives_per_query"])
def test_along_a_slider_the_harm_is_that_of_each_decision(work, policy, field):
    judge(work, 3, 40, 75)
    stops, _ = stops_of(work, policy, field)
    stops = stops[:: max(1, len(stops) // 7)] + stops[-1:]
    found = HarmAlong(work, policy, Refusals(work.table, policy)).along(field, stops)
    for place, stop in enumerate(stops):
        try:
            expected = decided(work, replace(policy, **{field: stop}))
        except RecipeError:
            continue  # no valid policy: the slider may stand there, and nothing is decided
        assert found.estimated[place] == pytest.approx(expected[0], nan_ok=True)
        assert found.others[place] == expected[1]


def test_the_harm_of_one_decision_is_its_mean_chance_and_its_new_rows(work):
    judge(work, 3, 40)
    for policy in (Policy(), Policy(max_p_relevant=0.4), Policy(quota=(("bm25", 0.5),))):
        estimated, others = decided(work, policy)
        found = harm_of(work, policy)
        assert (found.estimated, found.others) == (pytest.approx(estimated), others)
    assert harm_of(work, Policy()).others == 0


def test_what_cannot_be_followed_along_a_slider_is_left_to_the_decision(work):
    policy = Policy(quota=(("bm25", 0.5),))
    assert HarmAlong(work, policy, Refusals(work.table, policy)).along("max_p_relevant", [0.1, None]) is None
    plain = Policy()
    assert HarmAlong(work, plain, Refusals(work.table, plain)).along("skip_survivors", [0, 1]) is None


def test_two_policies_differ_query_by_query_as_their_decisions_do(work):
    a, b = Policy(), Policy(max_p_relevant=0.5, skip_top=1)
    found = tuning.compare_two(work, a, b)
    kept_a, kept_b = (selection.decide(work.table, policy).slot > 0 for policy in (a, b))
    assert found.both == int((kept_a & kept_b).sum())
    assert set(found.only.lost.tolist()) == set(np.flatnonzero(kept_a & ~kept_b).tolist())
    assert set(found.only.gained.tolist()) == set(np.flatnonzero(kept_b & ~kept_a).tolist())
    for one in found.by_query:
        rows = work.rows_of(one.query_id)
        assert (one.both, one.only_a, one.only_b) == (
            (kept_a & kept_b)[rows].sum(),
            (kept_a & ~kept_b)[rows].sum(),
            (kept_b & ~kept_a)[rows].sum(),
        )
    differ = [one.only_a + one.only_b for one in found.by_query]
    assert differ == sorted(differ, reverse=True)
    assert min(differ) > 0
    assert sum(differ) == len(found.only.lost) + len(found.only.gained)
