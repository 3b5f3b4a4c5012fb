"""
Queries, documents and judgements as they arrive, row by row: ids made where absent, repeated mentions merged,
contradictions refused.

In:  `InputExample`s, each the content of one row, from any format
Out: a `Gathered`, changed only by rows that hold no contradiction
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nearmiss.data.checks import Wrong, described
from nearmiss.data.dataset import passage
from nearmiss.data.example import InputDocument, InputExample, content_id
from nearmiss.types import Pair


@dataclass(slots=True)
class Mention:
    """A query or document, where it was first mentioned, and the user's own fields of each mention."""

    title: str
    text: str
    place: str
    own: list[dict[str, Any]]


@dataclass
class Gathered:
    """
    The dataset so far. `rejected_*` tell a reference to a bad row from one to nothing.

    `asked` are the queries of a table of queries, whether or not a row judges documents for them. `unanswered` are the
    rows of queries that have no positive so far.
    """

    queries: dict[str, Mention] = field(default_factory=dict)
    documents: dict[str, Mention] = field(default_factory=dict)
    grades: dict[Pair, float] = field(default_factory=dict)
    negatives: dict[Pair, None] = field(default_factory=dict)
    ids_by_text: dict[str, str] = field(default_factory=dict)
    rejected_documents: dict[str, str] = field(default_factory=dict)
    rejected_queries: dict[str, str] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)  # documents without text, which no positive may name
    asked: dict[str, Mention] = field(default_factory=dict)
    unanswered: dict[str, list[tuple[str, int, Any]]] = field(default_factory=dict)  # file, line, row
    answered: set[str] = field(default_factory=set)


def id_of(found: InputDocument, gathered: Gathered) -> str:
    """The id of a passage: its own, else that of a document with the same text, else one made from its content."""
    if found.doc_id is not None:
        return found.doc_id
    text = found.text or ""
    known = gathered.ids_by_text.get(passage(found.title, text))
    return known or content_id("d", *filter(None, (found.title, text)))


def agreed(found: InputDocument, gathered: Gathered) -> str:
    """The id of a passage that contradicts nothing known."""
    doc_id = id_of(found, gathered)
    known = gathered.documents.get(doc_id)
    if found.text is None and known is None:
        if place := gathered.empty.get(doc_id):
            raise Wrong("a document with text", f"{doc_id!r}, which is empty at {place}")
        if place := gathered.rejected_documents.get(doc_id):
            raise Wrong("a document that was kept", f"{doc_id!r}, rejected at {place}")
        raise Wrong("a document of the corpus", f"{doc_id!r}, which is not in it")
    # One without an id was found by its text, perhaps without the title that the corpus has.
    if known and found.doc_id and found.text is not None and (found.title, found.text) != (known.title, known.text):
        raise Wrong(f"one text for document {doc_id!r}", f"{described(found.text)}, unlike {known.place}")
    if known:
        check_group(doc_id, found, known.own)
    return doc_id


def add_document(gathered: Gathered, doc_id: str, found: InputDocument, place: str) -> None:
    """A document, or one more mention of it."""
    if known := gathered.documents.get(doc_id):
        remember(known, found.own)
    elif found.text is not None:
        gathered.documents[doc_id] = Mention(found.title, found.text, place, [found.own])
        gathered.ids_by_text.setdefault(passage(found.title, found.text), doc_id)


def add_query(gathered: Gathered, query_id: str, text: str, columns: dict[str, Any], place: str) -> None:
    """A query, or one more mention of it."""
    if known := gathered.queries.get(query_id):
        remember(known, columns)
    else:
        gathered.queries[query_id] = Mention("", text, place, [columns])


def remember(known: Mention, columns: dict[str, Any]) -> None:
    """Keep the user's fields of a further mention, unless they add nothing new."""
    if columns not in known.own:
        known.own.append(columns)


def add_example(gathered: Gathered, example: InputExample, place: str) -> str:
    """Add all of a row and return its query's id, or raise Wrong and add nothing."""
    query_id, query = asked(gathered, example)
    known = gathered.queries.get(query_id)
    if known and known.text != query:
        raise Wrong(f"one text for query {query_id!r}", f"{described(query)}, unlike {known.place}")
    if not example.positives and not (example.labelled and example.negatives):
        raise Wrong("at least one positive", "none")
    mentioned: dict[str, list[InputDocument]] = {}
    grades = {(query_id, mention(mentioned, p, gathered)): grade for p, grade in example.positives}
    # A negative without text is skipped; a positive without text is an error.
    named = [p for p in example.negatives if p.text is not None or p.doc_id not in gathered.empty]
    negatives = {(query_id, mention(mentioned, p, gathered)): None for p in named}
    check_judgements(gathered, grades, negatives)
    add_query(gathered, query_id, query, example.own, place)
    for doc_id, passages in mentioned.items():
        for found in passages:
            add_document(gathered, doc_id, found, place)
    gathered.grades |= grades
    gathered.negatives |= negatives
    return query_id


def asked(gathered: Gathered, example: InputExample) -> tuple[str, str]:
    """The id and the text of a row's query; what the row lacks comes from the table of queries."""
    if example.query is not None:
        return example.query_id or content_id("q", example.query), example.query
    query_id = example.query_id or ""
    if listed := gathered.asked.get(query_id):
        return query_id, listed.text
    if place := gathered.rejected_queries.get(query_id):
        raise Wrong("a query that was kept", f"{query_id!r}, rejected at {place}")
    raise Wrong("a query of the table of queries", f"{query_id!r}, which is not in it")


def drop_unanswered(gathered: Gathered) -> list[str]:
    """Take out the queries without any positive, with their labelled negatives; returns their ids."""
    gone = [query_id for query_id in gathered.unanswered if query_id in gathered.queries]
    for query_id in gone:
        del gathered.queries[query_id]
    lost = set(gone)
    gathered.negatives = {pair: None for pair in gathered.negatives if pair[0] not in lost}
    return gone


def mention(mentioned: dict[str, list[InputDocument]], found: InputDocument, gathered: Gathered) -> str:
    """The id of a passage, which then stands for this text in the rest of the row too."""
    doc_id = agreed(found, gathered)
    earlier = mentioned.setdefault(doc_id, [])
    if earlier and earlier[0][:3] != found[:3]:
        raise Wrong(f"one text for document {doc_id!r}", "two in this row")
    check_group(doc_id, found, [other.own for other in earlier])
    earlier.append(found)
    return doc_id


def check_group(doc_id: str, found: InputDocument, owns: Iterable[dict[str, Any]]) -> None:
    """Refuse a second group for a document: siblings are found by it."""
    groups = {own["group_id"] for own in (*owns, found.own) if own.get("group_id") is not None}
    if len(groups) > 1:
        raise Wrong(f"one group_id for document {doc_id!r}", str(sorted(groups)))


def check_judgements(gathered: Gathered, grades: dict[Pair, float], negatives: dict[Pair, None]) -> None:
    """Refuse a second, different judgement of a pair."""
    for pair, grade in grades.items():
        if pair in negatives or pair in gathered.negatives:
            raise Wrong("a positive or a negative", f"document {pair[1]!r} as both for query {pair[0]!r}")
        if gathered.grades.get(pair, grade) != grade:
            raise Wrong(f"one grade for {pair[1]!r}", f"{grade} after {gathered.grades[pair]}")
    for pair in negatives:
        if pair in gathered.grades:
            raise Wrong("a positive or a negative", f"document {pair[1]!r} as both for query {pair[0]!r}")
