"""
Batch groups: rows that may stand in one batch, since none of them holds an answer to the query of another.

In:  every candidate with its status, and the documents of each row to write
Out: a group for each row, so that within a group no document of one row is a known answer to the query of another

In a batch, every document of a row is a negative of the other rows' queries. Two rows conflict where one of them brings
a document that is a known answer to the query of the other (labelled, found by a reviewer, judged partly relevant, a
copy of one, or an answer to a query that asks the same), or where both have one query. The groups are a colouring of
that graph, greedy from the query with most conflicts on (Welsh and Powell 1967). The graph itself is never made: a row
asks its documents which groups are closed to it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nearmiss.candidates.text_overlap import digests_of
from nearmiss.data.dataset import Dataset, passages
from nearmiss.export.judgements import IN_EVALUATION_SET, RELEVANT

# What a document has to do with its query where it must be no negative of it.
ANSWERS = ("known_positive", RELEVANT, "reviewed_partial", "duplicate", "answers_twin_query", IN_EVALUATION_SET)
RowDocuments = Mapping[str, Sequence[Sequence[str]]]  # query_id -> the doc_ids that each of its rows brings


@dataclass(frozen=True)
class BatchGroups:
    """The groups of each query's rows, from 0 up."""

    of: Mapping[str, tuple[int, ...]]

    def facts(self) -> dict[str, int]:
        """How many groups there are, and how many rows the largest, the median and the smallest have."""
        sizes = np.bincount([group for groups in self.of.values() for group in groups])
        return {
            "groups": len(sizes),
            "largest": int(sizes.max()),
            "median": int(np.median(sizes)),
            "smallest": int(sizes.min()),
        }


def batch_groups(dataset: Dataset, selected: pd.DataFrame, rows: RowDocuments) -> BatchGroups:
    """Groups for the rows to write, by the documents that each brings; the same for the same rows."""
    queries = dataset.queries[dataset.queries["query_id"].isin(list(rows))]
    own = selected[selected["query_id"].isin(list(rows))]
    answering = own[own["is_positive"].astype(bool) | own["status"].isin(ANSWERS)]
    shown = {doc_id for own_rows in rows.values() for row in own_rows for doc_id in row}
    texts = _numbers_of_texts(dataset, shown.union(answering["doc_id"]))
    answers: dict[str, set[int]] = {query_id: set() for query_id in queries["query_id"]}
    for query_id, doc_id in zip(answering["query_id"], answering["doc_id"], strict=True):
        answers[query_id].add(texts[doc_id])
    brings = {query_id: [{texts[doc_id] for doc_id in row} for row in rows[query_id]] for query_id in answers}
    for query_id, number in zip(queries["query_id"], _numbers(queries["text"]), strict=True):
        # A query is as an answer to itself and to those of its text, whose rows all bring it.
        answers[query_id].add(-1 - number)
        for row in brings[query_id]:
            row.add(-1 - number)
    return BatchGroups(_coloured(brings, answers))


def _coloured(brings: dict[str, list[set[int]]], answers: dict[str, set[int]]) -> dict[str, tuple[int, ...]]:
    brought = Counter(key for rows in brings.values() for row in rows for key in row)
    answered = Counter(key for keys in answers.values() for key in keys)

    def conflicts(query_id: str) -> int:
        by_others = sum(answered[key] for row in brings[query_id] for key in row)
        return by_others + sum(brought[key] for key in answers[query_id])

    # Bits of the groups in which some row brings a text, or has a query that it answers.
    bringing, answering = dict.fromkeys(brought, 0), dict.fromkeys(answered, 0)
    groups: dict[str, tuple[int, ...]] = {}
    for query_id in sorted(brings, key=conflicts, reverse=True):
        closed, bits = _union(bringing, answers[query_id]), []
        for row in brings[query_id]:
            taken = closed | _union(answering, row)
            bits.append(~taken & (taken + 1))  # the lowest group that is open
            closed |= bits[-1]
            for key in row:
                bringing[key] |= bits[-1]
        for key in answers[query_id]:
            answering[key] |= sum(bits)
        groups[query_id] = tuple(bit.bit_length() - 1 for bit in bits)
    return groups


def _union(bits: Mapping[int, int], keys: Iterable[int]) -> int:
    union = 0
    for key in keys:
        union |= bits.get(key, 0)
    return union


def _numbers_of_texts(dataset: Dataset, doc_ids: set[str]) -> dict[str, int]:
    """A number for each document, the same for those of one text."""
    named = dataset.documents[dataset.documents["doc_id"].isin(list(doc_ids))]
    return dict(zip(named["doc_id"], _numbers(passages(named)), strict=True))


def _numbers(texts: Iterable[str]) -> list[int]:
    """A number for each text, the same where the normalised ones are."""
    numbers: list[int] = pd.factorize(digests_of(texts))[0].tolist()
    return numbers
