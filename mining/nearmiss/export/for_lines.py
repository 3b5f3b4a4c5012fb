"""
Rows of tab-separated text: RocketQA's training files, and TREC qrels and runs.

The values stand in the order of the columns; such files have no header.
"""

from collections.abc import Iterator

from nearmiss.errors import RunError
from nearmiss.export.examples import ScoredPassage, TrainingExample
from nearmiss.settings import Export
from nearmiss.types import Row

TAG = "nearmiss"


def rocketqa_ce(example: TrainingExample, export: Export) -> Iterator[Row]:
    """RocketQA's cross-encoder: a passage a line."""
    for passage, label in zip(example.passages, example.labels, strict=True):
        yield {"query": example.query, "title": _title(passage), "passage": passage.text, "label": label}


def rocketqa_de(example: TrainingExample, export: Export) -> Iterator[Row]:
    """RocketQA's dual encoder: a positive and a negative a line; the last column is always 0."""
    for positive in example.positives:
        for negative in example.negatives:
            yield {
                "query": example.query,
                "positive_title": _title(positive),
                "positive": positive.text,
                "negative_title": _title(negative),
                "negative": negative.text,
                "label": 0,
            }


def _title(passage: ScoredPassage) -> str:
    return passage.title or "-"


def qrels(example: TrainingExample, export: Export) -> Iterator[Row]:
    """Positives with their grade, mined negatives with 0."""
    for passage in example.passages:
        query_id, doc_id = _trec_id(example.query_id), _trec_id(passage.doc_id)
        yield {"query_id": query_id, "iteration": 0, "doc_id": doc_id, "grade": f"{passage.grade:g}"}


def run(example: TrainingExample, export: Export) -> Iterator[Row]:
    """Positives and negatives as the teacher ranks them."""
    best_first = sorted(example.passages, key=lambda passage: -passage.score)
    for rank, passage in enumerate(best_first, start=1):
        yield {
            "query_id": _trec_id(example.query_id),
            "iteration": "Q0",
            "doc_id": _trec_id(passage.doc_id),
            "rank": rank,
            "score": passage.score,
            "tag": TAG,
        }


def _trec_id(name: str) -> str:
    # TREC tools split lines at any white space, so such an id would shift every later column.
    if name.split() != [name]:
        raise RunError(f"export to trec: wanted ids without white space; found {name!r}")
    return name
