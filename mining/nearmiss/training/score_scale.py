"""
Score scale: a logit shifted and scaled so that its sigmoid is a probability.

In:  scores, labels and the query of each
Out: `ScoreScale`: slope and shift, fitted to the labels (Platt, 1999; with no shift, temperature scaling: Guo et al.,
     2017)

Numbers on unseen queries come from scales fitted without them (five folds by query).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log1p

from nearmiss.types import Floats

FOLDS = 5
# A weak pull towards one standard deviation and no shift: without it, scores that separate the labels fully would be
# stretched without limit.
RIDGE = 1.0


@dataclass(frozen=True)
class ScoreScale:
    """score -> slope * score + shift; the slope is above 0, so no order changes."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, scores: Floats) -> Floats:
        return self.slope * scores + self.shift


def fit(scores: Floats, labels: Floats, *, shifts: bool = True) -> ScoreScale:
    """The scale of the least log loss; `scores`, `labels` (0 to 1) are (n,)."""
    from scipy.optimize import minimize

    spread = float(scores.std()) or 1.0
    units = scores / spread

    def loss(at: Floats) -> tuple[float, Floats]:
        stretched = np.exp(at[0]) * units
        logits = stretched + (at[1] if shifts else 0.0)
        error = expit(logits) - labels
        slopes = np.array([error @ stretched, error.sum() if shifts else 0.0]) + RIDGE * at
        return float(log_losses(logits, labels).sum() + RIDGE * (at @ at) / 2), slopes

    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-5, 5), (-50, 50)]).x
    return ScoreScale(float(np.exp(found[0]) / spread), float(found[1]) if shifts else 0.0)


def cross_fitted(scores: Floats, labels: Floats, query: npt.NDArray[Any], *, shifts: bool = True) -> Floats:
    """Logits (n,), each from a scale that did not see its query; as they are where there are too few queries."""
    number = np.unique(query, return_inverse=True)[1]
    if number.max(initial=0) + 1 < FOLDS:
        return fit(scores, labels, shifts=shifts)(scores)
    found = np.empty_like(scores)
    for fold in range(FOLDS):
        unseen = number % FOLDS == fold
        found[unseen] = fit(scores[~unseen], labels[~unseen], shifts=shifts)(scores[unseen])
    return found


def log_losses(logits: Floats, labels: Floats) -> Floats:
    """Binary cross-entropy of each logit with its label, (n,)."""
    return np.asarray(np.maximum(logits, 0) - logits * labels + log1p(np.exp(-np.abs(logits))))


def probabilities(logits: Floats) -> Floats:
    """Sigmoid."""
    return np.asarray(expit(logits))
