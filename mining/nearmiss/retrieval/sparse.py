"""
The source `sparse`: learned sparse vectors (SPLADE and its kin), through sentence-transformers' SparseEncoder.

In:  a model's folder or hub name; the passages and queries
Out: one .npz file of sparse vectors a shard of documents, whole or absent; a found frame whose scores are dot products

A shard that exists is finished, so the caller names the folder after model, prompt and data.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nearmiss.errors import ModelError
from nearmiss.models.engine.loading import check_tokenizer, model_folder
from nearmiss.retrieval.results import best_rows, nothing_found, ranked
from nearmiss.storage.files import write_atomically
from nearmiss.storage.numbered import shard_name
from nearmiss.types import Advance

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from sentence_transformers import SparseEncoder

SHARD_ROWS = 4096
TEXTS_AT_ONCE = 32
MEMORY_MB = 256


def load_encoder(name: str, *, trust_remote_code: bool = False) -> "SparseEncoder":
    """The SparseEncoder in a folder or on the hub; ModelError where there is none."""
    from sentence_transformers import SparseEncoder

    folder = model_folder("--sparse-encoder", name)
    try:
        encoder = SparseEncoder(str(folder), trust_remote_code=trust_remote_code)
    except Exception as error:  # what a broken folder raises is not documented anywhere
        raise ModelError(f"--sparse-encoder {name}: wanted a SparseEncoder model; found {error}") from error
    check_tokenizer("--sparse-encoder", name, encoder)
    return encoder


def encode_documents(
    encoder: "SparseEncoder",
    passages: Sequence[str],
    folder: Path,
    *,
    shard_rows: int = SHARD_ROWS,
    advance: Advance = lambda n: None,
) -> list[Path]:
    """Write the vectors of the passages that have none yet; the paths of all shards, in order of document row."""
    from scipy import sparse

    paths = []
    for start in range(0, len(passages), shard_rows):
        texts = list(passages[start : start + shard_rows])
        path = folder / shard_name(start // shard_rows, ".npz")
        if not path.exists():
            with write_atomically(path) as temporary:
                sparse.save_npz(temporary, _rows(encoder.encode_document, texts))
        paths.append(path)
        advance(len(texts))
    return paths


def encode_queries(encoder: "SparseEncoder", queries: Sequence[str]) -> "csr_array":
    """Sparse vectors of the queries (n_queries, vocabulary) in float32."""
    return _rows(encoder.encode_query, list(queries))


def search(
    queries: "csr_array",
    shards: Sequence[Path],
    k: int,
    *,
    memory_mb: int = MEMORY_MB,
    advance: Advance = lambda n: None,
) -> pd.DataFrame:
    """The `k` documents of highest positive dot product for each query, as a found frame."""
    found, first = [nothing_found()], 0
    for path in shards:
        documents = _load(path)
        found.append(_search_shard(queries, documents, k, memory_mb).assign(first=first))
        first += documents.shape[0]
        advance(1)
    merged = pd.concat(found, ignore_index=True)
    rows = merged["document"].to_numpy() + merged["first"].fillna(0).to_numpy(np.int64)
    return ranked(merged["query"].to_numpy(), rows, merged["score"].to_numpy(), k)


def _search_shard(queries: "csr_array", documents: "csr_array", k: int, memory_mb: int) -> pd.DataFrame:
    by_term = documents.T.tocsr()
    # A query and a document that share any term cost 8 bytes; at worst all pairs do.
    step = max(1, memory_mb * 1_000_000 // (8 * documents.shape[0]))
    query_rows, found, scores = [], [], []
    for start in range(0, queries.shape[0], step):
        products = (queries[start : start + step] @ by_term).tocsr()
        for query in range(products.shape[0]):
            row = slice(products.indptr[query], products.indptr[query + 1])
            order = np.argsort(products.indices[row])  # a product's columns come unsorted
            columns, values = products.indices[row][order], products.data[row][order]
            best = best_rows(values, k)
            best = best[values[best] > 0]
            query_rows.append(np.full(len(best), start + query))
            found.append(columns[best])
            scores.append(values[best])
    return ranked(np.concatenate(query_rows), np.concatenate(found), np.concatenate(scores), k)


def _rows(encode: Callable[..., Any], texts: list[str]) -> "csr_array":
    from scipy import sparse

    vectors = encode(texts, batch_size=TEXTS_AT_ONCE, show_progress_bar=False, save_to_cpu=True).coalesce()
    rows, columns = vectors.indices().numpy()
    values = vectors.values().float().numpy()
    if not np.isfinite(values).all():
        raise ModelError("sparse encoder: wanted finite weights; found NaN or infinity")
    return sparse.csr_array((values, (rows, columns)), shape=tuple(vectors.shape))


def _load(path: Path) -> "csr_array":
    from scipy import sparse

    return sparse.csr_array(sparse.load_npz(path))
