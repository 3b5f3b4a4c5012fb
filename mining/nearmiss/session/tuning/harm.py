"""
Harm: what a policy's negatives hold that they should not, and which of them are others than before.

In:  a `Workspace`, a `Policy`, perhaps one of its settings with stops
Out: the share of answers among the kept by p_relevant, and how many negatives the policy in force does not keep; of one
     decision, or at every stop of a slider at once

Along a slider each candidate is kept from the stop that lets it pass to the one at which as many better ones pass as
there are places: so each is counted where it enters and where it leaves, and no stop is decided on its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearmiss.audit.domains import displaced, is_quick, population, unjudged
from nearmiss.selection import Table
from nearmiss.selection.choice import run_positions, wanted_first
from nearmiss.session.cards import before_verdicts
from nearmiss.session.tuning.along import LOOSENS, MOVES, Refusals, SliderStop
from nearmiss.settings import Policy
from nearmiss.types import Bools, Floats, Ints
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class Harm:
    """`estimated`: the share of answers among the kept; NaN where none is kept. `others`: kept, not kept in force."""

    estimated: float
    others: int


@dataclass(frozen=True)
class HarmAlongSlider:
    """The same at each stop, (n_stops,) each."""

    estimated: Floats
    others: Ints


@dataclass(frozen=True)
class _Spans:
    """Rows, and the first place at which each is kept and the first at which it no longer is, (n,) each."""

    rows: Ints
    since: Ints
    until: Ints


def harm(work: Workspace, policy: Policy) -> Harm:
    """Of the decision of a policy. Answers are estimated as if nobody had judged, as the ceiling's curves are."""

    def estimated() -> float:
        table = unjudged(work.table)
        kept = (before_verdicts(work, policy).slot > 0) & population(table)
        return float(_chances(table)[kept].mean()) if kept.any() else float("nan")

    found = work.cached("estimated answers", estimated, (policy, work.version[1]), 64)
    others = (work.decision(policy).slot > 0) & ~(work.decision().slot > 0)
    return Harm(found, int(others.sum()))


class HarmAlong:
    """The harm along any slider of one policy; only for policies that `is_quick` allows."""

    def __init__(self, work: Workspace, policy: Policy, refusals: Refusals) -> None:
        self.policy = policy
        self.in_force = work.decision().slot > 0
        self.refusals = refusals
        table = unjudged(work.table)
        self.unjudged = refusals if not work.table.verdicts.any() else Refusals(table, policy)
        self.chances = _chances(table)
        self.population = population(table)

    def along(self, field: str, stops: Sequence[SliderStop]) -> HarmAlongSlider | None:
        """At each stop, which rise, None at the loose end; None where the setting cannot be followed so."""
        if not is_quick(self.policy) or field == "skip_survivors":
            return None
        actual = _spans(self.refusals, field, stops)
        plain = actual if self.unjudged is self.refusals else _spans(self.unjudged, field, stops)
        others = _over(actual, len(stops), ~self.in_force[actual.rows])
        asked = self.population[plain.rows]
        sums = _over(plain, len(stops), asked * self.chances[plain.rows])
        kept = _over(plain, len(stops), asked)
        with np.errstate(divide="ignore", invalid="ignore"):
            estimated = sums / kept
        order = _order(field, len(stops))
        return HarmAlongSlider(estimated[order], others[order].round().astype(np.int64))


def _chances(table: Table) -> Floats:
    if "p_relevant" not in table.candidates:
        return np.full(len(table.query), np.nan)
    return np.nan_to_num(table.number("p_relevant"), nan=0.0).astype(np.float64)


def _order(field: str, count: int) -> Ints:
    """The place, strict to loose, of each stop."""
    places = np.arange(count)
    return places if field in LOOSENS or field not in MOVES else places[::-1]


def _spans(refusals: Refusals, field: str, stops: Sequence[SliderStop]) -> _Spans:
    """Where each survivor is kept, its places strict to loose."""
    table, policy = refusals.table, refusals.policy
    never = len(stops)
    rows, stands = refusals.standing(field, stops)
    survives = np.zeros(len(table.query), bool)
    survives[rows] = True
    order = wanted_first(table, policy, survives, np.zeros(len(survives), np.int64))
    if field == "negatives_per_query":
        return _by_places(table, policy, order, stops)
    first = np.zeros(len(survives), np.int64)
    first[rows] = stands
    enough, until = displaced(table.query[order], first[order], policy, never)
    return _Spans(order, np.maximum(first[order], enough), until)


def _by_places(table: Table, policy: Policy, order: Ints, stops: Sequence[SliderStop]) -> _Spans:
    """Along the number of negatives: kept from the stop with a place for the row."""
    query = table.query[order]
    wanted = np.array(stops, np.int64)
    since = np.searchsorted(wanted, run_positions(query) + 1)
    until = np.full(len(order), len(stops))
    if policy.shortfall == "drop":
        until = np.searchsorted(wanted, np.bincount(query, minlength=len(table.starts))[query], side="right")
    return _Spans(order, since, until)


def _over(spans: _Spans, stops: int, weight: Floats | Bools) -> Floats:
    """The sum of the weights of the rows kept at each place, (stops,)."""
    kept = spans.since < spans.until
    weight = weight[kept].astype(np.float64)
    begin = np.bincount(spans.since[kept], weight, stops + 1)
    end = np.bincount(spans.until[kept], weight, stops + 1)
    return np.asarray(np.cumsum(begin - end)[:stops])
