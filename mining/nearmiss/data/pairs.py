"""
Pairs and triplets in named columns, as sentence-transformers uses them: JSONL, CSV or Parquet.

A row is a query with a positive (or a list of them) and perhaps negatives. Rows with the same query are merged, so
several positives may also stand on several rows. Every other column is the user's own, and stays with the query.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from nearmiss.data.checks import Wrong, described, shortened, wanted_grade, wanted_id, wanted_list, wanted_text
from nearmiss.data.example import Example, Passage


@dataclass(frozen=True)
class Columns:
    """The names that a column may have; a row must have one of them, and not two. Give one name to settle it."""

    query: Annotated[tuple[str, ...], "the query's text"] = ("query", "anchor", "question")
    positive: Annotated[tuple[str, ...], "text of a positive, or a list of texts"] = ("positive", "answer")
    negative: Annotated[tuple[str, ...], "text of a negative, or a list; also NAME_1, NAME_2 ..."] = ("negative",)
    query_id: Annotated[tuple[str, ...], "the query's id, if any"] = ("query_id",)
    positive_id: Annotated[tuple[str, ...], "id of the positive, or a list; without its text, the corpus has it"] = (
        "positive_id",
    )
    negative_id: Annotated[tuple[str, ...], "id of the negative, or a list; also NAME_1, NAME_2 ..."] = ("negative_id",)
    grade: Annotated[tuple[str, ...], "how relevant the positive is, or a list; above 0"] = ("grade",)


@dataclass(frozen=True)
class Layout:
    """Which column of a header is what; empty where there is none."""

    query: str
    positive: str
    negatives: tuple[tuple[str, str], ...]  # text, id
    query_id: str
    positive_id: str
    grade: str

    @property
    def named(self) -> set[str]:
        negatives = {name for pair in self.negatives for name in pair}
        return {self.query, self.positive, self.query_id, self.positive_id, self.grade} | negatives


@cache
def layout(header: tuple[str, ...], columns: Columns) -> Layout:
    """Find the columns by name. Raises Wrong where one is missing or two could be meant."""
    return Layout(
        query=one_of("query", columns.query, header),
        positive=one_of("positive", columns.positive, header, instead=columns.positive_id),
        negatives=tuple(negative_columns(header, columns)),
        query_id=one_of("query_id", columns.query_id, header, optional=True),
        positive_id=one_of("positive_id", columns.positive_id, header, optional=True),
        grade=one_of("grade", columns.grade, header, optional=True),
    )


def one_of(
    kind: str, names: Sequence[str], header: Sequence[str], *, instead: Sequence[str] = (), optional: bool = False
) -> str:
    """The one of `names` that the header has; "" where it may be absent, or has one of `instead`."""
    found = [name for name in names if name in header]
    if len(found) > 1:
        raise Wrong(f"one column as {kind} (name it with Columns)", str(found))
    if found or optional or set(instead) & set(header):
        return found[0] if found else ""
    raise Wrong(f"a column for the {kind}, named {' or '.join(names)}", shortened(str(list(header))))


def negative_columns(header: Sequence[str], columns: Columns) -> Iterator[tuple[str, str]]:
    """Text and id columns of the negatives: `negative`, `negative_1` ... and the ids with the same number."""
    texts, ids = numbered(columns.negative, header), numbered(columns.negative_id, header)
    for number in dict.fromkeys([*texts, *ids]):
        yield texts.get(number, ""), ids.get(number, "")


def numbered(names: Sequence[str], header: Sequence[str]) -> dict[str, str]:
    """Columns called one of `names`, perhaps with a number after it, by that number."""
    found: dict[str, str] = {}
    for column in header:
        if match := re.fullmatch(rf"(?:{'|'.join(map(re.escape, names))})(_\d+)?", column):
            number = match[1] or ""
            if number in found:
                raise Wrong(f"one negative column with the ending {number!r} (name it with Columns)", f"{column!r} too")
            found[number] = column
    return found


def pair_example(row: Mapping[str, Any], columns: Columns) -> Example:
    """What one row says."""
    named = layout(tuple(row), columns)
    query = wanted_text(row[named.query], named.query)
    query_id = row.get(named.query_id)
    positives = passages_in(row, named.positive, named.positive_id)
    negatives = [found for text, key in named.negatives for found in passages_in(row, text, key)]
    return Example(
        query_id=None if query_id is None else wanted_id(query_id, named.query_id),
        query=query,
        positives=list(zip(positives, grades_in(row, named.grade, len(positives)), strict=True)),
        negatives=negatives,
        own={name: value for name, value in row.items() if name not in named.named},
    )


def passages_in(row: Mapping[str, Any], text_name: str, id_name: str) -> list[Passage]:
    """The passages of a cell, or of a cell with texts and one with their ids."""
    texts, ids = listed(row.get(text_name)), listed(row.get(id_name))
    if texts and ids and len(texts) != len(ids):
        raise Wrong(f"an id for each text in {id_name!r}", f"{len(ids)} ids and {len(texts)} texts")
    found = []
    for position in range(max(len(texts), len(ids))):
        text = wanted_text(texts[position], text_name) if texts else None
        doc_id = wanted_id(ids[position], id_name) if ids else None
        found.append(Passage(doc_id, text=text))
    return found


def listed(value: Any) -> list[Any]:
    """A cell's values: none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def grades_in(row: Mapping[str, Any], name: str, count: int) -> list[float]:
    """A grade for each positive: 1.0 without a column, one for all, or one for each."""
    value = row.get(name)
    if isinstance(value, list):
        return [wanted_grade(item, name) for item in wanted_list(value, name, count)]
    # A CSV file has no numbers, only their text.
    if isinstance(value, str):
        value = number(value, name)
    return [1.0 if value is None else wanted_grade(value, name)] * count


def number(text: str, name: str) -> float:
    """A number spelled out."""
    try:
        return float(text)
    except ValueError:
        raise Wrong(f"a number in {name!r}", described(text)) from None
