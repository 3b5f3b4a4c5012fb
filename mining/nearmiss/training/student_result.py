"""
What a student's training came to: its numbers on queries it never saw, before and after, and what it was trained on.

In:  measures of the held-out queries; a result's JSON
Out: `StudentResult`, for the model card, the command line and the page
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearmiss.settings import Training
from nearmiss.training.trials.certainty import Difference, difference, interval
from nearmiss.training.trials.measures import MEASURES
from nearmiss.types import Floats

LEVEL = 0.95
ROUND, START, TRAINED = "the round's encoder", "start", "trained"


@dataclass(frozen=True)
class StudentNumbers:
    """Means over the held-out queries; `judged_ndcg` is None where nobody judged; `low` and `high` are of nDCG@10."""

    ndcg: float
    low: float
    high: float
    mrr: float
    recall: float
    judged_ndcg: float | None


@dataclass(frozen=True)
class StudentResult:
    """
    One trained student.

    `numbers` are those of the round's encoder, of the start where it is another, and of the student; `gain` is the
    student's nDCG@10 less that of its start, paired by query.
    """

    run: str
    round: int
    start: str
    settings: dict[str, Any]
    policy: dict[str, Any]
    certification: dict[str, Any]
    false_negatives: float  # estimated share of answers among the kept negatives
    trained_on: dict[str, int]  # queries, positives, negatives
    held_out: dict[str, int]  # queries, answers, documents, searched
    questions: str  # fingerprint of the held-out queries and their answers
    numbers: dict[str, StudentNumbers]
    gain: Difference
    steps: int
    seconds: float
    fingerprint: str
    versions: dict[str, str]

    @property
    def student(self) -> str:
        """Which kind."""
        return str(self.settings["student"])

    @property
    def before(self) -> StudentNumbers:
        """The numbers of the start."""
        return self.numbers.get(START, self.numbers[ROUND])

    @property
    def after(self) -> StudentNumbers:
        """The numbers of the student."""
        return self.numbers[TRAINED]

    def sentence(self) -> str:
        """The outcome in words."""
        gap = self.gain
        words = {"better": "a gain of", "worse": "a loss of", "": "no difference found:"}[gap.verdict]
        queries = self.held_out["queries"]
        more = f"; it would take about {gap.queries:,} queries to tell" if gap.queries else ""
        return (
            f"nDCG@10 on {queries:,} held-out queries: {self.before.ndcg:.4f} before, {self.after.ndcg:.4f} after; "
            f"{words} {gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}){more}."
        )


def numbers_of(measures: dict[str, Floats], settings: Training) -> StudentNumbers:
    """Means of measures, (n_questions,) each."""
    means = {
        name: None if np.isnan(measures[name]).all() else round(float(np.nanmean(measures[name])), 6)
        for name in MEASURES
    }
    low, high = interval(measures["ndcg"][None, :], LEVEL, settings.resamples, settings.seed)
    return StudentNumbers(low=low, high=high, **means)  # type: ignore[arg-type]


def gain_of(after: dict[str, Floats], before: dict[str, Floats], settings: Training) -> Difference:
    """How much higher nDCG@10 is after than before."""
    return difference(after["ndcg"][None, :], before["ndcg"][None, :], LEVEL, settings.resamples, settings.seed)


def student_result_from(content: dict[str, Any]) -> StudentResult:
    """A result from its JSON form."""
    numbers = {name: StudentNumbers(**of) for name, of in content["numbers"].items()}
    return StudentResult(**content | {"numbers": numbers, "gain": Difference(**content["gain"])})
