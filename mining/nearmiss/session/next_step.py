"""
Next step: what is known so far about the false negatives that a policy leaves, and the one thing to do next.

In:  a `Workspace`
Out: `Proof`: a sentence and a step: nothing, draw, judge or certify; `NextAction`: the same for the whole run, from the
     first judgement to the export

The numbers are those of `audit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nearmiss import audit
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.audit.samples import UNJUDGED, judged_in_sight, sample_of
from nearmiss.counts import counted
from nearmiss.errors import ReviewError
from nearmiss.workspace import Workspace

MAX_RATE = 0.05
NextStep = Literal["", "draw", "judge", "certify"]
Action = Literal["review", "decide", "export", "draw", "judge", "certify"]


@dataclass(frozen=True)
class Proof:
    """What is known, and what would help next."""

    words: str
    step: NextStep
    waiting: int = 0  # draws that nobody judged


@dataclass(frozen=True)
class NextAction:
    """One sentence, what its button says, and where that is done: a page, with parameters for its address."""

    step: Action
    words: str
    button: str
    page: str = ""
    address: Mapping[str, str] = field(default_factory=dict)


def action(work: Workspace) -> NextAction:
    """
    What helps most now: a first look, then the draws, their judgement, what is disputed, the certificate, the export.

    Where nothing can be written, what is left is the export.
    """
    stands = proof(work)
    kept = work.decision().counts()["kept"]
    if not kept:
        words = "The thresholds keep no negative at all. Loosen the one that refuses the most."
        return NextAction("export", words, "Open Tune", "tune")
    if not stands.step or not work.log.can_be_written:
        return NextAction("export", stands.words, "Choose how to export", "export")
    if not work.standing.verdicts():
        words = f"Nobody has judged a pair yet. {counted(kept, 'candidate')} would train as negatives: look at the "
        return NextAction(
            "review", f"{words}likeliest unlabelled answers among them first.", "Begin to judge", "review"
        )
    if stands.step == "judge":
        button = f"Judge the {stands.waiting:,} that wait"
        return NextAction("judge", stands.words, button, "review", {"order": "audit"})
    disputed = [pair for pair in work.standing.disputed() if work.row_of(pair) is not None]
    if disputed:
        words = (
            f"Reviewers differ on {counted(len(disputed), 'pair')}; somebody must decide before more is built on them."
        )
        return NextAction("decide", words, "Decide", "agreement", {"view": "disagreements"})
    if not work.run.can_be_written:
        return NextAction("export", stands.words, "Choose how to export", "export")
    if stands.step == "draw":
        return NextAction("draw", stands.words, f"Draw {LABELS_ASKED} at random to judge")
    return NextAction("certify", stands.words, f"Certify at most {MAX_RATE:.0%}")


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
        return Proof(
            "How many of the kept are unlabelled answers is not measured yet: a random sample tells, once judged.",
            "draw",
        )
    waiting = int((sample_of(work, plans[-1]).verdict == UNJUDGED).sum())
    facts = _facts_in_words(work)
    if waiting:
        words = f"{facts} {waiting:,} random draws wait to be judged; then it can be certified."
        if seen := judged_in_sight(work, plans[-1]):
            were = "was" if seen == 1 else "were"
            words += f" {seen:,} of them {were} judged with scores in sight, which answers no draw."
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
