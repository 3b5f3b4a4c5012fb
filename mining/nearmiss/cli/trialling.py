"""
The command `nearmiss trial`.

In:  a run, names of policies, flags
Out: which policy's export trains the better student, as a table and sentences or JSON; progress on standard error
"""

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nearmiss.cli import app
from nearmiss.cli.commands import AsJson, ReviewsFlag, RoundNumber, RunFolder
from nearmiss.cli.console import errors, print_json, remarks, table_of_numbers
from nearmiss.cli.flags import takes
from nearmiss.cli.progress_bar import progress_on
from nearmiss.cli.reading import ReadingFlags, read
from nearmiss.counts import counted
from nearmiss.errors import RecipeError
from nearmiss.models.cores import let_threads_sleep
from nearmiss.settings import Trial, check_read
from nearmiss.typed_settings import typed_fields

if TYPE_CHECKING:
    from nearmiss.training.trials import Outcome, Reached


@app.command()
@takes(Trial)
def trial(
    run: RunFolder,
    policy: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="a preset, or saved-N from the history on the page Tune; may be repeated"),
    ] = [],  # noqa: B006
    along: Annotated[
        str, typer.Option(metavar="FIELD", help="try several values of one setting of the policy, as max_p_relevant")
    ] = "",
    stop: Annotated[
        list[str],
        typer.Option(
            metavar="N", help="a value to try on the ladder, or off; by default its usual values; may be repeated"
        ),
    ] = [],  # noqa: B006
    test_data: Annotated[
        str, typer.Option(metavar="DATA", help="test on this data's queries instead of a share of the run's")
    ] = "",
    test_split: Annotated[str | None, typer.Option(help="which qrels or split of --test-data")] = None,
    choose: Annotated[
        bool,
        typer.Option(
            "--choose", help="put the policy in force whose students do best; with 5 folds of 1 seed by default"
        ),
    ] = False,
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006  (filled by `takes`)
) -> None:
    """Find which policy trains the better model: small students learn each export, and are tested on unseen queries."""
    let_threads_sleep()
    from nearmiss.training import trials

    typed = typed_fields(Trial, flags)
    if choose and not test_data and not {"folds", "seeds", "held_out"} & set(typed):
        typed |= {"folds": 5, "seeds": 1}  # as many students as without, and every query is tested
    settings = _settings_of(typed, test_data, test_split)
    console = errors()
    say = remarks(console)
    test = read(console, test_data, ReadingFlags(split=test_split)) if test_data else None

    def tell(reached: "Reached") -> None:
        name, ndcg = reached.tried.name, reached.measures["ndcg"].mean()
        say(f"{name}: nDCG@10 {ndcg:.4f}, {reached.seconds:,.1f} s")

    outcome = trials.trial(
        run,
        settings,
        policies=policy,
        along=along,
        stops=stop,
        test=test,
        reviews=reviews,
        round=round,
        watch=progress_on(console),
        tell=tell,
        choose=getpass.getuser() if choose else "",
    )
    if json:
        print_json(outcome.as_json())
    else:
        _show(outcome, choose)


def _settings_of(typed: dict[str, Any], test_data: str, test_split: str | None) -> Trial:
    """The trial as typed; RecipeError for flags that do not go together."""
    settings = Trial(**typed)
    check_read(settings, typed)
    for flag in ("held_out", "folds"):
        if test_data and flag in typed:
            name = f"--{flag.replace('_', '-')}"
            raise RecipeError(f"{name} {typed[flag]}: wanted none, since --test-data brings the queries to test on")
    if settings.folds > 1 and "held_out" in typed:
        raise RecipeError(
            f"--held-out {settings.held_out}: wanted none, since --folds {settings.folds} cuts the shares"
        )
    if test_split and not test_data:
        raise RecipeError(f"--test-split {test_split}: wanted --test-data DATA, which has that split; found none")
    return settings


def _show(outcome: "Outcome", choose: bool) -> None:
    measures = ("nDCG@10", "MRR@10", "Recall@100", "judged")
    console, table = table_of_numbers("policy", "queries", "negatives", "dense rank", *measures, "against in force")
    table.add_row("untrained", "", "", "", *_measures(outcome.untrained, None), "")
    for one in outcome.reached:
        table.add_row(
            one.tried.name,
            f"{one.counts['queries']:,}",
            f"{one.counts['negatives']:,}",
            "" if one.median_rank is None else f"{one.median_rank:.0f}",
            *_measures(one.measures, outcome.interval(one)),
            _against(outcome, one),
            style="bold" if one is outcome.best else None,
        )
    console.print(table)
    choice = outcome.choice
    sentences = [*_what_was_tried(outcome), *outcome.sentences()]
    if choice:
        sentences.append(choice.sentence + (" It is now." if choose and choice.changes else ""))
    for sentence in sentences:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _measures(measures: Any, interval: tuple[float, float] | None) -> tuple[str, ...]:
    import numpy as np

    half = "" if interval is None else f" ±{(interval[1] - interval[0]) / 2:.4f}"
    judged = measures["judged_ndcg"]
    own = "" if np.isnan(judged).all() else f"{np.nanmean(judged):.4f}"
    return (
        f"{measures['ndcg'].mean():.4f}{half}",
        f"{measures['mrr'].mean():.4f}",
        f"{measures['recall'].mean():.4f}",
        own,
    )


def _against(outcome: "Outcome", one: "Reached") -> str:
    if one.tried.name == outcome.in_force:
        return "in force"
    if (in_force := outcome.named(outcome.in_force)) is None:
        return ""
    gap = outcome.difference(one, in_force)
    return f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) {gap.verdict or 'not told apart'}"


def _what_was_tried(outcome: "Outcome") -> list[str]:
    settings = outcome.trial
    folds = f" in each of {settings.folds} folds" if settings.folds > 1 else ""
    searched = f"all {outcome.documents:,} documents"
    if outcome.searched < outcome.documents:
        searched = (
            f"a sample of {outcome.searched:,} of {outcome.documents:,} documents, in which numbers come out higher"
        )
    return [
        f"Student {settings.student}, loss {settings.loss}, {counted(settings.seeds, 'seed')}{folds}; "
        f"{counted(outcome.questions, 'held-out query')} with {counted(outcome.answers, 'answer')}, over {searched}.",
        "What holds for this student need not hold for a whole encoder.",
    ]
