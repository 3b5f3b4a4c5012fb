"""
The command `nearmiss teach`.

In:  a run or a data set, a folder for the teacher, flags
Out: the teacher's folder; its numbers as text or JSON on standard output; progress on standard error
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nearmiss.cli import app
from nearmiss.cli.commands import AsJson, ReviewsFlag, RoundNumber, avoided_of
from nearmiss.cli.console import errors, output, print_json, remarks
from nearmiss.cli.flags import takes
from nearmiss.cli.progress_bar import progress_on
from nearmiss.cli.reading import NO_READING, ReadingFlags, read, refuse, takes_data
from nearmiss.counts import counted
from nearmiss.errors import RecipeError
from nearmiss.models.cores import let_threads_sleep
from nearmiss.settings import Avoid, Teaching, flag
from nearmiss.typed_settings import typed_fields

if TYPE_CHECKING:
    from nearmiss.data import Dataset
    from nearmiss.data.avoided import Avoided
    from nearmiss.training import TrainingResult


@app.command()
@takes(Teaching, Avoid)
@takes_data
def teach(
    data: Annotated[str, typer.Argument(metavar="RUN|DATA", help="a run, or a data set with labelled negatives")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="folder of the teacher; created if it is new")],
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    reading: ReadingFlags = NO_READING,
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006  (filled by `takes`)
) -> None:
    """Train a teacher on a run's kept negatives and reviews, or on labelled pairs. It goes on where it was stopped."""
    let_threads_sleep()
    from nearmiss import training
    from nearmiss.run import RUN_FILE

    console = errors()
    typed = typed_fields(Teaching, flags)
    recipe = Teaching(**typed)
    is_run, avoid = (Path(data) / RUN_FILE).is_file(), avoided_of(flags)
    if is_run:
        if avoid:
            raise RecipeError(
                f"--avoid: wanted none, since {data} is a run, which keeps what it avoids; found one. Name it with "
                f"`nearmiss mine {data} --avoid FOLDER`"
            )
        refuse(reading, f"{data} is a run, which keeps its data")
        training_pairs = training.from_run(Path(data), recipe, reviews, round)
    else:
        of_a_run = {"round": round, "reviews": reviews} | {name: typed.get(name) for name in ("partial", "unlabelled")}
        if unread := [flag(name) for name, value in of_a_run.items() if value]:
            raise RecipeError(f"{', '.join(unread)}: wanted none, since {data} is no run: only runs have judgements")
        dataset = read(console, data, reading)
        training_pairs = training.from_dataset(dataset, data, _avoided(dataset, **avoid))

    result = training.teach(training_pairs, out, recipe, progress_on(console), remarks(console))
    if json:
        print_json(asdict(result))
    else:
        _show(out, result, is_run)


def _avoided(data: "Dataset", avoid: Sequence[str] = (), avoid_answers: bool = True) -> "Avoided":
    """What of the data stands in evaluation sets; said where any were named."""
    from nearmiss.data.avoided import NOTHING_AVOIDED, found_in_words
    from nearmiss.pipeline.evaluation_sets import overlap_of

    if not avoid:
        return NOTHING_AVOIDED
    overlap = overlap_of(data, avoid, avoid_answers)
    remarks(errors())(found_in_words(overlap.facts, len(data.queries)))
    return overlap.ids


def _show(out: Path, result: "TrainingResult", is_run: bool) -> None:
    from rich.table import Table

    say = output().print
    table = Table("held-out queries", header_style="bold")
    for heading in ("AUC, all pairs", "nDCG@10", "MRR", "Brier"):
        table.add_column(heading, justify="right")
    for name, of in result.numbers.items():
        table.add_row(name, *(f"{value:.4f}" for value in (of.auc, of.ndcg, of.mrr, of.brier)))
    say(table)
    if is_run:
        say(
            "[dim]A score that chose this run's negatives is not judged fairly by them: see the card on `start`.[/]",
            soft_wrap=True,
        )
    say(
        f"{out}: {counted(result.steps, 'step')} in {result.number_type}, {result.seconds:,.0f} s; "
        "README.md has it all. "
        f"Use it: nearmiss mine DATA RUN --teacher {out}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if result.low_rank:
        say(
            f"{out}/low_rank: {result.low_rank['bytes'] / 1e6:.1f} MB at rank {result.low_rank['rank']}, "
            f"{result.low_rank['kept']:.1%} of the difference",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
