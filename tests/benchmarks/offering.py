"""
Whether the page Calibration offers what helps: fits to few judgements of a run whose every pair is known.

    python -m tests.benchmarks.offering RUN QRELS [--labels 29 100] [--repetitions 5]

RUN was mined with one labelled answer a query; QRELS names them all. Judgements are taken from QRELS, for candidates
drawn at random, from the likeliest answers, and from the negatives that are kept. For each: how often the fit was
offered, and with it and with the shipped weights the AUC over all candidates and the share of answers among the kept.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss import selection
from nearmiss.calibration.signals import signals
from nearmiss.review import Event
from nearmiss.session import refit
from nearmiss.workspace import open_workspace

ROW = "{:>7} {:<12} {:>8} {:>10} {:>10} {:>10} {:>10} {:>8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("qrels", type=Path)
    parser.add_argument("--labels", type=int, nargs="+", default=[29, 100])
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    judged = pd.read_csv(arguments.qrels, sep="\t", dtype=str)
    true = set(zip(judged["query-id"], judged["corpus-id"], strict=True))
    heads = ("labels", "chosen", "offered", "AUC", "shipped", "answers", "shipped", "better")
    print(ROW.format(*heads), flush=True)
    for count in arguments.labels:
        for chosen in ("at random", "likeliest", "kept"):
            every = [tried(arguments.run, true, chosen, count, seed) for seed in range(arguments.repetitions)]
            offered, better = (sum(one[name] for one in every) for name in ("offered", "better"))
            numbers = [np.mean([one[name] for one in every]) for name in ("auc", "auc_before", "rate", "rate_before")]
            shown = (f"{numbers[0]:.4f}", f"{numbers[1]:.4f}", f"{numbers[2]:.2%}", f"{numbers[3]:.2%}")
            print(ROW.format(count, chosen, f"{offered}/{len(every)}", *shown, f"{better}/{len(every)}"), flush=True)


def tried(run: Path, true: set[tuple[str, str]], chosen: str, count: int, seed: int) -> dict[str, float]:
    """One reviewer's judgements, and what the fit to them would do."""
    with tempfile.TemporaryDirectory() as folder:
        work = open_workspace(run, str(Path(folder) / "reviews.db"))
        pairs = list(zip(work.candidates["query_id"], work.candidates["doc_id"], strict=True))
        answers = np.array([pair in true for pair in pairs])
        open_rows = np.flatnonzero(~work.table.positive)
        rows = picked(work, open_rows, chosen, count, np.random.default_rng(seed))
        work.log.append(
            [
                Event(
                    query_id=pairs[row][0],
                    doc_id=pairs[row][1],
                    verdict="relevant" if answers[row] else "not_relevant",
                    reviewer="simulated",
                    client_id="simulated",
                    client_seq=number,
                    decided_at=float(number),
                )
                for number, row in enumerate(rows.tolist(), 1)
            ]
        )
        seen = refit.preview(work)
        found = signals(work.candidates)
        unread = np.setdiff1d(open_rows, rows)
        after = seen.calibration.probabilities(seen.calibration.logits(found))
        before = work.table.number("p_relevant")
        numbers = {"offered": not seen.refused, "auc": area(after[unread], answers[unread])}
        numbers |= {"auc_before": area(before[unread], answers[unread])}
        numbers |= {"rate": rate(work, after, answers), "rate_before": rate(work, before, answers)}
        work.log.close()
    return numbers | {"better": numbers["auc"] >= numbers["auc_before"]}


def picked(work, rows: np.ndarray, chosen: str, count: int, draw: np.random.Generator) -> np.ndarray:
    """The rows that are judged, (count,)."""
    if chosen == "at random":
        return draw.choice(rows, count, replace=False)
    if chosen == "likeliest":
        # Of a few queries each, as a person reads who goes query by query.
        likely = rows[np.argsort(-work.table.number("p_relevant")[rows], kind="stable")]
        return draw.choice(likely[: 10 * count], count, replace=False)
    kept = np.flatnonzero(work.decision().slot > 0)
    return draw.choice(kept, min(count, len(kept)), replace=False)


def rate(work, p: np.ndarray, answers: np.ndarray) -> float:
    """The true share of answers among what the policy in force would keep."""
    kept = selection.decide(work.table.with_number("p_relevant", p), work.policy).slot > 0
    return float(answers[kept].mean())


def area(p: np.ndarray, answers: np.ndarray) -> float:
    """The area under the ROC curve over these candidates."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(answers, p))


if __name__ == "__main__":
    main()
