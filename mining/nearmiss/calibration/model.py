"""
The model: from a candidate's signals to the probability that it is an unlabelled answer.

In:  signals, and the weights of the prior or of a fit
Out: p_relevant, and how much each signal contributes

A logistic model over signals that are standardised within their own run, so that weights found on other collections
hold here. With labels, the prior's weights are the centre of a penalised fit (a Gaussian prior on each weight; its mode
by Newton's method), and from a few hundred labels on isotonic regression corrects the probabilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.calibration.prior import prior_weights
from nearmiss.calibration.signals import Signals
from nearmiss.types import Bools, Floats

ROWS_AT_ONCE = 1 << 16
FURTHEST = 5.0  # standard deviations at which a signal stops counting more


@dataclass(frozen=True)
class Calibration:
    """The model that turns the signals of one round into probabilities."""

    names: tuple[str, ...]
    center: tuple[float, ...]  # mean of each signal over the round's unlabelled candidates
    scale: tuple[float, ...]  # and its standard deviation
    weights: tuple[float, ...]
    intercept: float
    labels: int = 0  # judgements it was fitted to, beside the prior
    answers: int = 0  # how many of them were answers
    seq: int = 0  # the last entry of the log that it used
    plans_used: tuple[str, ...] = ()  # audits whose labels it was fitted to, which may therefore not certify it
    # Isotonic: the logit at which each step begins, and the probability there; empty where it was not needed.
    steps: tuple[tuple[float, float], ...] = ()
    doubts: tuple[str, ...] = ()  # why it should not be trusted, in sentences
    # The rate of answers to which the intercept of the prior was set: estimate, lower and upper end; empty where it was
    # not, and how many labelled answers it rests on.
    estimated_rate: tuple[float, ...] = ()
    labelled_found: int = 0

    def standardised(self, found: Signals) -> npt.NDArray[np.float32]:
        """Signals in standard deviations of this run, (n, k); 0, which has no effect, where unknown."""
        columns = {name: place for place, name in enumerate(found.names)}
        values = np.zeros((len(found.values), len(self.names)), np.float32)
        for place, (name, center, scale) in enumerate(zip(self.names, self.center, self.scale, strict=True)):
            if name in columns and scale > 0:
                values[:, place] = (found.values[:, columns[name]] - np.float32(center)) / np.float32(scale)
        return np.clip(np.nan_to_num(values, copy=False), -FURTHEST, FURTHEST)

    def logits(self, found: Signals) -> Floats:
        """The weighted sum of each candidate's signals, (n,), in blocks of candidates."""
        weights, intercept = np.array(self.weights, np.float32), np.float32(self.intercept)
        summed = np.empty(len(found.values), np.float32)
        for start in range(0, len(summed), ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            summed[block] = self.standardised(Signals(found.names, found.values[block])) @ weights + intercept
        return summed

    def probabilities(self, logits: Floats) -> npt.NDArray[np.float32]:
        """The probability at each logit, (n,)."""
        if not self.steps:
            from scipy.special import expit  # slow to import, and a page that only looks reads what is stored

            return np.asarray(expit(logits), np.float32)
        at, p = np.array(self.steps).T
        return np.asarray(np.interp(logits, at, p), np.float32)

    def contributions(self, found: Signals) -> npt.NDArray[np.float32]:
        """What each signal adds to each candidate's logit, (n, k)."""
        added: npt.NDArray[np.float32] = self.standardised(found) * np.array(self.weights, np.float32)
        return added


def from_prior(found: Signals, positive: Bools, weights: Mapping[str, float] | None = None) -> Calibration:
    """The prior, with signals standardised on this run; no label is used. `weights` are by default the shipped ones."""
    weights = prior_weights(found.names) if weights is None else weights
    others = ~positive if (~positive).any() else positive
    center, scale = np.transpose([_mean_and_deviation(column[others]) for column in found.values.T]).reshape(2, -1)
    scale = np.where(scale > 1e-9, scale, 0.0)
    return Calibration(
        names=found.names,
        center=tuple(np.round(center, 6).tolist()),
        scale=tuple(np.round(scale, 6).tolist()),
        weights=tuple(float(weights.get(name, 0.0)) for name in found.names),
        intercept=float(weights["intercept"]),
    )


def _mean_and_deviation(numbers: Floats) -> tuple[float, float]:
    known = numbers[np.isfinite(numbers)].astype(np.float64)
    return (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)


def fit_weights(
    values: Floats, answers: npt.NDArray[Any], of_label: Floats, center: Floats, spread: Floats, iterations: int = 50
) -> Floats:
    """
    The mode of a logistic model's weights under a Gaussian prior, (k + 1,), the intercept last.

    `values` (n, k) are standardised signals, `of_label` (n,) the weight of each label, `center` and `spread` (k + 1,)
    the prior's mean and standard deviation. Newton's method, halving a step that does not help; the objective is
    convex, so that there is one mode.
    """
    from scipy.special import expit

    design = np.column_stack([values, np.ones(len(values))]).astype(np.float64)
    precision = 1 / np.asarray(spread, np.float64) ** 2
    weights = np.array(center, np.float64)

    def cost(at: Floats) -> float:
        logits = design @ at
        losses = np.logaddexp(0, logits) - answers * logits
        return float((of_label * losses).sum() + 0.5 * (precision * (at - center) ** 2).sum())

    best = cost(weights)
    for _ in range(iterations):
        p = expit(design @ weights)
        gradient = design.T @ (of_label * (p - answers)) + precision * (weights - center)
        curvature = (design.T * (of_label * p * (1 - p))) @ design + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (trial := cost(weights - size * step)) > best and size > 1e-6:
            size /= 2
        if best - trial < 1e-9:
            break
        weights, best = weights - size * step, trial
    return weights
