"""
The content of one row of any format: a query with the documents it judges, or a document alone.

Whether a row contradicts other rows is checked in gathering.py.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from nearmiss.data.checks import any_text, wanted_field, wanted_id, wanted_text


class InputDocument(NamedTuple):
    """A document as a row mentions it; with an id alone, the corpus must have it."""

    doc_id: str | None
    title: str = ""
    text: str | None = None
    own: dict[str, Any] = {}  # noqa: RUF012  (never written to)


class InputExample(NamedTuple):
    """
    A query with the documents that one row judges for it; without its text, a table of queries has it.

    `labelled`: the row may hold negatives alone, since the query's positives stand on other rows.
    """

    query_id: str | None
    query: str | None
    positives: list[tuple[InputDocument, float]]
    negatives: list[InputDocument]
    own: dict[str, Any]
    labelled: bool = False


def passage_of(row: Mapping[str, Any], ids: Iterable[str], texts: Iterable[str] = ("text",)) -> InputDocument:
    """A document from a row with a text, perhaps a title, and perhaps one of the id fields."""
    id_name = next((name for name in ids if row.get(name) is not None), None)
    text_name = next((name for name in texts if name in row), "text")
    title = any_text("" if row.get("title") is None else row["title"], "title")
    text = any_text(wanted_field(row, text_name), text_name)
    # A title alone is a document (half of CACM is such); only nothing at all is not.
    if not title.strip():
        text = wanted_text(text, text_name)
    taken = {id_name, text_name, "title"}
    own = {name: value for name, value in row.items() if name not in taken}
    return InputDocument(None if id_name is None else wanted_id(row[id_name], id_name), title, text, grouped(own))


def grouped(columns: dict[str, Any]) -> dict[str, Any]:
    """The user's fields, with `group_id` as an id, from the metadata where the row has none."""
    metadata = columns.get("metadata")
    group = columns.get("group_id")
    if group is None and isinstance(metadata, dict):
        group = metadata.get("group_id")
    return columns if group is None else columns | {"group_id": wanted_id(group, "group_id")}


def content_id(kind: str, *texts: str) -> str:
    """An id that the same content always gets: 64 bits of its SHA-256."""
    return f"{kind}-{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:16]}"
