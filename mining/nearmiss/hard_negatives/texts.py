"""
The queries, their answers and the corpus, each text once.

In:  the columns of the dataset, and perhaps a corpus, as a list of texts or as a mapping from ids to texts
Out: `PairTexts`; ValueError names the row that holds no text

Rows of one query are its several positives. Queries whose texts are equal but for case and white space
share their answers: an answer to one is never a negative of the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.candidates.twins import share_answers

Ids = dict[str, Any]  # text -> the id it was first seen with


@dataclass(frozen=True)
class PairTexts:
    """Each query and document once, in the order in which they came, and which answers which."""

    queries: list[str]
    corpus: list[str]
    positives: CandidatePairs  # the rows of the dataset, each pair once, by query
    query_ids: Ids
    doc_ids: Ids

    @cached_property
    def answers(self) -> CandidatePairs:
        """The positives of each query and of those that read the same, each pair once, by query."""
        return share_answers(self.queries, self.positives, CandidatePairs(np.zeros(0, np.int64), np.zeros(0, np.int64)))

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many positives each query has, (n_queries,)."""
        return np.bincount(self.positives.query, minlength=len(self.queries))


def read_texts(
    anchors: Sequence[Any],
    positives: Sequence[Any],
    corpus: Iterable[str] | Mapping[Any, str] | None,
    *,
    query_ids: Sequence[Any] | None = None,
    positive_ids: Sequence[Any] | None = None,
) -> PairTexts:
    """Number the texts; the corpus comes first, then the positives that it lacks."""
    corpus_ids = list(corpus) if isinstance(corpus, Mapping) else None
    given = [] if corpus is None else list(corpus.values() if isinstance(corpus, Mapping) else corpus)
    _check("corpus", given)
    queries = list(dict.fromkeys(anchors))
    documents = list(dict.fromkeys([*given, *positives]))
    query_row = {text: row for row, text in enumerate(queries)}
    document_row = {text: row for row, text in enumerate(documents)}
    pairs = dict.fromkeys(
        (query_row[query], document_row[positive]) for query, positive in zip(anchors, positives, strict=True)
    )
    columns = np.array(list(pairs), np.int64).reshape(-1, 2).T
    order = np.argsort(columns[0], kind="stable")
    known = _first_ids(given, corpus_ids)
    return PairTexts(
        queries,
        documents,
        CandidatePairs(columns[0][order], columns[1][order]),
        _first_ids(anchors, query_ids),
        _first_ids(positives, positive_ids) | known,
    )


def column(dataset: Any, name: str) -> list[str]:
    """A column of texts; ValueError names the first row without one."""
    values = list(dataset[name])
    _check(name, values)
    return values


def _check(name: str, values: Sequence[Any]) -> None:
    for row, value in enumerate(values):
        if not isinstance(value, str):
            found = "a list; give each positive a row of its own" if isinstance(value, list) else repr(value)
            raise ValueError(f"{name!r}, row {row}: wanted a text; found {found}")


def _first_ids(texts: Sequence[str], ids: Sequence[Any] | None) -> Ids:
    found: Ids = {}
    for text, own in zip(texts, ids or [], strict=False):
        found.setdefault(text, own)
    return found
