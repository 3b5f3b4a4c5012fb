"""
What a judgement weighs when a calibration is fitted: bias and coverage, with few audited judgements and with many.

    python -m tests.benchmarks.weighing [--repetitions N]

A population whose truth is known, and a prior that errs in its weights and its level. Of 200 judgements some were drawn
by an audit (at chances that follow the prior, known), the others chosen by people: the likeliest by the prior, or by
outcome (they record every answer that they meet, and one negative in five).

    bias      mean estimate over the population less its rate, in units of the rate
    covered   repetitions whose 95% interval of that mean (the fit's own curvature) holds the rate
    loss      log loss over the population above that of the truth
"""

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from nearmiss.calibration import fitting
from nearmiss.calibration.fitting import SPREAD_OF_CHOICE, SPREAD_OF_INTERCEPT, SPREAD_OF_WEIGHTS
from nearmiss.calibration.model import fit_weights

LABELS, POPULATION, SIGNALS = 200, 20_000, 8
AUDITED = (0, 1, 10, 50, 100, 150, 190, 199, 200)
RULES = ("scaled together", "one each", "own intercept")


@dataclass(frozen=True)
class Case:
    """How many of the judgements an audit drew, and how people chose the others."""

    audited: int
    chosen: str  # "likeliest" or "by outcome"


@dataclass(frozen=True)
class Told:
    """What the repetitions came to."""

    bias: float
    covered: float
    loss: float


def of_rule(rule: str, case: Case, repetitions: int = 100) -> Told:
    """Fit again and again under one rule."""
    found = [_once(rule, case, seed) for seed in range(repetitions)]
    return Told(*np.mean(found, axis=0).tolist())


def _once(rule: str, case: Case, seed: int) -> tuple[float, bool, float]:
    rng = np.random.default_rng(seed)
    values = np.clip(rng.normal(size=(POPULATION, SIGNALS)), -5, 5)
    prior = np.array([*np.full(SIGNALS, 0.5), -3.0])
    truth = prior + np.array([*rng.normal(0, SPREAD_OF_WEIGHTS, SIGNALS), rng.normal(0, 1)])
    p_true = expit(values @ truth[:-1] + truth[-1])
    answers = rng.random(POPULATION) < p_true
    rows, weights, drawn = _judged(rng, case, values @ prior[:-1] + prior[-1], answers)
    design, center = values[rows], prior
    spread = np.array([*np.full(SIGNALS, SPREAD_OF_WEIGHTS), SPREAD_OF_INTERCEPT])
    if rule == "scaled together":
        of_label = np.minimum(weights / weights.mean(), fitting.HEAVIEST)
    else:
        of_label = fitting.CalibrationLabels(rows, answers[rows], weights, drawn=drawn).of_weight()
    if rule == "own intercept" and drawn.any() and not drawn.all():
        design = np.column_stack([design, ~drawn])
        center, spread = np.insert(center, SIGNALS, 0.0), np.insert(spread, SIGNALS, SPREAD_OF_CHOICE)
    fitted = fit_weights(design, answers[rows].astype(float), of_label, center, spread)
    p = expit(values @ fitted[:SIGNALS] + fitted[-1])
    # The mean's deviation, from the curvature at the mode.
    whole, at_labels = np.column_stack([design, np.ones(len(design))]), expit(design @ fitted[:-1] + fitted[-1])
    curvature = (whole.T * (of_label * at_labels * (1 - at_labels))) @ whole + np.diag(1 / spread**2)
    slope = np.zeros(len(fitted))
    slope[:SIGNALS], slope[-1] = (p * (1 - p)) @ values / POPULATION, (p * (1 - p)).mean()
    # A weight is no number of labels: the sandwich takes them as they are.
    scores = whole * (of_label * (answers[rows] - at_labels))[:, None]
    inverse = np.linalg.inv(curvature)
    deviation = np.sqrt(slope @ inverse @ (scores.T @ scores + np.diag(1 / spread**2)) @ inverse @ slope)
    rate = p_true.mean()
    loss = -(p_true * np.log(p) + (1 - p_true) * np.log(1 - p)).mean()
    least = -(p_true * np.log(p_true) + (1 - p_true) * np.log(1 - p_true)).mean()
    return (p.mean() - rate) / rate, abs(p.mean() - rate) <= 1.96 * deviation, loss - least


def _judged(rng: np.random.Generator, case: Case, logits: np.ndarray, answers: np.ndarray) -> tuple:
    """Rows, one over the chance of each, and whether an audit drew it."""
    rows, weights = np.zeros(0, np.int64), np.zeros(0)
    if case.audited:
        likely = expit(logits)
        chance = np.sqrt(likely * (1 - likely))
        chance = 0.78 * chance / chance.sum() + 0.22 / len(chance)
        rows = rng.choice(len(chance), case.audited, replace=False, p=chance)
        weights = 1 / (case.audited * chance[rows])
    left = np.setdiff1d(np.arange(len(answers)), rows)
    if case.chosen == "by outcome":
        left = rng.permutation(left)
        left = left[answers[left] | (rng.random(len(left)) < 0.2)]
    else:
        left = left[np.argsort(-logits[left], kind="stable")]
    more = left[: LABELS - case.audited]
    return np.concatenate([rows, more]), np.concatenate([weights, np.ones(len(more))]), np.arange(LABELS) < case.audited


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=100)
    arguments = parser.parse_args()
    for chosen in ("likeliest", "by outcome"):
        print(f"\nothers chosen: {chosen}\naudited" + "".join(f"{rule:>28}" for rule in RULES))
        print("       " + f"{'bias':>12}{'covered':>8}{'loss':>8}" * len(RULES))
        for audited in AUDITED:
            told = [of_rule(rule, Case(audited, chosen), arguments.repetitions) for rule in RULES]
            print(f"{audited:>7}" + "".join(f"{one.bias:>+12.2f}{one.covered:>8.2f}{one.loss:>8.4f}" for one in told))


if __name__ == "__main__":
    main()
