"""
Disputes: pairs on which people differ, and the decision of someone who reads all their opinions.

In:  a `Workspace`, who decides
Out: the pairs that wait, the most harmful first; one of them with its texts and opinions; a row in the log
"""

import uuid
from dataclasses import dataclass, replace

import numpy as np

from nearmiss.errors import ReviewError
from nearmiss.review import ADJUDICATION, JUDGEMENTS, Entry, Event, Standing
from nearmiss.types import Pair
from nearmiss.workspace import Workspace

# The harm to training: from an answer used as a negative, to a negative that is merely left out.
MOST_HARMFUL_FIRST = (
    {"relevant", "not_relevant"},
    {"partial", "not_relevant"},
    {"relevant", "partial"},
)


@dataclass(frozen=True)
class DisputedDocument:
    """A document to read."""

    doc_id: str
    title: str
    text: str


@dataclass(frozen=True)
class Opinion:
    """One person's verdict on the pair, with all their comments."""

    reviewer: str
    verdict: str
    reason: str
    comments: tuple[str, ...]
    decided_at: float


@dataclass(frozen=True)
class Dispute:
    """A pair with all that one needs to decide on it."""

    pair: Pair
    query: str
    positives: tuple[DisputedDocument, ...]
    document: DisputedDocument
    opinions: tuple[Opinion, ...]


def waiting(work: Workspace, between: tuple[str, str] | None = None) -> list[Pair]:
    """The candidates on which people (these two, where named) differ; the most harmful first, then the oldest."""
    standing = work.standing
    found = [pair for pair in standing.disputed() if work.row_of(pair) is not None]
    if between:
        found = [pair for pair in found if _differ(standing, pair, between)]
    return sorted(found, key=lambda pair: (_harm(standing, pair), standing.history(pair)[0].seq))


def elsewhere(work: Workspace) -> int:
    """How many disputed pairs are not candidates of this round, so that nothing depends on them."""
    return sum(work.row_of(pair) is None for pair in work.standing.disputed())


def read(work: Workspace, pair: Pair) -> Dispute:
    """A pair with its texts and everyone's opinion of it, oldest first."""
    query_id, doc_id = pair
    rows = work.rows_of(query_id)
    positive = rows.start + np.flatnonzero(work.table.positive[rows])
    positives = work.candidates["doc_id"].iloc[positive].astype(str).tolist()
    judged = sorted(work.standing.by_reviewer(pair).values(), key=lambda entry: entry.seq)
    return Dispute(
        pair=pair,
        query=work.query_text(query_id),
        positives=tuple(_passages(work, positives)),
        document=_passages(work, [doc_id])[0],
        opinions=tuple(_opinion(work.standing, entry) for entry in judged),
    )


def decide(
    work: Workspace, pair: Pair, verdict: str, adjudicator: str, *, comment: str = "", shown_at: float, now: float
) -> None:
    """Write the final verdict; raises ReviewError where somebody else decided meanwhile."""
    if verdict not in JUDGEMENTS:
        raise ReviewError(f"verdict: wanted one of {', '.join(JUDGEMENTS)}; found {verdict!r}")
    work.refresh()
    if not work.standing.is_disputed(pair):
        raise ReviewError("This pair is settled already: somebody decided, or changed their mind.")
    decision = _event(pair, verdict, adjudicator, now)
    work.append([replace(decision, arm=ADJUDICATION, comment=comment, shown_at=shown_at)])


def decided(standing: Standing, count: int) -> list[Entry]:
    """The last decisions that stand, newest first."""
    found = reversed(list(standing.entries.values()))
    own = (entry for entry in found if entry.event.arm == ADJUDICATION and standing.stands(entry.seq))
    return [entry for entry, _ in zip(own, range(count), strict=False)]


def take_back(work: Workspace, decision: Entry, now: float) -> None:
    """Undo a decision of one's own; the pair waits again."""
    work.refresh()
    if work.standing.stands(decision.seq):
        work.append([_event(decision.pair, "undo", decision.event.reviewer, now, decision.seq)])


def _event(pair: Pair, verdict: str, reviewer: str, now: float, undoes: int | None = None) -> Event:
    return Event(
        query_id=pair[0],
        doc_id=pair[1],
        verdict=verdict,
        reviewer=reviewer,
        # A name of its own for each: one call is one press of a button that is gone afterwards.
        client_id=f"adjudication {uuid.uuid4().hex}",
        client_seq=1,
        scores_visible=False,
        decided_at=now,
        undoes=undoes,
    )


def _differ(standing: Standing, pair: Pair, between: tuple[str, str]) -> bool:
    judged = standing.by_reviewer(pair)
    verdicts = {judged[name].event.verdict for name in between if name in judged}
    return len(verdicts) > 1


def _harm(standing: Standing, pair: Pair) -> int:
    verdicts = {entry.event.verdict for entry in standing.by_reviewer(pair).values()}
    return next((place for place, kind in enumerate(MOST_HARMFUL_FIRST) if kind <= verdicts), len(MOST_HARMFUL_FIRST))


def _passages(work: Workspace, doc_ids: list[str]) -> list[DisputedDocument]:
    return [DisputedDocument(doc_id, *texts) for doc_id, texts in zip(doc_ids, work.titles(doc_ids), strict=True)]


def _opinion(standing: Standing, entry: Entry) -> Opinion:
    own = [one for one in standing.history(entry.pair) if one.event.reviewer == entry.event.reviewer]
    comments = (one.event.comment for one in own if one.event.comment and standing.stands(one.seq))
    event = entry.event
    return Opinion(event.reviewer, event.verdict, event.reason, tuple(dict.fromkeys(comments)), event.decided_at)
