"""
A corpus: rows with an id, a text and perhaps a title, from JSON, CSV, TSV or Parquet; and a table of queries likewise.

Its documents join the pool whether or not a query mentions them, and a passage with the same text gets their id. A
document without any text is set aside. Tab-separated files without a header are MS MARCO's: id and text, or id, url,
title and text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from nearmiss.data.checks import Wrong, wanted_field, wanted_id, wanted_text
from nearmiss.data.delimited import tab_separated
from nearmiss.data.example import InputDocument, passage_of
from nearmiss.data.gathering import Gathered, Mention, add_document, id_of
from nearmiss.data.lines import InputRow, lines
from nearmiss.data.opening import kind_of
from nearmiss.data.parts import CORPUS, companion, one_table, tables
from nearmiss.data.rejects import Ledger
from nearmiss.data.sheets import rows

ID_FIELDS = ("_id", "doc_id", "docid", "document_id", "passage_id", "pid", "id")  # the first that a row has is its id
TEXT_FIELDS = ("text", "document_text", "contents")
QUERY_IDS = ("_id", "query_id", "question_id", "qid", "id")
QUERY_TEXTS = ("text", "query", "query_text", "question")
BEIR_IDS = ("_id", "id")  # MTEB's newer files have the second
COLLECTION = {2: ("id", "text"), 4: ("id", "url", "title", "text")}


def read_corpus(path: Path, gathered: Gathered, ledger: Ledger) -> None:
    """Add the documents of a separate corpus, a file or a folder of parts; those without an id get one from content."""
    for file in files_of(path):
        for row in named_rows(file, TEXT_FIELDS, COLLECTION, ledger):
            add_row(row, ID_FIELDS, TEXT_FIELDS, gathered, ledger)
    share_texts(gathered)


def read_queries(files: Iterable[Path], gathered: Gathered, ledger: Ledger) -> None:
    """Add a table of queries, for rows that name queries by their ids."""
    for file in files:
        for row in named_rows(file, QUERY_TEXTS, {2: ("qid", "text")}, ledger):
            add_query_row(row, gathered, ledger)


def files_of(path: Path) -> list[Path]:
    """The file, or the parts of the folder's corpus, or of its only table."""
    if not path.is_dir():
        return [path]
    return companion(path, CORPUS) or one_table(path, tables(path), None)


def named_rows(
    path: Path, texts: Sequence[str], columns: Mapping[int, Sequence[str]], ledger: Ledger
) -> Iterator[InputRow]:
    """The rows of a table that has a header with one of `texts`, or MS MARCO's columns by their number."""
    if kind_of(path) == ".tsv" and not set(first_cells(path)) & set(texts):
        wanted = " or ".join(f"{' and '.join(names)} ({size} columns)" for size, names in columns.items())
        for line, values in tab_separated(path, ledger, wanted, columns):
            yield InputRow(str(path), line, dict(zip(columns[len(values)], values, strict=True)))
        return

    def has_text(header: Sequence[str]) -> None:
        if not set(texts) & set(header):
            raise Wrong(f"a column {' or '.join(texts)}", str(list(header)))

    yield from rows(path, ledger, has_text)


def first_cells(path: Path) -> list[str]:
    """The values of the first line, as far as they can be read."""
    first = next((line for _, line in lines(path) if line.strip()), b"")
    return [cell.strip('" \r\n') for cell in first.decode("utf-8", "replace").split("\t")]


def read_beir_corpus(found: Iterable[InputRow], gathered: Gathered, ledger: Ledger) -> None:
    """Add the documents of a BEIR folder, which must have ids."""
    for row in found:
        add_row(row, BEIR_IDS, ("text",), gathered, ledger, needs_id=True)


def add_row(
    row: InputRow,
    ids: Sequence[str],
    texts: Sequence[str],
    gathered: Gathered,
    ledger: Ledger,
    *,
    needs_id: bool = False,
) -> None:
    """Add one document, or list its row as bad and remember which id that costs."""
    try:
        if needs_id:
            own_id(row, ids)
        document = passage_of(row.fields, ids, texts)
        doc_id = new_id(document, gathered)
    except Wrong as wrong:
        if is_empty(row, texts):
            ledger.set_aside(row.file, row.line, Wrong("a document with text", "an empty one"), row.fields)
            remember(row, ids, gathered.empty)
            return
        ledger.refuse(row.file, row.line, wrong, row.fields)
        remember(row, ids, gathered.rejected_documents)
        return
    ledger.kept += 1
    add_document(gathered, doc_id, document, row.place)


def is_empty(row: InputRow, texts: Sequence[str]) -> bool:
    """Whether a document holds no text at all, though it has the field for it."""
    found = [row.fields.get("title"), *(row.fields[name] for name in texts if name in row.fields)]
    return len(found) > 1 and all(value is None or (isinstance(value, str) and not value.strip()) for value in found)


def own_id(row: InputRow, ids: Sequence[str]) -> str:
    """The id that a row must have."""
    name = next((name for name in ids if row.fields.get(name) is not None), ids[0])
    return wanted_id(wanted_field(row.fields, name), name)


def new_id(document: InputDocument, gathered: Gathered) -> str:
    """The id of a document that is not there yet; without one of its own, an equal document is the same."""
    doc_id = id_of(document, gathered)
    known = gathered.documents.get(doc_id)
    if known and document.doc_id is not None:
        raise Wrong("each id once", f"{doc_id!r} again, first at {known.place}")
    return doc_id


def remember(row: InputRow, ids: Sequence[str], lost: dict[str, str]) -> None:
    """Remember why a document is missing, for errors about judgements of it."""
    value = next((row.fields[name] for name in ids if row.fields.get(name) is not None), None)
    if isinstance(value, str | int):
        lost.setdefault(str(value), row.place)


def add_query_row(row: InputRow, gathered: Gathered, ledger: Ledger) -> None:
    """Add one query of a table, or list its row as bad."""
    query_id = ""
    try:
        query_id = own_id(row, QUERY_IDS)
        if known := gathered.asked.get(query_id):
            raise Wrong("each id once", f"{query_id!r} again, first at {known.place}")
        name = next((name for name in QUERY_TEXTS if name in row.fields), QUERY_TEXTS[0])
        text = wanted_text(wanted_field(row.fields, name), name)
    except Wrong as wrong:
        ledger.refuse(row.file, row.line, wrong, row.fields)
        gathered.rejected_queries.setdefault(query_id, row.place)
        return
    own = {key: value for key, value in row.fields.items() if key not in (*QUERY_IDS, name)}
    gathered.asked[query_id] = Mention("", text, row.place, [own])


def share_texts(gathered: Gathered) -> None:
    """Let a passage given without its title find its document too."""
    for doc_id, document in gathered.documents.items():
        if document.text.strip():
            gathered.ids_by_text.setdefault(document.text, doc_id)
