"""
Gold cards: pairs of known answer, dealt to train a reviewer or to see how often they are right.

In:  a `Workspace`, a reviewer; the project's `training` and `gold`, and its known answers
Out: the pairs of the training round that wait for a reviewer, those dealt unannounced, and what came of the last one

The first `training` answers of the project's file make the training round: everybody judges them before anything else,
and is told the known answer after each. The others come hidden among the cards. What people say of either decides
nothing about the pair. A pair that an audit drew is no gold: its draw needs a verdict that counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nearmiss import audit
from nearmiss.errors import ReviewError
from nearmiss.review import GOLD, JUDGEMENTS, TESTS, TRAINING, Draw, Standing
from nearmiss.review.gold_answers import FILES, GoldAnswer, decided, of_file, version
from nearmiss.session.queue import project
from nearmiss.storage.mixing import text_key
from nearmiss.types import Ints, Pair
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class GoldCards:
    """The known answers of a round; `training` in their order, `hidden` in that of the file, then of decisions."""

    answers: Mapping[Pair, GoldAnswer]
    training: tuple[Pair, ...] = ()
    hidden: tuple[Pair, ...] = ()
    every: int = 0  # one card in so many is a hidden one; 0 for none


@dataclass(frozen=True)
class TrainingProgress:
    """How far a reviewer is in the training round, and what came of the pair that they judged last."""

    done: int
    of: int
    right: int
    last: Pair
    said: str
    known: GoldAnswer


def answers(folder: Path, standing: Standing) -> dict[Pair, GoldAnswer]:
    """Every known answer that a project uses, whether or not it is a candidate; none where it uses none."""
    settings = project.read(folder)
    if not settings.has_gold:
        return {}
    found = of_file(folder)
    if settings.training > len(found):
        raise ReviewError(
            f"{folder / project.FILE}: [review] training: wanted at least {settings.training:,} known answers in "
            f"{' or '.join(FILES)}; found {len(found):,}"
        )
    if not found and not settings.gold_from_decisions:
        raise ReviewError(
            f"{folder / project.FILE}: [review] gold: wanted known answers in {' or '.join(FILES)}, or "
            "gold_from_decisions = true; found neither"
        )
    settled = decided(standing) if settings.gold_from_decisions else {}
    return found | {pair: one for pair, one in settled.items() if pair not in found}


def verdicts(folder: Path, standing: Standing) -> dict[Pair, str]:
    """The known verdict of each pair."""
    return {pair: one.verdict for pair, one in answers(folder, standing).items()}


def in_round(work: Workspace) -> GoldCards:
    """The known answers that can be dealt in this round."""
    settings = project.read(work.run.folder)
    if not settings.has_gold:
        return GoldCards({})
    drawn = audit.drawn(work)
    # Decisions grow with the log; the rest changes with its files and with audits.
    seq = work.standing.last_seq if settings.gold_from_decisions else 0
    key = settings, version(work.run.folder), len(drawn), seq
    return work.cached("gold", lambda: _in_round(work, settings, drawn), key, 1)


def _in_round(work: Workspace, settings: project.Project, drawn: Mapping[Pair, Draw]) -> GoldCards:
    known = answers(work.run.folder, work.standing)
    first = list(known)[: settings.training]
    dealt = {pair: one for pair, one in known.items() if pair not in drawn and _is_candidate(work, pair)}
    training = tuple(pair for pair in first if pair in dealt)
    hidden = tuple(pair for pair in dealt if pair not in set(first)) if settings.gold else ()
    return GoldCards({pair: dealt[pair] for pair in (*training, *hidden)}, training, hidden, settings.gold)


def _is_candidate(work: Workspace, pair: Pair) -> bool:
    row = work.row_of(pair)
    return row is not None and not work.table.positive[row]


def rows(work: Workspace) -> Ints:
    """The rows of known answer, (n,)."""
    found = (work.row_of(pair) for pair in in_round(work).answers)
    return np.array([row for row in found if row is not None], np.int64)


def training_left(work: Workspace, reviewer: str) -> list[Pair]:
    """The pairs of the training round that a reviewer has not judged, in their order."""
    training = in_round(work).training
    judged = work.standing.judged_by(reviewer) if training else set()
    return [pair for pair in training if pair not in judged]


def check_trained(work: Workspace, reviewer: str) -> None:
    """ReviewError for a reviewer who has not finished the training round."""
    if left := training_left(work, reviewer):
        raise ReviewError(
            f"reviewer {reviewer!r}: wanted the training round judged first, on the page Review; "
            f"found {len(left):,} of its pairs left. Nothing was written"
        )


def training_progress(work: Workspace, reviewer: str) -> TrainingProgress | None:
    """
    What a reviewer is told of the training round.

    None before its first verdict, and after the round once they judged something else.
    """
    cards = in_round(work)
    if not cards.training:
        return None
    said: dict[Pair, str] = {}
    own = work.standing.rows_of(reviewer)
    for entry in own:
        if entry.event.arm == TRAINING and entry.event.verdict in JUDGEMENTS and entry.pair in cards.training:
            said.setdefault(entry.pair, entry.event.verdict)  # the first one: the answer was not told yet
    if not said or (own[-1].event.arm != TRAINING and not training_left(work, reviewer)):
        return None
    last = next(reversed(said))
    right = sum(verdict == cards.answers[pair].verdict for pair, verdict in said.items())
    return TrainingProgress(len(said), len(cards.training), right, last, said[last], cards.answers[last])


def due(work: Workspace, reviewer: str, ahead: int) -> list[Pair]:
    """The hidden pairs that a reviewer should meet among the next `ahead` cards, in an order of their own."""
    cards = in_round(work)
    if not cards.every:
        return []
    judged = work.standing.judged_by(reviewer)
    own = [entry for entry in work.standing.latest(reviewer) if entry.event.verdict in JUDGEMENTS]
    tested = sum(entry.event.arm == GOLD for entry in own)
    others = sum(entry.event.arm not in TESTS for entry in own)
    wanted = (others + ahead) // cards.every - tested
    left = sorted((pair for pair in cards.hidden if pair not in judged), key=lambda pair: number_of(reviewer, *pair))
    return left[: max(wanted, 0)]


def arm_of(work: Workspace, pair: Pair, reviewer: str) -> str:
    """The arm of a reviewer's verdict on a pair of known answer; "" for any other, and where they judged it before."""
    cards = in_round(work)
    if pair not in cards.answers or reviewer in work.standing.by_reviewer(pair):
        return ""
    return TRAINING if pair in cards.training else GOLD


def number_of(*words: str) -> int:
    """A number that looks random and is always the same for the same words."""
    return text_key("\0".join(words))
