"""
Rows for Arctic-Embed, in ArcticTraining: labels of ids beside queries and documents, all Parquet.

Ids are 64-bit numbers there, so each is the digest of our own, which stands beside it in the labels; two of a million
ids get the same number once in 37 million exports. `pretokenize_and_batch_mined_data` reads columns by name.
Source: projects/arctic_embed (examples/finetune_models/README.md, data_processing/pretokenize.py) of
snowflakedb/ArcticTraining, November 2026.
"""

from collections.abc import Iterator

from nearmiss.candidates.text_overlap import digest
from nearmiss.export.examples import Document, TrainingExample
from nearmiss.settings import Export
from nearmiss.types import Row

LABEL_TYPES = {"QUERY_ID": "uint64", "DOCUMENT_ID": "uint64", "RELEVANCE": "int8"}


def arctic(example: TrainingExample, export: Export) -> Iterator[Row]:
    """Each positive (1) and each hard negative (-1) of a query."""
    for passage, label in zip(example.passages, example.labels, strict=True):
        yield {
            "query_id": example.query_id,
            "doc_id": passage.doc_id,
            "QUERY_ID": digest(example.query_id),
            "DOCUMENT_ID": digest(passage.doc_id),
            "RELEVANCE": 1 if label else -1,
        }


def arctic_query(example: TrainingExample, export: Export) -> Iterator[Row]:
    """A query's text."""
    yield {"QUERY_ID": digest(example.query_id), "QUERY_TEXT": example.query}


def arctic_document(document: Document) -> Row:
    """A document's text, which its title begins."""
    return {"DOCUMENT_ID": digest(document.doc_id), "DOCUMENT_TEXT": document.titled_text}
