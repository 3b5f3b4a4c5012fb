"""
Outlook: what each stop of a ceiling would leave in, throw away and leave short.

In:  a `Workspace`, a `Policy` with a ceiling
Out: `Outlook`: rates foretold by p_relevant, rates measured by audits with their bands, queries left short

Knows nothing of how it is drawn. What is foretold rests on the calibration alone; what is measured, on random draws.
"""

from collections import OrderedDict
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from mining import audit
from mining.audit.domains import along, at, each, is_quick, unjudged
from mining.audit.ladder import ladder
from mining.errors import ReviewError
from mining.recipe import Policy
from mining.selection.table import Bools, Floats, Ints
from mining.workspace import Workspace

TARGET = 0.05
HALF_WIDTH = 0.02
KEPT = 16


@dataclass(frozen=True)
class Foretold:
    """By p_relevant, at each stop, (stops,): shares of the kept and of the refused, and queries with too few."""

    false_negative_rate: Floats
    over_filtering: Floats
    short: Ints


@dataclass(frozen=True)
class Outlook:
    """Everything along one ceiling, strict to loose; the last stop is None, no ceiling."""

    field: str
    stops: tuple[float | None, ...]
    now: int  # the stop of the policy
    queries: int
    foretold: Foretold
    measured: audit.Curve | None  # None where no audit was judged
    to_judge: int | None  # labels more for plus or minus HALF_WIDTH at `now`; None where nothing is measured

    @property
    def for_target(self) -> int | None:
        """The loosest stop that is, with all below it, within TARGET: by what is measured at most, else foretold."""
        rates = self.foretold.false_negative_rate if self.measured is None else self.measured.false_negative_rate.high
        allowed = np.nan_to_num(rates, nan=1.0) <= TARGET
        within = int(np.argmin(allowed)) if not allowed.all() else len(allowed)
        return within - 1 if within else None


_KNOWN: "WeakKeyDictionary[Workspace, OrderedDict[tuple[Policy, int], tuple[str, list[float | None], Foretold]]]"
_KNOWN = WeakKeyDictionary()


def outlook(work: Workspace, policy: Policy) -> Outlook | None:
    """What lies along the policy's ceiling; None where it sets none."""
    known = _KNOWN.setdefault(work, OrderedDict())
    key = policy, work.version[1]
    if key not in known:
        field, stops = ladder(unjudged(work.table), policy)
        known[key] = field, stops, _foretold(work, policy, field, stops) if field else _nothing()
        while len(known) > KEPT:
            known.popitem(last=False)
    field, stops, foretold = known[key]
    if not field:
        return None
    now = stops.index(getattr(policy, field))
    measured = _measured(work, field, stops, policy)
    return Outlook(
        field=field,
        stops=tuple(stops),
        now=now,
        queries=len(work.query_ids),
        foretold=foretold,
        measured=measured,
        to_judge=None if measured is None else _to_judge(measured, now),
    )


def _foretold(work: Workspace, policy: Policy, field: str, stops: list[float | None]) -> Foretold:
    table, p = unjudged(work.table), np.nan_to_num(work.table.number("p_relevant"), nan=0.0).astype(np.float64)
    if is_quick(policy):
        found = along(table, policy, field, stops)
        sides = ((found.at(stop).kept, found.at(stop).refused) for stop in range(len(stops)))
    else:
        sides = ((one.kept, one.refused) for one in each(table, policy, field, stops))
    rates, lost, short = [], [], []
    for kept, refused in sides:
        rates.append(_mean(p, kept))
        lost.append(1 - _mean(p, refused))
        per_query = np.bincount(table.query[kept], minlength=len(table.starts) - 1)
        short.append(int((per_query < policy.negatives_per_query).sum()))
    return Foretold(np.array(rates), np.array(lost), np.array(short))


def _nothing() -> Foretold:
    return Foretold(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))


def _mean(p: Floats, rows: Bools) -> float:
    return float(p[rows].mean()) if rows.any() else float("nan")


def _measured(work: Workspace, field: str, stops: list[float | None], policy: Policy) -> audit.Curve | None:
    try:
        return audit.curve(work, field, stops, policy)
    except ReviewError:
        return None


def _to_judge(measured: audit.Curve, now: int) -> int | None:
    band = measured.false_negative_rate
    if np.isnan(band.estimate[now]):
        return None
    at_now = audit.Rate(float(band.estimate[now]), float(band.low[now]), float(band.high[now]), int(band.labels[now]))
    return audit.labels_to_add(at_now, HALF_WIDTH)


def with_stop(policy: Policy, found: Outlook, stop: int) -> Policy:
    """The policy with its ceiling at a stop."""
    return at(policy, found.field, found.stops[stop])
