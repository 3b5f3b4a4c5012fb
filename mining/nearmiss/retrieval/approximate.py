"""
Approximate indexes for the source `dense`, only where asked for, and what they miss.

In:  the shards of document vectors, of unit length; query vectors
Out: a FAISS index (IVF or HNSW); a found frame; the share of the exact answer that it finds

The whole index is held in memory.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.retrieval import dense
from nearmiss.retrieval.vectors import Shards, block_rows, blocks, count, take
from nearmiss.storage.files import write_atomically
from nearmiss.types import Vectors

FaissIndex = Any  # faiss.Index: the library carries no types
TRAINING_ROWS_PER_CELL = 64
NEIGHBOURS = 32  # links of each document in the graph
BUILD_EFFORT = 200
MEMORY_MB = 256
SAMPLE = 200  # queries on which the recall is measured


def build_index(shards: Shards, kind: Literal["ivf", "hnsw"], seed: int) -> FaissIndex:
    """An index over all documents. HNSW links one document at a time, since its threads race and the answer varies."""
    import faiss

    index = _ivf(shards, seed) if kind == "ivf" else _hnsw(shards)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if kind == "hnsw" else threads)
    try:
        for _, block in blocks(shards, block_rows(MEMORY_MB, shards[0].shape[1])):
            index.add(block)
    finally:
        faiss.omp_set_num_threads(threads)
    return index


def search_index(index: FaissIndex, queries: Vectors, shards: Shards, k: int) -> pd.DataFrame:
    """The best `k` documents that the index comes upon, with their exact cosines, as a found frame."""
    if hasattr(index, "hnsw"):
        index.hnsw.efSearch = max(128, 2 * k)
    parts = []
    for start in range(0, len(queries), dense.QUERY_BLOCK):
        block = np.ascontiguousarray(queries[start : start + dense.QUERY_BLOCK])
        # FAISS pads short answers with row -1.
        _, documents = index.search(block, min(k, index.ntotal))
        found = dense.rescored(block, shards, documents, k)
        parts.append(found.assign(query=found["query"] + np.int32(start)))
    return pd.concat(parts, ignore_index=True)


def measured_recall(index: FaissIndex, queries: Vectors, shards: Shards, k: int, *, seed: int = 0) -> float:
    """The share of the exact best `k` that the index finds, over a seeded sample of the queries."""
    rng = np.random.default_rng(seed)
    chosen = queries[np.sort(rng.choice(len(queries), min(SAMPLE, len(queries)), replace=False))]
    exact = dense.search(chosen, shards, k)
    found = search_index(index, chosen, shards, k)
    return len(exact.merge(found, on=["query", "document"])) / len(exact)


def write_index(index: FaissIndex, path: Path) -> None:
    """Save the index, atomically."""
    import faiss

    with write_atomically(path) as temporary:
        faiss.write_index(index, str(temporary))


def read_index(path: Path) -> FaissIndex:
    """The index that `write_index` saved."""
    import faiss

    return faiss.read_index(str(path))


def sampled(shards: Shards, rows: int, seed: int) -> Vectors:
    """At most `rows` document vectors, drawn without replacement, in order of row."""
    documents = count(shards)
    drawn: npt.NDArray[np.int64] = np.random.default_rng(seed).choice(documents, min(rows, documents), replace=False)
    return take(shards, np.sort(drawn))


def _ivf(shards: Shards, seed: int) -> FaissIndex:
    import faiss

    documents, dimensions = count(shards), shards[0].shape[1]
    cells = max(1, min(int(4 * documents**0.5), documents // 39))  # FAISS wants 39 training rows a cell
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimensions), dimensions, cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = seed
    index.nprobe = max(1, cells // 8)
    index.train(sampled(shards, TRAINING_ROWS_PER_CELL * cells, seed))
    return index


def _hnsw(shards: Shards) -> FaissIndex:
    import faiss

    index = faiss.IndexHNSWFlat(shards[0].shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILD_EFFORT
    return index
