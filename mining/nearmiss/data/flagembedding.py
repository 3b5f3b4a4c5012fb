"""
FlagEmbedding's JSONL: {"query", "pos": [texts], "neg": [texts]}, perhaps with query_id, pos_id and neg_id.

`prompt`, `type`, `pos_scores` and `neg_scores` stay with the query as the user's own columns: the scores are a
teacher's, not grades.
"""

from collections.abc import Mapping
from typing import Any

from nearmiss.data.checks import wanted_field, wanted_id, wanted_list, wanted_number, wanted_text
from nearmiss.data.example import InputDocument, InputExample

OURS = {"query", "query_id", "pos", "neg", "pos_id", "neg_id"}


def flag_example(row: Mapping[str, Any]) -> InputExample:
    """The content of one row."""
    query = wanted_text(wanted_field(row, "query"), "query")
    query_id = row.get("query_id")
    positives = passages_in(row, "pos", wanted_field(row, "pos"))
    return InputExample(
        query_id=None if query_id is None else wanted_id(query_id, "query_id"),
        query=query,
        positives=[(found, 1.0) for found in positives],
        negatives=passages_in(row, "neg", [] if row.get("neg") is None else row["neg"]),
        own={name: value for name, value in row.items() if name not in OURS},
    )


def passages_in(row: Mapping[str, Any], name: str, value: Any) -> list[InputDocument]:
    """The texts under `name`, with their ids and with as many finite scores, where there are any."""
    texts = [wanted_text(text, name) for text in wanted_list(value, name)]
    scores = row.get(f"{name}_scores")
    if scores is not None:
        for score in wanted_list(scores, f"{name}_scores", len(texts)):
            wanted_number(score, f"{name}_scores")
    ids = row.get(f"{name}_id")
    if ids is None:
        return [InputDocument(None, text=text) for text in texts]
    known = [wanted_id(key, f"{name}_id") for key in wanted_list(ids, f"{name}_id", len(texts))]
    return [InputDocument(key, text=text) for key, text in zip(known, texts, strict=True)]
