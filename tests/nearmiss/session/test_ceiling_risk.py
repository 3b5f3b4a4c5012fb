"""Outlook: each stop of a ceiling against a decision made there, estimated and measured."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from nearmiss import audit
from nearmiss.audit.domains import at, domains, unjudged
from nearmiss.review import Event
from nearmiss.session import ceiling_risk
from nearmiss.settings import Policy
from nearmiss.workspace import open_workspace


@pytest.fixture
def work(without_teacher, tmp_path):
    return open_workspace(shutil.copytree(without_teacher, tmp_path / "run"))


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(max_p_relevant=0.3, relative_margin=0.05, negatives_per_query=3),
        Policy(max_p_relevant=None, relative_margin=0.1),
        Policy(reuse_cap=2),  # cannot be told along all stops at once
    ],
)
def test_every_stop_is_what_a_decision_there_would_be(work, policy):
    found = ceiling_risk.outlook(work, policy)
    p, table = work.table.number("p_relevant").astype(float), unjudged(work.table)
    assert found.stops[found.now] == getattr(policy, found.field)
    assert found.stops[-1] is None
    for stop in range(0, len(found.stops), 4):
        there = domains(table, at(policy, found.field, found.stops[stop]))
        assert found.estimated.false_negative_rate[stop] == pytest.approx(p[there.kept].mean())
        assert found.estimated.over_filtering[stop] == pytest.approx(1 - p[there.refused].mean(), nan_ok=True)
        per_query = np.bincount(table.query[there.kept], minlength=len(work.query_ids))
        assert found.estimated.short[stop] == (per_query < policy.negatives_per_query).sum()


def test_a_policy_without_a_ceiling_has_no_outlook(work):
    assert ceiling_risk.outlook(work, Policy(max_p_relevant=None, relative_margin=None)) is None


def test_the_loosest_ceiling_within_the_target_is_found(work):
    found = ceiling_risk.outlook(work, Policy())
    goal = found.for_target
    rates = found.estimated.false_negative_rate
    if goal is None:
        assert rates[0] > ceiling_risk.TARGET
    else:
        assert (rates[: goal + 1] <= ceiling_risk.TARGET).all()
        assert goal + 1 == len(rates) or rates[goal + 1] > ceiling_risk.TARGET
    moved = ceiling_risk.with_stop(Policy(), found, 3)
    assert moved == replace(Policy(), max_p_relevant=found.stops[3])


def test_what_models_said_is_a_curve_of_its_own_once_they_judged_enough(work):
    kept = np.flatnonzero(domains(unjudged(work.table), Policy()).kept)[: ceiling_risk.ENOUGH]

    def say(rows):
        start = work.standing.last_seq
        events = [
            Event(
                query_id=query_id,
                doc_id=doc_id,
                verdict="not_relevant",
                reviewer="model:toy",
                client_id="judge",
                client_seq=start + place,
                arm="judge:0123",
                decided_at=1.0,
            )
            for place, (query_id, doc_id) in enumerate(map(work.pair_at, rows.tolist()), 1)
        ]
        work.append(events)

    say(kept[:-1])
    assert ceiling_risk.outlook(work, Policy()).by_models is None
    say(kept[-1:])
    found = ceiling_risk.outlook(work, Policy())
    # Nobody compared this judge with people: it is taken to call 3 of 10 answers none, and 17 of 20 others.
    p = work.table.number("p_relevant").astype(float)
    odds = np.clip(p[kept], 1e-4, 1) / (1 - p[kept]) * 0.3 / 0.85
    p[kept] = odds / (1 + odds)
    for stop in range(0, len(found.stops), 4):
        there = domains(unjudged(work.table), at(Policy(), found.field, found.stops[stop]))
        assert found.by_models[stop] == pytest.approx(p[there.kept].mean())
    assert found.by_models[found.now] < found.estimated.false_negative_rate[found.now]


def test_what_people_judged_is_measured_beside_what_is_foretold(work):
    audit.plan(work, 150, seed=1)
    assert ceiling_risk.outlook(work, Policy()).measured is None
    events = [
        Event(
            query_id=draw.query_id,
            doc_id=draw.doc_id,
            verdict="relevant" if place % 10 == 0 else "not_relevant",
            reviewer="ana",
            client_id="c",
            client_seq=place,
            arm=draw.arm,
            inclusion_probability=draw.inclusion_probability,
            decided_at=1.0,
        )
        for place, draw in enumerate(audit.drawn(work).values())
    ]
    work.append(events)
    found = ceiling_risk.outlook(work, Policy())
    band = found.measured.false_negative_rate
    told = audit.estimate(work, Policy()).numbers.false_negative_rate
    assert (band.estimate[found.now], band.low[found.now]) == pytest.approx((told.estimate, told.low))
    assert 0 <= band.low[found.now] <= band.estimate[found.now] <= band.high[found.now] <= 1
    assert found.to_judge > 0
