"""
The commands `nearmiss audit plan`, `estimate` and `certify`.

In:  a run whose policy is in force
Out: draws in the log, numbers with their intervals, a certificate; as text or JSON on standard output
"""

import getpass
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nearmiss.cli import app
from nearmiss.cli.commands import AsJson, ReviewsFlag, RoundNumber, RunFolder
from nearmiss.cli.console import output as _output
from nearmiss.cli.console import print_json as _print_json
from nearmiss.cli.flags import takes
from nearmiss.settings import AUDIT, Policy, check_audit, check_read, flag
from nearmiss.typed_settings import typed_fields

if TYPE_CHECKING:
    from nearmiss.workspace import Workspace

audit = typer.Typer(
    no_args_is_help=True, help="Measure the false negatives that are left: draw, judge, estimate, certify."
)
app.add_typer(audit, name="audit")


def _number(field: str, words: str) -> Any:
    """The option for a number, with the range of `settings.AUDIT`."""
    return typer.Option(flag(field), help=f"{words}; {AUDIT[field].words}")


@audit.command("plan")
def make_plan(
    run: RunFolder,
    labels: Annotated[int, _number("labels", "how many candidates to judge")] = 200,
    target: Annotated[
        float, _number("target", "highest share of answers among the kept negatives that you hope to certify")
    ] = 0.05,
    half_width: Annotated[
        float, _number("half_width", "also say how many labels an interval of plus or minus this needs")
    ] = 0.02,
    seed: Annotated[int | None, _number("seed", "seed of the draw; by default each plan has its own")] = None,
    reviewer: Annotated[str, typer.Option(help="your name, which is stored with the plan")] = "",
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """Draw a random sample of kept and refused candidates, to be judged in `nearmiss app`."""
    from nearmiss import audit as audits
    from nearmiss.audit import sentences

    check_audit(labels=labels, target=target, half_width=half_width, seed=seed)
    work = _opened(run, reviews, round)
    made, draws = audits.plan(work, labels, target, seed, reviewer or getpass.getuser())
    expected = audits.expected_precision(work, made, half_width)
    if json:
        _print_json(
            {"plan": made.plan, "draws": len(draws), "expected_precision": expected.as_json()} | dict(made.facts)
        )
    else:
        _say(sentences.of_plan(made, expected))


@audit.command("estimate")
@takes(Policy)
def estimate(
    run: RunFolder,
    half_width: Annotated[
        float, _number("half_width", "also say how many more labels an interval of plus or minus this needs")
    ] = 0.02,
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Estimate the false negatives left, the good negatives thrown away and the filter's recall, with 95% limits."""
    from nearmiss import audit as audits
    from nearmiss.audit import sentences
    from nearmiss.run import open_run

    check_audit(half_width=half_width)
    typed = typed_fields(Policy, flags)
    check_read(replace(open_run(run, reviews).policy, **typed), typed)
    work = _opened(run, reviews, round)
    policy = replace(work.policy, **typed)
    found = audits.estimate(work, policy)
    more = audits.labels_to_add(found.numbers.false_negative_rate, half_width)
    people = audits.reviewers(work)
    if json:
        _print_json(found.as_json() | {"labels_to_add": more, "half_width": half_width, "reviewers": people.as_json()})
    else:
        _say(sentences.of_estimate(found, more, half_width, people))


@audit.command("certify")
def certify(
    run: RunFolder,
    max_rate: Annotated[
        float, _number("max_rate", "highest share of answers among the kept negatives that is allowed")
    ] = 0.05,
    confidence: Annotated[
        float,
        _number("confidence", "how sure to be: with 0.95, a set that exceeds the rate passes in at most 1 of 20 cases"),
    ] = 0.95,
    plan: Annotated[
        str | None, typer.Option(help="name of the audit; by default the latest that is judged to its end")
    ] = None,
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """Certify that the policy in force stays within a rate; name the loosest ceiling that does. Exports carry it."""
    from nearmiss import audit as audits
    from nearmiss.audit import sentences

    check_audit(max_rate=max_rate, confidence=confidence)
    made = audits.certify(_opened(run, reviews, round), max_rate, confidence, plan=plan)
    if json:
        _print_json(made.as_json())
    else:
        _say(sentences.of_certificate(made))


def _opened(run: Any, reviews: str, round: int | None) -> "Workspace":
    from nearmiss.workspace import open_workspace

    return open_workspace(run, reviews, round)


def _say(sentences: list[str]) -> None:
    for sentence in sentences:
        _output().print(sentence, soft_wrap=True, markup=False, highlight=False)
