"""
Fusion: what several sources found, as one pool.

In:  a found frame by source name
Out: a row for every query and document that any source found, with each source's rank and score, and `fused_rank`
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

RRF_K = 60  # Cormack, Clarke and Büttcher, SIGIR 2009


def pool(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """
    The union of the sources, sorted by query and `fused_rank`.

    Columns: query, document (int32); for each source, in the given order, `<source>_rank` (Int32, <NA> where it did not
    find the document) and `<source>_score` (float32, NaN likewise); fused_rank (Int32, from 1 within the query).
    """
    keys = [_keys(frame) for frame in found.values()]
    union = np.unique(np.concatenate(keys))
    places = [np.searchsorted(union, key) for key in keys]
    ranks = np.full((len(union), len(found)), np.inf)
    pooled = pd.DataFrame({"query": (union >> 32).astype(np.int32), "document": (union & 0xFFFFFFFF).astype(np.int32)})
    for column, (source, frame) in enumerate(found.items()):
        ranks[places[column], column] = frame["rank"]
        scores = np.full(len(union), np.nan, np.float32)
        scores[places[column]] = frame["score"]
        missing = np.isinf(ranks[:, column])
        whole = np.where(missing, 0, ranks[:, column]).astype(np.int32)
        pooled[f"{source}_rank"] = pd.arrays.IntegerArray(whole, missing)
        pooled[f"{source}_score"] = scores
    return _with_fused_rank(pooled, ranks)


def _with_fused_rank(pooled: pd.DataFrame, ranks: npt.NDArray[np.float64]) -> pd.DataFrame:
    # Added in order of rank, not of source: float sums depend on the order, and would break ties at random.
    ranks = np.sort(ranks, axis=1)
    fused = (1 / (RRF_K + ranks)).sum(axis=1)
    order = np.lexsort((pooled["document"], ranks[:, 0], -fused, pooled["query"]))
    pooled = pooled.iloc[order].reset_index(drop=True)
    fused_rank = (pooled.groupby("query").cumcount() + 1).astype("Int32")
    return pooled.assign(fused_rank=fused_rank)


def _keys(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Query and document in one number, so that a pair is found by one binary search."""
    keys: npt.NDArray[np.int64] = (frame["query"].to_numpy(np.int64) << 32) | frame["document"].to_numpy(np.int64)
    return keys
