"""
Pooling: what the sources found for some queries, made into rows of the candidates table.

In:  found frames by source, the labelled pairs, vectors and texts
Out: candidates with everything but the teacher's score, the rows of one query side by side, best fused rank first
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.data import Dataset
from nearmiss.retrieval import fusion
from nearmiss.types import Ints


@dataclass(frozen=True)
class CandidatePairs:
    """Row numbers of queries and documents, (n,) each, by rising query row."""

    query: Ints
    document: Ints

    def between(self, start: int, end: int) -> "CandidatePairs":
        """Those of the queries from row `start` up to `end`."""
        rows = slice(*np.searchsorted(self.query, [start, end]))
        return CandidatePairs(self.query[rows], self.document[rows])


def pairs_of(data: Dataset, labelled: pd.DataFrame) -> CandidatePairs:
    """The row numbers of labelled pairs, which the dataset names by ids."""
    query = pd.Index(data.queries["query_id"]).get_indexer(labelled["query_id"])
    document = pd.Index(data.documents["doc_id"]).get_indexer(labelled["doc_id"])
    order = np.argsort(query, kind="stable")
    return CandidatePairs(query[order].astype(np.int64), document[order].astype(np.int64))


def assemble(found: Mapping[str, pd.DataFrame], positives: CandidatePairs, negatives: CandidatePairs) -> pd.DataFrame:
    """
    The union of the sources and of the labelled pairs that no source found.

    Columns: query, document, each source's rank and score, fused_rank, is_positive, is_labelled_negative.
    """
    pooled = fusion.pool(found)
    labelled = _frame(positives, negatives)
    unfound = labelled[~np.isin(_key(labelled), _key(pooled))]
    rows = pd.concat([pooled, unfound.drop_duplicates()], ignore_index=True)
    # Rows no source found come last within their query.
    fused = rows["fused_rank"].to_numpy(np.float64, na_value=np.inf)
    rows = rows.iloc[np.lexsort((rows["document"], fused, rows["query"]))].reset_index(drop=True)
    return rows.assign(is_positive=is_among(rows, positives), is_labelled_negative=is_among(rows, negatives))


def named(rows: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """The same rows with ids in the place of row numbers."""
    ids = {
        "query_id": data.queries["query_id"].take(rows["query"].to_numpy()).reset_index(drop=True),
        "doc_id": data.documents["doc_id"].take(rows["document"].to_numpy()).reset_index(drop=True),
    }
    return pd.concat([pd.DataFrame(ids), rows.drop(columns=["query", "document"])], axis=1)


def is_among(rows: pd.DataFrame, pairs: CandidatePairs) -> npt.NDArray[np.bool_]:
    """Which rows (query, document) are among the pairs, (n,)."""
    return np.isin(_key(rows), _key(_frame(pairs)))


def _frame(*pairs: CandidatePairs) -> pd.DataFrame:
    query = np.concatenate([p.query for p in pairs]).astype(np.int32)
    return pd.DataFrame({"query": query, "document": np.concatenate([p.document for p in pairs]).astype(np.int32)})


def _key(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    key: Any = rows["query"].to_numpy(np.int64) << 32 | rows["document"].to_numpy(np.int64)
    return np.asarray(key, np.int64)
