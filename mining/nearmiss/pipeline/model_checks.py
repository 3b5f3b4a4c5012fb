"""
Model checks: whether a round's models can distinguish texts at all.

In:  a `Round` whose vectors are finished
Out: three numbers for run.json, which `reports.doubts` puts into words

A folder with the wrong weights, or a tokenizer that does not fit, gives vectors and scores like any other. It shows in
documents that are all alike, or in labelled answers that score no higher than documents drawn at random.
"""

from typing import Any

import numpy as np

from nearmiss.pipeline.round import Round

DRAWN = 100  # queries, each with one labelled answer and one document drawn at random


def check_models(this: Round) -> dict[str, Any]:
    """
    How alike documents are, and how often each model scores a labelled answer above a document drawn at random.

    `alike` is the median cosine of pairs of documents; `encoder_auc` and `teacher_auc` are areas under the ROC curve,
    0.5 for blind models; `teacher_spread` is the range of the teacher's scores; None where there is nothing to measure.
    """
    draw = np.random.default_rng(this.recipe.seed)
    labelled = np.column_stack([this.positives.query, this.positives.document])
    answers = labelled[draw.permutation(len(labelled))[:DRAWN]]
    others = np.column_stack([answers[:, 0], draw.integers(0, len(this.documents), len(answers))])
    vectors, queries = this.document_vectors.take, this.query_vectors.take
    left, right = draw.integers(0, len(this.documents), (2, DRAWN))
    different = np.array([this.documents[a] != this.documents[b] for a, b in zip(left, right, strict=True)])
    cosines = np.vecdot(_unit(vectors(left)), _unit(vectors(right)))[different]
    near, far = (np.vecdot(queries(rows[:, 0]), vectors(rows[:, 1])) for rows in (answers, others))
    found: dict[str, Any] = {
        "pairs": len(answers),
        "alike": round(float(np.median(cosines)), 4) if len(cosines) else None,
        "encoder_auc": _auc(near, far),
        "teacher_auc": None,
        "teacher_spread": None,
    }
    if this.teacher is not None and len(answers):
        texts = [(this.queries[query], this.documents[document]) for query, document in [*answers, *others]]
        scores = np.asarray(this.teacher.score(texts), np.float64)
        found["teacher_auc"] = _auc(scores[: len(answers)], scores[len(answers) :])
        found["teacher_spread"] = round(float(np.ptp(scores)), 6)
    return found


def _unit(rows: Any) -> Any:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _auc(above: Any, below: Any) -> float | None:
    """How often one of `above` is higher than one of `below`; a tie counts half."""
    if not len(above):
        return None
    wins = (above[:, None] > below).mean() + (above[:, None] == below).mean() / 2
    return round(float(wins), 4)
