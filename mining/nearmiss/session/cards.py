"""
Cards: a pair laid out for judging, as plain values for a browser.

In:  a `Workspace`, pairs
Out: dictionaries and lists ready for JSON; and what a browser sent, written to the log

Knows nothing of Streamlit or of how a card looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nearmiss.errors import ReviewError
from nearmiss.review import REPEAT, Event
from nearmiss.review.current import Entry
from nearmiss.review.events import event_from
from nearmiss.selection import STATUSES, Decision
from nearmiss.session.highlights import changes, pieces
from nearmiss.session.queue import agenda, priority
from nearmiss.session.queue.arms import PickedCard, why
from nearmiss.settings import Policy
from nearmiss.types import Pair
from nearmiss.workspace import Workspace

LISTED = 30  # candidates in each ranking beside a card
STRIP = 8  # last judgements shown
SNIPPET = 90
POSITIVES = 5


@dataclass(frozen=True)
class CardView:
    """
    What a card may show. The decision is that of the moment when the person began: it does not change under the hand,
    and is not made again after each verdict.
    """

    policy: Policy
    decision: Decision
    blind: bool


def warm(work: Workspace) -> None:
    """Make what the first card would wait for; for a thread of its own while a person still looks around."""
    if not len(work.table.query):
        return
    query_id, doc_id = work.pair_at(0)
    priority.importance(work, slice(1))
    work.same_query(query_id)
    work.same_document(doc_id)
    pieces(work.titles([doc_id])[0][1], work.query_text(query_id), "", work.language)
    # Last, since no card waits for it; but a key would, beside the first fit.
    priority.prepare(work)


def card(work: Workspace, picked: PickedCard, card_view: CardView, reviewer: str) -> dict[str, Any]:
    """
    One candidate: its text in pieces, the changes against the positive, its numbers, who judged it, why it is shown.

    One that is picked `again` looks like one that its reviewer never saw.
    """
    pair = query_id, doc_id = picked.pair
    row = work.row_of(pair)
    if row is None:
        raise ReviewError(f"query {query_id!r}, document {doc_id!r}: wanted a candidate of this round; found none")
    [(title, text)] = work.titles([doc_id])
    positive = _positive_texts(work, query_id)[0]
    judged = work.standing.by_reviewer(pair)
    mine = reviewer in judged and not picked.again
    hidden = card_view.blind and not mine
    return {
        "query_id": query_id,
        "doc_id": doc_id,
        "title": title,
        "pieces": pieces(text, work.query_text(query_id), positive, work.language),
        "changes": changes(positive, text),
        "numbers": None if hidden else _numbers(work, row, card_view.policy),
        "status": None if hidden else STATUSES[int(card_view.decision.status[row])],
        "verdict": judged[reviewer].event.verdict if mine else None,
        "arm": picked.arm,
        "inclusion_probability": picked.chance,
        "why": "" if hidden else why(work, picked),
        "again": picked.again,
        "others": sorted({entry.event.verdict for name, entry in judged.items() if name != reviewer}),
        "comments": [
            {"reviewer": entry.event.reviewer, "text": entry.event.comment}
            for entry in work.standing.history(pair)
            if entry.event.comment and work.standing.stands(entry.seq)
            if not (picked.again and entry.event.reviewer == reviewer)
        ],
        "copies": [
            {"query_id": q, "doc_id": d, "query": work.query_text(q), "title": _names(work, [d])[0]}
            for q, d in agenda.copies(work, pair)[:20]
        ],
    }


def query(work: Workspace, query_id: str, card_view: CardView) -> dict[str, Any]:
    """A query with its positives, and its candidates in each ranking."""
    positives = _positives(work, query_id)[:POSITIVES]
    text = work.query_text(query_id)
    titled = work.titles(positives)
    return {
        "query_id": query_id,
        "text": text,
        "positives": [
            {
                "doc_id": doc_id,
                "title": title,
                "pieces": pieces(body, text, "", work.language),
                "score": None if card_view.blind else _number(work.table.score[work.row_of((query_id, doc_id)) or 0]),
            }
            for doc_id, (title, body) in zip(positives, titled, strict=True)
        ],
        "scored_by": "teacher" if work.has_teacher else "dense",
        "more_positives": len(_positives(work, query_id)) - len(positives),
        "rankings": [] if card_view.blind else _rankings(work, query_id, card_view.decision),
    }


def strip(work: Workspace, reviewer: str) -> list[dict[str, Any]]:
    """The reviewer's last judgements, newest first."""
    entries = work.standing.latest(reviewer, STRIP)
    titles = _names(work, [entry.event.doc_id for entry in entries])
    return [
        {
            "seq": entry.seq,
            "query_id": entry.event.query_id,
            "doc_id": entry.event.doc_id,
            "verdict": entry.event.verdict,
            "reason": entry.event.reason,
            "title": title,
            "propagated": work.standing.children(entry.seq),
        }
        for entry, title in zip(entries, titles, strict=True)
    ]


