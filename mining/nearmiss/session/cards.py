"""
Cards: a pair laid out for judging, as plain values for a browser.

In:  a `Workspace`, pairs, the reviewer who is to judge them
Out: dictionaries and lists ready for JSON

Other reviewers' opinions of a pair are left out of every value until this reviewer has judged it: their verdicts, their
comments, and a status that follows from a verdict. So are those of models, with what they quote. People who see an
opinion first tend to repeat it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nearmiss import selection
from nearmiss.audit.domains import unjudged
from nearmiss.errors import ReviewError
from nearmiss.review import GOLD, Entry, Standing
from nearmiss.selection import STATUSES, Decision
from nearmiss.session.highlights import alike, changes, pieces, with_found, with_quotes
from nearmiss.session.model_opinions import opinions
from nearmiss.session.queue import agenda, priority
from nearmiss.session.queue.arms import PRIORITY, PickedCard, why
from nearmiss.settings import Policy
from nearmiss.types import Pair
from nearmiss.workspace import Workspace

HISTORY = 50  # own actions that can be looked up and undone
SNIPPET = 90
POSITIVES = 5
DECISIONS_KEPT = 8
STATUS_OF_OWN = {"relevant": "reviewed_relevant", "partial": "reviewed_partial"}


@dataclass(frozen=True)
class CardView:
    """
    What a card may show.

    `decision` is made without verdicts, since a status could reveal another reviewer's. It is the one from when the
    reviewer began: it does not change during the review, and is not made again after each verdict.
    `searched` is marked wherever it occurs.
    """

    policy: Policy
    decision: Decision
    blind: bool = False
    searched: str = ""


def before_verdicts(work: Workspace, policy: Policy) -> Decision:
    """A policy's decision on each candidate, without any verdicts."""
    if not work.table.verdicts.any():
        return work.decision(policy)
    key = policy, work.version[1]  # verdicts do not change it
    return work.cached("before verdicts", lambda: selection.decide(unjudged(work.table), policy), key, DECISIONS_KEPT)


def warm(work: Workspace) -> None:
    """Prepare what the first card needs; for a background thread while the first page is read."""
    if not len(work.table.query):
        return
    query_id, doc_id = work.pair_at(0)
    priority.importance(work, slice(1))
    work.same_query(query_id)
    work.same_document(doc_id)
    pieces(work.titles([doc_id])[0][1], work.query_text(query_id), "", work.language)
    # Last, since no card waits for it; but the first fit after some verdicts would.
    priority.prepare(work)


def card(work: Workspace, picked: PickedCard, card_view: CardView, reviewer: str) -> dict[str, Any]:
    """
    One candidate: its text in pieces, the changes against the positive, its numbers, why it is shown.

    Numbers and status are hidden until this reviewer has judged it in a blind review, and on each random draw: a draw
    measures what scores missed, so nobody judges it by them. Then come the others' opinions and what was hidden. A
    card that is picked `again` looks like one that its reviewer never saw. `changes` is empty where the texts are not
    alike: between unrelated texts nearly every word differs.
    """
    pair = query_id, doc_id = picked.pair
    row = work.row_of(pair)
    if row is None:
        raise ReviewError(f"query {query_id!r}, document {doc_id!r}: wanted a candidate of this round; found none")
    [(title, text)] = work.titles([doc_id])
    query_text, positive = work.query_text(query_id), _positive_texts(work, query_id)[0]
    judged = work.standing.by_reviewer(pair)
    own = judged[reviewer].event.verdict if reviewer in judged and not picked.again else None
    hidden = own is None and (card_view.blind or picked.is_drawn)
    models = [] if own is None else opinions(work, pair, reviewer)
    return {
        "query_id": query_id,
        "doc_id": doc_id,
        "title": title,
        "pieces": with_quotes(
            with_found(pieces(text, query_text, positive, work.language), card_view.searched),
            [one.quote for one in models],
        ),
        "changes": changes(positive, text) if alike(positive, text) else [],
        "numbers": None if hidden else numbers(work, row, card_view.policy),
        "status": None if hidden else _status(card_view, row, own),
        "verdict": own,
        "arm": picked.arm,
        "inclusion_probability": picked.chance,
        "why": "" if hidden and not picked.is_drawn else why(work, picked),
        "again": picked.again,
        "others": [] if own is None else _opinions(judged, reviewer),
        "models": [asdict(one) for one in models],
        "comments": _comments(work.standing, pair, reviewer, picked, own),
        "copies": [
            {"query_id": q, "doc_id": d, "query": work.query_text(q), "title": _names(work, [d])[0]}
            for q, d in agenda.copies(work, pair)[:20]
        ],
    }


def query(work: Workspace, query_id: str, card_view: CardView, reviewer: str) -> dict[str, Any]:
    """
    A query with its positives, and all its candidates in each ranking.

    A ranking's rows are (place in `documents`, rank, score); their number is the depth of its source.
    """
    positives = _positives(work, query_id)[:POSITIVES]
    text = work.query_text(query_id)
    return {
        "query_id": query_id,
        "text": text,
        "pieces": with_found([(text, 0)], card_view.searched),
        "positives": [
            {
                "doc_id": doc_id,
                "title": title,
                "pieces": with_found(pieces(body, text, "", work.language), card_view.searched),
                "numbers": None
                if card_view.blind
                else numbers(work, work.row_of((query_id, doc_id)) or 0, card_view.policy),
            }
            for doc_id, (title, body) in zip(positives, work.titles(positives), strict=True)
        ],
        "more_positives": len(_positives(work, query_id)) - len(positives),
        "documents": [] if card_view.blind else _documents(work, query_id, card_view, reviewer),
        "rankings": [] if card_view.blind else _rankings(work, query_id),
    }


