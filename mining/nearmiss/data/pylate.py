"""
PyLate's rows for distillation: {"query_id", "document_ids": [positive, negatives ...], "scores"}, beside a table of
queries and one of documents.

The first document is the positive: that is what its losses and sentence-transformers' `resolve_ids` take it for.
"""

from collections.abc import Mapping
from typing import Any

from nearmiss.data.checks import wanted_field, wanted_id, wanted_list, wanted_number
from nearmiss.data.example import InputDocument, InputExample

OURS = {"query_id", "document_ids"}


def pylate_example(row: Mapping[str, Any]) -> InputExample:
    """The content of one row."""
    query_id = wanted_id(wanted_field(row, "query_id"), "query_id")
    listed = wanted_list(wanted_field(row, "document_ids"), "document_ids")
    found = [InputDocument(wanted_id(item, "document_ids")) for item in listed]
    if row.get("scores") is not None:
        for score in wanted_list(row["scores"], "scores", len(found)):
            wanted_number(score, "scores")
    own = {name: value for name, value in row.items() if name not in (*OURS, "scores")}
    return InputExample(query_id, None, [(passage, 1.0) for passage in found[:1]], found[1:], own)
