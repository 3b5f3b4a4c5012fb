"""
The picture of one query: how far each candidate truly is from it, and how hard training would push each away.

In:  a `Workspace`, a query, a `Policy`, the reviewer
Out: `QueryPicture`: distances, angles, limits as distances, and shares of the gradient at several temperatures

Only the distance to the query is exact: 1 - cosine by the encoder. The angle separates unlike documents as far as two
directions can.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearmiss.retrieval.vector_store import open_vectors
from nearmiss.selection import decide
from nearmiss.selection.rules import ceiling, floor
from nearmiss.session.query_view import rows_of_query
from nearmiss.settings import Policy
from nearmiss.types import Bools, Floats, Vectors
from nearmiss.workspace import Workspace

TEMPERATURES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.2, 0.5, 1.0)
USUAL = TEMPERATURES.index(0.05)


@dataclass(frozen=True)
class QueryPicture:
    """Values of each candidate, (n,) as they stand in the table, and of each of the temperatures, (n_temperatures,)."""

    distances: list[float]  # 1 - cosine to the query
    angles: list[float]  # radians
    angled: bool  # False where the round keeps no vectors: then the angles only spread the points
    temperatures: list[float]
    usual: int  # the temperature to begin with
    shares: list[list[float]]  # (n_temperatures, n): see `gradient_shares`
    pulls: list[float]  # see `gradient_pull`
    ceiling: float | None  # a distance; None where no ceiling is set or another score than the cosine decides
    floor: float | None


def picture(work: Workspace, query_id: str, policy: Policy, reviewer: str = "") -> QueryPicture:
    """The picture under a policy; the reviewer sees only verdicts that `query_view.rows_of_query` lets through."""
    table = rows_of_query(work, query_id, reviewer)
    decision = decide(table, policy)
    cosine = table.number("dense_score").astype(np.float64)
    kept, positive = decision.slot > 0, table.positive
    vectors = _vectors(work, query_id)
    limits = [None, None] if work.has_teacher else [_as_distance(limit(table, policy)) for limit in (ceiling, floor)]
    return QueryPicture(
        distances=_rounded(1 - cosine),
        angles=_rounded(spread(len(cosine)) if vectors is None else angles(*vectors)),
        angled=vectors is not None,
        temperatures=list(TEMPERATURES),
        usual=USUAL,
        shares=[_rounded(gradient_shares(cosine, kept, positive, t)) for t in TEMPERATURES],
        pulls=[round(gradient_pull(cosine, kept, positive, t), 4) for t in TEMPERATURES],
        ceiling=limits[0],
        floor=limits[1],
    )


def gradient_shares(cosine: Floats, kept: Bools, positive: Bools, temperature: float) -> npt.NDArray[np.float64]:
    """
    What share of the push away from negatives each candidate takes, (n,), with InfoNCE at a temperature.

    The gradient of -log softmax by a negative's cosine is its softmax weight over the temperature, so the shares of the
    kept add up to 1. Any other candidate has the share it would take if added to the kept. Answers take none.
    """
    weight = _weights(cosine, temperature)
    of_kept = weight[kept].sum()
    others = of_kept + np.where(kept, 0.0, weight)
    return np.where(positive | (others == 0), 0.0, weight / np.where(others == 0, 1.0, others))


def gradient_pull(cosine: Floats, kept: Bools, positive: Bools, temperature: float) -> float:
    """
    How much of its full strength the gradient has, from 0 to 1: 1 less the softmax weight of the nearest answer.

    Near 0 the model already separates the answer from the kept negatives, and learns nothing from this query.
    """
    weight = _weights(cosine, temperature)
    of_kept, answer = float(weight[kept].sum()), float(weight[positive].max(initial=0.0))
    return of_kept / (of_kept + answer) if of_kept + answer else 0.0


def angles(query: Vectors, documents: Vectors) -> npt.NDArray[np.float64]:
    """
    A direction for each document, (n,), in radians, by the first two principal components, the query projected out.

    `query` is (dimensions,), `documents` (n, dimensions), both of unit length. The same vectors give the same angles;
    where they span less than a plane, the documents are spread evenly, in their order.
    """
    apart = documents.astype(np.float64) - np.outer(documents.astype(np.float64) @ query, query)
    apart -= apart.mean(axis=0)
    _, size, directions = np.linalg.svd(apart, full_matrices=False)
    if (size > 1e-6).sum() < 2:
        return spread(len(documents))
    plane = apart @ directions[:2].T
    # A component's sign is free: its largest value points to the right, or up.
    plane *= np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    return np.asarray(np.arctan2(plane[:, 1], plane[:, 0]))


def spread(count: int) -> npt.NDArray[np.float64]:
    """Even angles, which mean nothing, (count,)."""
    return np.linspace(-np.pi, np.pi, count, endpoint=False)


def _weights(cosine: Floats, temperature: float) -> npt.NDArray[np.float64]:
    return np.asarray(np.exp((cosine - cosine.max(initial=0.0)) / temperature), np.float64)


def _as_distance(limit: Floats | None) -> float | None:
    return None if limit is None or not len(limit) else round(1 - float(limit[0]), 4)


def _vectors(work: Workspace, query_id: str) -> tuple[Vectors, Vectors] | None:
    if not (work.folder / "query_vectors").exists():
        return None
    query = open_vectors(work.folder / "query_vectors").take(work.row_in_queries(query_id))
    documents = open_vectors(work.folder / "document_vectors").take(work.rows_in_documents(work.doc_ids_of(query_id)))
    return query[0], documents


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    rounded: list[float] = np.round(values, 4).tolist()
    return rounded