def history(work: Workspace, reviewer: str) -> list[dict[str, Any]]:
    """The reviewer's last actions that were not undone, newest first; each can be undone by its `event`."""
    entries = work.standing.latest(reviewer, HISTORY)
    titles = _names(work, [entry.event.doc_id for entry in entries])
    return [
        {
            "event": _name(entry),
            "query_id": entry.event.query_id,
            "doc_id": entry.event.doc_id,
            "verdict": entry.event.verdict,
            "reason": entry.event.reason,
            "comment": entry.event.comment,
            # Nothing shows its reviewer that the answer was known.
            "arm": PRIORITY if entry.event.arm == GOLD else entry.event.arm,
            "title": title,
            "propagated": work.standing.children(entry.seq),
        }
        for entry, title in zip(entries, titles, strict=True)
    ]


def numbers(work: Workspace, row: int, policy: Policy) -> dict[str, Any]:
    """Ranks and scores of a candidate by each source (None if it did not find it), probability and margin."""
    table = work.table
    anchor = table.anchors[policy.anchor][row]
    ranks = {source: table.number(f"{source}_rank")[row] for source in [*table.sources, "fused"]}
    return {
        "ranks": {source: None if np.isnan(rank) else int(rank) for source, rank in ranks.items()},
        "scores": {source: rounded(table.number(f"{source}_score")[row]) for source in scored(work)},
        "p_relevant": rounded(table.number("p_relevant")[row]),
        "positive": rounded(anchor),
        "margin": rounded(anchor - table.score[row]),
    }


def scored(work: Workspace) -> list[str]:
    """The scores that exist; without a teacher its column repeats the dense one."""
    return [*(["teacher"] if work.has_teacher else []), *work.table.sources]


def _status(card_view: CardView, row: int, own_verdict: str | None) -> str:
    """The policy's status of a candidate, or this reviewer's own verdict where it decides."""
    return STATUS_OF_OWN.get(own_verdict or "", STATUSES[int(card_view.decision.status[row])])


def _opinions(judged: dict[str, Entry], reviewer: str) -> list[dict[str, str]]:
    return [
        {"reviewer": name, "verdict": entry.event.verdict} for name, entry in sorted(judged.items()) if name != reviewer
    ]


def _comments(
    standing: Standing, pair: Pair, reviewer: str, picked: PickedCard, own_verdict: str | None
) -> list[dict[str, Any]]:
    """The comments on a pair: one's own, and the others' once one has judged."""
    shown = []
    for entry in standing.history(pair):
        is_own = entry.event.reviewer == reviewer
        if (
            entry.event.comment
            and standing.stands(entry.seq)
            and (not picked.again if is_own else own_verdict is not None)
        ):
            shown.append(
                {
                    "event": _name(entry),
                    "reviewer": entry.event.reviewer,
                    "text": entry.event.comment,
                    "own": is_own and entry.event.verdict == "comment",
                }
            )
    return shown


def _name(entry: Entry) -> list[Any]:
    """The permanent name of an event: its client and the client's own number."""
    return [entry.event.client_id, entry.event.client_seq]


def _positives(work: Workspace, query_id: str) -> list[str]:
    rows = work.rows_of(query_id)
    return [work.doc_ids[number] for number in work.table.document[rows][work.table.positive[rows]].tolist()]


def _positive_texts(work: Workspace, query_id: str) -> list[str]:
    return [text for _, text in work.titles(_positives(work, query_id))] or [""]


def _documents(work: Workspace, query_id: str, card_view: CardView, reviewer: str) -> list[dict[str, Any]]:
    """The query's candidates as the data have them, with this reviewer's own verdicts only."""
    rows, doc_ids = work.rows_of(query_id), work.doc_ids_of(query_id)
    found = []
    for place, (doc_id, title) in enumerate(zip(doc_ids, _names(work, doc_ids), strict=True)):
        own = work.standing.by_reviewer((query_id, doc_id)).get(reviewer)
        verdict = own.event.verdict if own else None
        status = _status(card_view, rows.start + place, verdict)
        found.append({"doc_id": doc_id, "title": title, "status": status, "verdict": verdict})
    return found


def _rankings(work: Workspace, query_id: str) -> list[dict[str, Any]]:
    """The query's candidates as each source, the teacher and the fusion rank them, best first."""
    table, rows = work.table, work.rows_of(query_id)
    orders = {name: table.number(f"{name}_rank")[rows] for name in [*table.sources, "fused"]}
    best = table.best_first[rows] - rows.start
    orders["teacher"] = np.empty(len(best), np.float32)
    orders["teacher"][best] = np.arange(1, len(best) + 1)
    scores = {name: table.number(f"{name}_score")[rows] for name in scored(work)}
    rankings = []
    for name in [*scored(work), "fused"]:
        ranked = np.flatnonzero(~np.isnan(orders[name]))
        listed = [
            (at, int(orders[name][at]), rounded(scores[name][at]) if name in scores else None)
            for at in ranked[np.argsort(orders[name][ranked], kind="stable")].tolist()
        ]
        rankings.append({"name": name, "rows": listed})
    return rankings


def _names(work: Workspace, doc_ids: Sequence[str]) -> list[str]:
    """The title of each document, or the beginning of its text."""
    plain = (" ".join((title or text[: 4 * SNIPPET]).split()) for title, text in work.titles(doc_ids))
    return [words if len(words) <= SNIPPET else words[: SNIPPET - 1] + "…" for words in plain]


def rounded(value: Any) -> float | None:
    """A number as people read it; None where there is none."""
    return None if np.isnan(value) else round(float(value), 4)
