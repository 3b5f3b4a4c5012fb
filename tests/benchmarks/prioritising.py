"""
How many of all false negatives the priority arm finds within a share of the reviews, against other orders.

    python -m tests.benchmarks.prioritising RUN QRELS [--depth 30] [--unseen cranfield --data DIR --runs DIR]

RUN was mined with one labelled answer a query; the judgements in QRELS are the perfect reviewer. Reviewing goes card by
card: the arm learns from each verdict as it does in the app. `--unseen` learns the prior without that collection first.
"""

import argparse
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from nearmiss.calibration import model as calibration_model
from nearmiss.review import open_log
from nearmiss.run import open_run
from nearmiss.session.queue import priority
from nearmiss.settings import LATE_INTERACTION
from nearmiss.workspace import Workspace
from tests.tools import learn_prior

BUDGETS = (0.01, 0.02, 0.05, 0.1, 0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("qrels", type=Path)
    parser.add_argument("--least", type=float, default=1, help="grade from which a document is an answer")
    parser.add_argument("--depth", type=int, default=100, help="rank to which candidates are in the pool")
    parser.add_argument("--unseen", help="learn the prior without this collection")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path)
    arguments = parser.parse_args()
    weights = None
    if arguments.unseen:
        mined = list(learn_prior.mine_all(arguments.data, Path("sample_data"), arguments.runs, LATE_INTERACTION))
        others = [known for known in mined if known.name != arguments.unseen]
        weights = learn_prior.learn(others, learn_prior.names_of("dense+bm25+teacher", others[0]))
    with tempfile.TemporaryDirectory() as folder, _prior(weights):
        work = Workspace(open_run(arguments.run), open_log(Path(folder) / "reviews.db"))
        print_curves(work, answers_in(work, arguments.qrels, arguments.least), in_pool(work, arguments.depth))


def _prior(weights):
    if weights is None:
        return patch.object(calibration_model, "FURTHEST", calibration_model.FURTHEST)
    return patch.object(calibration_model, "prior_weights", lambda names: weights)


def answers_in(work: Workspace, qrels: Path, least: float) -> np.ndarray:
    """Which candidates are answers, (n,)."""
    judged = pd.read_csv(qrels, sep="\t", dtype=str).set_axis(["query_id", "doc_id", "grade"], axis=1)
    true = set(
        judged[judged["grade"].astype(float) >= least][["query_id", "doc_id"]].itertuples(index=False, name=None)
    )
    pairs = zip(work.candidates["query_id"], work.candidates["doc_id"], strict=True)
    return np.array([pair in true for pair in pairs])


def in_pool(work: Workspace, depth: int) -> np.ndarray:
    """Rows that may be reviewed: within the depth of a source, and not labelled as answers."""
    return np.flatnonzero((work.table.best_rank <= depth) & ~work.table.positive)


def reviewed_in_turn(work: Workspace, answers: np.ndarray, pool: np.ndarray, budget: int) -> np.ndarray:
    """The rows that the arm shows, in its order, each judged before the next batch is chosen."""
    chances = priority._chances(work)
    _, chances.calibration = priority.prepare(work)
    left, shown = pool, []
    while len(shown) < budget and len(left):
        batch = priority.order(work, left)[: priority.EVERY]
        shown += batch.tolist()
        work.table.verdicts[batch] = np.where(answers[batch], 1, 3)
        left = np.setdiff1d(left, batch, assume_unique=True)
        _learn(work, chances, np.array(shown), answers)
    work.table.verdicts[pool] = 0
    return np.array(shown[:budget])


def _learn(work: Workspace, chances: priority.Chances, shown: np.ndarray, answers: np.ndarray) -> None:
    from nearmiss.calibration.fitting import CalibrationLabels, fit

    labels = CalibrationLabels(shown, answers[shown], np.ones(len(shown)))
    chances.calibration = fit(chances.signals, chances.prior, work.table.query, labels).calibration


def print_curves(work: Workspace, answers: np.ndarray, pool: np.ndarray) -> None:
    """The table: share of all false negatives found within each budget."""
    table, count, rng = work.table, int(answers[pool].sum()), np.random.default_rng(0)
    most = int(max(BUDGETS) * len(pool))
    found, prior = priority.prepare(work)
    before = prior.logits(found)
    threshold = np.quantile(table.score[pool], 0.9)
    orders = {
        "priority arm": reviewed_in_turn(work, answers, pool, most),
        "p_relevant alone": pool[np.argsort(-before[pool], kind="stable")],
        "raw teacher score": pool[np.argsort(-table.score[pool], kind="stable")],
        "nearest to threshold": pool[np.argsort(np.abs(table.score[pool] - threshold), kind="stable")],
        "random": rng.permutation(pool),
    }
    print(f"{len(pool):,} candidates, {count:,} false negatives ({count / len(pool):.1%})")
    print(f"{'reviewed':<24}" + "".join(f"{budget:>9.0%}" for budget in BUDGETS))
    sizes = [int(budget * len(pool)) for budget in BUDGETS]
    print(f"{'a perfect order':<24}" + "".join(f"{min(1, size / count):>9.2f}" for size in sizes))
    for name, rows in orders.items():
        found = np.cumsum(answers[rows])
        print(f"{name:<24}" + "".join(f"{found[size - 1] / count:>9.2f}" for size in sizes))


if __name__ == "__main__":
    main()
