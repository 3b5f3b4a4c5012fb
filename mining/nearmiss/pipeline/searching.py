"""
Searching: each source asked for what it finds, shard by shard of queries.

In:  a `Round` whose vectors are finished
Out: found frames in `found/<source>/`, and facts about the source for run.json (language, index and its recall)
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from nearmiss.candidates.pooling import is_among
from nearmiss.data import Dataset
from nearmiss.models.live import left_as_found
from nearmiss.pipeline.progress import Watch
from nearmiss.pipeline.round import Round
from nearmiss.retrieval import approximate, bm25, dense, run_file, sparse
from nearmiss.settings import source_file, source_name
from nearmiss.storage.files import read_json, write_json, write_parquet

SEARCHED_TOGETHER = 16  # shards, so that an index is opened, and documents are read, once for thousands of queries
# Query rows from one up to another, to a found frame that counts its queries from 0.
Finder = Callable[[int, int], pd.DataFrame]


def search(this: Round, source: str, watch: Watch) -> dict[str, Any]:
    """Ask one source for every shard of queries; returns facts about it for run.json."""
    name = source_name(source)
    find, remembered = _finder(this, source, watch)
    with watch(name, len(this.queries), "queries") as advance:
        for shards in this.shards_together(SEARCHED_TOGETHER):
            first, end = shards[0][1], shards[-1][2]
            waiting = [shard for shard in shards if not this.found(name, shard[0]).exists()]
            if waiting:
                # All of them, even where some are there: a model's last digits may depend on what it reads together.
                found = find(first, end)
                found = within_depth(
                    this, found.assign(query=found["query"] + np.int32(first)), this.recipe.depth_of(name)
                )
            for number, *bounds in waiting:
                rows = slice(*np.searchsorted(found["query"], bounds))
                write_parquet(this.found(name, number), found.iloc[rows])
            advance(end - first)
    return remembered


def within_depth(this: Round, found: pd.DataFrame, depth: int) -> pd.DataFrame:
    """The rows of a found frame down to each query's `depth`-th that is not labelled as an answer."""
    # Counting positives too would leave the queries with many answers short of candidates.
    others = ~is_among(found, this.positives)
    place = pd.Series(others).groupby(found["query"].to_numpy()).cumsum().to_numpy()
    return found[place <= depth].reset_index(drop=True)


def _finder(this: Round, source: str, watch: Watch) -> tuple[Finder, dict[str, Any]]:
    depth = this.recipe.depth_of(source_name(source)) + this.most_positives
    if source == "bm25":
        return _bm25(this, depth, watch)
    if source == "dense":
        kind = this.recipe.index
        return _dense(this, depth) if kind == "exact" else _approximate(this, depth, kind)
    if source == "sparse":
        return _sparse(this, depth, watch)
    return _from_file(this, source, depth)


def _bm25(this: Round, depth: int, watch: Watch) -> tuple[Finder, dict[str, Any]]:
    # It depends on no setting of a round but the language, so that rounds share it.
    folder = bm25.place(this.run / "indexes", this.language)
    with watch("bm25 index", len(this.documents), "documents") as advance:
        bm25.build(this.documents, folder, this.language, advance)
    return lambda start, end: bm25.search(folder, this.queries[start:end], depth), {"language": this.language}


def _dense(this: Round, depth: int) -> tuple[Finder, dict[str, Any]]:
    documents, queries = this.document_vectors.shards(), this.query_vectors
    find = partial(dense.search, shards=documents, k=depth, memory_mb=this.recipe.search_memory)
    return lambda start, end: find(queries.take(np.arange(start, end))), {}


def _approximate(this: Round, depth: int, kind: Literal["ivf", "hnsw"]) -> tuple[Finder, dict[str, Any]]:
    documents, queries = this.document_vectors.shards(), this.query_vectors
    path = this.folder / f"{kind}.faiss"
    if not path.exists():
        approximate.write_index(approximate.build_index(documents, kind, this.recipe.seed), path)
    index = approximate.read_index(path)
    measured = path.with_suffix(".json")
    if not measured.exists():
        every_query = queries.take(np.arange(len(this.queries)))
        recall = approximate.measured_recall(index, every_query, documents, depth, seed=this.recipe.seed)
        write_json(measured, {"kind": kind, "recall": round(recall, 4), "depth": depth})
    find = partial(approximate.search_index, index, shards=documents, k=depth)
    return lambda start, end: find(queries.take(np.arange(start, end))), {"index": read_json(measured)}


def _sparse(this: Round, depth: int, watch: Watch) -> tuple[Finder, dict[str, Any]]:
    encoder = this.sparse_encoder
    if encoder is None:
        encoder = sparse.load_encoder(this.recipe.sparse_encoder, trust_remote_code=this.recipe.trust_remote_code)
    folder = this.folder / "sparse_vectors"
    with left_as_found(encoder), watch("sparse vectors", len(this.documents), "documents") as advance:
        shards = sparse.encode_documents(encoder, this.documents, folder, advance=advance)

    def find(start: int, end: int) -> pd.DataFrame:
        with left_as_found(encoder):
            queries = sparse.encode_queries(encoder, this.queries[start:end])
        return sparse.search(queries, shards, depth)

    return find, {}


def read_run(data: Dataset, source: str, depth: int) -> run_file.RunFile:
    """What the file of a source `run:NAME=FILE` finds for the dataset."""
    path, column = source_file(source)
    query_ids, doc_ids = data.queries["query_id"].tolist(), data.documents["doc_id"].tolist()
    return run_file.read_run(Path(path), query_ids, doc_ids, depth, column)


def _from_file(this: Round, source: str, depth: int) -> tuple[Finder, dict[str, Any]]:
    run = read_run(this.data, source, depth)

    def find(start: int, end: int) -> pd.DataFrame:
        here = run.found[run.found["query"].between(start, end - 1)]
        return here.assign(query=here["query"].to_numpy() - np.int32(start))

    return find, {f"skipped_lines_of_{source_name(source)}": run.skipped}
