"""
Tevatron's JSONL, in both styles; each row says by its own fields which one it is.

Older: {"query_id", "query", "positive_passages": [{"docid", "title", "text"}], "negative_passages": [...]}
Newer: {"query_id", "query_text", "positive_document_ids": [...], "negative_document_ids": [...]} with a corpus
"""

from collections.abc import Mapping
from typing import Any

from nearmiss.data.checks import Wrong, described, wanted_field, wanted_id, wanted_list, wanted_text
from nearmiss.data.example import Example, Passage, passage_of

PASSAGES = ("positive_passages", "negative_passages")
IDS = ("positive_document_ids", "negative_document_ids")


def tevatron_example(row: Mapping[str, Any]) -> Example:
    """What one row says."""
    query_name = "query" if "query" in row else "query_text"
    query = wanted_text(wanted_field(row, query_name), query_name)
    query_id = row.get("query_id")
    positives, negatives = (judged(row, *names) for names in zip(PASSAGES, IDS, strict=True))
    ours = {"query_id", query_name, *PASSAGES, *IDS}
    return Example(
        query_id=None if query_id is None else wanted_id(query_id, "query_id"),
        query=query,
        positives=[(found, 1.0) for found in positives],
        negatives=negatives,
        own={name: value for name, value in row.items() if name not in ours},
    )


def judged(row: Mapping[str, Any], passages: str, ids: str) -> list[Passage]:
    """The documents in full, or by id."""
    if (passages in row) == (ids in row):
        raise Wrong(f"either {passages!r} or {ids!r}", "both" if ids in row else described(row))
    if passages in row:
        return [listed_passage(item, passages, ("docid",)) for item in wanted_list(row[passages], passages)]
    return [Passage(wanted_id(item, ids)) for item in wanted_list(row[ids], ids)]


def listed_passage(item: Any, name: str, ids: tuple[str, ...]) -> Passage:
    """A passage inside a list of them."""
    if not isinstance(item, dict):
        raise Wrong(f"objects in {name!r}", described(item))
    return passage_of(item, ids)
