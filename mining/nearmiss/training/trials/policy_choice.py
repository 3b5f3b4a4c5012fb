"""
Choosing: the policy whose students did best is put in force.

In:  a run, the outcome of a trial, and who asks
Out: what was chosen, in a sentence that says how sure the trial is of it; the policy in force, and its history

The policy in force stays unless the trial calls the best one better than it. In-batch only keeps no negatives, so it
cannot be chosen; where it is better than what is chosen, the sentence says so.
"""

from dataclasses import dataclass

from nearmiss.run import Run
from nearmiss.session.tuning.saved import save
from nearmiss.training.trials.outcome import Outcome, Reached
from nearmiss.training.trials.policies import IN_BATCH


@dataclass(frozen=True)
class PolicyChoice:
    """The policy that should be in force, whether that is another than the one that is, and why, in words."""

    reached: Reached
    changes: bool
    sentence: str


def best_policy(outcome: Outcome) -> PolicyChoice | None:
    """The policy that should be in force; None where no policy keeps a negative of the training queries."""
    able = [one for one in outcome.reached if one.tried.policy is not None]
    if not able:
        return None
    before = outcome.named(outcome.in_force)
    best = max(able, key=lambda one: (one.measures["ndcg"].mean(), one is before))
    if before is None:
        chosen, why = best, "the policy that was in force keeps nothing of the training queries"
    elif best is before:
        chosen, why = before, "no other policy that keeps negatives is higher"
    elif (gap := outcome.difference(best, before)).verdict:
        chosen = best
        why = f"{gap.mean:.4f} above {outcome.in_force} ({gap.low:+.4f} to {gap.high:+.4f})"
    else:
        chosen = before
        why = f"{best.tried.name} is {gap.mean:.4f} higher ({gap.low:+.4f} to {gap.high:+.4f}), which may be luck"
    verb = "stay" if chosen is before else "be"
    sentence = f"{chosen.tried.name} should {verb} in force: nDCG@10 {chosen.mean('ndcg'):.4f}; {why}."
    said = [sentence, *_answers_kept(chosen, before), *_better_without(outcome, chosen)]
    return PolicyChoice(chosen, chosen is not before, " ".join(said))


def put_in_force(run: Run, outcome: Outcome, by: str) -> PolicyChoice | None:
    """Put the best policy in force, as a save of `by` that can be undone; RunError where another process holds it."""
    choice = best_policy(outcome)
    if choice is not None and choice.reached.tried.policy is not None:
        save(run, choice.reached.tried.policy, by)
    return choice


def _answers_kept(chosen: Reached, before: Reached | None) -> list[str]:
    """What the change does to the unlabelled answers among the kept, which held-out labels hardly see."""
    if before is None or before is chosen or None in (chosen.estimated_answers, before.estimated_answers):
        return []
    return [
        f"Of what it keeps {chosen.estimated_answers:.1%} are answers by the estimate, "
        f"{before.estimated_answers:.1%} of what was kept."
    ]


def _better_without(outcome: Outcome, chosen: Reached) -> list[str]:
    """A word of warning where students do better without hard negatives."""
    none = outcome.called(IN_BATCH)
    if none is None or (gap := outcome.difference(none, chosen)).verdict != "better":
        return []
    return [f"Students are better without hard negatives, by {gap.mean:.4f} ({gap.low:+.4f} to {gap.high:+.4f})."]
