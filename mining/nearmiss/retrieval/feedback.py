"""
Feedback: how much a candidate is like the best of its query's pool.

In:  pooled rows, best fused rank first within a query; document vectors
Out: `pool_cosine` for each row

Answers to one question are alike, so what the sources agree upon shows where they lie (pseudo-relevance feedback after
Rocchio 1971).
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.retrieval.vectors import Take, score_pairs
from nearmiss.types import Scores

ROWS_READ = 11  # of a query's rows: the labelled answers, then by fused rank


def pool_cosine(rows: pd.DataFrame, take: Take) -> Scores:
    """
    Mean cosine (n,) of each row with the ROWS_READ rows of its query, itself left out, weighted by 1 / sqrt(place).

    Wants query, document, fused_rank and is_positive. NaN where a query has no other row.
    """
    query = rows["query"].to_numpy(np.int64)
    weight = _weights(query, rows)
    best = np.flatnonzero(weight)
    unique, place = np.unique(rows["document"].to_numpy()[best], return_inverse=True)
    number = np.unique(query, return_inverse=True)[1]
    centroids = np.zeros((number.max(initial=-1) + 1, take(unique[:1]).shape[1] if len(unique) else 1), np.float32)
    np.add.at(centroids, number[best], take(unique)[place] * weight[best, None])
    total = np.bincount(number, weight, len(centroids)).astype(np.float32)
    with_all = score_pairs(lambda numbers: centroids[numbers], take, number, rows["document"].to_numpy())
    others = total[number] - weight
    # Vectors are units, so a row's own share of its centroid is its weight.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(others > 0, (with_all - weight) / others, np.float32(np.nan)).astype(np.float32)


def _weights(query: npt.NDArray[np.int64], rows: pd.DataFrame) -> npt.NDArray[np.float32]:
    """1 / sqrt(place) of a query's ROWS_READ rows, 0 for the others, (n,)."""
    fused = rows["fused_rank"].to_numpy(np.float64, na_value=np.inf)
    order = np.lexsort((fused, ~rows["is_positive"].to_numpy(bool), query))
    ordered = query[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    place = np.arange(len(ordered)) - np.repeat(first, np.diff([*first, len(ordered)]))
    weight = np.zeros(len(query), np.float32)
    weight[order] = np.where(place < ROWS_READ, 1 / np.sqrt(place + 1), 0)
    return weight
