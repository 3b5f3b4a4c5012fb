"""
What a review is worth: students of what a policy exports after a perfect reviewer judged 0, 100, 300, 1,000 pairs.

    python -m tests.benchmarks.review_value --data DIR --runs DIR [--collections nfcorpus cranfield cisi]

Each collection was mined with one labelled answer a query; its other judgements are the perfect reviewer. Pairs are
judged in the order of the page Review, which learns from each ten, and in random orders. Found answers become positives
(`promoted`) or are left out (`dropped`). Questions are the test split, or half of the queries with all their
judgements, of which nothing was trained on or judged. Prints nDCG@10, and by how much our order is above random ones.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss import data, pipeline
from nearmiss.calibration.fitting import CalibrationLabels, moved
from nearmiss.data import Dataset
from nearmiss.export.judgements import read
from nearmiss.pipeline import silent
from nearmiss.selection import VERDICTS
from nearmiss.session.queue import priority
from nearmiss.settings import Export, Mining, Policy, Trial
from nearmiss.training.trials.certainty import difference
from nearmiss.training.trials.classroom import Classroom, open_classroom
from nearmiss.training.trials.exported_pairs import ExportedPairs, pairs_of_policy
from nearmiss.training.trials.measures import measure
from nearmiss.workspace import Workspace, open_to_read
from tests.benchmarks.training_proof import subset

# The qrels that were mined, the whole truth about these queries, and a test split of other queries, if there is one.
COLLECTIONS = {
    "nfcorpus": ("one_positive_train", "train", "test"),
    "cranfield": ("one_positive", "test_with_source_paper", ""),
    "cisi": ("one_positive", "test", ""),
}
REVIEWS = (100, 300, 1000)
RELEVANT, WRONG = (VERDICTS.index(verdict) + 1 for verdict in ("relevant", "not_relevant"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--collections", nargs="*", default=list(COLLECTIONS))
    parser.add_argument("--queries", type=int, default=700)
    parser.add_argument("--seeds", type=int, default=3, help="students of each export, and random orders")
    arguments = parser.parse_args()
    for name in arguments.collections:
        table(arguments, name)


def table(arguments: argparse.Namespace, name: str) -> None:
    """One collection: a line for each number of reviews, order and use."""
    folder = arguments.data / name
    room = classroom(arguments, name)
    answers = answers_in(room.work, folder / "qrels" / f"{COLLECTIONS[name][1]}.tsv")
    pool = np.flatnonzero(~room.work.table.positive & trained_rows(room))
    orders = [in_order(room.work, answers, pool, max(REVIEWS))]
    orders += [np.random.default_rng(seed).permutation(pool)[: max(REVIEWS)] for seed in range(arguments.seeds)]
    nothing = students(room, np.zeros(0, np.int64), answers, "promote", range(arguments.seeds))
    print(f"\n{name}: {len(pool):,} pairs, {answers[pool].mean():.1%} answers; nothing judged: {nothing.mean():.4f}")
    print(f"{'reviews':>8}{'use':>10}{'ours':>9}{'random':>9}{'found':>12}  ours above random")
    for count in REVIEWS:
        found = [int(answers[rows[:count]].sum()) for rows in orders]
        for use, word in (("promote", "promoted"), ("drop", "dropped")):
            ours = students(room, orders[0][:count], answers, use, range(arguments.seeds))
            others = [students(room, rows[:count], answers, use, [seed]) for seed, rows in enumerate(orders[1:])]
            chance = np.vstack(others)
            gap = difference(ours, chance, 0.95, 4000, 42)
            print(
                f"{count:>8,}{word:>10}{ours.mean():>9.4f}{chance.mean():>9.4f}"
                f"{found[0]:>6} / {np.mean(found[1:]):<4.0f}"
                f"  {gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) {gap.verdict}",
                flush=True,
            )


def classroom(arguments: argparse.Namespace, name: str) -> Classroom:
    """The run of a collection, mined where it is not there, and its questions."""
    mined, truth, test = COLLECTIONS[name]
    folder, run = arguments.data / name, arguments.runs / name
    if not (run / "run.json").exists():
        small = subset(folder, arguments.runs / "data" / name, mined, arguments.queries)
        rejected = arguments.runs / f"{name}.rejected"
        pipeline.mine(run, Mining(), data.read(str(small), split=mined, reject=rejected), Policy())
    work = open_to_read(run)
    asked = data.read(str(folder), split=test) if test else half(work, folder / "qrels" / f"{truth}.tsv")
    return open_classroom(work, Trial(), silent, asked)


def half(work: Workspace, truth: Path) -> Dataset:
    """Half of the run's queries with all that is known of them."""
    own = work.run.dataset
    drawn = np.random.default_rng(42).permutation(own.queries["query_id"].to_numpy(object))[: len(own.queries) // 2]
    known = judged(truth)
    documents = set(own.documents["doc_id"])
    known = known[known["query_id"].isin(list(drawn)) & known["doc_id"].isin(list(documents))]
    queries = own.queries[own.queries["query_id"].isin(list(drawn))].reset_index(drop=True)
    return replace(own, queries=queries, positives=known.reset_index(drop=True), negatives=own.negatives.iloc[:0])


def judged(truth: Path) -> pd.DataFrame:
    """The answers in a file of qrels, with their grades."""
    known = pd.read_csv(truth, sep="\t", dtype=str).set_axis(["query_id", "doc_id", "grade"], axis=1)
    known["grade"] = known["grade"].astype(float)
    return known[known["grade"] > 0]


def answers_in(work: Workspace, truth: Path) -> np.ndarray:
    """Which candidates are answers, (n,)."""
    true = set(judged(truth)[["query_id", "doc_id"]].itertuples(index=False, name=None))
    pairs = zip(work.candidates["query_id"], work.candidates["doc_id"], strict=True)
    return np.array([pair in true for pair in pairs])


def trained_rows(room: Classroom) -> np.ndarray:
    """Candidates of the queries that may be trained on, (n,)."""
    trainable = room.work.run.dataset.queries["query_id"][room.trainable]
    return room.work.candidates["query_id"].isin(list(trainable)).to_numpy(bool)


def in_order(work: Workspace, answers: np.ndarray, pool: np.ndarray, count: int) -> np.ndarray:
    """The first rows that the page Review shows, each batch judged before the next is chosen."""
    chances = priority._chances(work)
    found, prior = priority.prepare(work)
    left, shown = pool, []
    while len(shown) < count and len(left):
        batch = priority.order(work, left)[: priority.EVERY]
        shown += batch.tolist()
        work.table.verdicts[batch] = np.where(answers[batch], RELEVANT, WRONG)
        left = np.setdiff1d(left, batch, assume_unique=True)
        rows = np.array(shown)
        chances.calibration = moved(found, prior, CalibrationLabels(rows, answers[rows], np.ones(len(rows))))
    work.table.verdicts[pool] = 0
    return np.array(shown[:count])


def students(room: Classroom, rows: np.ndarray, answers: np.ndarray, use: str, seeds) -> np.ndarray:
    """nDCG@10 of each question, a row for each seed, after these rows were judged."""
    exported = after(room, rows, answers, use)
    trained = [room.student.train(exported, seed) for seed in seeds]
    return np.stack([measure(room.questions, one.questions(), one.documents())["ndcg"] for one in trained])


def after(room: Classroom, rows: np.ndarray, answers: np.ndarray, use: str) -> ExportedPairs:
    """What the policy in force exports once these rows are judged."""
    work = room.work
    verdicts = np.zeros(len(answers), np.int8)
    verdicts[rows] = np.where(answers[rows], RELEVANT, WRONG)
    table = work.table.judged(verdicts, work.table.positive)
    said = read(work.standing)
    return pairs_of_policy(
        work.run.dataset, table, said, work.policy, room.trainable, work.same_document, Export(relevant=use)
    )


if __name__ == "__main__":
    main()
