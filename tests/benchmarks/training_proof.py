"""
What each policy's shards train: students of every policy, on collections with many training queries.

    python -m tests.benchmarks.training_proof --data DIR --runs DIR [--collections NAME ...] [--students adapter static]

A collection is mined with `--queries` of its training queries where its run is not there, and tested on its test split,
or on other queries of the training split. `chosen` is what `nearmiss trial --choose` puts in force by the run's own
queries alone, in five folds, before anything is tested. With the hidden answers of a collection known, `reviewed` is
the policy in force after a perfect reviewer judged every candidate. Prints a table for each collection and student, and
writes all of it to RUNS/training_proof.json.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss import data, pipeline
from nearmiss.presets import PRESETS
from nearmiss.review import Event, open_log
from nearmiss.run import open_run
from nearmiss.settings import Mining, Policy, Trial
from nearmiss.training import trials
from nearmiss.workspace import open_to_read


@dataclass(frozen=True)
class Collection:
    """Where a collection's training queries, its questions and the truth about hidden answers are."""

    train: str
    test: str = ""
    truth: str = ""


COLLECTIONS = {
    "nfcorpus": Collection("one_positive_train", test="test", truth="train"),
    "squad_v11": Collection("train", test="test"),
    "medquad": Collection("train"),
    "covidqa": Collection("train"),
}
TESTED = 1000  # questions of a test split at most
FEWEST = 100  # other queries; with fewer a share of the run's own is held out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--collections", nargs="*", default=list(COLLECTIONS))
    parser.add_argument("--students", nargs="*", default=["adapter", "static"])
    parser.add_argument("--policies", nargs="*", default=list(PRESETS), help="beside the default and the references")
    parser.add_argument("--queries", type=int, default=2500)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    found = []
    for name in arguments.collections:
        run = mined(arguments.data / name, arguments.runs, name, arguments.queries)
        for student in arguments.students:
            settings = Trial(student=student, seeds=arguments.seeds)
            for outcome, which in outcomes(arguments, name, run, settings):
                show(f"{name}, {student}, {which}", outcome)
                found.append({"collection": name, "which": which} | outcome.as_json())
    (arguments.runs / "training_proof.json").write_text(json.dumps(found, indent=2))


def outcomes(arguments: argparse.Namespace, name: str, run: Path, settings: Trial):
    """The presets as mined, and the policy in force as reviewed, where the truth is known."""
    collection = COLLECTIONS[name]
    own = trials.trial(run, replace(settings, folds=5, seeds=1))
    print(f"\n{name}, {settings.student}, chosen: {own.choice.sentence}", flush=True)
    test = questions_of(arguments.data / name, arguments.runs / "data" / f"{name}-test", run, collection)
    yield trials.trial(run, settings, policies=arguments.policies, test=test), "as mined"
    if collection.truth:
        reviews = reviewed(run, arguments.data / name / "qrels" / f"{collection.truth}.tsv")
        yield trials.trial(run, settings, test=test, reviews=reviews), "reviewed"


def questions_of(folder: Path, out: Path, run: Path, collection: Collection) -> data.Dataset | None:
    """Queries of the test split, or of the training split, that the run does not have, with answers that it does."""
    split = collection.test or collection.train
    held = open_run(run).dataset
    qrels = pd.read_csv(folder / "qrels" / f"{split}.tsv", sep="\t", dtype=str)
    other = ~qrels.iloc[:, 0].isin(held.queries["query_id"]) & qrels.iloc[:, 1].isin(held.documents["doc_id"])
    asked = np.sort(qrels[other].iloc[:, 0].unique().astype(str))
    if len(asked) < FEWEST:
        return None
    drawn = set(np.random.default_rng(42).permutation(asked)[:TESTED].tolist())
    written(folder, out, split, qrels[qrels.iloc[:, 0].isin(drawn)])
    return data.read(str(out), split=split)


def show(title: str, outcome: trials.Outcome) -> None:
    """A line for each policy, and what may be said."""
    print(f"\n{title}: {outcome.questions:,} questions, {outcome.searched:,} documents", flush=True)
    print(f"  {'untrained':<44}{outcome.untrained['ndcg'].mean():.4f}")
    for one in outcome.reached:
        low, high = outcome.interval(one)
        in_force = outcome.named(outcome.in_force) or one
        gap = outcome.difference(one, in_force)
        against = "" if one is in_force else f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
        rank = "" if one.median_rank is None else f"{one.median_rank:.0f}"
        print(
            f"  {one.tried.name:<44}{one.measures['ndcg'].mean():.4f} ({low:.4f} to {high:.4f}) "
            f"{one.counts['queries']:>6,}{one.counts['negatives']:>8,}{rank:>5}  {against} {gap.verdict}",
            flush=True,
        )
    print("  " + " ".join(outcome.sentences()), flush=True)


def mined(folder: Path, runs: Path, name: str, queries: int) -> Path:
    """The run of a collection, mined where it is not there."""
    run = runs / name
    if not (run / "run.json").exists():
        split = COLLECTIONS[name].train
        small = subset(folder, runs / "data" / name, split, queries)
        pipeline.mine(run, Mining(), data.read(str(small), split=split), Policy())
    return run


def subset(folder: Path, out: Path, split: str, queries: int) -> Path:
    """The same collection with a seeded draw of its queries."""
    qrels = pd.read_csv(folder / "qrels" / f"{split}.tsv", sep="\t", dtype=str)
    known = np.sort(qrels.iloc[:, 0].unique().astype(str))
    drawn = set(np.random.default_rng(42).permutation(known)[:queries].tolist())
    written(folder, out, split, qrels[qrels.iloc[:, 0].isin(drawn)])
    return out


def written(folder: Path, out: Path, split: str, qrels: pd.DataFrame) -> None:
    """Write the collection to `out` with these qrels alone, and their queries."""
    (out / "qrels").mkdir(parents=True, exist_ok=True)
    qrels.to_csv(out / "qrels" / f"{split}.tsv", sep="\t", index=False)
    drawn = set(qrels.iloc[:, 0])
    lines = (folder / "queries.jsonl").read_text("utf-8").splitlines(keepends=True)
    (out / "queries.jsonl").write_text("".join(line for line in lines if json.loads(line)["_id"] in drawn), "utf-8")
    if not (out / "corpus.jsonl").exists():
        (out / "corpus.jsonl").symlink_to((folder / "corpus.jsonl").resolve())


def reviewed(run: Path, truth: Path) -> str:
    """The URL of a log in which somebody judged each candidate that is a hidden answer as relevant."""
    path = run / "perfect-reviewer.db"
    if not path.exists():
        judged = pd.read_csv(truth, sep="\t", dtype=str).set_axis(["query_id", "doc_id", "grade"], axis=1)
        judged = judged[judged["grade"].astype(float) > 0]
        answers = set(zip(judged["query_id"], judged["doc_id"], strict=True))
        work = open_to_read(run)
        pairs = [work.pair_at(row) for row in np.flatnonzero(~work.table.positive).tolist()]
        log = open_log(path)
        log.append(
            [
                Event(
                    query_id=query_id,
                    doc_id=doc_id,
                    verdict="relevant",
                    reviewer="truth",
                    client_id="truth",
                    client_seq=number,
                    decided_at=0.0,
                )
                for number, (query_id, doc_id) in enumerate(pair for pair in pairs if pair in answers)
            ]
        )
        log.close()
    open_run(run, f"sqlite:///{path.resolve()}")
    return f"sqlite:///{path.resolve()}"


if __name__ == "__main__":
    main()
