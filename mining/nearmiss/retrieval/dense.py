"""
The source `dense`: the exact nearest documents of each query, through FAISS.

In:  query vectors (n, dimensions) in float32 and the shards of document vectors, all of unit length
Out: a found frame whose scores are cosines

Memory is bounded by `memory_mb`, whatever the number of documents; only the answer grows with queries times k.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.retrieval.results import best_rows, nothing_found, ranked
from nearmiss.retrieval.vectors import Shards, block_rows, blocks, count, score_pairs, take
from nearmiss.types import AnyInts, Scores, Vectors

QUERY_BLOCK = 4096
SPARE_NEIGHBOURS = 16  # how many more than k FAISS is asked for
ROUNDING = 1e-5  # more than a matrix product of unit vectors errs in float32


def search(
    queries: Vectors, shards: Shards, k: int, *, memory_mb: int = 512, advance: Callable[[int], None] = lambda n: None
) -> pd.DataFrame:
    """
    The `k` documents of highest cosine for each query; equal ones by document row.

    The same bytes come back for any shards, blocks and number of threads. `advance` counts queries, a block at a time.
    """
    parts = []
    for start in range(0, len(queries), QUERY_BLOCK):
        block = np.ascontiguousarray(queries[start : start + QUERY_BLOCK])
        documents, scores = _shortlist(block, shards, min(k + SPARE_NEIGHBOURS, count(shards)), memory_mb)
        found = rescored(block, shards, documents, k)
        found = _settle_ties(found, block, shards, k, scores[:, -1], memory_mb)
        parts.append(found.assign(query=found["query"] + np.int32(start)))
        advance(len(block))
    return pd.concat(parts, ignore_index=True) if parts else nothing_found()


def rescored(queries: Vectors, shards: Shards, documents: npt.NDArray[np.int64], k: int) -> pd.DataFrame:
    """The best `k` of each query's shortlist (n_queries, m; -1 for none), scored pair by pair, as a found frame."""
    query_rows, places = np.nonzero(documents >= 0)
    found = documents[query_rows, places]
    return ranked(query_rows, found, score_pairs(queries.__getitem__, partial(take, shards), query_rows, found), k)


def _shortlist(
    queries: Vectors, shards: Shards, k: int, memory_mb: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Rows and approximate cosines (n_queries, k), best first, by FAISS's matrix products."""
    import faiss

    documents = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    # Half of the memory for the block in float32, half for what FAISS and the merge need beside it.
    for first, block in blocks(shards, block_rows(memory_mb // 2, queries.shape[1])):
        found_scores, found = faiss.knn(queries, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        merged_scores = np.concatenate([scores, found_scores], axis=1)
        merged = np.concatenate([documents, found + first], axis=1)
        order = np.argsort(-merged_scores, axis=1, kind="stable")[:, :k]
        documents, scores = np.take_along_axis(merged, order, 1), np.take_along_axis(merged_scores, order, 1)
    return documents, scores


def _settle_ties(
    found: pd.DataFrame, queries: Vectors, shards: Shards, k: int, last: Scores, memory_mb: int
) -> pd.DataFrame:
    """Search again, pair by pair, where a document outside the shortlist may score as much as the k-th in it."""
    if count(shards) <= k + SPARE_NEIGHBOURS:
        return found
    kth = found.loc[found["rank"].eq(k)]
    unsettled = kth.loc[kth["score"].to_numpy() <= last[kth["query"]] + ROUNDING, "query"].to_numpy()
    settled = [_search_one(int(query), queries, shards, k, memory_mb) for query in unsettled]
    kept = found[~found["query"].isin(unsettled)]
    return pd.concat([kept, *settled]).sort_values(["query", "rank"], ignore_index=True)


def _search_one(query: int, queries: Vectors, shards: Shards, k: int, memory_mb: int) -> pd.DataFrame:
    every_score = np.concatenate(
        [np.vecdot(block, queries[query]) for _, block in blocks(shards, block_rows(memory_mb, queries.shape[1]))]
    )
    best: AnyInts = best_rows(every_score, k)
    return ranked(np.full(len(best), query), best, every_score[best])
