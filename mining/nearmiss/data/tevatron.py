"""
Tevatron's rows, in both styles; each row shows by its own fields which one it is.

Older: {"query_id", "query", "positive_passages": [{"docid", "title", "text"}], "negative_passages": [...]}
Newer: {"query_id", "query_text", "positive_document_ids": [...], "negative_document_ids": [...]} with a corpus

A row need not have negatives.
"""

from collections.abc import Mapping
from typing import Any

from nearmiss.data.checks import Wrong, described, wanted_field, wanted_id, wanted_list, wanted_text
from nearmiss.data.example import InputDocument, InputExample, passage_of

PASSAGES = ("positive_passages", "negative_passages")
IDS = ("positive_document_ids", "negative_document_ids")
DOCIDS = ("docid", "doc_id", "_id", "id")


def tevatron_example(row: Mapping[str, Any]) -> InputExample:
    """The content of one row."""
    query_name = "query" if "query" in row else "query_text"
    query = wanted_text(wanted_field(row, query_name), query_name)
    query_id = row.get("query_id")
    places = zip(PASSAGES, IDS, (True, False), strict=True)
    positives, negatives = (judged(row, *names, needed=needed) for *names, needed in places)
    ours = {"query_id", query_name, *PASSAGES, *IDS}
    return InputExample(
        query_id=None if query_id is None else wanted_id(query_id, "query_id"),
        query=query,
        positives=[(found, 1.0) for found in positives],
        negatives=negatives,
        own={name: value for name, value in row.items() if name not in ours},
    )


def judged(row: Mapping[str, Any], passages: str, ids: str, *, needed: bool) -> list[InputDocument]:
    """The documents in full, or by id; a row may lack the field for negatives."""
    given = [name for name in (passages, ids) if row.get(name) is not None]
    if not given and not needed:
        return []
    if len(given) != 1:
        raise Wrong(f"either {passages!r} or {ids!r}", "both" if given else described(row), alike=True)
    if given == [passages]:
        return [listed_passage(item, passages, DOCIDS) for item in wanted_list(row[passages], passages)]
    return [InputDocument(wanted_id(item, ids)) for item in wanted_list(row[ids], ids)]


def listed_passage(item: Any, name: str, ids: tuple[str, ...]) -> InputDocument:
    """A passage inside a list of them."""
    if not isinstance(item, dict):
        raise Wrong(f"objects in {name!r}", described(item))
    return passage_of(item, ids)
