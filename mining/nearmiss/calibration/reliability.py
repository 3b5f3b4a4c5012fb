"""
Reliability: do the probabilities come true?

In:  probabilities of judged candidates, what they were judged, how much each counts
Out: `Reliability`: Brier score, calibration error and the curve; by slice, a table of them

The error is the adaptive expected calibration error: bins hold as many labels each (Nguyen and O'Connor, EMNLP 2015),
less what bins of this size show by chance alone (debiased after Kumar, Liang and Ma, NeurIPS 2019).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
LABELS_PER_BIN = 20
MOST_BINS = 10
FEWEST_IN_SLICE = 20


@dataclass(frozen=True)
class Bin:
    """Labels of like probability: what was foretold, what came, and the 95% (Wilson) interval of that."""

    foretold: float
    came: float
    low: float
    high: float
    labels: int


@dataclass(frozen=True)
class Reliability:
    """How well probabilities foretold the judgements."""

    labels: int
    answers: int
    brier: float  # mean squared error; the rate's own variance is what knowing nothing would cost
    brier_of_rate: float
    error: float  # 0 is best
    auc: float | None  # None without both kinds
    curve: tuple[Bin, ...]


def reliability(p: Floats, answers: Bools, weights: Floats | None = None) -> Reliability:
    """How well `p` (m,) foretold `answers` (m,), each counting its weight."""
    weights = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    if not len(p):
        return Reliability(0, 0, 0.0, 0.0, 0.0, None, ())
    came = answers.astype(np.float64)
    rate = float(np.average(came, weights=weights))
    curve = tuple(_bin(p[rows], came[rows], weights[rows]) for rows in _bins(p))
    shares = np.array([weights[rows].sum() for rows in _bins(p)]) / weights.sum()
    return Reliability(
        labels=len(p),
        answers=int(answers.sum()),
        brier=float(np.average((p - came) ** 2, weights=weights)),
        brier_of_rate=rate * (1 - rate),
        error=_error(curve, shares),
        auc=_auc(p, answers, weights),
        curve=curve,
    )


def by_slice(
    p: Floats, answers: Bools, weights: Floats, slices: Mapping[str, npt.NDArray[Any]]
) -> dict[str, dict[str, Reliability]]:
    """The same for each value of each slicing, `slices` by name (m,) each; small slices are left out."""
    told: dict[str, dict[str, Reliability]] = {}
    for name, values in slices.items():
        for value in np.unique(values).tolist():
            rows = values == value
            if rows.sum() >= FEWEST_IN_SLICE:
                told.setdefault(name, {})[str(value)] = reliability(p[rows], answers[rows], weights[rows])
    return told


def _bins(p: Floats) -> list[npt.NDArray[np.int64]]:
    bins = max(1, min(MOST_BINS, len(p) // LABELS_PER_BIN))
    return list(np.array_split(np.argsort(p, kind="stable"), bins))


def _bin(p: Floats, came: Floats, weights: Floats) -> Bin:
    from statsmodels.stats.proportion import proportion_confint

    rate = float(np.average(came, weights=weights))
    size = float(weights.sum() ** 2 / (weights**2).sum())  # Kish's effective size
    low, high = proportion_confint(rate * size, size, method="wilson")
    return Bin(float(np.average(p, weights=weights)), rate, float(low), float(high), len(p))


def _error(curve: tuple[Bin, ...], shares: Floats) -> float:
    squared = sum(
        share * ((bin.foretold - bin.came) ** 2 - bin.came * (1 - bin.came) / max(bin.labels - 1, 1))
        for bin, share in zip(curve, shares.tolist(), strict=True)
    )
    return float(np.sqrt(max(squared, 0.0)))


def _auc(p: Floats, answers: Bools, weights: Floats) -> float | None:
    if answers.all() or not answers.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(answers, p, sample_weight=weights))
