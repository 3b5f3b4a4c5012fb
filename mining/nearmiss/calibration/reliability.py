"""
Reliability: how near estimated probabilities are to what people judged.

In:  probabilities of judged candidates, what they were judged, how much each counts
Out: `Reliability`: Brier score, calibration error, AUC and the curve; by slice, a table of them

The error is the adaptive expected calibration error: bins hold as many labels each (Nguyen and O'Connor, EMNLP 2015),
less what bins of this size show by chance alone (debiased after Kumar, Liang and Ma, NeurIPS 2019). The interval of the
AUC takes a query's labels together (Obuchowski, Biometrics 1997), on the logit scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.types import Bools, Floats

LABELS_PER_BIN = 20
MOST_BINS = 10
FEWEST_IN_SLICE = 20
TOLERATED = 0.02  # of AUC
Z, Z_ONE_SIDED = 1.96, 1.645  # of a normal distribution: 95%


@dataclass(frozen=True)
class Bin:
    """Labels of like probability: the mean estimate, the share judged answers, and its 95% (Wilson) interval."""

    estimated: float
    judged: float
    low: float
    high: float
    labels: int


@dataclass(frozen=True)
class Reliability:
    """How near probabilities are to the judgements; `auc_low` and `auc_high` are 95% limits."""

    labels: int
    answers: int
    brier: float  # mean squared error; the variance of the rate is that of always guessing the rate
    brier_of_rate: float
    error: float  # 0 is best
    auc: float | None  # None without both kinds
    curve: tuple[Bin, ...]
    auc_low: float | None = None
    auc_high: float | None = None


def reliability(
    p: Floats, answers: Bools, weights: Floats | None = None, query: npt.NDArray[np.int64] | None = None
) -> Reliability:
    """How near `p` (m,) is to `answers` (m,), each with its weight; labels of one `query` (m,) are clustered."""
    weights = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    if not len(p):
        return Reliability(0, 0, 0.0, 0.0, 0.0, None, ())
    judged = answers.astype(np.float64)
    rate = float(np.average(judged, weights=weights))
    curve = tuple(_bin(p[rows], judged[rows], weights[rows]) for rows in _bins(p))
    found = auc(p, answers, weights, query)
    shares = np.array([weights[rows].sum() for rows in _bins(p)]) / weights.sum()
    return Reliability(
        labels=len(p),
        answers=int(answers.sum()),
        brier=float(np.average((p - judged) ** 2, weights=weights)),
        brier_of_rate=rate * (1 - rate),
        error=_error(curve, shares),
        auc=None if found is None else found.value,
        curve=curve,
        auc_low=None if found is None else found.low,
        auc_high=None if found is None else found.high,
    )


def by_slice(
    p: Floats,
    answers: Bools,
    weights: Floats,
    slices: Mapping[str, npt.NDArray[Any]],
    query: npt.NDArray[np.int64] | None = None,
) -> dict[str, dict[str, Reliability]]:
    """The same for each value of each slicing, `slices` by name (m,) each; small slices are left out."""
    facts: dict[str, dict[str, Reliability]] = {}
    for name, values in slices.items():
        for value in np.unique(values).tolist():
            rows = values == value
            if rows.sum() >= FEWEST_IN_SLICE:
                own = None if query is None else query[rows]
                facts.setdefault(name, {})[str(value)] = reliability(p[rows], answers[rows], weights[rows], own)
    return facts


def _bins(p: Floats) -> list[npt.NDArray[np.int64]]:
    bins = max(1, min(MOST_BINS, len(p) // LABELS_PER_BIN))
    return list(np.array_split(np.argsort(p, kind="stable"), bins))


def _bin(p: Floats, judged: Floats, weights: Floats) -> Bin:
    from statsmodels.stats.proportion import proportion_confint

    rate = float(np.average(judged, weights=weights))
    size = float(weights.sum() ** 2 / (weights**2).sum())  # Kish's effective size
    low, high = proportion_confint(rate * size, size, method="wilson")
    return Bin(float(np.average(p, weights=weights)), rate, float(low), float(high), len(p))


def _error(curve: tuple[Bin, ...], shares: Floats) -> float:
    squared = sum(
        share * ((bin.estimated - bin.judged) ** 2 - bin.judged * (1 - bin.judged) / max(bin.labels - 1, 1))
        for bin, share in zip(curve, shares.tolist(), strict=True)
    )
    return float(np.sqrt(max(squared, 0.0)))


@dataclass(frozen=True)
class Auc:
    """The chance that an answer has a higher probability than a negative, with its 95% interval."""

    value: float
    low: float
    high: float


def auc(
    p: Floats, answers: Bools, weights: Floats | None = None, query: npt.NDArray[np.int64] | None = None
) -> Auc | None:
    """The area under the ROC curve, (m,) each; ties count half. None without both answers and negatives."""
    from scipy.special import expit, logit

    if not len(p) or answers.all() or not answers.any():
        return None
    value, off = _by_query(p, answers, weights, query)
    if len(off) < 2:
        return Auc(value, 0.0, 1.0)
    # Where nothing varies (all in order, or none), as one misplaced label of the rarer kind would.
    fewest = min(int(answers.sum()), int((~answers).sum()))
    inner = min(max(value, 0.5 / (fewest + 1)), 1 - 0.5 / (fewest + 1))
    reach = Z * max(_deviation(off), inner * (1 - inner) / np.sqrt(fewest)) / (inner * (1 - inner))
    return Auc(value, float(expit(logit(inner) - reach)), float(expit(logit(inner) + reach)))


def surely_worse(p: Floats, than: Floats, answers: Bools, weights: Floats, query: npt.NDArray[np.int64]) -> bool:
    """Whether `p` has a lower AUC than the probabilities `than`, (m,) each: by over TOLERATED, and surely (95%)."""
    (one, off), (other, off_other) = (_by_query(each, answers, weights, query) for each in (p, than))
    return len(off) > 1 and other - one > max(TOLERATED, Z_ONE_SIDED * _deviation(off - off_other))


def _by_query(
    p: Floats, answers: Bools, weights: Floats | None, query: npt.NDArray[np.int64] | None
) -> tuple[float, Floats]:
    """The AUC, and how far each query's labels move it, (n_queries,)."""
    weights = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    share = np.where(answers, weights / weights[answers].sum(), weights / weights[~answers].sum())
    placed = np.where(answers, _below(p, p[~answers], share[~answers]), 1 - _below(p, p[answers], share[answers]))
    value = float((share * placed)[answers].sum())
    group = np.arange(len(p)) if query is None else np.unique(query, return_inverse=True)[1]
    return value, np.bincount(group, share * (placed - value)).astype(np.float64)


def _deviation(off: Floats) -> float:
    return float(np.sqrt((off**2).sum() * len(off) / (len(off) - 1)))


def _below(p: Floats, others: Floats, share: Floats) -> Floats:
    """The share of `others` that lies below each `p`, (m,); half of those that equal it count too."""
    order = np.argsort(others, kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(share[order])])
    first, last = (np.searchsorted(others[order], p, side=side) for side in ("left", "right"))
    return np.asarray((summed[first] + summed[last]) / 2)
