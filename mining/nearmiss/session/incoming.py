"""
Incoming: what a browser sent, written to the log.

In:  plain values from a browser, in the order in which they were made there
Out: events in the log, and a message for each that could not be written
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nearmiss.counts import counted
from nearmiss.data.checks import described
from nearmiss.errors import AccessError, ReviewError
from nearmiss.review import CHOSEN, JUDGEMENTS, REPEAT, Event
from nearmiss.review.current import Entry
from nearmiss.review.events import event_from
from nearmiss.review.log import check_writer
from nearmiss.session.queue import gold_cards
from nearmiss.session.queue.project import FILE, of_project
from nearmiss.session.queue.sharing import Sharing
from nearmiss.types import Pair
from nearmiss.workspace import Workspace


def write(work: Workspace, sent: Sequence[Any], arms: Mapping[Pair, tuple[str, float]] | None = None) -> list[str]:
    """
    Write what a browser sent, in its order; returns a message for each event that could not be written.

    An event that is in the log already is left as it stands. An "undo" takes back the event that its `target` names
    by client and number, one of the reviewer's own; without a target the reviewer's last one, as "redo" does. A
    `parent_seq` is the sender's own number of the event that this one was propagated from.
    """
    if not sent:
        return []
    sharing = of_project(work.run.folder)
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
            batch.append(_event(work, content, arms or {}, sharing))
        except (AccessError, ReviewError) as error:
            problems.append(str(error))
    flush()
    return problems


def dealt_with(sent: Sequence[Any]) -> dict[str, int]:
    """For each sender, the number of its last event among those given to `write`."""
    last: dict[str, int] = {}
    for content in sent:
        if isinstance(content, dict) and isinstance(content.get("client_seq"), int):
            client = str(content.get("client_id", ""))
            last[client] = max(last.get(client, 0), content["client_seq"])
    return last


def _event(work: Workspace, content: dict[str, Any], arms: Mapping[Pair, tuple[str, float]], sharing: Sharing) -> Event:
    known: dict[str, Any] = {}
    if content.get("verdict") in ("undo", "redo"):
        target = _taken_back(work, content)
        known = {"verdict": "undo", "undoes": target.seq}
        known |= {"query_id": target.event.query_id, "doc_id": target.event.doc_id}
    elif content.get("parent_seq") is not None:
        known = {"parent": work.standing.seq_of(str(content.get("client_id")), content["parent_seq"])}
    about = content | known
    pair = str(about.get("query_id")), str(about.get("doc_id"))
    if work.row_of(pair) is None:
        raise ReviewError(f"query {pair[0]!r}, document {pair[1]!r}: wanted a candidate of this round; found none")
    if pair in arms and not known and content.get("arm") not in (REPEAT, *CHOSEN):
        known = {"arm": arms[pair][0], "inclusion_probability": arms[pair][1]}
    elif content.get("verdict") in JUDGEMENTS and not known and content.get("arm") not in (REPEAT, *CHOSEN):
        # What a browser sends does not tell that the answer is known: it was not told either.
        known = {"arm": arm} if (arm := gold_cards.arm_of(work, pair, str(content.get("reviewer")))) else {}
    event = event_from(content, **known)
    check_writer([event])
    # What Review dealt is written in any case: somebody was asked for it.
    if event.arm in ("", *CHOSEN) and event.verdict in JUDGEMENTS and event.parent is None:
        gold_cards.check_trained(work, event.reviewer)
    if event.arm in CHOSEN and event.verdict in JUDGEMENTS and event.parent is None:
        _check_not_full(work, pair, event.reviewer, sharing)
    return event


def _check_not_full(work: Workspace, pair: Pair, reviewer: str, sharing: Sharing) -> None:
    judged = work.standing.by_reviewer(pair)
    if reviewer not in judged and sharing.is_full(len(judged)):
        raise ReviewError(
            f"query {pair[0]!r}, document {pair[1]!r}: wanted a pair that fewer than {sharing.cap} people have judged, "
            f"as {FILE} says; found one that {counted(len(judged), 'other')} judged. Nothing was written"
        )


def _taken_back(work: Workspace, content: dict[str, Any]) -> Entry:
    reviewer, verb, target = str(content.get("reviewer", "")), content["verdict"], content.get("target")
    if verb == "undo" and target is not None:
        return _own(work, reviewer, target)
    found = work.standing.to_undo(reviewer) if verb == "undo" else work.standing.to_redo(reviewer)
    if found is None:
        raise ReviewError(f"{verb}: wanted something to take back; found nothing")
    return found


def _own(work: Workspace, reviewer: str, target: Any) -> Entry:
    """The event that an undo names; only one's own that stands can be taken back."""
    match target:
        case [str(client), int(number)]:
            seq = work.standing.seq_of(client, number)
        case _:
            raise ReviewError(f"undo: wanted the client and the number of an event; found {described(target)}")
    entry = work.standing.entries.get(seq or 0)
    if entry is None or entry.event.reviewer != reviewer or entry.event.verdict == "undo":
        raise ReviewError("undo: wanted a judgement of your own; found another's or none. Nothing was changed")
    if not work.standing.stands(entry.seq):
        raise ReviewError("undo: wanted a judgement that stands; this one was taken back already")
    return entry
