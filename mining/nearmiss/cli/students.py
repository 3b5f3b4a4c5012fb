"""
The commands `nearmiss train` and `nearmiss rounds`.

In:  a run, a folder for the student, flags
Out: the student's folder, or a series of them; their numbers as text or JSON on standard output; progress on standard
     error
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nearmiss.cli import app
from nearmiss.cli.commands import AsJson, ReviewsFlag, RoundNumber, RunFolder
from nearmiss.cli.console import errors, output, print_json, remarks, table_of_numbers
from nearmiss.cli.flags import takes
from nearmiss.cli.progress_bar import progress_on
from nearmiss.counts import counted
from nearmiss.models.cores import let_threads_sleep
from nearmiss.settings import Training, check_read
from nearmiss.typed_settings import typed_fields

if TYPE_CHECKING:
    from nearmiss.training.round_series import Series
    from nearmiss.training.student_result import StudentResult


@app.command()
@takes(Training)
def train(
    run: RunFolder,
    model: Annotated[Path, typer.Argument(metavar="STUDENT", help="folder of the model, made where it is new")],
    round: RoundNumber = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006  (filled by `takes`)
) -> None:
    """Train a model on what the run keeps, and measure it on queries it never saw. May be interrupted."""
    let_threads_sleep()
    from nearmiss.training import student_training

    console = errors()
    typed = typed_fields(Training, flags)
    settings = Training(**typed)
    check_read(settings, typed)
    result = student_training.train(
        run, model, settings, reviews=reviews, round=round, watch=progress_on(console), tell=remarks(console)
    )
    if json:
        print_json(asdict(result))
    else:
        _show(model, result)


@app.command()
@takes(Training)
def rounds(
    run: RunFolder,
    count: Annotated[int, typer.Option("--rounds", help="how often to train at most, 2 to 5")] = 3,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="do not end where a round gains nothing")] = False,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
    flags: dict[str, Any] = {},  # noqa: B006
) -> None:
    """Train, mine again with the student, and so on, until a round gains nothing. May be interrupted."""
    let_threads_sleep()
    from nearmiss.training import round_series

    console = errors()
    typed = typed_fields(Training, flags)
    settings = Training(**{"student": "adapter"} | typed)
    check_read(settings, typed)
    series = round_series.rounds(
        run, count, settings, keep_going=keep_going, reviews=reviews, watch=progress_on(console), tell=remarks(console)
    )
    if json:
        print_json(series.as_json())
    else:
        _show_series(series)


def _show_series(series: "Series") -> None:
    headings = ("negatives", "answers among them, estimated", "nDCG@10 before", "after", "gain")
    console, table = table_of_numbers("round", *headings)
    for result in series.results:
        gap = result.gain
        table.add_row(
            str(result.round),
            f"{result.trained_on['negatives']:,}",
            f"{result.false_negatives:.1%}",
            f"{result.before.ndcg:.4f}",
            f"{result.after.ndcg:.4f}",
            f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) {gap.verdict or 'not told apart'}",
        )
    console.print(table)
    held = series.results[0].held_out
    for sentence in (
        f"On {counted(held['queries'], 'held-out query')} with {counted(held['answers'], 'answer')}, "
        "which no student was trained on.",
        series.ended,
        series.advice(),
        f"Students: {', '.join(series.students)}",
    ):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _show(out: Path, result: "StudentResult") -> None:
    from rich.table import Table

    console = output()
    table = Table("held-out queries", header_style="bold", box=None)
    for heading in ("nDCG@10", "MRR@10", "Recall@100"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, of in result.numbers.items():
        half = (of.high - of.low) / 2
        table.add_row(name, f"{of.ndcg:.4f} ±{half:.4f}", f"{of.mrr:.4f}", f"{of.recall:.4f}")
    console.print(table)
    for sentence in (
        result.sentence(),
        f"{out}: {counted(result.steps, 'step')}, {result.seconds:,.0f} s; README.md has it all. "
        f"Mine again with it: nearmiss mine {result.run} --encoder {out}",
    ):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
