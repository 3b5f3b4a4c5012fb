"""
What the rest of nearmiss works on: four tables with one vocabulary, and how many input rows they came from.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import pandas as pd

READ_AT_ONCE = 4096


@dataclass(frozen=True)
class ReadCounts:
    """Input rows of all files together; read == kept + rejected."""

    read: int
    kept: int
    rejected: int


@dataclass(frozen=True)
class Dataset:
    """
    queries:   query_id, text, the user's own columns; in file order, each with a positive
    documents: doc_id, title ("" where there is none), text, perhaps group_id, the user's own columns
    positives: query_id, doc_id, grade (above 0; 1.0 where none was given)
    negatives: query_id, doc_id: labelled by the user, perhaps none; never a positive of the same query

    All ids are text. Where rows that were merged differ in one of the user's own columns, that column
    holds lists of the different values. `notes` are sentences about the reading: which column was taken for what, what
    was set aside or left out and why; they are not kept with the dataset.
    """

    queries: pd.DataFrame
    documents: pd.DataFrame
    positives: pd.DataFrame
    negatives: pd.DataFrame
    counts: ReadCounts
    notes: tuple[str, ...] = ()


def passage(title: str, text: str) -> str:
    """Title and text joined by one space, as BEIR does; either alone where the other is blank."""
    if not title.strip():
        return text
    return f"{title} {text}" if text.strip() else title


def passages(documents: pd.DataFrame) -> list[str]:
    """The text of each document that every source, encoder and teacher sees, in order."""
    return list(Passages(documents))


class Passages(Sequence[str]):
    """The same, each made when it is asked for: the texts stay in their table, and nowhere else."""

    def __init__(self, documents: pd.DataFrame) -> None:
        self._titles, self._texts = documents["title"].array, documents["text"].array

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            titles, texts = self._titles[place].tolist(), self._texts[place].tolist()
            return [passage(title, text) for title, text in zip(titles, texts, strict=True)]
        return passage(self._titles[place], self._texts[place])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), READ_AT_ONCE):
            yield from self[start : start + READ_AT_ONCE]
