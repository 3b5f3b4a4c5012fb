"""
Fitting: the prior's weights moved by what people judged.

In:  a round's signals, judgements of some of its candidates
Out: a `Calibration`, and how far its probabilities can be relied upon (`Reliability`)

What is said of reliability comes from fits that did not see the query (five folds by query).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.calibration.model import Bools, Calibration, Floats, fit_weights
from nearmiss.calibration.reliability import Reliability, reliability
from nearmiss.calibration.signals import Signals

# How far a weight may lie from the prior's before labels must pay for it (standard deviations of the Gaussian prior).
# Measured on five collections: wider, and 50 labels do harm; narrower, and 1,000 do little good.
SPREAD = 0.1
# The prior's teacher was a small one, and it never met a learnt sparse encoder: there labels move more.
SPREAD_OF_MODELS = 0.3
SPREAD_OF_INTERCEPT = 2.0
FOLDS = 5
HEAVIEST = 10.0  # times the mean weight of a label
STEPS_FROM = 300  # labels, of which at least
STEPS_FROM_ANSWERS = 40  # are answers: from here on isotonic regression is steadier than the logistic curve
FEWEST_LABELS, FEWEST_ANSWERS = 30, 5
WORST_ERROR = 0.1
PRIOR_ALONE = "no judgement of this run was used: the weights come from other collections, and its rate of answers too"
TEACHER_UNKNOWN = (
    "the shipped weights met another teacher, late interaction, and take the word of this one for as much: learn from "
    "some judgements what it is worth, or set a margin beside it"
)


Problem = tuple[Floats, Floats, Floats, Floats, Floats]  # what `fit_weights` takes


@dataclass(frozen=True)
class Labels:
    """Judged candidates, (m,) each: their rows, whether each is an answer, and what each label counts."""

    rows: npt.NDArray[np.int64]
    answers: Bools
    weights: Floats  # 1 / inclusion probability where it was picked by chance, else 1
    seq: int = 0
    plans: tuple[str, ...] = ()


def fit(
    found: Signals, prior: Calibration, query: npt.NDArray[np.int64], labels: Labels
) -> tuple[Calibration, Reliability, Floats]:
    """
    The calibration of a round after these labels, its reliability, and the probabilities (m,) behind that.

    `prior` is what `from_prior` says of the round; `query` (n,) is the number of each candidate's query. Ten labels
    move little, a thousand take over.
    """
    from scipy.special import expit

    problem = _problem(found, prior, labels)
    _, answers, of_label, _, _ = problem
    unseen = _unseen(*problem, query[labels.rows])
    calibration = replace(_solved(prior, labels, problem), steps=_steps(unseen, answers, of_label))
    stepped = bool(calibration.steps)
    foretold = _cross_fitted(unseen, answers, of_label, query[labels.rows]) if stepped else expit(unseen)
    told = reliability(foretold, labels.answers, of_label)
    return replace(calibration, doubts=tuple(_doubts(calibration, told))), told, foretold


def moved(found: Signals, prior: Calibration, labels: Labels) -> Calibration:
    """The prior with its weights moved by these labels, and no more: enough to put candidates in order."""
    return _solved(prior, labels, _problem(found, prior, labels))


def _solved(prior: Calibration, labels: Labels, problem: Problem) -> Calibration:
    fitted = fit_weights(*problem) if len(labels.rows) else problem[3]
    return replace(
        prior,
        weights=tuple(np.round(fitted[:-1], 6).tolist()),
        intercept=round(float(fitted[-1]), 6),
        labels=len(labels.rows),
        answers=int(labels.answers.sum()),
        seq=labels.seq,
        plans_used=labels.plans,
    )


def _problem(found: Signals, prior: Calibration, labels: Labels) -> Problem:
    """What `fit_weights` takes: of the labels their signals, answers and weights; of the prior its mean and spread."""
    values = prior.standardised(Signals(found.names, found.values[labels.rows]))
    of_label = np.minimum(labels.weights / labels.weights.mean(), HEAVIEST) if len(labels.rows) else labels.weights
    center = np.array([*prior.weights, prior.intercept])
    spread = np.array([*map(_spread, prior.names), SPREAD_OF_INTERCEPT])
    return values, labels.answers.astype(np.float64), of_label, center, spread


def _spread(name: str) -> float:
    return SPREAD if not name.startswith("teacher") and _known(name) else SPREAD_OF_MODELS


def _known(name: str) -> bool:
    from nearmiss.calibration.prior import load

    return any(name in weights for weights in load()["weights"].values())


def _unseen(values: Floats, answers: Floats, of_label: Floats, center: Floats, spread: Floats, query: Any) -> Floats:
    """The logit of each label, (m,), under weights fitted without its query."""
    logits = np.zeros(len(answers))
    for held in _folds(query):
        kept = ~held
        weights = fit_weights(values[kept], answers[kept], of_label[kept], center, spread)
        logits[held] = values[held] @ weights[:-1] + weights[-1]
    return logits


def _folds(query: npt.NDArray[np.int64]) -> list[Bools]:
    """Which labels each fold holds out, (m,) each; a query's labels stay together."""
    number = np.unique(query, return_inverse=True)[1]
    # Neighbouring queries may be of one subject, so each fold takes every fifth.
    return [number % FOLDS == fold for fold in range(FOLDS) if (number % FOLDS == fold).any()]


def _steps(logits: Floats, answers: Floats, of_label: Floats) -> tuple[tuple[float, float], ...]:
    """Isotonic regression of the answers on the logits, as corners; none below STEPS_FROM labels."""
    if len(answers) < STEPS_FROM or answers.sum() < STEPS_FROM_ANSWERS or (1 - answers).sum() < STEPS_FROM_ANSWERS:
        return ()
    from sklearn.isotonic import IsotonicRegression

    isotonic = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(logits, answers, of_label)
    corners = zip(isotonic.X_thresholds_.tolist(), isotonic.y_thresholds_.tolist(), strict=True)
    return tuple((round(at, 6), round(p, 6)) for at, p in corners)


def _cross_fitted(logits: Floats, answers: Floats, of_label: Floats, query: npt.NDArray[np.int64]) -> Floats:
    """The probability of each label, (m,), from isotonic steps that did not see its query."""
    from sklearn.isotonic import IsotonicRegression

    p = np.zeros(len(logits))
    for held in _folds(query):
        isotonic = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        p[held] = isotonic.fit(logits[~held], answers[~held], of_label[~held]).predict(logits[held])
    return p


def _doubts(calibration: Calibration, told: Reliability) -> Sequence[str]:
    doubts = []
    if not calibration.labels:
        return [PRIOR_ALONE]
    if calibration.labels < FEWEST_LABELS or calibration.answers < FEWEST_ANSWERS:
        doubts.append(
            f"{calibration.labels} judgements with {calibration.answers} answers: wanted at least {FEWEST_LABELS} and "
            f"{FEWEST_ANSWERS}; until then the weights of other collections decide nearly alone"
        )
    elif told.error > WORST_ERROR:
        doubts.append(f"its probabilities are off by {told.error:.0%} on average where it was tried on unseen queries")
    if told.auc is not None and calibration.answers >= FEWEST_ANSWERS and told.auc < 0.6:
        doubts.append(f"it hardly tells answers from negatives here (AUC {told.auc:.2f} on unseen queries)")
    return doubts
