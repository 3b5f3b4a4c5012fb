"""
A BEIR folder: corpus.jsonl, queries.jsonl and qrels/<split>.tsv, each plain or .gz.

A score above 0 is a positive and its grade; 0 was judged not relevant, so it is a labelled negative. A query
without a positive in the split is no part of the split: neither it nor its judgements are read or counted.
"""

from collections.abc import Container, Iterable
from pathlib import Path

from nearmiss.data.beir_qrels import Judgement, plain_or_gz, qrels_file, read_qrels
from nearmiss.data.checks import Wrong, wanted_field, wanted_id, wanted_text
from nearmiss.data.corpus import read_beir_corpus
from nearmiss.data.gathering import Gathered, add_query, check_judgements
from nearmiss.data.lines import json_lines
from nearmiss.data.rejects import Ledger


def read_beir(folder: Path, split: str | None, gathered: Gathered, ledger: Ledger) -> None:
    """Add the documents, and the queries and judgements of one split."""
    qrels = qrels_file(folder, split)
    doubtful: set[str] = set()
    judgements = list(read_qrels(qrels, doubtful, ledger))
    wanted = doubtful.union(row.query_id for row in judgements if row.score > 0)
    queries = plain_or_gz(folder, "queries.jsonl")
    lines = read_queries(queries, wanted, gathered, ledger)
    read_beir_corpus(json_lines(plain_or_gz(folder, "corpus.jsonl"), ledger), gathered, ledger)
    judgements = resolved(qrels, [row for row in judgements if row.query_id in wanted], gathered, ledger)
    judged = {row.query_id for row in judgements if row.score > 0}
    unjudged = {query_id: line for query_id, line in lines.items() if query_id not in judged}
    drop_queries(queries, unjudged, gathered, ledger)
    judge(qrels, judgements, gathered, ledger)


def read_queries(path: Path, wanted: set[str], gathered: Gathered, ledger: Ledger) -> dict[str, int]:
    """Add the queries of the split; returns the line of each."""
    found: dict[str, int] = {}
    for row in json_lines(path, ledger):
        query_id = ""
        try:
            query_id = wanted_id(wanted_field(row.fields, "_id"), "_id")
            if query_id not in wanted:
                continue
            if known := gathered.queries.get(query_id):
                raise Wrong("each id once", f"{query_id!r} again, first at {known.place}")
            text = wanted_text(wanted_field(row.fields, "text"), "text")
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.fields)
            gathered.rejected_queries.setdefault(query_id, row.place)
            continue
        own = {name: value for name, value in row.fields.items() if name not in ("_id", "text")}
        add_query(gathered, query_id, text, own, row.place)
        found[query_id] = row.line
    ledger.kept += len(found)
    return found


def resolved(path: Path, judgements: Iterable[Judgement], gathered: Gathered, ledger: Ledger) -> list[Judgement]:
    """The judgements whose query and document are both there; the others are bad rows."""
    found = []
    for row in judgements:
        try:
            known(row.query_id, "query", gathered.queries, gathered.rejected_queries)
            known(row.doc_id, "document", gathered.documents, gathered.rejected_documents)
        except Wrong as wrong:
            ledger.refuse(str(path), row.line, wrong, row.text)
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


def drop_queries(path: Path, lines: dict[str, int], gathered: Gathered, ledger: Ledger) -> None:
    """Queries that lost every positive to a rejection are bad rows themselves."""
    for query_id, line in lines.items():
        query = gathered.queries.pop(query_id)
        gathered.rejected_queries[query_id] = query.place
        ledger.kept -= 1
        wrong = Wrong("a query with a positive", f"that each positive of {query_id!r} was rejected")
        ledger.refuse(str(path), line, wrong, {"_id": query_id, "text": query.text} | query.own[0])


def judge(path: Path, judgements: Iterable[Judgement], gathered: Gathered, ledger: Ledger) -> None:
    """Add positives and labelled negatives; a row that repeats a judgement is kept, one that contradicts it is bad."""
    for row in judgements:
        pair = (row.query_id, row.doc_id)
        grades, negatives = ({pair: row.score}, {}) if row.score > 0 else ({}, {pair: None})
        try:
            known(row.query_id, "query", gathered.queries, gathered.rejected_queries)
            check_judgements(gathered, grades, negatives)
        except Wrong as wrong:
            ledger.refuse(str(path), row.line, wrong, row.text)
            continue
        gathered.grades |= grades
        gathered.negatives |= negatives
        ledger.kept += 1
