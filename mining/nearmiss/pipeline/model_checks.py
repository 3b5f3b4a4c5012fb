"""
Model checks: whether a round's models can distinguish texts at all.

In:  a `Round` whose vectors are finished
Out: three numbers for run.json, which `reports.doubts` puts into words

A folder with the wrong weights, or a tokenizer that does not fit, gives vectors and scores like any other. It shows in
documents that are all alike, or in labelled answers that score no higher than documents drawn at random.
"""

from typing import Any

import numpy as np

from nearmiss.models import score_cache
from nearmiss.models.unit_vectors import unit_vectors
from nearmiss.pipeline.round import Round
from nearmiss.types import AnyInts, Scores

DRAWN = 100  # queries, each with one labelled answer and one document drawn at random


def check_models(this: Round) -> dict[str, Any]:
    """
    How alike documents are, and how often each model scores a labelled answer above a document drawn at random.

    `alike` is the median cosine of pairs of documents; `encoder_auc` and `teacher_auc` are areas under the ROC curve,
    0.5 for blind models; `teacher_spread` is the range of the teacher's scores; None where there is nothing to measure.
    """
    answers, others = drawn_pairs(this)
    vectors, queries = this.document_vectors.take, this.query_vectors.take
    left, right = np.random.default_rng(this.recipe.seed).integers(0, len(this.documents), (2, DRAWN))
    different = np.array([this.documents[a] != this.documents[b] for a, b in zip(left, right, strict=True)])
    cosines = np.vecdot(unit_vectors(vectors(left)), unit_vectors(vectors(right)))[different]
    near, far = (np.vecdot(queries(rows[:, 0]), vectors(rows[:, 1])) for rows in (answers, others))
    found: dict[str, Any] = {
        "pairs": len(answers),
        "alike": round(float(np.median(cosines)), 4) if len(cosines) else None,
        "encoder_auc": _auc(near, far),
        "teacher_auc": None,
        "teacher_spread": None,
    }
    if this.teacher is not None and len(answers):
        scores = _teacher_scores(this, np.concatenate([answers, others]))
        found["teacher_auc"] = _auc(scores[: len(answers)], scores[len(answers) :])
        found["teacher_spread"] = round(float(np.ptp(scores)), 6)
    return found


def drawn_pairs(this: Round) -> tuple[AnyInts, AnyInts]:
    """
    Labelled answers, and as many pairs of the same queries with documents drawn at random, each (n, 2) rows.

    The same pairs in every round of a seed, so that a teacher scores them once.
    """
    draw = np.random.default_rng(this.recipe.seed)
    labelled = np.column_stack([this.positives.query, this.positives.document])
    answers = labelled[draw.permutation(len(labelled))[:DRAWN]]
    return answers, np.column_stack([answers[:, 0], draw.integers(0, len(this.documents), len(answers))])


def _teacher_scores(this: Round, pairs: AnyInts) -> Scores:
    """The scores of these pairs, most of which the round's candidates and earlier checks have in the cache, (n,)."""
    assert this.teacher is not None
    folder, name = this.run / "teacher_scores", f"checks-{this.number}"
    known = score_cache.known_scores(folder, this.teacher, except_prefix=f"{name}-")
    return score_cache.score_pairs(this.teacher, this.queries, this.documents, pairs, folder, name, known)


def _auc(above: Any, below: Any) -> float | None:
    """How often one of `above` is higher than one of `below`; a tie counts half."""
    if not len(above):
        return None
    wins = (above[:, None] > below).mean() + (above[:, None] == below).mean() / 2
    return round(float(wins), 4)
