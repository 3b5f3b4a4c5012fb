"""
Document vectors that lie in shards: read in blocks, picked by row, multiplied pair by pair.

In:  shards, each (rows, dimensions) in float16 or float32, most often memory-mapped; together they are the documents
Out: float32 blocks, rows and dot products

Nothing here holds more than a block in memory; what was read of a mapped shard is let go of.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.storage.scratch import release
from nearmiss.types import AnyInts, Scores, Vectors

Shards = Sequence[npt.NDArray[np.floating[Any]]]
Take = Callable[[AnyInts], Vectors]  # row numbers (n,) to their vectors (n, dimensions)

PAIR_BLOCK = 1 << 15  # with 384 dimensions, 50 MB a side


def count(shards: Shards) -> int:
    """How many documents the shards hold together."""
    return sum(len(shard) for shard in shards)


def blocks(shards: Shards, rows: int) -> Iterator[tuple[int, Vectors]]:
    """The shards in float32, at most `rows` documents at a time, each block with the row number of its first."""
    first = 0
    for shard in shards:
        for start in range(0, len(shard), rows):
            yield first + start, np.ascontiguousarray(shard[start : start + rows], np.float32)
            release(shard)
        first += len(shard)


def block_rows(memory_mb: int, dimensions: int) -> int:
    """How many float32 vectors of this size fill `memory_mb`; at least one."""
    return max(1, memory_mb * 1_000_000 // (4 * dimensions))


def take(shards: Shards, rows: AnyInts) -> Vectors:
    """The vectors of these documents, in this order, in float32."""
    bounds = np.cumsum([0, *(len(shard) for shard in shards)])
    order = np.argsort(rows, kind="stable")
    cuts = np.searchsorted(rows[order], bounds)
    taken = np.empty((len(rows), shards[0].shape[1]), np.float32)
    for shard, first, (start, end) in zip(shards, bounds, pairwise(cuts), strict=False):
        if start < end:
            taken[order[start:end]] = shard[rows[order[start:end]] - first]
            release(shard)
    return taken


def score_pairs(left: Take, right: Take, left_rows: AnyInts, right_rows: AnyInts) -> Scores:
    """
    Dot products of pairs (n,), in blocks; each row is taken once a block.

    A pair's score never depends on its neighbours: a matrix product rounds by a pair's place in the matrix.
    """
    scores = np.empty(len(left_rows), np.float32)
    for start in range(0, len(left_rows), PAIR_BLOCK):
        block = slice(start, start + PAIR_BLOCK)
        scores[block] = np.vecdot(_take_once(left, left_rows[block]), _take_once(right, right_rows[block]))
    return scores


def _take_once(take_rows: Take, rows: AnyInts) -> Vectors:
    unique, place = np.unique(rows, return_inverse=True)
    return take_rows(unique)[place]
