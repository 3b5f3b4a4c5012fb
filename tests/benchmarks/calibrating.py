"""
How many false negatives p_relevant removes, on collections whose weights never saw them, with and without labels.

    python -m tests.benchmarks.calibrating --data DIR [--teacher MODEL] [--runs DIR] [--repetitions 20]

Each collection has one labelled answer a query; its other judgements are the perfect reviewer. Told is the share of
false negatives refused where 80% of the true negatives stay. Labels are drawn at random from half of the queries and
tried on the other half; so is the prior, which needs none.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss.calibration.fitting import CalibrationLabels, fit
from nearmiss.calibration.model import from_prior
from nearmiss.settings import LATE_INTERACTION
from tests.tools import learn_prior

LABELS = (50, 200, 1000)
SINGLE = ("teacher_score", "dense_score", "bm25_place", "positive_cosine", "fused_place")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sample", type=Path, default=Path("sample_data"))
    parser.add_argument("--teacher", default=LATE_INTERACTION)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--repetitions", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        runs = arguments.runs or Path(temporary)
        mined = list(learn_prior.mine_all(arguments.data, arguments.sample, runs, arguments.teacher))
        ratios = {name: ratio_to_positive(runs / name) for name in (*learn_prior.COLLECTIONS, learn_prior.SAMPLE)}
    kind = "dense+bm25+teacher" if arguments.teacher else "dense+bm25"
    for depth in learn_prior.DEPTHS:
        print(f"\ncandidates to rank {depth}, {kind}")
        heads = ("95% rule", "best single", "prior", *(f"{count} labels" for count in LABELS))
        print(f"{'':<12}{'rate':>7}" + "".join(f"{head:>13}" for head in heads) + "  (the single score)")
        tables = []
        for known in [one for one in mined if one.depth == depth]:
            weights = learn_prior.learn(
                [one for one in mined if one.name != known.name], names := learn_prior.names_of(kind, known)
            )
            single, name = best_single(known)
            row = [learn_prior.removed(of_rows(known, ratios[known.name]), known.answers), single]
            row += with_labels(known, names, weights, arguments.repetitions)
            print(
                f"{known.name:<12}{known.answers.mean():>7.3f}"
                + "".join(f"{share:>13.3f}" for share in row)
                + f"  {name}"
            )
            tables.append(row) if known.name != learn_prior.SAMPLE else None
        print(f"{'mean of five':<19}" + "".join(f"{share:>13.3f}" for share in np.mean(tables, axis=0)))


def ratio_to_positive(run: Path) -> pd.Series:
    """The teacher's score over the positive's (safe below zero), by query and document."""
    from nearmiss.run import open_run

    frame = open_run(run).candidates()
    ratio = (frame["teacher_score"] - frame["positive_score"]) / frame["positive_score"].abs()
    return pd.Series(ratio.to_numpy(), pd.MultiIndex.from_frame(frame[["query_id", "doc_id"]]))


def of_rows(known: learn_prior.Known, ratios: pd.Series) -> np.ndarray:
    """The ratio of each of the collection's rows."""
    return ratios.loc[list(zip(known.query_id, known.doc_id, strict=True))].to_numpy()


def best_single(known: learn_prior.Known) -> tuple[float, str]:
    """The best that one score does alone: chosen with the truth known, so an upper bound."""
    names = [name for name in SINGLE if name in known.signals.names]
    shares = {name: learn_prior.removed(known.columns([name])[:, 0], known.answers) for name in names}
    best = max(shares, key=shares.get)
    return shares[best], best


def with_labels(known: learn_prior.Known, names: list[str], weights: dict[str, float], repetitions: int) -> list[float]:
    """The prior, and then the fit to each number of LABELS, tried on queries without a label: means."""
    found = learn_prior.Signals(
        tuple(names), known.signals.values[:, [known.signals.names.index(name) for name in names]]
    )
    query = pd.factorize(known.query_id)[0]
    prior = from_prior(found, np.zeros(len(query), bool), weights)
    shares = []
    for repetition in range(repetitions):
        rng = np.random.default_rng(repetition)
        tested = rng.permutation(query.max() + 1)[: (query.max() + 1) // 2]
        test = np.isin(query, tested)
        pool = np.flatnonzero(~test)
        row = []
        for count in (0, *LABELS):
            rows = rng.choice(pool, min(count, len(pool)), replace=False)
            labels = CalibrationLabels(rows, known.answers[rows], np.ones(len(rows)))
            calibration = fit(found, prior, query, labels).calibration
            row.append(learn_prior.removed(calibration.logits(found)[test], known.answers[test]))
        shares.append(row)
    return np.mean(shares, axis=0).tolist()


if __name__ == "__main__":
    main()
