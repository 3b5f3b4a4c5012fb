"""
The four outputs, column by column.

In:  each query's positives and negatives, as documents with scores
Out: columns of a `datasets.Dataset`, in order, and the scores behind them for the statistics

Losses read columns by position: anchor, positive, negatives, then labels or scores. Ids come last, and only where the
dataset or the corpus has some.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from nearmiss.hard_negatives.arguments import Arguments
from nearmiss.hard_negatives.texts import PairTexts

ColumnValues = dict[str, list[Any]]


class ScoredDocument(NamedTuple):
    """A document beside a query."""

    document: int
    score: float


class MinedQuery(NamedTuple):
    """A query with its positives and chosen negatives."""

    query: int
    positives: list[ScoredDocument]
    negatives: list[ScoredDocument]


@dataclass(frozen=True)
class IdColumns:
    """Names of the columns of ids; None where there are no such ids."""

    query: str | None
    document: str | None  # of the positive, or of another document in its column


@dataclass(frozen=True)
class MinedTable:
    """A finished table, and the numbers for the statistics."""

    columns: ColumnValues
    ids: tuple[str, ...]  # which columns hold ids
    pairs: list[tuple[float, float]]  # scores of positive and negative, for each negative beside each positive
    possible: int  # rows there would be, had each query found all its negatives


def output(mined: list[MinedQuery], texts: PairTexts, names: IdColumns, wanted: Arguments) -> MinedTable:
    """The table in the wanted format."""
    write: Callable[..., Iterator[dict[str, Any]]] = _WRITERS[wanted.output_format]
    rows = [row for one in mined for row in write(one, texts, names, wanted)]
    positives = sum(len(one.positives) for one in mined)
    possible = {
        "triplet": positives * wanted.num_negatives,
        "labeled-pair": len(mined) * wanted.num_negatives + positives,
    }.get(wanted.output_format, positives)
    whole = wanted.output_format == "n-tuple"
    pairs = [
        (positive.score, negative.score)
        for one in mined
        if not whole or len(one.negatives) == wanted.num_negatives
        for positive in one.positives
        for negative in one.negatives
    ]
    header = [*_header(wanted), *_ids(names, wanted)]
    return MinedTable(
        {name: [row[name] for row in rows] for name in header}, tuple(_ids(names, wanted)), pairs, possible
    )


def _triplet(one: MinedQuery, texts: PairTexts, names: IdColumns, wanted: Arguments) -> Iterator[dict[str, Any]]:
    for positive in one.positives:
        for negative in one.negatives:
            yield {
                **_pair(one, positive, texts, names, wanted),
                "negative": texts.corpus[negative.document],
                "scores": [positive.score, negative.score],
                "negative_id": _id(texts, negative),
            }


def _n_tuple(one: MinedQuery, texts: PairTexts, names: IdColumns, wanted: Arguments) -> Iterator[dict[str, Any]]:
    if len(one.negatives) < wanted.num_negatives:
        return
    numbered = list(enumerate(one.negatives, start=1))
    for positive in one.positives:
        yield {
            **_pair(one, positive, texts, names, wanted),
            **{f"negative_{number}": texts.corpus[negative.document] for number, negative in numbered},
            "scores": [positive.score, *(negative.score for negative in one.negatives)],
            **{f"negative_id_{number}": _id(texts, negative) for number, negative in numbered},
        }


def _labeled_pair(one: MinedQuery, texts: PairTexts, names: IdColumns, wanted: Arguments) -> Iterator[dict[str, Any]]:
    for label, documents in ((1, one.positives), (0, one.negatives)):
        for document in documents:
            yield {**_pair(one, document, texts, names, wanted), "label": label, "score": document.score}


def _labeled_list(one: MinedQuery, texts: PairTexts, names: IdColumns, wanted: Arguments) -> Iterator[dict[str, Any]]:
    if not one.negatives:
        return
    for positive in one.positives:
        listed = [positive, *one.negatives]
        yield {
            **_pair(one, positive, texts, names, wanted),
            wanted.positive: [texts.corpus[document] for document, _ in listed],
            "labels": [1] + [0] * len(one.negatives),
            "scores": [score for _, score in listed],
            **({names.document: [_id(texts, document) for document in listed]} if names.document else {}),
        }


_WRITERS = {"triplet": _triplet, "n-tuple": _n_tuple, "labeled-pair": _labeled_pair, "labeled-list": _labeled_list}


def _header(wanted: Arguments) -> list[str]:
    """The columns that losses read, in order."""
    numbered = [f"negative_{number}" for number in range(1, wanted.num_negatives + 1)]
    middle = {"triplet": ["negative"], "n-tuple": numbered}.get(wanted.output_format, [])
    last = {
        "triplet": ["scores"] if wanted.output_scores else [],
        "n-tuple": ["scores"] if wanted.output_scores else [],
        "labeled-pair": ["score" if wanted.output_scores else "label"],
        "labeled-list": ["scores" if wanted.output_scores else "labels"],
    }[wanted.output_format]
    return [wanted.anchor, wanted.positive, *middle, *last]


def _ids(names: IdColumns, wanted: Arguments) -> list[str]:
    own = [name for name in (names.query, names.document) if name]
    if not names.document or wanted.output_format.startswith("labeled"):
        return own
    numbers = range(1, wanted.num_negatives + 1)
    return own + (["negative_id"] if wanted.output_format == "triplet" else [f"negative_id_{n}" for n in numbers])


def _pair(
    one: MinedQuery, document: ScoredDocument, texts: PairTexts, names: IdColumns, wanted: Arguments
) -> dict[str, Any]:
    row: dict[str, Any] = {
        wanted.anchor: texts.queries[one.query],
        wanted.positive: texts.corpus[document.document],
    }
    if names.query:
        row[names.query] = texts.query_ids.get(texts.queries[one.query])
    if names.document:
        row[names.document] = _id(texts, document)
    return row


def _id(texts: PairTexts, document: ScoredDocument) -> Any:
    return texts.doc_ids.get(texts.corpus[document.document])
