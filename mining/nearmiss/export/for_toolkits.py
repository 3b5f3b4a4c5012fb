"""
Rows for the other training toolkits, by their documented schemas.

FlagEmbedding, Tevatron (texts inline, or ids beside a corpus), DPR, PyLate and NeMo Automodel.
Where a toolkit has a field for the title it gets the title; elsewhere the text starts with it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nearmiss.export.examples import Document, ScoredPassage, TrainingExample
from nearmiss.settings import Export
from nearmiss.types import Row


def flag(example: TrainingExample, export: Export) -> Iterator[Row]:
    """FlagEmbedding's fine-tuning line; the scores are for knowledge_distillation=True."""
    row: Row = {"query": example.query, "pos": _texts(example.positives), "neg": _texts(example.negatives)}
    if export.scores:
        row |= {"pos_scores": _scores(example.positives), "neg_scores": _scores(example.negatives)}
    if export.prompt:
        row["prompt"] = export.prompt
    yield row | {"type": "normal"}


def tevatron(example: TrainingExample, export: Export) -> Iterator[Row]:
    """Tevatron's first form: passages inline."""
    yield {
        "query_id": example.query_id,
        "query": example.query,
        "positive_passages": [_tevatron_passage(passage, export.scores) for passage in example.positives],
        "negative_passages": [_tevatron_passage(passage, export.scores) for passage in example.negatives],
    }


def _tevatron_passage(passage: ScoredPassage, scores: bool) -> Row:
    row: Row = {"docid": passage.doc_id, "title": passage.title, "text": passage.text}
    return row | ({"score": passage.score} if scores else {})


def tevatron_ids(example: TrainingExample, export: Export) -> Iterator[Row]:
    """Tevatron's second form: ids, whose texts are in the corpus."""
    yield {
        "query_id": example.query_id,
        "query_text": example.query,
        "query_image": None,
        "positive_document_ids": _ids(example.positives),
        "negative_document_ids": _ids(example.negatives),
    }


def tevatron_document(document: Document) -> Row:
    """A line of Tevatron's corpus; training reads `text` alone, so the title goes into it."""
    return {"docid": document.doc_id, "text": document.titled_text, "image": None}


def dpr(example: TrainingExample, export: Export) -> Iterator[Row]:
    """DPR's question; `answers` are the user's own column of that name, where there is one."""
    answers = example.own.get("answers") or []
    yield {
        "question": example.query,
        "answers": [answers] if isinstance(answers, str) else list(answers),
        "positive_ctxs": [_context(passage, 1) for passage in example.positives],
        "negative_ctxs": [],
        "hard_negative_ctxs": [_context(passage, 0) for passage in example.negatives],
    }


def _context(passage: ScoredPassage, title_score: int) -> Row:
    return {
        "title": passage.title,
        "text": passage.text,
        "score": passage.score,
        "title_score": title_score,
        "passage_id": passage.doc_id,
    }


def pylate(example: TrainingExample, export: Export) -> Iterator[Row]:
    """PyLate's distillation row, one for each positive, which stands first."""
    for positive in example.positives:
        passages = (positive, *example.negatives)
        yield {"query_id": example.query_id, "document_ids": _ids(passages), "scores": _scores(passages)}


def pylate_query(example: TrainingExample, export: Export) -> Iterator[Row]:
    """PyLate's table of queries."""
    yield {"query_id": example.query_id, "text": example.query}


def pylate_document(document: Document) -> Row:
    """PyLate's table of documents."""
    return {"document_id": document.doc_id, "text": document.titled_text}


def nemo(example: TrainingExample, export: Export) -> Iterator[Row]:
    """NeMo Automodel's question; texts are in the corpus folder."""
    yield {
        "question_id": example.query_id,
        "question": example.query,
        "corpus_id": export.corpus_id,
        "pos_doc": [{"id": passage.doc_id, "score": passage.score} for passage in example.positives],
        "neg_doc": [{"id": passage.doc_id, "score": passage.score} for passage in example.negatives],
    }


def nemo_document(document: Document) -> Row:
    """A row of NeMo's TextQADataset."""
    return {"id": document.doc_id, "text": document.titled_text}


def nemo_frame(provenance: Mapping[str, Any]) -> tuple[str, str]:
    """The object around NeMo's questions: where the corpus is, and how the negatives were mined."""
    args = json.dumps(provenance, ensure_ascii=False, allow_nan=False)
    return '{"corpus": [{"path": "./corpus"}], "data": [', f'], "mining": {{"args": {args}}}}}'


def nemo_records(export: Export) -> dict[str, Any]:
    """The file by which NeMo recognises a corpus."""
    return {"corpus/merlin_metadata.json": {"class": "TextQADataset", "corpus_id": export.corpus_id}}


def plain_frame(provenance: Mapping[str, Any]) -> tuple[str, str]:
    """A JSON array and nothing else."""
    return "[", "]"


def no_records(export: Export) -> dict[str, Any]:
    """No extra files."""
    return {}


def _texts(passages: Sequence[ScoredPassage]) -> list[str]:
    return [passage.titled_text for passage in passages]


def _scores(passages: Sequence[ScoredPassage]) -> list[float]:
    return [passage.score for passage in passages]


def _ids(passages: Sequence[ScoredPassage]) -> list[str]:
    return [passage.doc_id for passage in passages]