def write(work: Workspace, sent: Sequence[Any], arms: dict[Pair, tuple[str, float]] | None = None) -> list[str]:
    """
    Write what a browser sent, in its order; returns a sentence for each event that could not be.

    An event that is in the log already is left as it stands. An "undo" or "redo" names no row: it is the reviewer's
    last one; a `parent_seq` is the sender's own number of the event that this one was propagated from.
    """
    problems = []
    known: dict[str, int] = {}
    batch: list[Event] = []

    def flush() -> None:
        if batch:
            work.append(batch)
            batch.clear()

    for content in sent:
        try:
            if not isinstance(content, dict):
                raise ReviewError(f"event: wanted an object; found {type(content).__name__}")
            client, seq = str(content.get("client_id", "")), content.get("client_seq")
            if client not in known:
                known[client] = work.log.acknowledged(client)
            if isinstance(seq, int) and seq <= known[client]:
                continue
            if content.get("verdict") in ("undo", "redo") or content.get("parent_seq") is not None:
                flush()
            batch.append(_event(work, content, arms or {}))
        except ReviewError as error:
            problems.append(str(error))
    flush()
    return problems


def dealt_with(sent: Sequence[Any]) -> dict[str, int]:
    """Of each sender, the number of its last event among those that `write` was given."""
    last: dict[str, int] = {}
    for content in sent:
        if isinstance(content, dict) and isinstance(content.get("client_seq"), int):
            client = str(content.get("client_id", ""))
            last[client] = max(last.get(client, 0), content["client_seq"])
    return last


def _event(work: Workspace, content: dict[str, Any], arms: dict[Pair, tuple[str, float]]) -> Event:
    known: dict[str, Any] = {}
    if content.get("verdict") in ("undo", "redo"):
        target = _taken_back(work, str(content.get("reviewer", "")), str(content["verdict"]))
        known = {"verdict": "undo", "undoes": target.seq}
        known |= {"query_id": target.event.query_id, "doc_id": target.event.doc_id}
    elif content.get("parent_seq") is not None:
        known = {"parent": work.standing.seq_of(str(content.get("client_id")), content["parent_seq"])}
    about = content | known
    pair = str(about.get("query_id")), str(about.get("doc_id"))
    if work.row_of(pair) is None:
        raise ReviewError(f"query {pair[0]!r}, document {pair[1]!r}: wanted a candidate of this round; found none")
    if pair in arms and not known and content.get("arm") != REPEAT:
        known = {"arm": arms[pair][0], "inclusion_probability": arms[pair][1]}
    return event_from(content, **known)


def _taken_back(work: Workspace, reviewer: str, verb: str) -> Entry:
    found = work.standing.to_undo(reviewer) if verb == "undo" else work.standing.to_redo(reviewer)
    if found is None:
        raise ReviewError(f"{verb}: wanted something to take back; found nothing")
    return found


def _positives(work: Workspace, query_id: str) -> list[str]:
    rows = work.rows_of(query_id)
    return [work.doc_ids[number] for number in work.table.document[rows][work.table.positive[rows]].tolist()]


def _positive_texts(work: Workspace, query_id: str) -> list[str]:
    return [text for _, text in work.titles(_positives(work, query_id))] or [""]


def _numbers(work: Workspace, row: int, policy: Policy) -> dict[str, Any]:
    table = work.table
    anchor = table.anchors[policy.anchor][row]
    ranks = {source: table.number(f"{source}_rank")[row] for source in [*table.sources, "fused"]}
    return {
        "ranks": {source: None if np.isnan(rank) else int(rank) for source, rank in ranks.items()},
        "scores": {source: _number(table.number(f"{source}_score")[row]) for source in _scored(work)},
        "p_relevant": _number(table.number("p_relevant")[row]),
        "positive": _number(anchor),
        "margin": _number(anchor - table.score[row]),
    }


def _rankings(work: Workspace, query_id: str, decision: Decision) -> list[dict[str, Any]]:
    """The query's candidates as each source, the teacher and the fusion rank them, the best LISTED of each."""
    table, rows = work.table, work.rows_of(query_id)
    doc_ids = work.doc_ids_of(query_id)
    status = decision.status[rows]
    orders = {name: table.number(f"{name}_rank")[rows] for name in [*table.sources, "fused"]}
    best = table.best_first[rows] - rows.start
    orders["teacher"] = np.empty(len(doc_ids), np.float32)
    orders["teacher"][best] = np.arange(1, len(best) + 1)
    scores = {name: table.number(f"{name}_score")[rows] for name in _scored(work)}
    names = dict(zip(doc_ids, _names(work, doc_ids), strict=True))
    rankings = []
    for name in [*_scored(work), "fused"]:
        ranked = np.flatnonzero(~np.isnan(orders[name]))
        listed = [
            {
                "rank": int(orders[name][at]),
                "doc_id": str(doc_ids[at]),
                "title": names[str(doc_ids[at])],
                "score": _number(scores[name][at]) if name in scores else None,
                "status": STATUSES[int(status[at])],
                "verdict": int(table.verdicts[rows.start + at]),
            }
            for at in ranked[np.argsort(orders[name][ranked], kind="stable")][:LISTED].tolist()
        ]
        rankings.append({"name": name, "rows": listed})
    return rankings


def _scored(work: Workspace) -> list[str]:
    """Whose scores there are; without a teacher its column repeats the dense one."""
    return [*(["teacher"] if work.has_teacher else []), *work.table.sources]


def _names(work: Workspace, doc_ids: Sequence[str]) -> list[str]:
    """The title of each document, or the beginning of its text."""
    plain = (" ".join((title or text[: 4 * SNIPPET]).split()) for title, text in work.titles(doc_ids))
    return [words if len(words) <= SNIPPET else words[: SNIPPET - 1] + "…" for words in plain]


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
