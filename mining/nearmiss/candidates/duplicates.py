"""
Duplicates: which candidates repeat a positive, are the query itself, or share a positive's group.

In:  pairs of query and candidate, and of query and positive, in row numbers; the texts; the document vectors
Out: for every candidate, in the order given, the columns that `mark` describes

The only threshold is LOWEST_COSINE: below that cosine, shared words are not counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.candidates.text_overlap import (
    NumberedTexts,
    contained,
    digest,
    digests_of,
    jaccard,
    rare_words,
    read_texts,
    same_numerals,
    same_text,
    shared_words,
)
from nearmiss.retrieval.vectors import Take, score_pairs
from nearmiss.types import AnyInts

LOWEST_COSINE = 0.8
PAIR_BLOCK = 1 << 18
KINDS = np.array(["", "contained", "same_text"])  # weakest first


class PairsOfRows(Protocol):
    """Row numbers of queries and documents, (n,) each."""

    @property
    def query(self) -> AnyInts: ...
    @property
    def document(self) -> AnyInts: ...


@dataclass(frozen=True)
class Copies:
    """A dataset's texts, normalised and cut into words once, for as many shards of candidates as there are."""

    passages: Sequence[str]  # what the sources see of each document
    queries: Sequence[str]
    documents: pd.DataFrame  # doc_id, and group_id where there are groups

    def mark(self, candidates: pd.DataFrame, positives: PairsOfRows, take_vectors: Take) -> pd.DataFrame:
        """
        How each candidate (query, document) relates to its query and to the positives of that query.

        is_the_query      bool, the query's text after NFKC, case folding and white space
        duplicate_of      doc_id of a positive that it repeats, or <NA>; the strongest kind, then the nearest
        duplicate_kind    "same_text", "contained" (the words of one stand in the other, in order) or ""
        positive_cosine   float32, with the positive most like the candidate by the lower of cosine and Jaccard
        positive_jaccard  float32, with the same positive; NaN where the cosine is below LOWEST_COSINE or the words
                          with a digit differ: the best confusables differ by a type, a version or a year alone
        positive_words    float32, rare words shared with the positive that shares most of them (`likeness.rare_words`)
        is_sibling        bool, shares its group_id with a positive

        A positive is no duplicate and no sibling of itself, only of the query's other positives; its cosine is 1.
        Without any positive, cosine, Jaccard and words are NaN.
        """
        known = pd.DataFrame({"query": positives.query, "positive": positives.document})
        blocks = _blocks(candidates, known)
        marked = pd.concat(
            [_judged(self._compared(_pairs(block, known), take_vectors), len(block)) for block in blocks]
        )
        of = marked["duplicate_of"].to_numpy()
        marked["duplicate_of"] = self.documents["doc_id"].iloc[of].astype("str").mask(of < 0).array
        same = self._query_digests[candidates["query"]] == self._texts.digests[candidates["document"]]
        marked.insert(0, "is_the_query", same)
        return marked.set_index(candidates.index)

    @cached_property
    def document_digests(self) -> npt.NDArray[np.uint64]:
        """A number for each document, (n_documents,), equal where two have one normalised text that is not empty."""
        own = np.arange(len(self.passages), dtype=np.uint64)
        return np.where(self._texts.digests == digest(""), own, self._texts.digests)

    @cached_property
    def _texts(self) -> NumberedTexts:
        return read_texts(self.passages)

    @cached_property
    def _query_digests(self) -> npt.NDArray[np.uint64]:
        return digests_of(self.queries)

    @cached_property
    def _groups(self) -> AnyInts:
        """A number for each document's group, -1 where it has none."""
        if "group_id" not in self.documents:
            return np.full(len(self.documents), -1)
        return pd.factorize(self.documents["group_id"])[0]

    def _compared(self, pairs: pd.DataFrame, take_vectors: Take) -> pd.DataFrame:
        """`pairs` with kind (0 to 2), cosine, jaccard and sibling; each two documents are compared once."""
        keys, place = np.unique(pairs["document"].to_numpy(np.int64) << 32 | pairs["positive"], return_inverse=True)
        left, right = keys >> 32, keys & 0xFFFFFFFF
        cosine = score_pairs(take_vectors, take_vectors, left, right)
        shared = shared_words(self._texts, left, right)
        kind = np.where(same_text(self._texts, left, right), 2, contained(self._texts, left, right, shared))
        near = (cosine >= LOWEST_COSINE) & same_numerals(self._texts, left, right)
        share = np.where(near, jaccard(self._texts, left, right, shared), np.float32(np.nan))
        words = rare_words(self._texts, left, right)
        sibling = (self._groups[left] >= 0) & (self._groups[left] == self._groups[right])
        other = left != right
        return pairs.assign(
            kind=(kind * other)[place],
            cosine=cosine[place],
            jaccard=share[place],
            words=words[place],
            sibling=(sibling & other)[place],
        )


def _judged(pairs: pd.DataFrame, candidates: int) -> pd.DataFrame:
    """One row for each of `candidates`, from its strongest pairs."""
    likeness = pairs[["cosine", "jaccard"]].fillna(0).min(axis=1)
    strongest = _first(pairs, pairs["kind"])
    nearest = _first(pairs, likeness)
    every_row = pd.RangeIndex(candidates)
    kind = strongest["kind"].reindex(every_row, fill_value=0)
    return pd.DataFrame(
        {
            "duplicate_of": strongest["positive"].reindex(every_row, fill_value=-1).mask(kind.eq(0), -1),
            "duplicate_kind": KINDS[kind],
            "positive_cosine": nearest["cosine"].reindex(every_row),
            "positive_jaccard": nearest["jaccard"].reindex(every_row),
            "positive_words": pairs.groupby("row")["words"].max().reindex(every_row),
            "is_sibling": pairs.groupby("row")["sibling"].any().reindex(every_row, fill_value=False),
        }
    )


def _first(pairs: pd.DataFrame, strength: pd.Series) -> pd.DataFrame:
    """The strongest pair of each row; of equal ones the highest cosine, then the first positive."""
    order = np.lexsort((pairs["positive"], -pairs["cosine"], -strength, pairs["row"]))
    return pairs.iloc[order].drop_duplicates("row").set_index("row")


def _pairs(block: pd.DataFrame, positives: pd.DataFrame) -> pd.DataFrame:
    """Every candidate of the block with every positive of its query: row (in the block), document, positive."""
    numbered = block[["query", "document"]].assign(row=np.arange(len(block)))
    return numbered.merge(positives, on="query")[["row", "document", "positive"]]


def _blocks(candidates: pd.DataFrame, positives: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The candidates in blocks of about PAIR_BLOCK pairs each, since a query may have a thousand positives."""
    pairs_each = candidates["query"].map(positives["query"].value_counts()).fillna(0).to_numpy()
    cuts = np.flatnonzero(np.diff(np.cumsum(pairs_each) // PAIR_BLOCK)) + 1
    for rows in np.split(np.arange(len(candidates)), cuts):
        yield candidates.iloc[rows]
