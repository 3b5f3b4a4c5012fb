"""
Estimates: the three numbers of an audit, for one policy or along a ceiling.

In:  a `Workspace` whose audits people judged
Out: `Estimate`: false-negative rate among kept, good negatives thrown away among refused, recall of the filter, each
     with a 95% interval; `Curve`: the same at every stop of a slider

    false_negative_rate  answers among the kept / kept
    over_filtering       those among the refused that are no answers / refused
    filter_recall        answers among the refused / answers among kept and refused

"Cannot tell" is no label: it counts as missing by chance within its stratum. "Partly" counts as an answer; the
numbers without it are given beside them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from nearmiss.audit.domains import Domains, DomainsAlongCeiling, along, at, domains, each, is_quick, unjudged
from nearmiss.audit.estimators import Cells, StratifiedMeans, combined, means, recall, wilson
from nearmiss.audit.samples import UNJUDGED, UNSURE, Sample, judged_in_sight, plans, samples, used_by_calibration
from nearmiss.errors import ReviewError
from nearmiss.review import AuditPlan
from nearmiss.selection import Table
from nearmiss.settings import Policy
from nearmiss.types import Bools, Floats
from nearmiss.workspace import Workspace

CURVES_KEPT = 4


@dataclass(frozen=True)
class Rate:
    """A share with its 95% interval and the labels it comes from; None where nothing can be said."""

    estimate: float | None
    low: float | None
    high: float | None
    labels: int


@dataclass(frozen=True)
class AuditRates:
    """The three numbers."""

    false_negative_rate: Rate
    over_filtering: Rate
    filter_recall: Rate


@dataclass(frozen=True)
class Estimate:
    """The audits' estimate for one policy."""

    numbers: AuditRates
    without_partial: AuditRates  # if "partly" were no answer
    kept: int  # candidates
    refused: int
    judged: int  # draws
    unsure: int
    waiting: int
    in_sight: int  # of those that wait, judged with their scores in sight: no answer to a random draw
    plans: tuple[str, ...]
    left_out: tuple[str, ...]  # plans whose labels the calibration was fitted to
    judges: tuple[str, ...]  # models whose verdicts from before a draw were its proxy, beside the scores

    def as_json(self) -> dict[str, Any]:
        """Plain values, the three numbers first."""
        rates = {name: vars(getattr(self.numbers, name)) for name in _NAMES}
        others = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _NESTED}
        return rates | {
            "without_partial": {name: vars(getattr(self.without_partial, name)) for name in _NAMES},
            **{name: list(value) if isinstance(value, tuple) else value for name, value in others.items()},
        }


@dataclass(frozen=True)
class Band:
    """One of the numbers along a slider, (stops,) each; NaN where nothing can be said."""

    estimate: Floats
    low: Floats
    high: Floats
    labels: Floats


@dataclass(frozen=True)
class Curve:
    """The three numbers at each stop of a ceiling's setting, in the order of the stops."""

    field: str
    stops: tuple[float | None, ...]
    false_negative_rate: Band
    over_filtering: Band
    filter_recall: Band


_NAMES = tuple(field.name for field in fields(AuditRates))
_NESTED = ("numbers", "without_partial")


def estimate(work: Workspace, policy: Policy | None = None) -> Estimate:
    """
    The audits' estimate for a policy, by default the one in force.

    Raises ReviewError where nothing was drawn, or nothing of it judged.
    """
    used = samples(work)
    checked(work, used)
    now = domains(unjudged(work.table), policy or work.policy)
    layers = [layer_of([now], one) for one in used]
    known = plans(work)
    names, fitted = {one.plan for one in used}, used_by_calibration(work)
    measuring = [one for one in known if one.plan in names]
    mine = [one for one in used if one.plan in {plan.plan for plan in known}]
    return Estimate(
        numbers=_numbers(bands(layers, used, partial=True)),
        without_partial=_numbers(bands(layers, used, partial=False)),
        kept=int(now.kept.sum()),
        refused=int(now.refused.sum()),
        judged=sum(int(one.judged.sum()) for one in used),
        unsure=sum(int((one.verdict == UNSURE).sum()) for one in used),
        waiting=sum(int((one.verdict == UNJUDGED).sum()) for one in mine),
        in_sight=sum(judged_in_sight(work, one) for one in measuring),
        plans=tuple(one.plan for one in used),
        left_out=tuple(one.plan for one in known if one.plan in fitted),
        judges=_judges(measuring),
    )


def _judges(known: Sequence[AuditPlan]) -> tuple[str, ...]:
    """The models whose verdicts the plans' proxies hold."""
    return tuple(sorted({judge["judge"] for plan in known for judge in plan.facts.get("judges", ())}))


def checked(work: Workspace, used: Sequence[Sample]) -> None:
    """Raise ReviewError where no sample says anything."""
    where = f"{work.run.folder}, round {work.number}"
    if not used:
        found = "only audits that the calibration was fitted to" if plans(work) else "none"
        raise ReviewError(f"{where}: wanted an audit of this round; found {found}. `nearmiss audit plan` draws one")
    if not any(one.judged.any() for one in used):
        draws = sum(len(one.rows) for one in used)
        raise ReviewError(
            f"{where}: wanted judgements of what the audit drew; found none of {draws}. "
            "`nearmiss app` shows them to a reviewer"
        )


@dataclass(frozen=True)
class SampledDomains:
    """The domains of one or more policies as one sample sees them: its cells, and which draws they hold."""

    kept: Cells
    refused: Cells
    kept_draws: Bools  # (stops, draws)
    refused_draws: Bools


