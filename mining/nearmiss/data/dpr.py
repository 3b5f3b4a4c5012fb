"""
DPR's JSON: one array of {"question", "positive_ctxs", "hard_negative_ctxs", "negative_ctxs"}, where a ctx is
{"title", "text", "passage_id"}.

Both kinds of negatives are labelled negatives. `answers` and the rest stay with the question, a ctx's scores with
its document.
"""

from collections.abc import Mapping
from typing import Any

from nearmiss.data.checks import wanted_field, wanted_id, wanted_list, wanted_text
from nearmiss.data.example import InputDocument, InputExample
from nearmiss.data.tevatron import listed_passage

NEGATIVES = ("hard_negative_ctxs", "negative_ctxs")
IDS = ("passage_id", "psg_id")  # DPR's own files use both


def dpr_example(row: Mapping[str, Any]) -> InputExample:
    """The content of one item."""
    query = wanted_text(wanted_field(row, "question"), "question")
    query_id = row.get("query_id")
    positives = contexts(wanted_field(row, "positive_ctxs"), "positive_ctxs")
    ours = {"question", "query_id", "positive_ctxs", *NEGATIVES}
    return InputExample(
        query_id=None if query_id is None else wanted_id(query_id, "query_id"),
        query=query,
        positives=[(found, 1.0) for found in positives],
        negatives=[found for name in NEGATIVES for found in contexts([] if row.get(name) is None else row[name], name)],
        own={name: value for name, value in row.items() if name not in ours},
    )


def contexts(value: Any, name: str) -> list[InputDocument]:
    """The passages of a list."""
    return [listed_passage(item, name, IDS) for item in wanted_list(value, name)]
