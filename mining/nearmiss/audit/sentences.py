"""
Sentences: what an audit found, in plain English.

In:  plans, estimates, certificates
Out: sentences
"""

from collections.abc import Mapping
from typing import Any

from nearmiss.audit.certificate import Certificate
from nearmiss.audit.estimates import AuditRates, Estimate, Rate
from nearmiss.audit.reviewers import Reviewers
from nearmiss.audit.sample_size import ExpectedPrecision
from nearmiss.counts import counted
from nearmiss.review import AuditPlan
from nearmiss.settings import flag


def of_plan(plan: AuditPlan, expected: ExpectedPrecision) -> list[str]:
    """What was drawn, and how precisely it will measure."""
    parts: dict[str, int] = {}
    for one in plan.facts["strata"]:
        parts[one["domain"]] = parts.get(one["domain"], 0) + one["labels"]
    drawn = ", ".join(f"{labels} {_DOMAINS[name]}" for name, labels in parts.items())
    by = "scores and models" if plan.facts.get("judges") else "the scores"
    return [
        f"audit {plan.plan}: {counted(sum(parts.values()), 'candidate')} drawn ({drawn}); written to the log.",
        *(_of_judge(judge) for judge in plan.facts.get("judges", ())),
        f"If {expected.rate:.1%} of the kept negatives are answers, as {by} estimate, these labels measure it to "
        f"±{100 * expected.half_width:.1f} points; "
        f"for ±{100 * expected.wanted:.1f} points {expected.labels_needed:,} are needed.",
        "Judge them in `nearmiss app`; then `nearmiss audit estimate` gives the numbers.",
    ]


def _of_judge(judge: Mapping[str, Any]) -> str:
    """What a model's verdicts are to a plan, and how far they are believed."""
    return (
        f"{judge['judge']} had judged {counted(judge['candidates'], 'candidate')}: what it said tells where to draw. "
        f"By {counted(judge['pairs'], 'pair')} that people judged too, it is taken to find {judge['sensitivity']:.0%} "
        f"of the answers and to call {1 - judge['specificity']:.0%} of the others answers."
    )


_DOMAINS = {
    "kept": "kept",
    "next": "kept under a stricter ceiling",
    "refused": "refused as probable answers",
    "others": "others",
}


def of_estimate(found: Estimate, more: int | None, half_width: float, people: Reviewers) -> list[str]:
    """The three numbers, their context, and what more labels would bring."""
    numbers = found.numbers
    sentences = [
        _of("of the kept negatives are answers", numbers.false_negative_rate),
        _of("of the refused candidates would have been good negatives", numbers.over_filtering),
        _of("of the answers among both were refused", numbers.filter_recall),
    ]
    if more:
        sentences.append(
            f"{counted(more, 'more label')} in the kept would narrow the first to ±{100 * half_width:.3g} points."
        )
    sentences += _of_partial(numbers, found.without_partial)
    if found.unsure:
        sentences.append(
            f"{counted(found.unsure, 'draw')} could not be told and count as missing by chance in their stratum."
        )
    if found.waiting:
        sentences.append(f"{counted(found.waiting, 'draw')} still to be judged.")
    if found.in_sight:
        sentences.append(
            f"Of these, {found.in_sight:,} had a verdict given with scores in sight, which answers no draw."
        )
    sentences += [
        f"Audit {plan} is left out: the calibration was fitted to its labels, so they cannot say how good it is."
        for plan in found.left_out
    ]
    if found.judges:
        sentences.append(
            f"What {' and '.join(found.judges)} said before the draws is used beside the scores; the verdicts that are "
            "counted are people's."
        )
    return sentences + of_reviewers(people, numbers.false_negative_rate)


def of_certificate(made: Certificate) -> list[str]:
    """Whether it passed, by what evidence, and where it would."""
    sure = f"with {made.confidence:.0%} confidence"
    sentences = [
        f"{'passed' if made.passed else 'not passed'}: at most {made.max_rate:.1%} of the kept are answers, {sure}.",
        f"In {counted(made.labels, 'label')} among {made.kept:,} kept, "
        f"{counted(made.answers, 'answer')}: {sure} at most {made.bound:.1%}.",
    ]
    if made.field and made.any_passed:
        sentences.append(f"The loosest ceiling that passes: {_ceiling(made.field, made.loosest)}.")
    elif made.field:
        first = made.stops[0]
        tried = (
            f"{_ceiling(made.field, first.value)} has {counted(first.answers, 'answer')} in "
            f"{counted(first.labels, 'label')}"
        )
        sentences.append(f"No ceiling passes: the first one tried, {tried}.")
    if made.unsure:
        sentences.append(f"Draws that nobody could tell count as answers here: {made.unsure:,}.")
    own = next((stop for stop in made.stops if stop.kept == made.kept and stop.passed), None)
    if own is not None and not made.passed:
        sentences.append(
            "The draws pass, but too many rows that nobody judged took places since they were drawn: they cannot vouch "
            "for the rows that an export has now. `nearmiss audit plan` draws from these."
        )
    if made.attempt > 1 and made.level is not None:
        sentences.append(
            f"This is test {made.attempt} of this round: all of them together may err in {1 - made.confidence:.1%}, so "
            f"this one was held to {made.level:.2%}."
        )
    if made.passed:
        sentences.append(f"It names {counted(made.rows, 'row')} of an export now, and holds for nothing else.")
    return sentences


def _ceiling(field: str, value: float | None) -> str:
    return f"{flag(field)} {'none' if value is None else f'{value:g}'}"


def of_reviewers(people: Reviewers, rate: Rate) -> list[str]:
    """How often first verdicts are confirmed."""
    sentences = []
    for words, one in (("an answer", people.answers_overturned), ("no answer", people.negatives_overturned)):
        if one.value is not None and one.low is not None and one.high is not None:
            sentences.append(
                f"Of {counted(one.pairs, 'draw')} first judged {words}, a second look overturned {one.value:.0%} "
                f"(95%: {one.low:.0%} to {one.high:.0%})."
            )
    corrected = None if rate.estimate is None else people.corrected(rate.estimate)
    if corrected is not None and rate.estimate is not None:
        sentences.append(f"If all first verdicts were as often wrong, {rate.estimate:.1%} would be {corrected:.1%}.")
    return sentences


def _of(words: str, rate: Rate) -> str:
    if rate.estimate is None or rate.low is None or rate.high is None:
        return f"Nothing is known of how many {words}: no label there."
    return (
        f"In {counted(rate.labels, 'label')}: between {rate.low:.1%} and {rate.high:.1%} {words} "
        f"(estimate {rate.estimate:.1%})."
    )


def _of_partial(numbers: AuditRates, without: AuditRates) -> list[str]:
    first, other = numbers.false_negative_rate, without.false_negative_rate
    if first.estimate is None or other.estimate is None or first.estimate == other.estimate:
        return []
    return [
        f"Partly counts as an answer here; if it did not, {other.estimate:.1%} of the kept would be answers "
        f"(95%: {other.low:.1%} to {other.high:.1%})."
    ]


def of_certification(certified: Mapping[str, Any]) -> str:
    """Whether the rows of an export are those of a certificate, from what its manifest says of it."""
    if certified["certified"]:
        return "These rows are certified: the export carries the certificate."
    differ = certified["rows_that_differ"]
    if not differ:
        return "Not certified: no certificate covers these rows."
    verb = "differs" if differ == 1 else "differ"
    return f"Not certified: {counted(differ, 'row')} {verb} from those certified last."
