"""
Opinions: each person's independent verdict on each pair.

In:  the judgements that stand in the log, a scale
Out: a table of pairs by people; and each person's verdicts on what they were shown twice

Verdicts that are not independent are left out: those that decided between others, whose opinions were shown, and those
propagated to copies.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearmiss.review import ADJUDICATION, GOLD, JUDGEMENTS, REPEAT, TESTS, TRAINING, Entry, Standing
from nearmiss.types import Pair

NO_OPINION = -1


@dataclass(frozen=True)
class VerdictScale:
    """Which verdicts count as the same; those that `of` does not name count as no opinion."""

    categories: tuple[str, ...]
    of: Mapping[str, str]

    def place(self, verdict: str) -> int:
        """The category's place, or NO_OPINION."""
        return self.categories.index(self.of[verdict]) if verdict in self.of else NO_OPINION


# Training only needs to know whether this may be a negative, so a partial answer counts as an answer.
SCALES = {
    "verdicts": VerdictScale(JUDGEMENTS, {verdict: verdict for verdict in JUDGEMENTS}),
    "answers": VerdictScale(
        ("relevant", "not_relevant"),
        {"relevant": "relevant", "partial": "relevant", "not_relevant": "not_relevant"},
    ),
}


@dataclass(frozen=True)
class Opinions:
    """`verdicts` is (n_pairs, n_people): places in the scale's categories, NO_OPINION where there is none."""

    scale: VerdictScale
    pairs: list[Pair]
    people: list[str]  # by falling number of opinions, then by name
    verdicts: npt.NDArray[np.int8]

    def shared(self) -> npt.NDArray[np.int8]:
        """The rows on which two people or more have an opinion."""
        several: npt.NDArray[np.int8] = self.verdicts[(self.verdicts != NO_OPINION).sum(axis=1) > 1]
        return several


def opinions(standing: Standing, scale: VerdictScale) -> Opinions:
    """Each person's latest opinion of each pair."""
    latest = {(entry.pair, entry.event.reviewer): entry.event.verdict for entry in own_opinions(standing)}
    placed = {key: scale.place(verdict) for key, verdict in latest.items() if verdict in scale.of}
    pairs = {pair: row for row, pair in enumerate(dict.fromkeys(pair for pair, _ in placed))}
    names = [name for _, name in placed]
    counts = Counter(names)
    people = {name: column for column, name in enumerate(sorted(counts, key=lambda name: (-counts[name], name)))}
    verdicts = np.full((len(pairs), len(people)), NO_OPINION, np.int8)
    if placed:
        verdicts[[pairs[pair] for pair, _ in placed], [people[name] for name in names]] = list(placed.values())
    return Opinions(scale, list(pairs), list(people), verdicts)


def own_opinions(standing: Standing) -> Iterator[Entry]:
    """The standing judgements that someone made independently and for the first time, oldest first."""
    return (entry for entry in _judgements(standing) if entry.event.arm not in TESTS)


def repeats(standing: Standing, scale: VerdictScale) -> dict[str, list[tuple[int, int]]]:
    """By person, their first verdict on a pair and the one when it was shown again, as places in the scale."""
    before: dict[tuple[Pair, str], str] = {}
    found: dict[str, list[tuple[int, int]]] = {}
    for entry in _judgements(standing):
        if entry.event.arm in (GOLD, TRAINING):
            continue
        key, verdict = (entry.pair, entry.event.reviewer), entry.event.verdict
        if entry.event.arm == REPEAT and key in before:
            both = scale.place(before[key]), scale.place(verdict)
            if NO_OPINION not in both:
                found.setdefault(entry.event.reviewer, []).append(both)
        before[key] = verdict
    return found


def _judgements(standing: Standing) -> Iterator[Entry]:
    for entry in list(standing.entries.values()):
        event = entry.event
        alone = event.parent is None and event.arm != ADJUDICATION
        if alone and event.verdict in JUDGEMENTS and standing.stands(entry.seq):
            yield entry
