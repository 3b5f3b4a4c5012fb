"""
The nearest documents of each query, by the model's own similarity.

In:  a live encoder and unit vectors
Out: a found frame: query, document, rank, score; every score, a positive's too, on one scale

For unit vectors the dot product, the cosine and the Euclidean distance give one order, so the exact search of
`retrieval.dense` serves all three. Any other similarity is computed by the model, block by block.
"""

from typing import Any

import numpy as np
import pandas as pd

from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.models.live import as_floats
from nearmiss.retrieval import dense
from nearmiss.retrieval.results import ranked
from nearmiss.retrieval.vectors import PAIR_BLOCK, score_pairs
from nearmiss.types import Scores, Vectors

SAME_ORDER = ("cosine", "dot", "euclidean")


def nearest(model: Any, queries: Vectors, corpus: Vectors, k: int, block: int) -> pd.DataFrame:
    """The `k` documents most like each query; of ties those that come first in the corpus."""
    parts = [
        _nearest(model, queries[start : start + block], corpus, k).assign(first=start)
        for start in range(0, len(queries), block)
    ]
    found = pd.concat(parts, ignore_index=True)
    return found.assign(query=(found["query"] + found["first"]).astype(np.int32)).drop(columns="first")


def similarities(model: Any, queries: Vectors, corpus: Vectors, pairs: CandidatePairs) -> Scores:
    """The model's similarity of each pair (query row, document row), (n,)."""
    if _is_own(model) and model.similarity_fn_name != "euclidean":
        return score_pairs(queries.__getitem__, corpus.__getitem__, pairs.query, pairs.document)
    scores = np.empty(len(pairs.query), np.float32)
    for start in range(0, len(scores), PAIR_BLOCK):
        rows = slice(start, start + PAIR_BLOCK)
        scores[rows] = as_floats(model.similarity_pairwise(queries[pairs.query[rows]], corpus[pairs.document[rows]]))
    return scores


def _nearest(model: Any, queries: Vectors, corpus: Vectors, k: int) -> pd.DataFrame:
    if _is_own(model):
        found = dense.search(queries, [corpus], min(k, len(corpus)))
        if model.similarity_fn_name == "euclidean":
            pairs = CandidatePairs(found["query"].to_numpy(np.int64), found["document"].to_numpy(np.int64))
            found["score"] = similarities(model, queries, corpus, pairs)
        return found
    every_score = as_floats(model.similarity(queries, corpus))
    if np.isnan(every_score).any():
        raise ValueError("model.similarity: wanted numbers; found NaN")
    k = min(k, len(corpus))
    best = np.argsort(-every_score, axis=1, kind="stable")[:, :k]
    query = np.repeat(np.arange(len(queries)), k)
    return ranked(query, best.reshape(-1), np.take_along_axis(every_score, best, 1).reshape(-1))


def _is_own(model: Any) -> bool:
    """Whether the similarity is the library's own and one that the exact search covers."""
    import sentence_transformers

    return (
        isinstance(model, sentence_transformers.SentenceTransformer)
        and type(model).similarity is sentence_transformers.SentenceTransformer.similarity
        and not {"similarity", "similarity_pairwise"} & vars(model).keys()
        and model.similarity_fn_name in SAME_ORDER
    )
