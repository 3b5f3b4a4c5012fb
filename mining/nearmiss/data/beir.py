"""
A BEIR folder: corpus, queries and qrels, as files (corpus.jsonl, queries.jsonl, qrels/<split>.tsv) or as folders of
parts (corpus/, queries/ and qrels/ with Parquet, as MTEB has them), each plain, .gz or .zst.

A score above 0 is a positive and its grade; 0 was judged not relevant, so it is a labelled negative. A query
without a positive in the split is not part of it: neither it nor its judgements are read, and their number is reported.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path

from nearmiss.counts import counted
from nearmiss.data.beir_qrels import QrelsRow, qrels_files, read_qrels
from nearmiss.data.checks import Wrong, wanted_field, wanted_text
from nearmiss.data.corpus import BEIR_IDS, own_id, read_beir_corpus
from nearmiss.data.gathering import Gathered, add_query, check_judgements
from nearmiss.data.lines import InputRow
from nearmiss.data.parts import companion
from nearmiss.data.rejects import Ledger
from nearmiss.data.sheets import rows
from nearmiss.errors import DatasetError


def read_beir(folder: Path, split: str | None, gathered: Gathered, ledger: Ledger) -> None:
    """Add the documents, and the queries and judgements of one split."""
    split, files = qrels_files(folder, split)
    doubtful: set[str] = set()
    judgements = [judgement for file in files for judgement in read_qrels(file, doubtful, ledger)]
    wanted = doubtful.union(row.query_id for row in judgements if row.score > 0)
    found = read_queries(table(folder, "queries", split), wanted, gathered, ledger)
    for file in table(folder, "corpus", split):
        read_beir_corpus(rows(file, ledger, anything), gathered, ledger)
    judgements = resolved([row for row in judgements if row.query_id in wanted], gathered, ledger)
    judged = {row.query_id for row in judgements if row.score > 0}
    drop_queries({query_id: row for query_id, row in found.items() if query_id not in judged}, gathered, ledger)
    judge(judgements, gathered, ledger)


def anything(header: Sequence[str]) -> None:
    """Accepts any header: errors come from the rows."""


def table(folder: Path, name: str, split: str) -> list[Path]:
    """The files of the corpus or of the queries."""
    files = companion(folder, (name,), split)
    if files is None:
        raise DatasetError(
            f"{folder}: wanted {name}.jsonl (perhaps with .gz or .zst), or a folder {name}; found neither"
        )
    return files


def read_queries(files: Iterable[Path], wanted: set[str], gathered: Gathered, ledger: Ledger) -> dict[str, InputRow]:
    """Add the queries of the split; returns the row of each."""
    found: dict[str, InputRow] = {}
    unjudged = 0
    for row in (row for file in files for row in rows(file, ledger, anything)):
        query_id = ""
        try:
            query_id = own_id(row, BEIR_IDS)
            if query_id not in wanted:
                unjudged += 1
                continue
            if known := gathered.queries.get(query_id):
                raise Wrong("each id once", f"{query_id!r} again, first at {known.place}")
            text = wanted_text(wanted_field(row.fields, "text"), "text")
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.fields)
            gathered.rejected_queries.setdefault(query_id, row.place)
            continue
        own = {name: value for name, value in row.fields.items() if name not in (*BEIR_IDS, "text")}
        add_query(gathered, query_id, text, own, row.place)
        found[query_id] = row
    ledger.kept += len(found)
    if unjudged:
        ledger.notes.append(f"left out, since the qrels name no positive for them: {counted(unjudged, 'query')}")
    return found


def resolved(judgements: Iterable[QrelsRow], gathered: Gathered, ledger: Ledger) -> list[QrelsRow]:
    """The judgements whose query and document are both there; the others are bad rows."""
    found = []
    for row in judgements:
        try:
            known(row.query_id, "query", gathered.queries, gathered.rejected_queries)
            if row.doc_id in gathered.empty:
                wrong = Wrong("a document with text", f"{row.doc_id!r}, which is empty at {gathered.empty[row.doc_id]}")
                if row.score > 0:
                    raise wrong
                ledger.set_aside(row.file, row.line, wrong, row.text)
                continue
            known(row.doc_id, "document", gathered.documents, gathered.rejected_documents)
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.text)
            continue
        found.append(row)
    return found


def known(key: str, kind: str, kept: Container[str], rejected: dict[str, str]) -> None:
    """Refuse a reference to nothing, or to a row that was rejected."""
    if key in kept:
        return
    if place := rejected.get(key):
        raise Wrong(f"a {kind} that was kept", f"{key!r}, rejected at {place}")
    raise Wrong(f"a {kind} that exists", f"no {kind} {key!r}")


def drop_queries(lost: Mapping[str, InputRow], gathered: Gathered, ledger: Ledger) -> None:
    """Queries that lost every positive to a rejection are bad rows themselves."""
    for query_id, row in lost.items():
        query = gathered.queries.pop(query_id)
        gathered.rejected_queries[query_id] = query.place
        ledger.kept -= 1
        wrong = Wrong("a query with a positive", f"that each positive of {query_id!r} was rejected")
        ledger.refuse(row.file, row.line, wrong, row.fields)


def judge(judgements: Iterable[QrelsRow], gathered: Gathered, ledger: Ledger) -> None:
    """Add positives and labelled negatives; a row that repeats a judgement is kept, one that contradicts it is bad."""
    for row in judgements:
        pair = (row.query_id, row.doc_id)
        grades, negatives = ({pair: row.score}, {}) if row.score > 0 else ({}, {pair: None})
        try:
            known(row.query_id, "query", gathered.queries, gathered.rejected_queries)
            check_judgements(gathered, grades, negatives)
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.text)
            continue
        gathered.grades |= grades
        gathered.negatives |= negatives
        ledger.kept += 1
