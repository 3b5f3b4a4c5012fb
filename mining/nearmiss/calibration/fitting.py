"""
Fitting: the prior's weights moved by what people judged.

In:  a round's signals, judgements of some of its candidates
Out: a `Calibration`, and how far its probabilities can be relied upon (`Fitted`)

Reliability is measured on queries that the fit did not see (five folds by query).

The weight of a judgement: an audited one (drawn by an audit) weighs one over its inclusion probability, scaled so that
audited ones weigh 1 on average and none more than HEAVIEST; every other one weighs 1. So neither kind dilutes the
other. People may judge what they like to, and record answers more often than negatives. In a logistic model such a
choice by outcome moves the intercept alone (Prentice and Pyke 1979): where both kinds are there, those not audited get
an intercept of their own, drawn to 0 (SPREAD_OF_CHOICE), which is left out of the calibration. They teach what tells
answers from negatives, and audited ones teach how frequent answers are. `tests/benchmarks/weighing.py` shows bias and
coverage, from one audited judgement among two hundred to the reverse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nearmiss.calibration.model import Calibration, fit_weights
from nearmiss.calibration.reliability import Reliability, reliability
from nearmiss.calibration.signals import Signals
from nearmiss.counts import counted
from nearmiss.types import Bools, Floats, Ints

if TYPE_CHECKING:
    from sklearn.isotonic import IsotonicRegression

# How far a weight may lie from the prior's before labels must pay for it (standard deviations of the Gaussian prior).
# Measured on five collections: wider, and 50 labels do harm; narrower, and 1,000 do little good.
SPREAD_OF_WEIGHTS = 0.1
# The prior was fitted with a small teacher and without a learned sparse encoder: there labels move more.
SPREAD_OF_MODELS = 0.3
SPREAD_OF_INTERCEPT = 2.0
SPREAD_OF_RATE = 1.0  # the same where labelled answers told the rate: with 50 labels nearer to the truth than 2
SPREAD_OF_CHOICE = 1.0  # of the intercept that judgements have of their own where people chose what to judge
FOLDS = 5
FEWEST_QUERIES = FOLDS  # below so many no fit can be tried on queries that it has not seen
HEAVIEST = 10.0  # times the mean weight of a label
STEPS_FROM = 300  # labels, of which at least
STEPS_FROM_ANSWERS = 40  # are answers: from here isotonic regression is steadier than the logistic curve
FEWEST_LABELS, FEWEST_ANSWERS = 30, 5
WORST_ERROR = 0.1
PRIOR_ALONE = "no judgement of this run was used: the weights come from other collections, and its rate of answers too"
TEACHER_UNKNOWN = (
    "the shipped weights were fitted with another teacher, late interaction, and trust this one as much: calibrate on "
    "some judgements, or set a margin beside it"
)


Problem = tuple[Floats, Floats, Floats, Floats, Floats]  # what `fit_weights` takes


@dataclass(frozen=True)
class CalibrationLabels:
    """Judged candidates, (m,) each: their rows, whether each is an answer, and what each label counts."""

    rows: Ints
    answers: Bools
    weights: Floats  # 1 / inclusion probability where an audit drew it, else 1
    seq: int = 0
    plans: tuple[str, ...] = ()
    drawn: Bools | None = None  # by an audit; None where none was

    @property
    def audited(self) -> Bools:
        """Which labels an audit drew, (m,)."""
        return np.zeros(len(self.rows), bool) if self.drawn is None else self.drawn

    @property
    def tested(self) -> Bools:
        """Those on which a fit is tried, (m,): a random sample where it is large enough, else all."""
        return self.audited if self.audited.sum() >= FEWEST_LABELS else np.ones(len(self.rows), bool)

    def of_weight(self) -> Floats:
        """What each label weighs in a fit, (m,): see the module."""
        weight = np.ones(len(self.rows))
        if (audited := self.audited).any():
            drawn = self.weights[audited]
            weight[audited] = np.minimum(drawn / drawn.mean(), HEAVIEST)
        return weight


@dataclass(frozen=True)
class Fitted:
    """
    A calibration, and what it and the prior estimated of labels whose queries a fit had not seen.

    `estimated` and `by_prior` are probabilities, (m,); `weight` (m,) what each label weighs. `reliability` is that of
    the labels `tested`.
    """

    calibration: Calibration
    reliability: Reliability
    estimated: Floats
    by_prior: Floats
    weight: Floats


def fit(found: Signals, prior: Calibration, query: Ints, labels: CalibrationLabels) -> Fitted:
    """
    The calibration of a round after these labels, and how it does on queries that it has not seen.

    `prior` is what `from_prior` gives for the round; `query` (n,) is the number of each candidate's query. Ten labels
    change little, a thousand outweigh the prior.
    """
    from scipy.special import expit

    problem, own = _problem(found, prior, labels), query[labels.rows]
    values, answers, of_label, _, _ = problem
    unseen, choice = _unseen(problem, len(prior.names), own)
    # The steps are fitted to the logits of labels as they were judged, with the intercept for chosen ones.
    steps = _steps(unseen + choice, answers, of_label, own)
    calibration = replace(_solved(prior, labels, problem), steps=steps)
    estimated = _cross_fitted(unseen, choice, answers, of_label, own) if steps else expit(unseen)
    by_prior = expit(values[:, : len(prior.names)] @ np.array(prior.weights) + prior.intercept)
    tested = labels.tested
    fitted_well = reliability(estimated[tested], labels.answers[tested], of_label[tested], own[tested])
    doubts = tuple(_doubts(calibration, fitted_well, len(np.unique(own))))
    return Fitted(replace(calibration, doubts=doubts), fitted_well, estimated, by_prior, of_label)


def moved(found: Signals, prior: Calibration, labels: CalibrationLabels) -> Calibration:
    """The prior with its weights moved by these labels, and no more: enough to put candidates in order."""
    return _solved(prior, labels, _problem(found, prior, labels))


def _solved(prior: Calibration, labels: CalibrationLabels, problem: Problem) -> Calibration:
    fitted = fit_weights(*problem) if len(labels.rows) else problem[3]
    return replace(
        prior,
        weights=tuple(np.round(fitted[: len(prior.names)], 6).tolist()),
        intercept=round(float(fitted[-1]), 6),
        labels=len(labels.rows),
        answers=int(labels.answers.sum()),
        seq=labels.seq,
        plans_used=labels.plans,
    )


def _problem(found: Signals, prior: Calibration, labels: CalibrationLabels) -> Problem:
    """
    The arguments of `fit_weights`: signals, answers and weights of the labels; mean and spread of the prior.

    Where both kinds of labels are there, the last signal is whether people chose what to judge.
    """
    values = prior.standardised(Signals(found.names, found.values[labels.rows])).astype(np.float64)
    center, spread = [*prior.weights], [*map(_spread, prior.names)]
    audited = labels.audited
    if audited.any() and not audited.all():
        values = np.column_stack([values, ~audited])
        center, spread = [*center, 0.0], [*spread, SPREAD_OF_CHOICE]
    of_rate = SPREAD_OF_RATE if prior.estimated_rate else SPREAD_OF_INTERCEPT
    mean, deviation = np.array([*center, prior.intercept]), np.array([*spread, of_rate])
    return values, labels.answers.astype(np.float64), labels.of_weight(), mean, deviation


def _spread(name: str) -> float:
    return SPREAD_OF_WEIGHTS if not name.startswith("teacher") and _known(name) else SPREAD_OF_MODELS


def _known(name: str) -> bool:
    from nearmiss.calibration.prior import load

    return any(name in weights for weights in load()["weights"].values())


def _unseen(problem: Problem, signals: int, query: Ints) -> tuple[Floats, Floats]:
    """
    Under weights fitted without its query: the logit of each label, (m,), and what having been chosen adds, (m,).

    Where every label is of one query the weights are the prior's.
    """
    values, answers, of_label, center, spread = problem
    logits, choice = np.zeros(len(answers)), np.zeros(len(answers))
    for held in _folds(query):
        kept = ~held
        weights = fit_weights(values[kept], answers[kept], of_label[kept], center, spread)
        logits[held] = values[held, :signals] @ weights[:signals] + weights[-1]
        choice[held] = values[held, signals:] @ weights[signals:-1]
    return logits, choice


def _folds(query: Ints) -> list[Bools]:
    """Which labels each fold holds out, (m,) each; a query's labels stay together."""
    number = np.unique(query, return_inverse=True)[1]
    # Neighbouring queries may be of one subject, so each fold takes every fifth.
    return [number % FOLDS == fold for fold in range(FOLDS) if (number % FOLDS == fold).any()]


