"""
Questions: the queries that a student never saw, and their known answers.

In:  a data set with the verdicts that count; or a test split beside it
Out: `Questions`: texts, answers with grades, and known wrong documents

Queries with the same words are on one side only.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from nearmiss.data import Dataset
from nearmiss.errors import RunError
from nearmiss.export.examples import row_numbers
from nearmiss.settings import Trial
from nearmiss.training.labelled_pairs import fold, held_out
from nearmiss.types import Bools, Floats, Ints, Pair

NEITHER = float("nan")
OF_VERDICT = {"relevant": 1.0, "not_relevant": 0.0, "partial": NEITHER, "unsure": NEITHER}
FEWEST = 10  # fewest held-out queries for any conclusion


@dataclass(frozen=True)
class Questions:
    """
    Queries to test on, (n_queries,) `texts`; `rows` are their numbers in the run, -1 for queries of a test split.

    The known pairs, (m,): `query` (a place in `texts`, rising), `document` (a row of the data set) and
    `grade`: above 0 an answer, 0 no answer, NaN neither (partly relevant, or cannot tell).
    """

    texts: list[str]
    rows: Ints
    query: Ints
    document: Ints
    grade: Floats

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of all of it."""
        digest = hashlib.sha256("\0".join(self.texts).encode("utf-8", "surrogatepass"))
        for column in (self.query, self.document, self.grade):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    @property
    def answers(self) -> int:
        """How many answers are known."""
        return int((self.grade > 0).sum())


def from_run(
    dataset: Dataset, verdicts: Mapping[Pair, str], trial: Trial, mined: Bools, number: int = 0
) -> tuple[Questions, Bools]:
    """
    A seeded share of the run's queries, fold `number` of the trial's, and which may be trained on, (n_queries,).

    Both are among those that the round has, `mined` (n_queries,). RunError where too few are left to test on.
    """
    asked = pd.DataFrame({"query": dataset.queries["text"]})
    if trial.folds > 1:
        chosen, which = fold(asked, number, trial.folds, trial.seed) & mined, f"with --folds {trial.folds}"
    else:
        chosen, which = held_out(asked, trial.held_out, trial.seed) & mined, f"with --held-out {trial.held_out}"
    known = _known(dataset, dataset.documents, set(dataset.queries["query_id"][chosen]), verdicts)
    return _questions(dataset.queries, dataset.documents, known, which), ~chosen & mined


def from_split(dataset: Dataset, split: Dataset, mined: Bools) -> tuple[Questions, Bools]:
    """
    The queries of a test split, and which of the run's queries may be trained on: none that is also in the split.

    RunError where the split's answers are not among the run's documents.
    """
    known = _known(split, dataset.documents, set(split.queries["query_id"]), {})
    questions = _questions(split.queries, dataset.documents, known, "whose answers are documents of this run")
    seen = _words(dataset.queries["text"]).isin(set(_words(split.queries["text"]))).to_numpy(bool)
    return replace(questions, rows=np.full(len(questions.texts), -1)), ~seen & mined


def _words(texts: pd.Series) -> pd.Series:
    return texts.str.casefold().str.split().str.join(" ")


def _known(
    labelled: Dataset, documents: pd.DataFrame, query_ids: set[str], verdicts: Mapping[Pair, str]
) -> dict[Pair, float]:
    """The grade of each pair that is known: labelled, or judged; a verdict outranks a label."""
    known = dict.fromkeys(_pairs(labelled.negatives, query_ids), 0.0)
    grades = labelled.positives.set_index(["query_id", "doc_id"])["grade"].to_dict()
    known |= {pair: float(grades[pair]) for pair in _pairs(labelled.positives, query_ids)}
    for pair, verdict in verdicts.items():
        if pair[0] in query_ids:
            known[pair] = max(known.get(pair, 0.0), 1.0) if verdict == "relevant" else OF_VERDICT[verdict]
    there = set(documents["doc_id"])
    return {pair: grade for pair, grade in known.items() if pair[1] in there}


def _pairs(frame: pd.DataFrame, query_ids: set[str]) -> list[Pair]:
    own = frame[frame["query_id"].isin(list(query_ids))]
    return list(zip(own["query_id"].tolist(), own["doc_id"].tolist(), strict=True))


def _questions(queries: pd.DataFrame, documents: pd.DataFrame, known: dict[Pair, float], which: str) -> Questions:
    """The queries with a known answer, in the order of the data."""
    answered = {query_id for (query_id, _), grade in known.items() if grade > 0}
    own = queries["query_id"].isin(list(answered)).to_numpy(bool)
    if own.sum() < FEWEST:
        raise RunError(f"held-out queries: wanted {FEWEST} or more to test on, {which}; found {int(own.sum())}")
    place = {query_id: number for number, query_id in enumerate(queries["query_id"][own].tolist())}
    pairs = sorted((place[query_id], doc_id, grade) for (query_id, doc_id), grade in known.items() if query_id in place)
    return Questions(
        texts=queries["text"][own].tolist(),
        rows=np.flatnonzero(own),
        query=np.array([query for query, _, _ in pairs], np.int64),
        document=np.asarray(row_numbers(documents["doc_id"], pd.Series([doc for _, doc, _ in pairs])), np.int64),
        grade=np.array([grade for _, _, grade in pairs], np.float32),
    )
