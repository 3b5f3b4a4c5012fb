"""
Twins: queries that ask the same thing, so that an answer to one is no negative of the other.

In:  the texts of the queries, their vectors, the labelled answers
Out: the labelled answers shared among queries of one text; and, for each candidate, whether it answers a near twin

Two queries have one text where they are equal after NFKC, case folding and white space. Near twins are those whose
vectors have a cosine of at least COSINE, that share at least JACCARD of their words, and all words with a digit: the
rule of near-duplicate documents with a stricter cosine, since one word of a query ("adult", "childhood") changes what
it asks. Read by hand, 77 of the 84 distinct pairs that this finds among MedQuAD's 16,373 queries ask the same ("Paget
disease", "Paget's Disease"); at a cosine of 0.95 more than half would have another disease or another type. Of 20,000
queries of SQuAD it finds 5 pairs, all of which have the same labelled passage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.candidates.near_texts import NEAR_WORDS, may_share
from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.candidates.text_overlap import (
    NumberedTexts,
    digest,
    digests_of,
    jaccard,
    read_texts,
    same_numerals,
    shared_words,
)
from nearmiss.retrieval.vectors import Take, score_pairs
from nearmiss.types import AnyInts

COSINE, JACCARD = 0.985, NEAR_WORDS


def share_answers(queries: Sequence[str], positives: CandidatePairs, negatives: CandidatePairs) -> CandidatePairs:
    """
    The labelled answers, each also for the other queries of the same text.

    A pair that the data labels as a negative is not added: a query's own labels win.
    """
    group = pd.factorize(digests_of(queries))[0].astype(np.int64)
    if len(queries) == 0 or group.max() + 1 == len(queries):
        return positives
    labelled = pd.DataFrame({"query": positives.query, "document": positives.document})
    members = pd.DataFrame({"query": np.arange(len(queries)), "group": group})
    answers = labelled.assign(group=group[positives.query])[["group", "document"]].drop_duplicates()
    shared = members.merge(answers, on="group")[["query", "document"]]
    own = np.isin(_key(shared["query"], shared["document"]), _key(positives.query, positives.document))
    against = np.isin(_key(shared["query"], shared["document"]), _key(negatives.query, negatives.document))
    added = shared[~own & ~against]
    # The labelled ones first, in their own order, so that nothing changes where nothing is shared.
    every = pd.concat([labelled, added]).sort_values("query", kind="stable")
    return CandidatePairs(every["query"].to_numpy(np.int64), every["document"].to_numpy(np.int64))


@dataclass(frozen=True)
class TwinQueries:
    """The queries of a dataset that ask nearly the same, and what is labelled as their answers."""

    queries: Sequence[str]
    query_ids: pd.Series
    take_vectors: Take
    positives: CandidatePairs  # of every query, shared among those of one text

    def mark(self, candidates: pd.DataFrame, document_digests: npt.NDArray[np.uint64]) -> pd.DataFrame:
        """
        Which candidates (query, document) answer a twin of their query.

        twin_query    query_id of the nearest twin that the document, or one of the same text, is labelled to answer;
                      <NA> where there is none
        twin_cosine   float32, of the two queries; NaN without one
        twin_jaccard  float32, shared words of the two queries; NaN without one

        `document_digests` (n_documents,) are equal where documents have the same text.
        """
        answers = self._answers(candidates, document_digests)
        best = answers.sort_values(["row", "cosine", "twin"], ascending=[True, False, True]).drop_duplicates("row")
        found = best.set_index("row").reindex(pd.RangeIndex(len(candidates)))
        twin = found["twin"].fillna(-1).to_numpy(np.int64)
        ids = self.query_ids.astype("str").iloc[twin].reset_index(drop=True).mask(twin < 0).array
        columns = {
            "twin_query": ids,
            "twin_cosine": found["cosine"].to_numpy(np.float32),
            "twin_jaccard": found["jaccard"].to_numpy(np.float32),
        }
        return pd.DataFrame(columns, index=candidates.index)

    def _answers(self, candidates: pd.DataFrame, document_digests: npt.NDArray[np.uint64]) -> pd.DataFrame:
        """Candidates that answer a twin: row (in `candidates`), twin, cosine, jaccard."""
        rows = pd.DataFrame(
            {
                "row": np.arange(len(candidates)),
                "query": candidates["query"].to_numpy(np.int64),
                "text": document_digests[candidates["document"].to_numpy()],
            }
        )
        known = pd.DataFrame({"twin": self.positives.query, "text": document_digests[self.positives.document]})
        near = self.pairs[self.pairs["query"].isin(rows["query"].unique())]
        return rows.merge(near, on="query").merge(known, on=["twin", "text"])

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every query with each of its twins: query, twin, cosine, jaccard; those of one text have a cosine of 1."""
        texts = read_texts(self.queries)
        found = [self._near(texts, left, right) for left, right in _may_be_twins(texts)]
        one_way = pd.concat(found, ignore_index=True) if found else _no_pairs()
        return pd.concat([one_way, one_way.rename(columns={"query": "twin", "twin": "query"})], ignore_index=True)

    def _near(self, texts: NumberedTexts, left: AnyInts, right: AnyInts) -> pd.DataFrame:
        same = (texts.digests[left] == texts.digests[right]) & (texts.digests[left] != digest(""))
        share = jaccard(texts, left, right, shared_words(texts, left, right))
        alike = same | ((share >= JACCARD) & same_numerals(texts, left, right))
        left, right, same, share = left[alike], right[alike], same[alike], share[alike]
        cosine = score_pairs(self.take_vectors, self.take_vectors, left, right)
        kept = same | (cosine >= np.float32(COSINE))
        pairs = pd.DataFrame({"query": left, "twin": right, "cosine": np.where(same, 1, cosine), "jaccard": share})
        return pd.DataFrame(pairs[kept])


def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame({"query": [], "twin": [], "cosine": [], "jaccard": []}).astype({"query": int, "twin": int})


def _may_be_twins(texts: NumberedTexts) -> Iterator[tuple[AnyInts, AnyInts]]:
    """Pairs of texts, left before right, among which all are that share JACCARD of their words."""
    every = np.arange(len(texts.sizes))
    for left, right in may_share(texts, JACCARD, every, every):
        later = right > left
        yield left[later], right[later]


def _key(query: npt.ArrayLike, document: npt.ArrayLike) -> npt.NDArray[np.int64]:
    key: npt.NDArray[np.int64] = np.asarray(query, np.int64) << 32 | np.asarray(document, np.int64)
    return key
