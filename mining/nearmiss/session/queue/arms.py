"""
Arms: the cards of one reviewer, with the audit's draws and hidden repeats mixed in.

In:  a `Workspace`, a reviewer's view, their name
Out: pairs in the order of reading, each with the arm that picked it and a reason for people

There are always two arms: the priority arm finds the answers, the audit arm (drawn at random, with the probability
logged) measures how many are left. A repeat shows reviewers one of their own cards again, unannounced, to measure
how consistent they are. Where the project knows some answers, a training round comes before all else, and gold cards,
which look like any other, measure how often a reviewer is right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from nearmiss import audit
from nearmiss.audit.domains import population
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.review import GOLD, JUDGEMENTS, REPEAT, TRAINING
from nearmiss.session.model_opinions import UNSURE
from nearmiss.session.queue import agenda, gold_cards, priority
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.sharing import ALONE, Sharing
from nearmiss.storage.mixing import scattered
from nearmiss.types import Ints, Pair
from nearmiss.workspace import Workspace

REPEAT_SHARE = 0.03
REMEMBERED = 400  # own judgements that may come again
REPEAT_AFTER = 40  # judgements, so that nobody remembers the card
HARDEST = 3
LEAST_TOLD = 0.01  # below this probability it is not given as the reason for a card
STRETCH = 50
HALF_WIDTH_WANTED = 0.02  # half-width; a required argument, though only the plan's expected one is read here
PRIORITY = "priority"
AUDIT = "audit:"  # before the name of a plan
RANDOM = "picked at random, to measure what is left"
TRAINS = "training round: the known answer is told afterwards"


@dataclass(frozen=True)
class PickedCard:
    """One card: the arm that picked it ("" for the reviewer's own choice), the probability, and the reason shown."""

    pair: Pair
    arm: str = ""
    chance: float | None = None
    why: str = ""
    again: bool = False  # the reviewer judged it before, and must not know

    @property
    def is_drawn(self) -> bool:
        """Whether it answers a random draw, or looks like one that does: its scores are hidden until it is judged."""
        return self.again or self.arm.startswith(AUDIT)


def begin(work: Workspace, reviewer: str) -> None:
    """
    Draw an audit for a round that has none, so that judgements from now on also measure.

    No audit is drawn unasked: a plan is permanent, and its labels cost people time. A read-only run gets none, since a
    plan's strata lie in its folder.
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
    sharing: Sharing = ALONE,
    first: Sequence[Pair] = (),
) -> list[PickedCard]:
    """
    The next `count` cards of a reviewer.

    Both arms where the view has the priority order and no search, source or score narrows it; only the audit's draws
    where it asks for those. A drawn pair that a view holds anyway is a draw there too. Who has not finished the
    training round gets nothing else of what is to be judged.
    """
    if (view.is_to_do or view.order == "audit") and (left := gold_cards.training_left(work, reviewer)):
        training = [PickedCard(pair, TRAINING, None, TRAINS) for pair in left if pair not in first]
        return [*(PickedCard(pair) for pair in first), *training][:count]
    if view.order == "audit":
        view, order = replace(view, verdict="unjudged"), order[:0]
    both_arms = view.order != "queries" and view.is_to_do
    put_off = set(agenda.put_off(work, reviewer))
    # Pairs that were put off come last here too.
    comes = both_arms and not (view.order != "audit" and _is_narrowed(view))
    between = sorted(_between(work, view, reviewer), key=lambda one: one.pair in put_off) if comes else []
    by_pair = {one.pair: one for one in between}
    pairs = agenda.next_pairs(
        work, view, reviewer, order, count, sharing=sharing, first=first, between=[one.pair for one in between]
    )
    drawn = audit.drawn(work)
    cards = []
    for pair in pairs:
        if view.order == "audit" and pair not in by_pair and pair not in first:
            continue  # put off in another view
        if pair in by_pair:
            cards.append(by_pair[pair])
        elif pair in drawn:
            cards.append(PickedCard(pair, drawn[pair].arm, drawn[pair].inclusion_probability, RANDOM))
        else:
            cards.append(PickedCard(pair, PRIORITY if both_arms else ""))
    return _with_gold(work, reviewer, cards, len(first)) if comes and view.order != "audit" else cards


def _with_gold(work: Workspace, reviewer: str, cards: list[PickedCard], first: int) -> list[PickedCard]:
    """The cards with those of known answer that are due, at places that nobody can foresee, and with no sign of it."""
    mixed, dealt = list(cards), {one.pair for one in cards}
    for pair in gold_cards.due(work, reviewer, len(cards)) if cards else ():
        if pair not in dealt:
            place = gold_cards.number_of(reviewer, *pair) % (len(mixed) - first + 1)
            mixed.insert(first + place, PickedCard(pair, PRIORITY))
    return mixed


def why(work: Workspace, one: PickedCard) -> str:
    """Why a card is shown, for its reviewer; a repeat has the words of a random draw."""
    row = work.row_of(one.pair)
    if one.arm != PRIORITY or row is None:
        return one.why
    # The probability in force, as on the card: the order uses one refitted to later verdicts.
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
    """Expected answers among the next STRETCH cards of an order: what stopping here would miss."""
    waiting = order[work.table.verdicts[order] == 0][:STRETCH]
    return float(priority.chance(work, waiting).sum())


def arms(work: Workspace) -> dict[Pair, tuple[str, float]]:
    """Arm and probability of every pair that an audit drew: its judgement counts however it was reached."""
    return {pair: (draw.arm, draw.inclusion_probability) for pair, draw in audit.drawn(work).items()}


def _is_narrowed(view: View) -> bool:
    """Whether the reviewer looks for certain pairs: then others do not come between."""
    scores = view.lowest is not None or view.highest is not None
    return scores or view.disagree or bool(view.sources or view.text or view.query_id) or view.verdict == UNSURE


def _between(work: Workspace, view: View, reviewer: str) -> Iterator[PickedCard]:
    """A repeat where one is due and the view is not of draws alone, and the audit's draws in order."""
    if view.order != "audit":
        yield from islice(_repeats(work, reviewer), 1)
    for draw in audit.waiting(work, reviewer):
        why = "a second look at an answer found" if draw.second and not draw.repeat else RANDOM
        # One that this reviewer chose to judge, with scores in sight, is asked as if they never had.
        again = draw.repeat or (not draw.second and reviewer in work.standing.by_reviewer(draw.pair))
        yield PickedCard(draw.pair, draw.arm, draw.inclusion_probability, why, again=again)


def _repeats(work: Workspace, reviewer: str) -> Iterator[PickedCard]:
    """Older own judgements, each at most once, in an unpredictable order."""
    latest = work.standing.latest(reviewer, REMEMBERED)
    own = [one for one in latest if one.event.verdict in JUDGEMENTS and one.event.arm not in (GOLD, TRAINING)]
    again = {entry.pair for entry in own if entry.event.arm == REPEAT}
    old = {entry.pair for entry in own[REPEAT_AFTER:]} - again - {entry.pair for entry in own[:REPEAT_AFTER]}
    rows = [row for pair in sorted(old) if (row := work.row_of(pair)) is not None]
    # No more than the share allows, however many there are.
    wanted = int(len(own) * REPEAT_SHARE) - len(again)
    drawn = np.argsort(scattered(work.table.pair_key[rows], len(again)), kind="stable")
    for place in drawn[: max(wanted, 0)].tolist():
        pair = work.pair_at(rows[place])
        yield PickedCard(pair, REPEAT, None, RANDOM, again=True)


@dataclass(frozen=True)
class AuditProgress:
    """How far the audits of the round are."""

    drawn: int
    judged: int
    waiting: int  # for this reviewer, second looks among them
    half_width: float | None  # expected for the answers among the kept, once all are judged; None without a plan


def audit_progress(work: Workspace, reviewer: str) -> AuditProgress:
    """How much of the audits is judged, and how precisely the share of answers will be known."""
    plans = audit.plans(work)
    pairs = audit.drawn(work)
    judged = sum(bool(work.standing.as_drawn(pair)) for pair in pairs)
    half_widths = [audit.expected_precision(work, plan, HALF_WIDTH_WANTED).half_width for plan in plans]
    return AuditProgress(len(pairs), judged, len(audit.waiting(work, reviewer)), min(half_widths, default=None))
