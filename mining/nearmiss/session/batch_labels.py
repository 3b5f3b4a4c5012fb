"""
Batches: many pairs given one verdict by one press, and taken back by one.

In:  a `Workspace`, pairs that a reviewer chose on a page, their verdict
Out: rows in the log: the first pair's, and the others propagated from it, with the page as their arm

A batch is its reviewer's own choice with everything in sight: its verdicts count for exports, and for no random draw.
They are one deed: one undo takes back all, also from Review's history.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from nearmiss.errors import ReviewError
from nearmiss.review import CHOSEN, JUDGEMENTS, Event
from nearmiss.session.queue import gold_cards
from nearmiss.session.queue.project import FILE, of_project
from nearmiss.types import Pair
from nearmiss.workspace import Workspace

MOST = 10_000  # pairs of one batch: more than a person can have looked at


@dataclass(frozen=True)
class LabelledBatch:
    """A batch that stands: the number of its first row in the log, its verdict and its pairs."""

    seq: int
    verdict: str
    pairs: int
    arm: str


@dataclass(frozen=True)
class BatchPlan:
    """Which of the chosen pairs a batch would label, and why not the others."""

    pairs: tuple[Pair, ...]
    labelled: int  # answers by the data
    judged: int  # by this reviewer, one by one; their verdicts stay
    full: int = 0  # judged by as many others as the project allows


def plan(work: Workspace, chosen: Sequence[Pair], reviewer: str) -> BatchPlan:
    """What a batch of these pairs would label; pairs that are no candidates are left out in silence."""
    labelled = judged = full = 0
    sharing = of_project(work.run.folder)
    pairs = []
    for pair in dict.fromkeys(chosen):
        row = work.row_of(pair)
        if row is None:
            continue
        if work.table.positive[row]:
            labelled += 1
        elif reviewer in (judges := work.standing.by_reviewer(pair)):
            judged += 1
        elif sharing.is_full(len(judges)):
            full += 1
        else:
            pairs.append(pair)
    return BatchPlan(tuple(pairs), labelled, judged, full)


def label(work: Workspace, pairs: Sequence[Pair], verdict: str, reviewer: str, arm: str, now: float) -> LabelledBatch:
    """
    Give all pairs one verdict, all or none.

    Raises ReviewError for no pair or more than MOST, for an unknown verdict or arm, without a reviewer, for one who has
    not finished the training round, and for a pair that as many others have judged as the project allows.
    """
    if verdict not in JUDGEMENTS:
        raise ReviewError(f"verdict: wanted one of {', '.join(JUDGEMENTS)}; found {verdict!r}")
    if arm not in CHOSEN:
        raise ReviewError(f"arm: wanted one of {', '.join(CHOSEN)}; found {arm!r}")
    if not 1 <= len(pairs) <= MOST:
        raise ReviewError(f"batch: wanted 1 to {MOST:,} pairs; found {len(pairs):,}. Narrow the choice")
    name = f"{arm} {uuid.uuid4().hex}"
    work.refresh()
    gold_cards.check_trained(work, reviewer)
    if full := plan(work, pairs, reviewer).full:
        raise ReviewError(
            f"batch: wanted pairs that fewer people have judged than the cap in {FILE}; found {full:,} that reached it "
            "meanwhile. Choose again"
        )
    first, *_ = work.append_batch(
        [
            Event(
                query_id=query_id,
                doc_id=doc_id,
                verdict=verdict,
                reviewer=reviewer,
                client_id=name,
                client_seq=number,
                arm=arm,
                scores_visible=True,
                decided_at=now,
            )
            for number, (query_id, doc_id) in enumerate(pairs, start=1)
        ]
    )
    return LabelledBatch(first.seq, verdict, len(pairs), arm)


def last(work: Workspace, reviewer: str, arm: str) -> LabelledBatch | None:
    """The reviewer's last batch of a page, if nothing else was judged since and it stands."""
    entry = work.standing.to_undo(reviewer)
    if entry is None or entry.event.arm != arm or not entry.event.client_id.startswith(f"{arm} "):
        return None
    return LabelledBatch(entry.seq, entry.event.verdict, 1 + work.standing.children(entry.seq), arm)


def take_back(work: Workspace, batch: LabelledBatch, reviewer: str, now: float) -> None:
    """Undo a batch as a whole; nothing happens where it was undone meanwhile."""
    work.refresh()
    if not work.standing.stands(batch.seq):
        return
    first = work.standing.entries[batch.seq].event
    work.append(
        [
            Event(
                query_id=first.query_id,
                doc_id=first.doc_id,
                verdict="undo",
                reviewer=reviewer,
                client_id=f"{batch.arm} {uuid.uuid4().hex}",
                client_seq=1,
                decided_at=now,
                undoes=batch.seq,
            )
        ]
    )
