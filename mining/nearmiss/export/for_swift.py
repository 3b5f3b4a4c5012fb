"""
Rows for ms-swift, which trains embedding models and rerankers on conversations.

An embedding row has exactly one positive (its InfoNCE wants so), a reranker's row all of them. An instruction is a
system message, which its templates put before the query.
Source: docs/source_en/BestPractices/Embedding.md and Reranker.md of modelscope/ms-swift, November 2026.
"""

from collections.abc import Iterator, Sequence

from nearmiss.export.examples import ScoredPassage, TrainingExample
from nearmiss.settings import Export
from nearmiss.types import Row

Messages = list[dict[str, str]]


def swift(example: TrainingExample, export: Export) -> Iterator[Row]:
    """A query with one positive and all the negatives, each a conversation of one message."""
    for positive in example.positives:
        yield _row(example, export, [positive], "user")


def swift_reranker(example: TrainingExample, export: Export) -> Iterator[Row]:
    """A query with all its positives and negatives, which the assistant says."""
    yield _row(example, export, example.positives, "assistant")


def _row(example: TrainingExample, export: Export, positives: Sequence[ScoredPassage], role: str) -> Row:
    instruction = _messages("system", export.prompt) if export.prompt else []
    return {
        "messages": instruction + _messages("user", example.query),
        "positive_messages": [_messages(role, passage.titled_text) for passage in positives],
        "negative_messages": [_messages(role, passage.titled_text) for passage in example.negatives],
    }


def _messages(role: str, content: str) -> Messages:
    return [{"role": role, "content": content}]
