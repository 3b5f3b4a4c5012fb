"""
The one form in which every source hands back what it found.

In:  row numbers of queries and documents, and a score for each pair, in any order
Out: a frame of query, document, rank, score; best first within each query, rank from 1
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.types import AnyInts, Scores


def ranked(
    queries: AnyInts, documents: AnyInts, scores: npt.NDArray[np.floating[Any]], depth: int | None = None
) -> pd.DataFrame:
    """
    The pairs (three arrays of one length) as a found frame, at most `depth` for each query.

    Equal scores are ordered by document row, so that no thread, block or heap decides.
    """
    order = np.lexsort((documents, -scores, queries))
    queries, documents, scores = queries[order], documents[order], scores[order]
    starts = np.flatnonzero(np.diff(queries, prepend=-1))
    ranks = np.arange(1, len(queries) + 1) - np.repeat(starts, np.diff(starts, append=len(queries)))
    kept = slice(None) if depth is None else ranks <= depth
    return pd.DataFrame(
        {
            "query": queries[kept].astype(np.int32),
            "document": documents[kept].astype(np.int32),
            "rank": ranks[kept].astype(np.int32),
            "score": scores[kept].astype(np.float32),
        }
    )


def nothing_found() -> pd.DataFrame:
    """A found frame without rows."""
    return ranked(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))


def best_rows(scores: Scores, k: int) -> npt.NDArray[np.intp]:
    """Positions of the `k` highest of `scores` (n,), in no particular order; of equal ones, those that come first."""
    if k >= len(scores):
        return np.arange(len(scores))
    # A plain argpartition would pick any of those tied at the border.
    border = np.partition(scores, -k)[-k]
    above = np.flatnonzero(scores > border)
    level = np.flatnonzero(scores == border)[: k - len(above)]
    return np.concatenate([above, level])
