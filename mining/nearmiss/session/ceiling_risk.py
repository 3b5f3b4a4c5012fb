"""
Ceiling risk: false negatives left in, good negatives lost and queries left short at each stop of a ceiling.

In:  a `Workspace`, a `Policy` with a ceiling
Out: `CeilingRisk`: rates estimated by p_relevant, the same with what models said, rates measured by audits with their
     bands, queries left short

Estimates rest on the calibration alone, or on it and on models; measurements on random draws that people judged.
"""

from dataclasses import dataclass

import numpy as np

from nearmiss import audit
from nearmiss.audit.domains import DomainsAlongCeiling, along, at, each, is_quick, unjudged
from nearmiss.audit.ladder import ladder
from nearmiss.audit.proxies import with_judges_so_far
from nearmiss.errors import ReviewError
from nearmiss.selection.table import Table
from nearmiss.settings import Policy
from nearmiss.types import Bools, Floats, Ints
from nearmiss.workspace import Workspace

TARGET = 0.05
HALF_WIDTH = 0.02
POLICIES_KEPT = 16
ENOUGH = 50  # candidates that a model judged, below which its curve would be that of the scores


@dataclass(frozen=True)
class EstimatedShares:
    """By p_relevant, at each stop, (stops,): shares of the kept and of the refused, and queries with too few."""

    false_negative_rate: Floats
    over_filtering: Floats
    short: Ints


@dataclass(frozen=True)
class CeilingRisk:
    """Everything along one ceiling, strict to loose; the last stop is None, no ceiling."""

    field: str
    stops: tuple[float | None, ...]
    now: int  # the stop of the policy
    queries: int
    estimated: EstimatedShares
    measured: audit.Curve | None  # None where no audit was judged
    by_models: Floats | None  # false-negative rate by p_relevant and models, (stops,); None where these judged too few
    to_judge: int | None  # labels more for plus or minus HALF_WIDTH at `now`; None where nothing is measured

    @property
    def for_target(self) -> int | None:
        """The loosest stop that is, with all below it, within TARGET: by measured upper limit, else estimate."""
        rates = self.estimated.false_negative_rate if self.measured is None else self.measured.false_negative_rate.high
        allowed = np.nan_to_num(rates, nan=1.0) <= TARGET
        within = int(np.argmin(allowed)) if not allowed.all() else len(allowed)
        return within - 1 if within else None


def outlook(work: Workspace, policy: Policy) -> CeilingRisk | None:
    """The risk along the policy's ceiling; None where it sets none."""

    def make() -> tuple[str, list[float | None], EstimatedShares]:
        field, stops = ladder(unjudged(work.table), policy)
        p = np.nan_to_num(work.table.number("p_relevant"), nan=0.0).astype(np.float64)
        return field, stops, _estimated(work, policy, field, stops, p) if field else _nothing()

    field, stops, estimated = work.cached("ceiling risk", make, (policy, work.version[1]), POLICIES_KEPT)
    if not field:
        return None
    now = stops.index(getattr(policy, field))
    measured = _measured(work, field, stops, policy)
    return CeilingRisk(
        field=field,
        stops=tuple(stops),
        now=now,
        queries=len(work.query_ids),
        estimated=estimated,
        measured=measured,
        by_models=_by_models(work, field, stops, policy),
        to_judge=None if measured is None else _to_judge(measured, now),
    )


def _by_models(work: Workspace, field: str, stops: list[float | None], policy: Policy) -> Floats | None:
    """The share of answers among the kept at each stop, by the scores' chances and what models said."""
    # Without chances there is nothing that a verdict could correct.
    if not work.standing.judges.entries or not np.isfinite(work.table.number("p_relevant")).all():
        return None
    likely, asked = with_judges_so_far(work)
    if asked < ENOUGH:
        return None

    def make() -> Floats:
        return _estimated(work, policy, field, stops, likely).false_negative_rate

    return work.cached("ceiling risk by models", make, (policy, work.version), POLICIES_KEPT)


def _estimated(work: Workspace, policy: Policy, field: str, stops: list[float | None], p: Floats) -> EstimatedShares:
    table = unjudged(work.table)
    if is_quick(policy):
        return _counted(along(table, policy, field, stops), p, table, policy.negatives_per_query)
    rates, lost, short = [], [], []
    for one in each(table, policy, field, stops):
        rates.append(_mean(p, one.kept))
        lost.append(1 - _mean(p, one.refused))
        per_query = np.bincount(table.query[one.kept], minlength=len(table.starts) - 1)
        short.append(int((per_query < policy.negatives_per_query).sum()))
    return EstimatedShares(np.array(rates), np.array(lost), np.array(short))


def _counted(found: DomainsAlongCeiling, p: Floats, table: Table, wanted: int) -> EstimatedShares:
    """The same for all stops at once: each row is counted where it enters and where it leaves, not at every stop."""
    held = np.flatnonzero(found.kept_from < found.kept_until)
    come, gone, likely = found.kept_from[held], found.kept_until[held], p[held]
    kept = _by_stop(come, None, found.stops) - _by_stop(gone, None, found.stops)
    kept_p = _by_stop(come, likely, found.stops) - _by_stop(gone, likely, found.stops)
    suspects = np.flatnonzero(found.refused_until)
    let_pass, likely = found.refused_until[suspects], p[suspects]
    refused = len(suspects) - _by_stop(let_pass, None, found.stops)
    refused_p = likely.sum() - _by_stop(let_pass, likely, found.stops)
    # A row for each query: how many it has at each stop.
    queries, row = len(table.starts) - 1, table.query[held] * (found.stops + 1)
    cells = [np.bincount(row + stop, minlength=queries * (found.stops + 1)) for stop in (come, gone)]
    per_query = np.cumsum((cells[0] - cells[1]).reshape(queries, -1)[:, :-1], axis=1)
    return EstimatedShares(_share(kept_p, kept), 1 - _share(refused_p, refused), (per_query < wanted).sum(axis=0))


def _by_stop(stop: Ints, numbers: Floats | None, stops: int) -> Floats:
    """Count of rows, or sum of `numbers`, whose `stop` is at each stop or before it, (stops,)."""
    return np.asarray(np.cumsum(np.bincount(stop, numbers, stops + 1)[:stops]), np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return shares


def _nothing() -> EstimatedShares:
    return EstimatedShares(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))


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


def with_stop(policy: Policy, found: CeilingRisk, stop: int) -> Policy:
    """The policy with its ceiling at a stop."""
    return at(policy, found.field, found.stops[stop])
