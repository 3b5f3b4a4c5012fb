"""
A judge before an audit: how many labels it saves, and whether the intervals still hold.

    python -m tests.benchmarks.judge_proxy [--repetitions N] [--run FOLDER --truth QRELS]
    python -m tests.benchmarks.judge_proxy --asked-after

Without a run: made populations. With one: its candidates and p_relevant, and full judgements as the perfect reviewer.
The judge is simulated: of every pair it says the truth with the same chance (its accuracy), drawn anew for each of
JUDGES judges. It was asked before the plan was drawn, about the kept in the order of the review, and is believed as far
as COMMON pairs drawn from those confirm it. Each audit has LABELS labels.

With --asked-after, in a made population: what would come of it if a judge that nobody has compared with people yet
were asked about the draws alone, once they are drawn, and entered the proxy; beside one that was asked about all kept
before.

    judged    candidates that the judge was asked about
    covered   repetitions whose 95% interval holds the truth: rate among kept, over-filtering, recall
    bias      the mean estimate of the rate among kept, less the truth
    half      half the width of the interval of the rate among kept, on average
    worth     as many labels would be needed without a judge for as narrow an interval, over LABELS: the ratio of the
              widths, squared
    saved     the share of labels that the judge makes needless: 1 - 1 / worth
    of it     the same where the judge only enters the estimate, and the draws are those without it
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from nearmiss.agreement.judge_reliability import reliability_of
from nearmiss.audit.domains import domains
from nearmiss.audit.estimates import bands, layer_of
from nearmiss.audit.planning import design
from tests.benchmarks.auditing import Known, made, mined, sampled

LABELS, JUDGES, COMMON = 200, 10, 50
ACCURACIES = (0.7, 0.8, 0.9)


def informed(known: Known, asked: np.ndarray, accuracy: float, seed: int) -> np.ndarray:
    """The proxy after a judge of this accuracy was asked about these rows, (n,)."""
    rng = np.random.default_rng(seed)
    said = known.answer[asked] ^ (rng.random(len(asked)) > accuracy)
    common = rng.choice(len(asked), min(COMMON, len(asked)), replace=False)
    by_people = {row: bool(known.answer[row]) for row in asked[common].tolist()}
    judge = reliability_of("model:toy", by_people, dict(zip(asked.tolist(), said.tolist(), strict=True)))
    likely = known.likely.copy()
    likely[asked] = judge.updated(likely[asked], said)
    return likely


def audited(known: Known, proxies: list[np.ndarray], repetitions: int, drawn_by: str) -> np.ndarray:
    """
    Covered (three columns), the rate's estimate and its width, (proxies * repetitions, 5).

    Draws are those of each proxy, or, `drawn_by` "scores", those without a judge.
    """
    side = domains(known.table, known.policy)
    truths = known.truths(side)
    found = []
    for number, likely in enumerate(proxies):
        aware = replace(known, likely=likely)
        drawing = known if drawn_by == "scores" else aware
        designed = design(known.table, known.policy, drawing.likely, LABELS)
        for repetition in range(repetitions):
            sample = sampled(drawing, LABELS, number * repetitions + repetition, designed)
            sample = replace(sample, likely=likely)
            three = bands([layer_of([side], sample)], [sample])
            covered = [band.low[0] <= truth <= band.high[0] for band, truth in zip(three, truths, strict=True)]
            rate = three[0]
            found.append([*covered, float(rate.estimate[0]), float(rate.high[0] - rate.low[0])])
    return np.array(found, float)


def compare(known: Known, order: np.ndarray, budgets: list[int], repetitions: int) -> None:
    """Print the table of one round; `order` is that in which its kept candidates are reviewed."""
    rate = known.truths(domains(known.table, known.policy))[0]
    each = repetitions // JUDGES
    alone = audited(known, [known.likely], each * JUDGES, "judge")

    def row(name: str, judged: int, found: np.ndarray, more: str) -> None:
        covered = "".join(f"{share:>8.3f}" for share in found[:, :3].mean(axis=0))
        half, bias = found[:, 4].mean() / 2, found[:, 3].mean() - rate
        print(f"{known.name:<18}{name:>9}{judged:>8}{covered}{bias:>+9.4f}{half:>8.4f}{more}", flush=True)

    row("none", 0, alone, "")
    for budget in budgets:
        for accuracy in ACCURACIES:
            proxies = [informed(known, order[:budget], accuracy, seed) for seed in range(JUDGES)]
            found, half_way = (audited(known, proxies, each, by) for by in ("judge", "scores"))
            worth, less = ((alone[:, 4].mean() / one[:, 4].mean()) ** 2 for one in (found, half_way))
            more = f"{worth:>7.2f}{1 - 1 / worth:>8.0%}{1 - 1 / less:>8.0%}"
            row(f"{accuracy:.1f}", min(budget, len(order)), found, more)


def print_asked_after(repetitions: int) -> None:
    """The same estimate with a proxy that the draws changed, and with one that they did not."""
    known = made(0.08, 0.87, queries=200, candidates=40)
    side = domains(known.table, known.policy)
    rate, judge = known.truths(side)[0], reliability_of("model:toy", {}, {})
    designed = design(known.table, known.policy, known.likely, LABELS)
    print("finds answers  right on others  asked about             bias  covered")
    for sensitivity, specificity in ((0.9, 0.9), (0.9, 0.6), (0.6, 0.97)):
        for name in ("all kept, before", "the draws, after"):
            found = []
            for seed in range(repetitions):
                chance = np.random.default_rng(seed).random(len(known.answer))
                said = np.where(known.answer, chance < sensitivity, chance > specificity)
                sample = sampled(known, LABELS, seed, designed)
                drawn = sample.rows[side.kept[sample.rows]]
                rows, likely = np.flatnonzero(side.kept) if "kept" in name else drawn, known.likely.copy()
                likely[rows] = judge.updated(likely[rows], said[rows])
                sample = replace(sample, likely=likely)
                band = bands([layer_of([side], sample)], [sample])[0]
                found.append((band.estimate[0] - rate, band.low[0] <= rate <= band.high[0]))
            bias, covered = np.mean(found, axis=0)
            print(f"{sensitivity:>13}{specificity:>17}  {name:<20}{bias:>+9.4f}{covered:>9.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--relevant-from", type=float, default=1)
    parser.add_argument("--budget", type=int, default=500)
    parser.add_argument("--asked-after", action="store_true")
    arguments = parser.parse_args()
    if arguments.asked_after:
        print_asked_after(arguments.repetitions)
        return
    print(f"{'':<35}{'covered':>24}")
    print(f"{'round':<18}{'accuracy':>9}{'judged':>8}    rate   over- recall     bias    half  worth   saved   of it")
    if arguments.run:
        known = mined(arguments.run, arguments.truth, arguments.relevant_from)
        order = _review_order(arguments.run)
        compare(known, order, [arguments.budget, len(order)], arguments.repetitions)
        return
    for rate in (0.03, 0.08, 0.2):
        known = made(rate, 0.87)
        kept = np.flatnonzero(domains(known.table, known.policy).kept)
        order = kept[np.argsort(-known.likely[kept], kind="stable")]
        compare(known, order, [arguments.budget, len(order)], arguments.repetitions)


def _review_order(run: Path) -> np.ndarray:
    """The kept in the order in which a judge is asked about them."""
    from nearmiss.session.queue import agenda
    from nearmiss.workspace import open_workspace

    work = open_workspace(run)
    return agenda.rows(work, agenda.View(order="priority"), work.decision())


if __name__ == "__main__":
    main()
