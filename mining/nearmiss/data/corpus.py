"""
A corpus: rows with an id, a text and perhaps a title, from JSONL, CSV or Parquet.

Its documents join the pool whether or not a query mentions them, and a passage with the same text gets their id.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nearmiss.data.checks import Wrong, wanted_field, wanted_id
from nearmiss.data.example import Passage, passage_of
from nearmiss.data.gathering import Gathered, add_document, id_of
from nearmiss.data.lines import Row
from nearmiss.data.rejects import Ledger
from nearmiss.data.sheets import rows

ID_FIELDS = ("_id", "doc_id", "docid", "document_id", "passage_id", "id")  # the first that a row has is its id
TEXT_FIELDS = ("text", "document_text", "contents")


def read_corpus(path: Path, gathered: Gathered, ledger: Ledger) -> None:
    """Add the documents of a separate corpus file; those without an id get one from their content."""
    for row in rows(path, ledger, has_text):
        add_row(row, ID_FIELDS, TEXT_FIELDS, gathered, ledger)
    share_texts(gathered)


def read_beir_corpus(found: Iterable[Row], gathered: Gathered, ledger: Ledger) -> None:
    """Add the documents of a BEIR folder, which must have ids."""
    for row in found:
        add_row(row, ("_id",), ("text",), gathered, ledger, needs_id=True)


def has_text(header: Sequence[str]) -> None:
    """Refuse a table without a column of texts."""
    if not set(TEXT_FIELDS) & set(header):
        raise Wrong(f"a column {' or '.join(TEXT_FIELDS)}", str(list(header)))


def add_row(
    row: Row, ids: Sequence[str], texts: Sequence[str], gathered: Gathered, ledger: Ledger, *, needs_id: bool = False
) -> None:
    """Add one document, or list its row as bad and remember which id that costs."""
    try:
        if needs_id:
            wanted_id(wanted_field(row.fields, ids[0]), ids[0])
        document = passage_of(row.fields, ids, texts)
        doc_id = new_id(document, gathered)
    except Wrong as wrong:
        ledger.refuse(row.file, row.line, wrong, row.fields)
        remember_rejected(row, ids, gathered)
        return
    ledger.kept += 1
    add_document(gathered, doc_id, document, row.place)


def new_id(document: Passage, gathered: Gathered) -> str:
    """The id of a document that is not there yet; without one of its own, an equal document is the same."""
    doc_id = id_of(document, gathered)
    known = gathered.documents.get(doc_id)
    if known and document.doc_id is not None:
        raise Wrong("each id once", f"{doc_id!r} again, first at {known.place}")
    return doc_id


def remember_rejected(row: Row, ids: Sequence[str], gathered: Gathered) -> None:
    """Judgements of a rejected document must be able to say so."""
    value = next((row.fields[name] for name in ids if row.fields.get(name) is not None), None)
    if isinstance(value, str | int):
        gathered.rejected_documents.setdefault(str(value), row.place)


def share_texts(gathered: Gathered) -> None:
    """Let a passage given without its title find its document too."""
    for doc_id, document in gathered.documents.items():
        if document.text.strip():
            gathered.ids_by_text.setdefault(document.text, doc_id)
