"""
Outcome: a trial's results, policy by policy, and what follows from them.

In:  each measure of each question for each seed
Out: means with intervals, and which policy is better than which
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nearmiss.counts import counted
from nearmiss.settings import Trial
from nearmiss.training.trials.certainty import Difference, difference, interval
from nearmiss.training.trials.measures import MEASURES
from nearmiss.training.trials.policies import IN_BATCH, MARGIN, Tried
from nearmiss.training.trials.students import FINDINGS
from nearmiss.types import Floats

CONFIDENCE = 0.95
NAMED = 3  # policies that a sentence names; of more it gives the number


@dataclass(frozen=True)
class Reached:
    """
    The results of one policy's students; `measures` are (n_seeds, n_questions) each.

    `counts` describes the training data, `median_rank` is the negatives' median place in the dense ranking.
    """

    tried: Tried
    counts: dict[str, int]
    export_fingerprint: str  # of all rows that the policy would export, the held-out queries' among them
    median_rank: float | None
    measures: dict[str, Floats]
    seconds: float  # of training and testing all of them; stored results count the time they took then
    estimated_answers: float | None = None  # share of the negatives, by `p_relevant`

    def mean(self, measure: str) -> float | None:
        """The mean over seeds and questions; None where no question has it."""
        values = self.measures[measure]
        return float(np.nanmean(values)) if not np.isnan(values).all() else None


@dataclass(frozen=True)
class PolicyChoice:
    """The policy that should be in force, whether that is another than the one that is, and why, in words."""

    reached: Reached
    changes: bool
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """
    One trial. `untrained` are the measures of the untrained student, (1, n_questions) each.

    An interval of a difference holds for all comparisons with one policy together: its level is raised by their number
    (Bonferroni), so that among many policies none is called better by luck.
    """

    trial: Trial
    reached: list[Reached]
    kept_nothing: list[str]  # policies that would export nothing for the training queries, and were not tried
    untrained: dict[str, Floats]
    in_force: str  # the name, in the table, of the policy in force
    round: int
    last_seq: int  # the last entry of the log that counted
    questions: int
    answers: int
    searched: int
    documents: int

    @property
    def best(self) -> Reached:
        """The policy whose students reach the highest nDCG@10."""
        return max(self.reached, key=lambda one: one.measures["ndcg"].mean())

    def named(self, name: str) -> Reached | None:
        """The policy of this name; None where it exports nothing."""
        return next((one for one in self.reached if one.tried.name == name), None)

    def called(self, name: str) -> Reached | None:
        """The policy that has this among its names; None where it exports nothing."""
        return next((one for one in self.reached if one.tried.is_called(name)), None)

    def interval(self, one: Reached, measure: str = "ndcg") -> tuple[float, float]:
        """The interval of a policy's mean."""
        return interval(one.measures[measure], CONFIDENCE, self.trial.resamples, self.trial.seed)

    def difference(self, first: Reached, second: Reached, measure: str = "ndcg") -> Difference:
        """How much higher the first scores than the second."""
        level = 1 - (1 - CONFIDENCE) / max(len(self.reached) - 1, 1)
        trial = self.trial
        return difference(first.measures[measure], second.measures[measure], level, trial.resamples, trial.seed)

    def sentences(self) -> list[str]:
        """The trial's conclusions, in words."""
        best, others = self.best, [one for one in self.reached if one is not self.best]
        gaps = {one.tried.name: self.difference(best, one) for one in others}
        lines = [f"Best here: {best.tried.name}, nDCG@10 {best.measures['ndcg'].mean():.4f}."]
        if beaten := [name for name, gap in gaps.items() if gap.verdict == "better"]:
            lines.append(f"It is better than {', '.join(beaten)}.")
        if unsure := {name: gap for name, gap in gaps.items() if not gap.verdict}:
            lines.append(self._not_told_apart(unsure))
        lines += [f"{name} exports nothing of the training queries, and was not tried." for name in self.kept_nothing]
        return lines

    @cached_property
    def choice(self) -> PolicyChoice | None:
        """
        The policy that should be in force; None where none keeps a negative of the training queries.

        The one in force stays unless the best one is called better than it. In-batch only keeps no negatives, so it
        cannot be chosen; where it is better than what is chosen, the sentence says so.
        """
        able = [one for one in self.reached if one.tried.policy is not None]
        if not able:
            return None
        before = self.named(self.in_force)
        best = max(able, key=lambda one: (one.measures["ndcg"].mean(), one is before))
        if before is None:
            chosen, why = best, "the policy that was in force keeps nothing of the training queries"
        elif best is before:
            chosen, why = before, "no other policy that keeps negatives is higher"
        elif (gap := self.difference(best, before)).verdict:
            chosen = best
            why = f"{gap.mean:.4f} above {self.in_force} ({gap.low:+.4f} to {gap.high:+.4f})"
        else:
            chosen = before
            why = f"{best.tried.name} is {gap.mean:.4f} higher ({gap.low:+.4f} to {gap.high:+.4f}), which may be luck"
        verb = "stay" if chosen is before else "be"
        sentence = f"{chosen.tried.name} should {verb} in force: nDCG@10 {chosen.mean('ndcg'):.4f}; {why}."
        said = [sentence, *_answers_kept(chosen, before), *self._better_without(chosen)]
        return PolicyChoice(chosen, chosen is not before, " ".join(said))

    def _better_without(self, chosen: Reached) -> list[str]:
        """A word of warning where students do better without hard negatives."""
        none = self.called(IN_BATCH)
        if none is None or (gap := self.difference(none, chosen)).verdict != "better":
            return []
        return [f"Students are better without hard negatives, by {gap.mean:.4f} ({gap.low:+.4f} to {gap.high:+.4f})."]

    def _not_told_apart(self, unsure: dict[str, Difference]) -> str:
        """The policies that may be as good as the best, and about how many queries would tell."""
        lead = [gap.mean for gap in unsure.values()]
        whom = f"{len(unsure)} others, which are {min(lead):.4f} to {max(lead):.4f} below it"
        if len(unsure) <= NAMED:
            whom = ", ".join(f"{name} (lower by {gap.mean:.4f})" for name, gap in unsure.items())
        needed = [gap.queries for gap in unsure.values() if gap.queries]
        most = f" to {max(needed):,}" if len(set(needed)) > 1 else ""
        more = f"; about {min(needed):,}{most} queries would" if needed else ""
        unseen = counted(self.questions, "unseen query")
        return f"{unseen} cannot tell it from {whom}{more}."

    def as_json(self) -> dict[str, Any]:
        """Everything but the results of single questions."""
        return {
            "trial": asdict(self.trial),
            "questions": self.questions,
            "answers": self.answers,
            "documents": self.documents,
            "searched": self.searched,
            "round": self.round,
            "last_seq": self.last_seq,
            "in_force": self.in_force,
            "best": self.best.tried.name,
            "untrained": {name: _mean(values) for name, values in self.untrained.items()},
            "kept_nothing": self.kept_nothing,
            "policies": [self._policy(one) for one in self.reached],
            "says": self.sentences(),
            "choice": self._choice(),
            "about_student": FINDINGS[self.trial.student],
        }

    def _choice(self) -> dict[str, Any] | None:
        if (choice := self.choice) is None:
            return None
        return {"name": choice.reached.tried.name, "changes": choice.changes, "says": choice.sentence}

    def _policy(self, one: Reached) -> dict[str, Any]:
        against = {"in_force": self.named(self.in_force), "best": self.best, "95_rule": self.called(MARGIN)}
        return one.tried.as_json() | {
            **one.counts,
            "export_fingerprint": one.export_fingerprint,
            "median_dense_rank": one.median_rank,
            "estimated_answers": one.estimated_answers,
            **{name: one.mean(name) for name in MEASURES},
            "ndcg_interval": self.interval(one),
            "ndcg_by_seed": one.measures["ndcg"].mean(axis=1).tolist(),
            **{
                f"against_{name}": None if other is None or other is one else _as_record(self.difference(one, other))
                for name, other in against.items()
            },
            "seconds": round(one.seconds, 2),
        }


def _answers_kept(chosen: Reached, before: Reached | None) -> list[str]:
    """What the change does to the unlabelled answers among the kept, which held-out labels hardly see."""
    if before is None or before is chosen or None in (chosen.estimated_answers, before.estimated_answers):
        return []
    return [
        f"Of what it keeps {chosen.estimated_answers:.1%} are answers by the estimate, "
        f"{before.estimated_answers:.1%} of what was kept."
    ]


def _as_record(gap: Difference) -> dict[str, Any]:
    return asdict(gap) | {"verdict": gap.verdict or "no difference found"}


def _mean(values: Floats) -> float | None:
    return float(np.nanmean(values)) if not np.isnan(values).all() else None
