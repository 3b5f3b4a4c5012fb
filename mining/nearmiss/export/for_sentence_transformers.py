"""
Rows for sentence-transformers' losses, with the columns of `mine_hard_negatives` in release 6.2.

Columns are read by position, so their order is part of the format. Each positive has rows of its own.
Source: sentence_transformers/util/hard_negatives.py (output_format, output_scores); losses' docstrings.
"""

from collections.abc import Iterator

from nearmiss.export.examples import ScoredPassage, TrainingExample
from nearmiss.settings import Export
from nearmiss.types import Row


def triplet(example: TrainingExample, export: Export) -> Iterator[Row]:
    """One positive, one negative; `scores` is [positive, negative]."""
    for positive in example.positives:
        for negative in example.negatives:
            row = {
                "query": example.query,
                "answer": positive.titled_text,
                "negative": negative.titled_text,
            }
            yield row | ({"scores": [positive.score, negative.score]} if export.scores else {})


def n_tuple(example: TrainingExample, export: Export) -> Iterator[Row]:
    """One positive with all the negatives; `scores` is [positive, negative_1, ...]."""
    for positive in example.positives:
        row = {"query": example.query, "answer": positive.titled_text} | _numbered(example)
        yield row | ({"scores": _scores(positive, example)} if export.scores else {})


def labeled_pair(example: TrainingExample, export: Export) -> Iterator[Row]:
    """One passage, `label` 1 or 0; with scores, `score` takes the label's place."""
    for passage, label in zip(example.passages, example.labels, strict=True):
        row: Row = {"query": example.query, "answer": passage.titled_text}
        yield row | ({"score": passage.score} if export.scores else {"label": label})


def labeled_list(example: TrainingExample, export: Export) -> Iterator[Row]:
    """A positive and all the negatives as one list; with scores, `scores` takes the labels' place."""
    for positive in example.positives:
        row = {"query": example.query, "answer": [passage.titled_text for passage in (positive, *example.negatives)]}
        labels = [1] + [0] * len(example.negatives)
        yield row | ({"scores": _scores(positive, example)} if export.scores else {"labels": labels})


def margin_mse(example: TrainingExample, export: Export) -> Iterator[Row]:
    """One positive, one negative; `label` is the teacher's margin between them."""
    for positive in example.positives:
        for negative in example.negatives:
            yield {
                "query": example.query,
                "positive": positive.titled_text,
                "negative": negative.titled_text,
                "label": positive.score - negative.score,
            }


def score_list(example: TrainingExample, export: Export) -> Iterator[Row]:
    """One positive with all the negatives; `label` is [positive, negative_1, ...]."""
    for positive in example.positives:
        row = {"query": example.query, "positive": positive.titled_text} | _numbered(example)
        yield row | {"label": _scores(positive, example)}


def _numbered(example: TrainingExample) -> Row:
    return {f"negative_{number}": passage.titled_text for number, passage in enumerate(example.negatives, start=1)}


def _scores(positive: ScoredPassage, example: TrainingExample) -> list[float]:
    return [positive.score, *(negative.score for negative in example.negatives)]
