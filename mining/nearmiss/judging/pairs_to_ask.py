"""
Which pairs a judge is asked about: the review's own order, and some that people judged, to compare it with them.

In:  a `Workspace`, the judge's name and its prompt
Out: pairs, the most important first
"""

import numpy as np

from nearmiss.agreement.judges import FEWEST_COMMON
from nearmiss.review import JUDGE, JUDGEMENTS
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.storage.mixing import scattered
from nearmiss.types import Ints, Pair
from nearmiss.workspace import Workspace

SHARE_COMMON = 5  # one in so many of a budget goes to pairs that people judged, until there are FEWEST_COMMON


def to_ask(work: Workspace, reviewer: str, prompt: str, count: int) -> list[Pair]:
    """
    The first `count` pairs that this judge has not judged with this prompt; pairs of the same texts count as one.

    Kept candidates in the order in which a person would review them. Until there are enough to measure the judge by, a
    fifth are pairs that people judged, drawn at random; nothing tells the model which.
    """
    done = judged_by(work, reviewer, prompt)
    rows = agenda.rows(work, View(order="priority"), work.decision())
    unjudged = rows[(work.table.verdicts[rows] == 0) & ~work.table.positive[rows]]
    common = _judged_by_people(work)
    known = sum(work.pair_at(row) in done for row in common.tolist())
    extra = min(max(FEWEST_COMMON - known, 0), count // SHARE_COMMON)
    seen = {int(work.digests[row]) for pair in done if (row := work.row_of(pair)) is not None}
    compared = _new(work, common, seen, extra)
    return compared + _new(work, unjudged, seen, count - len(compared))


def judged_by(work: Workspace, reviewer: str, prompt: str) -> set[Pair]:
    """The pairs that a judge has judged with a prompt."""
    own = work.standing.judges.standing_of(reviewer)
    return {pair for pair, entry in own.items() if entry.event.arm == JUDGE + prompt}


def _judged_by_people(work: Workspace) -> Ints:
    """The rows that people judged, in an order that depends on nothing else."""
    verdicts = work.standing.verdicts()
    found = [work.row_of(pair) for pair, verdict in verdicts.items() if verdict in JUDGEMENTS and verdict != "unsure"]
    rows = np.array([row for row in found if row is not None], np.int64)
    return rows[np.argsort(scattered(work.table.pair_key[rows], 0))] if len(rows) else rows


def _new(work: Workspace, rows: Ints, seen: set[int], count: int) -> list[Pair]:
    """The first of these rows whose texts were not seen; they are added to those seen."""
    found: list[Pair] = []
    for row in rows.tolist():
        if len(found) >= count:
            break
        digest = int(work.digests[row])
        if digest not in seen:
            seen.add(digest)
            found.append(work.pair_at(row))
    return found
