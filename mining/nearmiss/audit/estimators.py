"""
Estimators: the share of answers in a domain, from a stratified sample and a proxy known for every candidate.

In:  sizes and sums of the proxy by stop and stratum; the labels that were drawn
Out: means with variances, and 95% intervals, at every stop at once

The estimator is the stratified difference estimator with a tuned weight on the proxy: PPI++ (Angelopoulos et al. 2023)
within strata (StratPPI, Fisch et al. 2024), post-stratified to the domain. The interval is Wilson's with the effective
sample size (Korn and Graubard 1998).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearmiss.types import Bools, Floats, Ints

Z = 1.959963984540054  # two-sided 95%
# Weight of the proxy in each cell's variance, in labels: five labels without a hit do not prove a rate of 0.
PRIOR_LABELS = 2.0
LARGEST_WEIGHT = 2.0  # of the proxy: above 1 where it is too timid


@dataclass(frozen=True)
class Cells:
    """Candidates of a domain by stop and stratum, and the sum of their proxy, (stops, strata) each."""

    size: Floats
    proxy: Floats


@dataclass(frozen=True)
class AuditLabels:
    """What was drawn and judged, (m,) each; `weight` is one over the inclusion probability."""

    stratum: Ints
    weight: Floats
    proxy: Floats
    answer: Floats  # 1 or 0


@dataclass(frozen=True)
class StratifiedMeans:
    """The share of answers at each stop, (stops,) each; `smooth` is the share that the variance supposes."""

    estimate: Floats
    variance: Floats
    smooth: Floats
    labels: Floats
    hits: Floats
    size: Floats


def means(cells: Cells, member: Bools, labels: AuditLabels) -> StratifiedMeans:
    """The share of answers of a domain at each stop; `member` (stops, m) marks the labels in it."""
    size = cells.size.sum(axis=1)
    share = cells.size / np.maximum(size, 1)[:, None]
    own = _Sums(member.astype(np.float64), labels, cells.size.shape[1])
    at_cell = np.divide(cells.proxy, cells.size, out=np.zeros_like(cells.proxy), where=cells.size > 0)
    seen = own.count > 0
    guess = _scaled(own, at_cell, share)
    counted = np.maximum(own.count, 1)
    left = np.clip(1 - own.count / np.maximum(cells.size, 1), 0, 1)
    costs = np.where(seen, share**2 / counted * left, 0)
    weight, saved = _tuned(own, costs)
    residual = np.where(seen, own.answer - weight[:, None] * own.proxy, guess - weight[:, None] * at_cell)
    estimate = (share * (weight[:, None] * at_cell + residual)).sum(axis=1)
    rate = (own.hits + PRIOR_LABELS * guess) / (own.count + PRIOR_LABELS)
    # The share of hits among n labels varies less about itself than about the truth, by (n - 1) / n.
    unbiased = np.where(own.count > 1, own.count / np.maximum(own.count - 1, 1), 1)
    variance = (share**2 / counted * left * unbiased * rate * (1 - rate)).sum(axis=1) * (1 - saved)
    return StratifiedMeans(
        estimate=np.clip(estimate, 0, 1),
        variance=variance,
        smooth=(share * rate).sum(axis=1),
        labels=own.count.sum(axis=1),
        hits=own.hits.sum(axis=1),
        size=size,
    )


class _Sums:
    """Counts, weighted means and sums of squares of the labels by stop and stratum, (stops, strata) each."""

    def __init__(self, member: Floats, labels: AuditLabels, strata: int) -> None:
        stratum = np.eye(strata)[labels.stratum]

        def summed(values: Floats) -> Floats:
            return np.asarray((member * values) @ stratum)

        self.count = summed(np.ones(len(labels.stratum)))
        self.hits = summed(labels.answer)
        weight = summed(labels.weight)
        over = np.where(weight > 0, weight, 1)
        self.answer = summed(labels.weight * labels.answer) / over
        self.proxy = summed(labels.weight * labels.proxy) / over
        # Within a cell weights differ by at most one candidate: plain sums of squares do.
        counted = np.maximum(self.count, 1)
        first, other = summed(labels.answer), summed(labels.proxy)
        self.answers_squared = first - first**2 / counted
        self.proxies_squared = summed(labels.proxy**2) - other**2 / counted
        self.both = summed(labels.answer * labels.proxy) - first * other / counted


def _scaled(sums: _Sums, at_cell: Floats, share: Floats) -> Floats:
    """The answers that the proxy expects in each cell, scaled by how many were found in all."""
    seen = sums.count > 0
    found = (share * np.where(seen, sums.answer, 0)).sum(axis=1)
    expected = (share * np.where(seen, at_cell, 0)).sum(axis=1)
    # Half a hit more, as heavy as a label is on average: none found does not mean that there is none.
    half = 0.5 / np.maximum(sums.count.sum(axis=1), 1)
    scale = (found + half) / np.maximum(expected + half, 1e-9)
    return np.asarray(np.clip(at_cell * scale[:, None], 0, 0.5 * (1 + at_cell)))


def _tuned(sums: _Sums, costs: Floats) -> tuple[Floats, Floats]:
    """The weight of the proxy at each stop, and the share of the variance that it saves, (stops,) each."""
    freedom = costs / np.maximum(sums.count - 1, 1)
    both, proxies = (freedom * sums.both).sum(axis=1), (freedom * sums.proxies_squared).sum(axis=1)
    answers = (freedom * sums.answers_squared).sum(axis=1)
    hits = sums.hits.sum(axis=1)
    # A weight tuned on three hits is mostly chance; it is shrunk when hits are few, and the variance it saves more so,
    # since it was chosen to save most on these very labels.
    believed, saves = hits / (hits + 2), hits / (hits + 4)
    weight = np.divide(both, proxies, out=np.zeros_like(both), where=proxies > 1e-15)
    weight = np.clip(weight * believed, 0, LARGEST_WEIGHT)
    after = answers - 2 * weight * both + weight**2 * proxies
    saved = 1 - np.divide(after, answers, out=np.ones_like(after), where=answers > 1e-15)
    return weight, np.clip(saved * saves, 0, 0.9)


def combined(samples: list[StratifiedMeans]) -> StratifiedMeans:
    """The means of samples drawn apart, weighted by their labels."""
    if len(samples) == 1:
        return samples[0]
    labels = np.stack([sample.labels for sample in samples])
    weight = np.where(labels.sum(axis=0) > 0, labels / np.maximum(labels.sum(axis=0), 1), 1 / len(samples))
    return StratifiedMeans(
        estimate=np.asarray(sum(w * s.estimate for w, s in zip(weight, samples, strict=True))),
        variance=np.asarray(sum(w**2 * s.variance for w, s in zip(weight, samples, strict=True))),
        smooth=np.asarray(sum(w * s.smooth for w, s in zip(weight, samples, strict=True))),
        labels=labels.sum(axis=0),
        hits=np.asarray(sum(s.hits for s in samples)),
        size=samples[0].size,
    )


def wilson(found: StratifiedMeans) -> tuple[Floats, Floats]:
    """The 95% limits of means, (stops,) each: Wilson's, with as many labels as would give this variance alone."""
    spread = np.maximum(found.smooth * (1 - found.smooth), 1e-12)
    # Where everything is labelled no doubt is left: then so many labels count that the limits meet.
    labels = spread / np.maximum(found.variance, 1e-12)
    p, z, z2 = found.estimate, Z, Z**2
    middle = (p + z2 / (2 * labels)) / (1 + z2 / labels)
    half = z / (1 + z2 / labels) * np.sqrt(p * (1 - p) / labels + z2 / (4 * labels**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def recall(kept: StratifiedMeans, refused: StratifiedMeans) -> tuple[Floats, Floats, Floats]:
    """
    Of all answers among kept and refused, the share refused, with 95% limits, (stops,) each; NaN where there are none.

    The limits are the delta method's on the logit. Where nothing was found on a side, what the variance supposes stands
    in for it, since a logit of nothing has no width.
    """
    inside, outside = kept.size * kept.estimate, refused.size * refused.estimate
    with np.errstate(invalid="ignore", divide="ignore"):
        share = outside / (inside + outside)
        first, second = (_in_logits(side) for side in (kept, refused))
        middle = np.log(first[0]) - np.log(second[0])
        half = Z * np.sqrt(first[1] + second[1])
        low, high = (1 / (1 + np.exp(middle + sign * half)) for sign in (1, -1))
    return share, np.fmin(low, share), np.fmax(high, share)


def _in_logits(side: StratifiedMeans) -> tuple[Floats, Floats]:
    """The estimated number of answers of a side, and the variance of its logarithm."""
    labels = np.maximum(side.smooth * (1 - side.smooth), 1e-12) / np.maximum(side.variance, 1e-12)
    rate = (side.estimate * labels + 0.5) / (labels + 1)
    spread: npt.NDArray[np.float64] = (1 - rate) / (rate * (labels + 1))
    return side.size * rate, spread
