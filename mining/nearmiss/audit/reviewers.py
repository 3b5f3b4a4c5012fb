"""
Reviewers: how often a second look overturns a verdict, from draws that were judged twice.

In:  a `Workspace`
Out: how many first verdicts a second look overturned, in both directions, and the rate corrected for it

A second look is another person's, or the same one's of a pair shown again. Only verdicts on what audits drew count.
"""

from dataclasses import dataclass
from typing import Any

from nearmiss.agreement.intervals import AgreementEstimate as Share
from nearmiss.agreement.intervals import share
from nearmiss.audit.samples import drawn, opinions_of
from nearmiss.review import ANSWERS
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class Reviewers:
    """Shares with Wilson's 95% limits; `pairs` of each is how many were looked at twice."""

    people: tuple[str, ...]
    answers_overturned: Share  # of those first called an answer
    negatives_overturned: Share  # of those first called none

    def corrected(self, rate: float) -> float | None:
        """
        A rate from first verdicts, corrected for how often they are wrong; None while one direction is unknown.

        What Rogan and Gladen's correction (1978) gives with the sensitivity and specificity that follow from the two
        shares at this rate. It shows how much depends on the reviewers; no estimate is changed by it.
        """
        wrong_answers, wrong_negatives = self.answers_overturned.value, self.negatives_overturned.value
        if wrong_answers is None or wrong_negatives is None:
            return None
        return rate * (1 - wrong_answers) + (1 - rate) * wrong_negatives

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        shares = {"answers_overturned": self.answers_overturned, "negatives_overturned": self.negatives_overturned}
        return {"people": list(self.people)} | {name: vars(one) for name, one in shares.items()}


def reviewers(work: Workspace) -> Reviewers:
    """How often second looks at the round's draws overturned first verdicts."""
    counts = {True: [0, 0], False: [0, 0]}  # by what the first verdict was: overturned, looked at twice
    people: set[str] = set()
    for pair in drawn(work):
        verdicts = [(who, verdict) for who, verdict in opinions_of(work, pair) if verdict != "unsure"]
        people |= {who for who, _ in verdicts}
        if len(verdicts) > 1:
            first, last = (verdict in ANSWERS for _, verdict in (verdicts[0], verdicts[-1]))
            counts[first][0] += first != last
            counts[first][1] += 1
    return Reviewers(tuple(sorted(people)), share(*counts[True]), share(*counts[False]))