def layer_of(found: Sequence[Domains], sample: Sample) -> SampledDomains:
    """How a sample covers one or more policies, given their domains."""

    def cells(rows: Sequence[Bools]) -> Cells:
        counted = [_by_stratum(one & (sample.stratum >= 0), sample) for one in rows]
        return Cells(np.stack([size for size, _ in counted]), np.stack([total for _, total in counted]))

    kept, refused = [one.kept for one in found], [one.refused for one in found]
    drawn = (np.stack([rows[sample.rows] for rows in side]) for side in (kept, refused))
    return SampledDomains(cells(kept), cells(refused), *drawn)


def _by_stratum(rows: Bools, sample: Sample) -> tuple[Floats, Floats]:
    stratum = sample.stratum[rows]
    size = np.bincount(stratum, minlength=sample.strata).astype(np.float64)
    return size, np.bincount(stratum, sample.likely[rows], minlength=sample.strata).astype(np.float64)


def _layer_along(found: DomainsAlongCeiling, sample: Sample) -> SampledDomains:
    """The same for every stop of a slider, from each row's first and last."""
    inside = np.flatnonzero(sample.stratum >= 0)
    stops, strata = found.stops, sample.strata

    def summed(rows: Any, stop: Any, weights: Floats | None) -> Floats:
        cell = sample.stratum[rows] * (stops + 1) + stop[rows]
        counts = np.bincount(cell, None if weights is None else weights[rows], minlength=strata * (stops + 1))
        return counts.reshape(strata, stops + 1).T.astype(np.float64)

    def between(rows: Any, first: Any, last: Any) -> Cells:
        both = []
        for weights in (None, sample.likely):
            change = summed(rows, first, weights) - summed(rows, last, weights)
            both.append(np.maximum(np.cumsum(change, axis=0)[:stops], 0))
        return Cells(*both)

    kept = inside[found.kept_until[inside] > found.kept_from[inside]]
    refused = inside[found.refused_until[inside] > 0]
    every = np.arange(stops)[:, None]
    first, last, until = (a[sample.rows] for a in (found.kept_from, found.kept_until, found.refused_until))
    return SampledDomains(
        between(kept, found.kept_from, found.kept_until),
        between(refused, np.zeros_like(found.refused_until), found.refused_until),
        (first <= every) & (every < last),
        every < until,
    )


def bands(layers: Sequence[SampledDomains], used: Sequence[Sample], partial: bool = True) -> tuple[Band, Band, Band]:
    """The three numbers at each stop that the layers hold."""
    kept: list[StratifiedMeans] = []
    refused: list[StratifiedMeans] = []
    for layer, sample in zip(layers, used, strict=True):
        labels = sample.labels(partial)
        for cells, draws, into in (
            (layer.kept, layer.kept_draws, kept),
            (layer.refused, layer.refused_draws, refused),
        ):
            found = means(cells, draws[:, sample.judged], labels)
            into.append(replace(found, variance=found.variance * sample.inflation))
    inside, outside = combined(kept), combined(refused)
    return _share(inside), _complement(_share(outside)), _recall(inside, outside)


def _share(found: StratifiedMeans) -> Band:
    low, high = wilson(found)
    nothing = (found.labels == 0) | (found.size == 0)
    return _band((found.estimate, low, high), nothing, found.labels)


def _complement(of: Band) -> Band:
    return Band(1 - of.estimate, 1 - of.high, 1 - of.low, of.labels)


def _recall(kept: StratifiedMeans, refused: StratifiedMeans) -> Band:
    share, low, high = recall(kept, refused)
    nothing = (kept.labels == 0) | (refused.labels == 0) | np.isnan(share)
    return _band((share, low, high), nothing, kept.labels + refused.labels)


def _band(three: tuple[Floats, Floats, Floats], nothing: Bools, labels: Floats) -> Band:
    share, low, high = (np.where(nothing, np.nan, values) for values in three)
    return Band(share, low, high, labels)


def _numbers(of: tuple[Band, Band, Band]) -> AuditRates:
    def rate(band: Band) -> Rate:
        share, low, high = (float(values[0]) for values in (band.estimate, band.low, band.high))
        labels = int(band.labels[0])
        return Rate(None, None, None, labels) if np.isnan(share) else Rate(share, low, high, labels)

    return AuditRates(*(rate(band) for band in of))


def curve(work: Workspace, field: str, stops: Sequence[float | None], policy: Policy | None = None) -> Curve:
    """
    The three numbers at each stop of a ceiling's setting, from strict to loose; None turns it off.

    What depends on scores alone is computed at the first call; a judgement changes only the labels' part.
    """
    policy = policy or work.policy
    used = samples(work)
    checked(work, used)
    key = (at(policy, field, None), field, tuple(stops), tuple(one.plan for one in used), _drawn(used), work.version[1])
    layers = work.cached(
        "curve", lambda: list(_layers(unjudged(work.table), policy, field, stops, used)), key, CURVES_KEPT
    )
    return Curve(field, tuple(stops), *bands(layers, used))


def _drawn(used: Sequence[Sample]) -> tuple[int, ...]:
    return tuple(len(one.rows) for one in used)


def _layers(
    table: Table, policy: Policy, field: str, stops: Sequence[float | None], used: Sequence[Sample]
) -> Iterator[SampledDomains]:
    if is_quick(policy):
        found = along(table, policy, field, stops)
        yield from (_layer_along(found, one) for one in used)
    else:
        listed = list(each(table, policy, field, stops))
        yield from (layer_of(listed, one) for one in used)
