"""
What p_relevant would learn from a judge: tried before building it, and not built.

    python -m tests.benchmarks.judge_teaching RUN QRELS [--repetitions N]

A calibration is moved by 100 verdicts of a person who is always right, or by JUDGED of a simulated judge of which each
is true with the same chance (its accuracy). A judge's verdict is a label in part: it counts as an answer as far as
Bayes' rule says so from the shipped weights' chance and the reliability that COMMON pairs show. Labels are of one half
of the queries, drawn at random or the likeliest of the kept; the numbers are of the other half.

    AUC       how often an answer is put above another candidate
    log loss  mean, lower is better
    removed   the share of answers that is refused where 80% of the others stay
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from nearmiss.agreement.judge_reliability import reliability_of
from nearmiss.calibration import Calibration, stored
from nearmiss.calibration.fitting import CalibrationLabels, _problem, fit_weights
from nearmiss.calibration.signals import Signals, signals
from nearmiss.workspace import open_workspace
from tests.benchmarks.auditing import mined

PEOPLE, JUDGED, COMMON = 100, 500, 50
ACCURACIES = (0.7, 0.8, 0.9, 1.0)


def moved(found: Signals, prior: Calibration, rows: np.ndarray, answers: np.ndarray) -> Calibration:
    """The prior moved by labels that may be answers in part, (m,) from 0 to 1."""
    labels = CalibrationLabels(rows, answers > 0.5, np.ones(len(rows)))
    values, _, weight, center, spread = _problem(found, prior, labels)
    weights = fit_weights(values, answers.astype(float), weight, center, spread)
    return replace(prior, weights=tuple(weights[:-1].tolist()), intercept=float(weights[-1]))


def numbers(p: np.ndarray, answer: np.ndarray) -> tuple[float, float, float]:
    """AUC, log loss and the share removed."""
    above = p[answer] > np.quantile(p[~answer], 0.8)
    return roc_auc_score(answer, p), log_loss(answer, np.clip(p, 1e-6, 1 - 1e-6)), above.mean()


def said_by(answer: np.ndarray, likely: np.ndarray, accuracy: float, rng: np.random.Generator) -> np.ndarray:
    """How far each of a judge's verdicts makes an answer, (m,)."""
    said = answer ^ (rng.random(len(answer)) > accuracy)
    common = rng.choice(len(answer), min(COMMON, len(answer)), replace=False).tolist()
    judge = reliability_of("model:toy", {at: bool(answer[at]) for at in common}, dict(enumerate(said.tolist())))
    return judge.updated(likely, said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--relevant-from", type=float, default=1)
    parser.add_argument("--repetitions", type=int, default=8)
    arguments = parser.parse_args()
    work = open_workspace(arguments.run)
    answer = mined(arguments.run, arguments.truth, arguments.relevant_from).answer
    found = signals(work.candidates)
    prior = stored.by_prior(found, work.candidates, work.run.mining(work.number).teacher)
    likely = prior.probabilities(prior.logits(found)).astype(float)
    others, kept, query = ~work.table.positive, work.decision().slot > 0, work.table.query
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for repetition in range(arguments.repetitions):
        rng = np.random.default_rng(repetition)
        half = np.isin(query, rng.permutation(query.max() + 1)[: (query.max() + 1) // 2])
        tested, pool = np.flatnonzero(half & others), np.flatnonzero(~half & others)
        orders = {"random": rng.permutation(pool), "likeliest": pool[np.argsort(-likely[pool] - 2 * kept[pool])]}

        def tried(name: str, calibration: Calibration, tested: np.ndarray = tested) -> None:
            p = calibration.probabilities(calibration.logits(found)).astype(float)
            rows.setdefault(name, []).append(numbers(p[tested], answer[tested]))

        tried("shipped weights", prior)
        for how, order in orders.items():
            first, asked = order[:PEOPLE], order[:JUDGED]
            tried(f"{PEOPLE} of people, {how}", moved(found, prior, first, answer[first]))
            for accuracy in ACCURACIES:
                said = said_by(answer[asked], likely[asked], accuracy, rng)
                tried(f"{JUDGED} of a judge {accuracy}, {how}", moved(found, prior, asked, said))
    print(f"{arguments.run.name}, {answer[others].mean():.1%} answers{'':<12}   AUC log loss  removed")
    for name, tries in rows.items():
        auc, loss, removed = np.mean(tries, axis=0)
        print(f"{name:<34}{auc:>8.4f}{loss:>9.4f}{removed:>9.3f}")


if __name__ == "__main__":
    main()
