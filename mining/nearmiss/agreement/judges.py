"""
Judges: how far a model's verdicts agree with those of people.

In:  a `Standing`, a scale
Out: for each model, coefficients with intervals and the confusion; nothing while too few pairs have both verdicts

People's verdict is the one that counts: an adjudicator's, else the majority's. A model never takes part in it.
"""

import json
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from nearmiss.agreement import AC1, COHEN, RAW, AgreementEstimate, VerdictScale, coefficients_of, compared
from nearmiss.agreement.opinions import Opinions
from nearmiss.review import JUDGEMENTS, Event, Standing
from nearmiss.types import Pair

FEWEST_COMMON = 50  # pairs judged by people and by the model, below which its agreement is not known
PEOPLE = "people"


@dataclass(frozen=True)
class JudgedApart:
    """A pair on which a model differs from people, and what it gave as its reason."""

    pair: Pair
    people: str  # the verdict
    model: str
    reason: str
    quote: str


@dataclass(frozen=True)
class JudgeAgreement:
    """One model against people. `confusion` counts (people's verdict, the model's), the commonest first."""

    judge: str
    judged: int  # pairs that it judged
    pairs: int  # those that people judged too, on this scale
    coefficients: dict[str, AgreementEstimate]  # empty while it is not known
    confusion: tuple[tuple[str, str, int], ...]
    differing: tuple["JudgedApart", ...] = ()  # pairs, those first that the model calls the better answer

    @property
    def is_known(self) -> bool:
        """Whether enough pairs have both verdicts."""
        return self.pairs >= FEWEST_COMMON


def against_people(standing: Standing, scale: VerdictScale, seed: int = 42) -> list[JudgeAgreement]:
    """Each model that judged anything, by name; the same log gives the same numbers."""
    judges = standing.judges
    by_people = standing.verdicts()
    found = []
    for name in sorted(judges.reviewers):
        said = {pair: entry.event for pair, entry in judges.standing_of(name).items()}
        shared = [pair for pair in said if by_people.get(pair) in scale.of and said[pair].verdict in scale.of]
        both = [(scale.place(by_people[pair]), scale.place(said[pair].verdict)) for pair in shared]
        apart = [pair for pair, (people, model) in zip(shared, both, strict=True) if people != model]
        apart.sort(key=lambda pair: (JUDGEMENTS.index(said[pair].verdict), pair))
        one = _one(name, len(said), both, scale, seed)
        found.append(replace(one, differing=tuple(_apart(pair, by_people[pair], said[pair]) for pair in apart)))
    return found


def _apart(pair: Pair, people: str, event: Event) -> JudgedApart:
    return JudgedApart(pair, people, event.verdict, *reason_and_quote(event))


def reason_and_quote(event: Event) -> tuple[str, str]:
    """The words in a model's row of the log; empty where its comment is not as our judge writes it."""
    try:
        said = json.loads(event.comment)
    except ValueError:
        said = None
    words = said if isinstance(said, dict) else {}
    return str(words.get("reason") or ""), str(words.get("quote") or "")


def _one(name: str, judged: int, both: list[tuple[int, int]], scale: VerdictScale, seed: int) -> JudgeAgreement:
    words = scale.categories
    confusion = tuple((words[a], words[b], count) for (a, b), count in Counter(both).most_common())
    if len(both) < FEWEST_COMMON:
        return JudgeAgreement(name, judged, len(both), {}, confusion)
    table = np.array(both, np.int8)
    votes = np.stack([(table == place).sum(axis=1) for place in range(len(words))], axis=1)
    of_votes, _ = coefficients_of(votes, scale, seed)
    two = compared(Opinions(scale, [], [PEOPLE, name], table), 0, 1, seed)
    coefficients = {RAW: two.raw, COHEN: two.kappa, AC1: of_votes[AC1]}
    return JudgeAgreement(name, judged, len(both), coefficients, confusion)
