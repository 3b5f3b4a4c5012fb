"""
Judge reliability: how far a model's verdict is to be believed, from the pairs that people judged too.

In:  a `Standing`
Out: for each model the share of people's answers that it calls answers, and of their negatives that it calls none

Where few pairs have both verdicts, the shares lean on those of a middling judge, so that none is believed blindly.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nearmiss.agreement.opinions import SCALES
from nearmiss.review import Standing
from nearmiss.types import Bools, Floats, Pair

# A middling judge, and how many pairs of each kind it is worth: small models agree with people on mined negatives with
# a kappa of .3 to .4 (RLHN, 2025), and say answer too often.
SUPPOSED_SENSITIVITY, SUPPOSED_SPECIFICITY, WORTH = 0.7, 0.85, 10


@dataclass(frozen=True)
class JudgeReliability:
    """What a model's verdicts are worth; `pairs` is how many people judged too, on which the shares rest."""

    judge: str
    pairs: int
    sensitivity: float  # of people's answers, the share that it calls answers
    specificity: float  # of people's negatives, the share that it calls none

    def updated(self, likely: Floats, says_answer: Bools) -> Floats:
        """Chances to be an answer, (n,), once it is known of each whether this judge calls it one: Bayes' rule."""
        if_answer = np.where(says_answer, self.sensitivity, 1 - self.sensitivity)
        if_none = np.where(says_answer, 1 - self.specificity, self.specificity)
        # A chance of 0 or 1 could never be changed by what anybody says.
        p = np.clip(likely, 1e-4, 1 - 1e-4)
        return np.asarray(p * if_answer / (p * if_answer + (1 - p) * if_none))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def reliabilities(standing: Standing) -> list[JudgeReliability]:
    """Every model that judged anything, the most reliable first."""
    by_people = _answers(standing.verdicts())
    judges = sorted(standing.judges.reviewers)
    found = [reliability_of(name, by_people, says_answer(standing, name)) for name in judges]
    return sorted(found, key=lambda one: (-(one.sensitivity + one.specificity), one.judge))


def reliability_of(judge: str, by_people: Mapping[Pair, bool], said: Mapping[Pair, bool]) -> JudgeReliability:
    """From whether people call each pair an answer, and whether the judge does."""
    answers = [says for pair, says in said.items() if by_people.get(pair) is True]
    negatives = [says for pair, says in said.items() if by_people.get(pair) is False]
    sensitivity = (sum(answers) + WORTH * SUPPOSED_SENSITIVITY) / (len(answers) + WORTH)
    false_alarms = (sum(negatives) + WORTH * (1 - SUPPOSED_SPECIFICITY)) / (len(negatives) + WORTH)
    return JudgeReliability(judge, len(answers) + len(negatives), sensitivity, 1 - false_alarms)


def says_answer(standing: Standing, judge: str) -> dict[Pair, bool]:
    """Whether a model calls each pair that it judged an answer, "partly" among them; none where it cannot tell."""
    return _answers({pair: entry.event.verdict for pair, entry in standing.judges.standing_of(judge).items()})


def _answers(verdicts: dict[Pair, str]) -> dict[Pair, bool]:
    scale = SCALES["answers"]
    return {pair: scale.of[verdict] == "relevant" for pair, verdict in verdicts.items() if verdict in scale.of}
