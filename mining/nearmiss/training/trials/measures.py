"""
Measures: how high the answers of each question rank.

In:  `Questions`, vectors of the questions and of the documents
Out: nDCG@10, MRR@10 and Recall@100 of each question, over the whole corpus and with unjudged documents left out

nDCG takes grades as gains, as trec_eval does.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from nearmiss.training.trials.questions import Questions
from nearmiss.types import Bools, Floats, Ints, Vectors

NDCG_AT, RECALL_AT = 10, 100
MEASURES = ("ndcg", "mrr", "recall", "judged_ndcg")
Blocks = Iterator[tuple[Ints, Vectors]]  # row numbers of documents, and their vectors


def measure(questions: Questions, queries: Vectors, documents: Blocks) -> dict[str, Floats]:
    """
    Each measure of each question, (n_questions,); queries and documents are unit vectors.

    `judged_ndcg` is nDCG@10 of the documents that somebody judged, in the student's order; NaN for a question where
    no document is known to be wrong.
    """
    spare = int(np.bincount(questions.query[np.isnan(questions.grade)], minlength=1).max())
    found, known = _best(questions, queries, documents, RECALL_AT + spare)
    own = _grades_of(questions, found)
    # A document known neither as answer nor as wrong is left out of the lists: its right place is unknown.
    gains = _first(np.nan_to_num(own), ~np.isnan(own), RECALL_AT)
    ideal = _ideal(questions)
    return {
        "ndcg": _dcg(gains[:, :NDCG_AT]) / ideal,
        "mrr": _reciprocal_rank(gains[:, :NDCG_AT]),
        "recall": (gains > 0).sum(axis=1) / np.bincount(questions.query[questions.grade > 0]),
        "judged_ndcg": _judged(questions, known, ideal),
    }


def _best(questions: Questions, queries: Vectors, documents: Blocks, k: int) -> tuple[Ints, Floats]:
    """The best `k` documents of each question (n, k), -1 at the end of a short list; and the scores of known pairs."""
    import faiss

    best = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    known = np.full(len(questions.query), -np.inf, np.float32)
    for rows, block in documents:
        part_scores, part = faiss.knn(queries, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        merged = np.concatenate([scores, part_scores], axis=1)
        numbers = np.concatenate([best, rows[part]], axis=1)
        order = np.argsort(-merged, axis=1, kind="stable")[:, :k]
        best, scores = np.take_along_axis(numbers, order, 1), np.take_along_axis(merged, order, 1)
        here = np.minimum(np.searchsorted(rows, questions.document), len(rows) - 1)
        own = np.flatnonzero(rows[here] == questions.document)
        known[own] = np.vecdot(queries[questions.query[own]], block[here[own]])
    return best, known


def _grades_of(questions: Questions, found: Ints) -> Floats:
    """The grade of each found document, 0 where unknown, (n, k)."""
    base = int(max(questions.document.max(initial=0), found.max(initial=0))) + 2
    keys = questions.query * base + questions.document
    order = np.argsort(keys)
    wanted = np.arange(len(found))[:, None] * base + found
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    return np.where(keys[order][place] == wanted, questions.grade[order][place], np.float32(0))


def _first(values: Floats, wanted: Bools, k: int) -> Floats:
    """The first `k` wanted values of each row, in their order, 0 behind them."""
    order = np.argsort(~wanted, axis=1, kind="stable")[:, :k]
    taken = np.take_along_axis(np.where(wanted, values, 0), order, 1)
    return np.asarray(taken, np.float64)


def _dcg(gains: Floats) -> Floats:
    return np.asarray(gains @ (1 / np.log2(np.arange(2, gains.shape[1] + 2))))


def _reciprocal_rank(gains: Floats) -> Floats:
    hit = gains > 0
    return np.where(hit.any(axis=1), 1 / (1 + hit.argmax(axis=1)), 0.0)


def _ideal(questions: Questions) -> Floats:
    """The highest DCG that each question allows."""
    return _dcg(_by_question(questions, -questions.grade, questions.grade > 0))


def _judged(questions: Questions, scores: Floats, ideal: Floats) -> Floats:
    judged = ~np.isnan(questions.grade)
    wrong = np.bincount(questions.query[questions.grade == 0], minlength=len(ideal))
    # Of ties, the wrong one comes first: a student that scores all alike has learnt nothing.
    order = np.lexsort((questions.grade, -scores, questions.query))
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    ndcg = _dcg(_by_question(questions, place, judged)) / ideal
    return np.where(wrong > 0, ndcg, np.nan)


def _by_question(questions: Questions, key: npt.NDArray[np.floating], which: Bools) -> Floats:
    """The grades of the first ten pairs of each question by rising key, 0 behind them, (n, 10)."""
    rows = np.flatnonzero(which)
    rows = rows[np.lexsort((key[rows], questions.query[rows]))]
    query = questions.query[rows]
    at = np.arange(len(rows)) - np.searchsorted(query, query)
    grades = np.zeros((len(questions.texts), NDCG_AT))
    grades[query[at < NDCG_AT], at[at < NDCG_AT]] = questions.grade[rows[at < NDCG_AT]]
    return grades
