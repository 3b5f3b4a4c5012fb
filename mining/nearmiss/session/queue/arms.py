"""
Arms: the cards of one reviewer, with the audit's draws and hidden repeats mixed in.

In:  a `Workspace`, what a person chose to see, their name
Out: pairs in the order of reading, each with the arm that picked it and a reason for people

Two arms always: the priority arm finds the answers, the audit arm (picked by chance, the chance written down) says how
many are left. A repeat shows a reviewer an own card again, unannounced, to measure them against themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from nearmiss import audit
from nearmiss.audit.domains import population
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.review import REPEAT
from nearmiss.session.queue import agenda, priority
from nearmiss.session.queue.agenda import View
from nearmiss.storage.mixing import scattered
from nearmiss.types import Ints, Pair
from nearmiss.workspace import Workspace

REPEAT_SHARE = 0.03
REMEMBERED = 400  # own judgements that may come again
REPEAT_AFTER = 40  # judgements, so that nobody remembers the card
HARDEST = 3
LEAST_TOLD = 0.01  # a chance below that is no reason to show a card
STRETCH = 50
PRIORITY = "priority"
RANDOM = "picked at random, to measure what is left"


@dataclass(frozen=True)
class PickedCard:
    """One card: the arm that picked it ("" for the reviewer's own choice), with which chance, and why it is shown."""

    pair: Pair
    arm: str = ""
    chance: float | None = None
    why: str = ""
    again: bool = False  # the reviewer judged it before, and must not be told


def begin(work: Workspace, reviewer: str) -> None:
    """
    Draw an audit for a round that has none, so that what is judged from now on also measures.

    A run that can only be read gets none, since a plan's strata lie in its folder.
    """
    if not reviewer or not work.run.can_be_written:
        return
    if not audit.plans(work) and population(work.table).sum() >= LABELS_ASKED:
        audit.plan(work, LABELS_ASKED, made_by=reviewer)


def pick(
    work: Workspace,
    view: View,
    reviewer: str,
    order: Ints,
    count: int,
    *,
    overlap: int = 0,
    first: Sequence[Pair] = (),
) -> list[PickedCard]:
    """The next `count` cards of a reviewer; both arms where the view asks for what matters most."""
    both_arms = view.order == "priority" and view.verdict == "unjudged"
    between = list(_mixed_in(work, reviewer)) if both_arms else []
    mixed_in = {one.pair: one for one in between}
    pairs = agenda.next_pairs(
        work, view, reviewer, order, count, overlap=overlap, first=first, between=[one.pair for one in between]
    )
    drawn = audit.drawn(work) if both_arms else {}
    cards = []
    for pair in pairs:
        if pair in mixed_in:
            cards.append(mixed_in[pair])
        elif pair in drawn:
            cards.append(PickedCard(pair, drawn[pair].arm, drawn[pair].inclusion_probability, RANDOM))
        else:
            cards.append(PickedCard(pair, PRIORITY if both_arms else ""))
    return cards


def why(work: Workspace, one: PickedCard) -> str:
    """Why a card is shown, for its reviewer; a repeat says what a random draw says."""
    row = work.row_of(one.pair)
    if one.arm != PRIORITY or row is None:
        return one.why
    # The chance in force, which the card shows too: the order goes by one that verdicts have moved since.
    chance = round(float(work.table.number("p_relevant")[row]), 4)
    reasons = [f"p_relevant {chance:.3f}"] if chance >= LEAST_TOLD else []
    query = int(work.table.query[row])
    dense = work.table.number("dense_score")
    own = dense[work.table.starts[query] : work.table.starts[query + 1]]
    if (own > dense[row]).sum() < HARDEST:
        reasons.append("among the hardest of its query")
    copies = len(agenda.copies(work, one.pair))
    if copies:
        reasons.append(f"{copies} more of the same text")
    return ", ".join(reasons) or "next in the order by chance, hardness and verdicts on its query"


def expected_answers(work: Workspace, order: Ints) -> float:
    """How many answers the next STRETCH cards of an order hold by their chances: what stopping here would miss."""
    waiting = order[work.table.verdicts[order] == 0][:STRETCH]
    return float(priority.chance(work, waiting).sum())


def arms(work: Workspace) -> dict[Pair, tuple[str, float]]:
    """Arm and chance of every pair that an audit drew: a judgement of it counts however it was reached."""
    return {pair: (draw.arm, draw.inclusion_probability) for pair, draw in audit.drawn(work).items()}


def _mixed_in(work: Workspace, reviewer: str) -> Iterator[PickedCard]:
    """A repeat where one is due, and the audit's draws in their turn."""
    yield from islice(_repeats(work, reviewer), 1)
    for draw in audit.waiting(work, reviewer):
        said = "a second look at an answer found" if draw.second and not draw.repeat else RANDOM
        yield PickedCard(draw.pair, draw.arm, draw.inclusion_probability, said, again=draw.repeat)


def _repeats(work: Workspace, reviewer: str) -> Iterator[PickedCard]:
    """Own judgements of a while ago, each at most once, in an order that nobody can foresee."""
    own = work.standing.latest(reviewer, REMEMBERED)
    again = {entry.pair for entry in own if entry.event.arm == REPEAT}
    old = {entry.pair for entry in own[REPEAT_AFTER:]} - again - {entry.pair for entry in own[:REPEAT_AFTER]}
    rows = [row for pair in sorted(old) if (row := work.row_of(pair)) is not None]
    # No more than the share asks for, however many a reviewer could be shown.
    wanted = int(len(own) * REPEAT_SHARE) - len(again)
    drawn = np.argsort(scattered(work.table.pair_key[rows], len(again)), kind="stable")
    for place in drawn[: max(wanted, 0)].tolist():
        pair = work.pair_at(rows[place])
        yield PickedCard(pair, REPEAT, None, RANDOM, again=True)
