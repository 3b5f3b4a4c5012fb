"""
The one thing every format is made from: a query with its positives and its negatives, texts and scores.

In:  a dataset, and its candidates with `status` and `slot`
Out: a `TrainingExample` for each query with a kept negative, in the dataset's order, one at a time
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.data.dataset import Dataset, passage
from nearmiss.errors import RunError
from nearmiss.export.rows import QUERY_FIELDS, TEXT_FIELDS, Own, Rows, rows_of
from nearmiss.selection import KEPT

PassageNumbers = list[tuple[int, bool, float, float]]  # document, is_positive, grade, score
_BLOCK = 1000


@dataclass(frozen=True)
class Document:
    """A document as the dataset holds it; `own` are the user's columns."""

    doc_id: str
    title: str
    text: str
    own: Own

    @property
    def titled_text(self) -> str:
        """Title and text joined by a space: what every encoder and teacher read."""
        return passage(self.title, self.text)


@dataclass(frozen=True)
class ScoredPassage(Document):
    """A document beside one query: the teacher's score, and its grade (0 for a negative)."""

    score: float
    grade: float


@dataclass(frozen=True)
class TrainingExample:
    """A query, its positives in the dataset's order and its negatives in the order of their slots."""

    query_id: str
    query: str
    positives: tuple[ScoredPassage, ...]
    negatives: tuple[ScoredPassage, ...]
    own: Own

    @property
    def passages(self) -> tuple[ScoredPassage, ...]:
        """Positives, then negatives."""
        return self.positives + self.negatives

    @property
    def labels(self) -> tuple[int, ...]:
        """1 or 0 for each of `passages`. Not read from grades: a positive may be graded 0."""
        return (1,) * len(self.positives) + (0,) * len(self.negatives)


def examples(dataset: Dataset, selected: pd.DataFrame) -> Iterator[TrainingExample]:
    """Every query with at least one kept negative. Reads one query's texts at a time."""
    queries = rows_of(dataset.queries, QUERY_FIELDS)
    documents = rows_of(dataset.documents, TEXT_FIELDS)
    chosen = chosen_rows(dataset, selected)
    # Plain lists: a frame's slice for each query would cost more than all the rest.
    numbers = list(zip(chosen.document, chosen.is_positive, chosen.grade, chosen.score, strict=True))
    for query, rows in _runs(chosen["query"].to_numpy()):
        passages = _passages(documents, numbers[rows])
        if not all(is_positive for is_positive, _ in passages):
            yield _example(queries, query, passages)


def exported_documents(dataset: Dataset, selected: pd.DataFrame) -> Iterator[Document]:
    """Each document that some example uses, once, in the dataset's order."""
    documents = rows_of(dataset.documents, TEXT_FIELDS)
    numbers = np.unique(chosen_rows(dataset, selected).document.to_numpy()).tolist()
    for start in range(0, len(numbers), _BLOCK):
        for texts, own in documents.take(numbers[start : start + _BLOCK]):
            yield Document(**texts, own=own)


def chosen_rows(dataset: Dataset, selected: pd.DataFrame) -> pd.DataFrame:
    """
    The positives and kept negatives, by query, positives first.

    Columns: query and document (row numbers in the dataset), is_positive, grade, score.
    """
    chosen = selected.loc[selected.status.eq(KEPT) | selected.is_positive]
    # Where a confirmed answer became a positive of the export only, it is as good as an ungraded one.
    listed = dataset.positives.assign(position=np.arange(len(dataset.positives)))
    chosen = chosen.merge(listed[["query_id", "doc_id", "grade", "position"]], on=["query_id", "doc_id"], how="left")
    positive = chosen.is_positive.to_numpy(dtype=bool)
    columns = {
        "query": row_numbers(dataset.queries.query_id, chosen.query_id),
        "document": row_numbers(dataset.documents.doc_id, chosen.doc_id),
        "is_positive": positive,
        "grade": np.where(positive, chosen.grade.fillna(1.0), 0.0),
        "score": chosen.teacher_score.to_numpy(dtype=np.float64, na_value=np.nan),
    }
    # Stable, so that positives the dataset does not list keep the order of the candidates, after the listed ones.
    slots = chosen.slot.to_numpy(dtype=np.float64, na_value=np.inf)
    order = np.lexsort((np.where(positive, chosen.position.fillna(np.inf), slots), ~positive, columns["query"]))
    return pd.DataFrame(columns).iloc[order]


def row_numbers(ids: pd.Series, wanted: pd.Series) -> npt.NDArray[np.intp]:
    rows: npt.NDArray[np.intp] = pd.Index(ids).get_indexer(pd.Index(wanted))
    if (rows < 0).any():
        # -1 would read as the last row of the dataset.
        raise RunError(f"export: {ids.name} {wanted.iloc[int(np.argmin(rows))]!r} is a candidate but not in the data")
    return rows


def _runs(sorted_ids: npt.NDArray[np.intp]) -> Iterator[tuple[int, slice]]:
    """Each id with the slice of its rows."""
    starts = np.flatnonzero(np.diff(sorted_ids, prepend=-1))
    for start, stop in zip(starts, np.append(starts[1:], len(sorted_ids)), strict=True):
        yield int(sorted_ids[start]), slice(int(start), int(stop))


def _example(queries: Rows, number: int, passages: list[tuple[bool, ScoredPassage]]) -> TrainingExample:
    ((texts, own),) = queries.take([number])
    return TrainingExample(
        query_id=texts["query_id"],
        query=texts["text"],
        positives=tuple(passage for is_positive, passage in passages if is_positive),
        negatives=tuple(passage for is_positive, passage in passages if not is_positive),
        own=own,
    )


def _passages(documents: Rows, numbers: PassageNumbers) -> list[tuple[bool, ScoredPassage]]:
    found = documents.take([document for document, _, _, _ in numbers])
    return [
        (is_positive, ScoredPassage(**texts, own=own, score=score, grade=grade))
        for (texts, own), (_, is_positive, grade, score) in zip(found, numbers, strict=True)
    ]
