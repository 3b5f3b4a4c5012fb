"""
How near the rate of answers that is estimated before anyone judges comes to the truth, collection by collection.

    python -m tests.benchmarks.answer_rates --data DIR --runs DIR [--collections NAME ...] [--queries 700]

Each collection is mined with one labelled answer a query, where RUNS/NAME is not there. The truth is its other
judgements; where a query has only one label, it is what can be known without people, named in the last column: how many
passages hold an answer string of four words or more (others repeat by accident), or answer a question of the same
subject and type. `before` is the mean of the prior, whose rate came from other collections; `50 labels` the mean of
p_relevant after 50 candidates were drawn at random and judged by the truth, mean and range of 20 draws. `kept` is the
share of answers among the negatives that the default policy keeps, as estimated and by the truth.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss import data, pipeline, selection
from nearmiss.calibration.answer_rate import rate_of
from nearmiss.calibration.fitting import CalibrationLabels, moved
from nearmiss.calibration.model import from_prior
from nearmiss.calibration.signals import signals
from nearmiss.calibration.stored import by_prior
from nearmiss.run import open_run
from nearmiss.settings import LATE_INTERACTION, Mining, Policy
from tests.benchmarks.training_proof import subset

# The qrels that were mined, and the truth: other qrels, or how it is known without people.
STRINGS, SUBJECTS, NONE = "answer strings", "same subject and type", "one abstract a question"
COLLECTIONS = {
    "cranfield": ("one_positive", "test_with_source_paper"),
    "cisi": ("one_positive", "test"),
    "cacm": ("one_positive", "test"),
    "npl": ("one_positive", "test"),
    "time": ("one_positive", "test"),
    "nfcorpus": ("one_positive_train", "train"),
    "squad_v11": ("test", STRINGS),
    "covidqa": ("train", STRINGS),
    "medquad": ("train", SUBJECTS),
    "pubmedqa": ("train", NONE),
}
WORDS = 4  # of an answer string, at least
LABELS, DRAWS = 50, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--collections", nargs="*", default=list(COLLECTIONS))
    parser.add_argument("--queries", type=int, default=700)
    parser.add_argument("--depth", type=int, nargs="*", default=[30, 100])
    arguments = parser.parse_args()
    heads = f"{'before':>9}{'estimate':>10}{'interval':>18}{'50 labels':>24}{'kept':>16}"
    print(f"{'':<11}{'rank':>5}{'pairs':>8}{'truth':>9}{heads}")
    for name in arguments.collections:
        split, truth = COLLECTIONS[name]
        run = arguments.runs / name
        if not (run / "run.json").exists():
            folder = subset(arguments.data / name, arguments.runs / "data" / name, split, arguments.queries)
            read = data.read(str(folder), split=split, reject=arguments.runs / f"{name}.rejected")
            pipeline.mine(run, Mining(), read, Policy())
        frame = open_run(run).candidates()
        frame["answer"], known = answers(frame, arguments.data / name, truth)
        for depth in arguments.depth:
            line(name, within(frame, depth), depth, known, truth)


def line(name: str, frame: pd.DataFrame, depth: int, known: list[str] | None, truth: str) -> None:
    """One collection to one depth."""
    found, positive = signals(frame), frame["is_positive"].to_numpy(bool)
    others = ~positive & frame["duplicate_of"].isna().to_numpy(bool)
    before, now = from_prior(found, positive), by_prior(found, frame, LATE_INTERACTION)
    rate = rate_of(now)
    told = others if known is None else others & frame["query_id"].isin(known).to_numpy(bool)
    answer = frame["answer"].to_numpy(bool)
    interval = f"{rate.low:.4f} to {rate.high:.4f}"
    sure = truth not in (STRINGS, SUBJECTS, NONE)
    labels = after_labels(found, now, others, answer) if sure else "-"
    was = before.probabilities(before.logits(found))[others].mean()
    print(
        f"{name:<11}{depth:>5}{others.sum():>8,}{answer[told].mean():>9.4f}{was:>9.4f}{rate.estimate:>10.4f}"
        f"{interval:>18}{labels:>24}{of_kept(frame, now, found, known):>16}  {truth if not sure else ''}",
        flush=True,
    )


def of_kept(frame: pd.DataFrame, calibration, found, known: list[str] | None) -> str:
    """The share of answers among what the default policy keeps: estimated, and true."""
    table = selection.prepare(frame.assign(p_relevant=calibration.probabilities(calibration.logits(found))))
    kept = selection.decide(table, Policy()).slot > 0
    if known is not None:
        kept &= table.candidates["query_id"].isin(known).to_numpy(bool)
    return f"{table.number('p_relevant')[kept].mean():.3f} {table.candidates['answer'].to_numpy(bool)[kept].mean():.3f}"


def after_labels(found, prior, others: np.ndarray, answer: np.ndarray) -> str:
    """The mean of p_relevant after 50 random labels: mean and range of the draws."""
    means = []
    for seed in range(DRAWS):
        rows = np.random.default_rng(seed).choice(np.flatnonzero(others), LABELS, replace=False)
        fitted = moved(found, prior, CalibrationLabels(rows, answer[rows], np.ones(LABELS)))
        means.append(fitted.probabilities(fitted.logits(found))[others].mean())
    low, high = np.quantile(means, [0.05, 0.95])
    return f"{np.mean(means):.3f} ({low:.3f} to {high:.3f})"


def within(frame: pd.DataFrame, depth: int) -> pd.DataFrame:
    """The candidates that a source ranks within the depth, and every labelled answer, found within it or not."""
    ranks = ["bm25_rank", "dense_rank"]
    near = frame[ranks].min(axis=1).le(depth).fillna(False).to_numpy(bool)
    own = frame[near | frame["is_positive"].to_numpy(bool)].reset_index(drop=True)
    far = ~own[ranks].min(axis=1).le(depth).fillna(False).to_numpy(bool)
    own.loc[far, ranks] = pd.NA
    return own


def answers(frame: pd.DataFrame, folder: Path, truth: str) -> tuple[np.ndarray, list[str] | None]:
    """Which candidates are answers, (n,), and the queries of which this is known; None for all."""
    pairs = list(zip(frame["query_id"], frame["doc_id"], strict=True))
    if truth == NONE:
        return np.zeros(len(frame), bool), None
    if truth not in (STRINGS, SUBJECTS):
        judged = pd.read_csv(folder / "qrels" / f"{truth}.tsv", sep="\t", dtype=str)
        judged = judged[judged.iloc[:, 2].astype(float) > 0]
        known = set(zip(judged.iloc[:, 0], judged.iloc[:, 1], strict=True))
        return np.array([pair in known for pair in pairs]), None
    facts = {row["_id"]: row["metadata"] for row in rows_of(folder / "queries.jsonl")}
    if truth == SUBJECTS:
        labelled = pd.read_csv(folder / "qrels" / "train.tsv", sep="\t", dtype=str)
        asked: dict[str, set[tuple[str, str]]] = {}
        for query_id, doc_id in zip(labelled.iloc[:, 0], labelled.iloc[:, 1], strict=True):
            asked.setdefault(doc_id, set()).add(subject(facts[query_id]))
        return np.array([subject(facts[query_id]) in asked.get(doc_id, ()) for query_id, doc_id in pairs]), None
    texts = {row["_id"]: f" {plain(row['text'])} " for row in rows_of(folder / "corpus.jsonl")}
    strings = {query_id: [plain(answer) for answer in one.get("answers", [])] for query_id, one in facts.items()}
    long = [query_id for query_id, own in strings.items() if own and min(len(one.split()) for one in own) >= WORDS]
    held = [any(f" {one} " in texts[doc_id] for one in strings[query_id]) for query_id, doc_id in pairs]
    return np.array(held), long


def rows_of(path: Path) -> list[dict]:
    """The rows of a JSONL file."""
    return [json.loads(row) for row in path.read_text("utf-8").splitlines()]


def subject(facts: dict) -> tuple[str, str]:
    """What a question of MedQuAD is about."""
    return plain(facts["focus"]), facts["type"]


def plain(text: str) -> str:
    """Words alone, in small letters."""
    return " ".join(re.findall(r"\w+", text.lower()))


if __name__ == "__main__":
    main()
