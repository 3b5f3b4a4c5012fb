"""
Next step: what is known so far about the false negatives that a policy leaves, and how to learn more.

In:  a `Workspace`
Out: `Proof`: one sentence and a step: nothing, draw, judge or certify

The numbers are those of `audit`.
"""

from dataclasses import dataclass
from typing import Literal

from nearmiss import audit
from nearmiss.audit.samples import UNJUDGED, judged_in_sight, sample_of
from nearmiss.errors import ReviewError
from nearmiss.workspace import Workspace

MAX_RATE = 0.05
NextStep = Literal["", "draw", "judge", "certify"]


@dataclass(frozen=True)
class Proof:
    """What is known, and what would help next."""

    words: str
    step: NextStep
    waiting: int = 0  # draws that nobody judged


def proof(work: Workspace) -> Proof:
    """What is known of the policy in force."""
    held = audit.covering(work)
    if held is not None:
        return Proof(
            f"Certified on {held.made_at[:10]}: with {held.confidence:.0%} confidence at most {held.bound:.1%} of the "
            f"{held.kept:,} kept are answers ({held.answers} found in {held.labels} random draws among them).",
            "",
        )
    plans = audit.plans(work)
    if not plans:
        return Proof("Nobody measured how many of the kept are unlabelled answers.", "draw")
    waiting = int((sample_of(work, plans[-1]).verdict == UNJUDGED).sum())
    facts = _facts_in_words(work)
    if waiting:
        words = f"{facts} {waiting:,} random draws wait to be judged; then it can be certified."
        if seen := judged_in_sight(work, plans[-1]):
            words += (
                f" {seen:,} of them {'was' if seen == 1 else 'were'} judged with scores in sight, which answers no draw."
            )
        return Proof(words, "judge", waiting)
    tried = [one for one in audit.certificates(work) if one.plan == plans[-1].plan]
    if tried and not any(one.any_passed for one in tried):
        return Proof(
            f"{facts} No ceiling passed the certificate: too many answers, or too few draws. "
            "Another draw is held to less error, since all tests of a round share it.",
            "draw",
        )
    if tried:
        return Proof(f"{facts} The certificate names other rows than an export has now.", "certify")
    return Proof(f"{facts} Every draw is judged.", "certify")


def _facts_in_words(work: Workspace) -> str:
    try:
        rate = audit.estimate(work).numbers.false_negative_rate
    except ReviewError:
        return "Nothing is measured yet."
    if rate.estimate is None or rate.low is None or rate.high is None:
        return "Nothing is measured of the kept yet."
    return f"{rate.low:.1%} to {rate.high:.1%} of the kept are answers, by {rate.labels} random judgements."