def _steps(logits: Floats, answers: Floats, of_label: Floats, query: Ints) -> tuple[tuple[float, float], ...]:
    """
    Isotonic regression of the answers on the logits, as corners.

    None where there are fewer than STEPS_FROM labels, or where leaving out a fifth of the queries leaves fewer than
    STEPS_FROM_ANSWERS of a kind: steps that cannot be tried on unseen queries are not made.
    """
    if len(answers) < STEPS_FROM or len(np.unique(query)) < FEWEST_QUERIES:
        return ()
    for left in [np.ones(len(answers), bool), *(~held for held in _folds(query))]:
        if min(answers[left].sum(), (1 - answers[left]).sum()) < STEPS_FROM_ANSWERS * (FOLDS - 1) / FOLDS:
            return ()
    isotonic = _isotonic().fit(logits, answers, of_label)
    corners = zip(isotonic.X_thresholds_.tolist(), isotonic.y_thresholds_.tolist(), strict=True)
    return tuple((round(at, 6), round(p, 6)) for at, p in corners)


def _cross_fitted(logits: Floats, choice: Floats, answers: Floats, of_label: Floats, query: Ints) -> Floats:
    """The probability of each label, (m,), from isotonic steps that did not see its query."""
    p = np.zeros(len(logits))
    for held in _folds(query):
        steps = _isotonic().fit((logits + choice)[~held], answers[~held], of_label[~held])
        p[held] = steps.predict(logits[held])
    return p


def _isotonic() -> "IsotonicRegression":
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")


def _doubts(calibration: Calibration, reliability: Reliability, queries: int) -> Sequence[str]:
    doubts = []
    if not calibration.labels:
        return [PRIOR_ALONE]
    if queries < FEWEST_QUERIES:
        doubts.append(
            f"it was fitted to {counted(calibration.labels, 'judgement')} of {counted(queries, 'query')}: wanted at "
            f"least {FEWEST_QUERIES}, to try it on queries that it has not seen"
        )
    if calibration.labels < FEWEST_LABELS or calibration.answers < FEWEST_ANSWERS:
        doubts.append(
            f"{counted(calibration.labels, 'judgement')} with "
            f"{counted(calibration.answers, 'answer')}: wanted at least {FEWEST_LABELS} and "
            f"{FEWEST_ANSWERS}; until then the weights of other collections decide nearly alone"
        )
    elif reliability.error > WORST_ERROR:
        doubts.append(
            f"its probabilities are off by {reliability.error:.0%} on average where it was tried on unseen queries"
        )
    if reliability.auc is not None and calibration.answers >= FEWEST_ANSWERS and reliability.auc < 0.6:
        doubts.append(f"it hardly tells answers from negatives here (AUC {reliability.auc:.2f} on unseen queries)")
    return doubts
