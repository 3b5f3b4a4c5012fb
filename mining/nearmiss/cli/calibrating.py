"""
The command `nearmiss calibrate`.

In:  a run with judgements
Out: what another calibration would change, as text or JSON on standard output; once confirmed, it is in force
"""

import getpass
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nearmiss.cli.application import app
from nearmiss.cli.commands import AsJson, ReviewsFlag, RoundNumber, RunFolder
from nearmiss.cli.console import output as _output
from nearmiss.cli.console import print_json as _print_json
from nearmiss.counts import counted
from nearmiss.errors import ReviewError

if TYPE_CHECKING:
    from nearmiss.calibration import Calibration
    from nearmiss.session.refit import HeldOutFit, Preview
    from nearmiss.workspace import Workspace


@app.command()
def calibrate(
    run: RunFolder,
    round: RoundNumber = None,
    with_audits: Annotated[
        bool, typer.Option("--with-audits", help="learn from audits too, which can then no longer certify this round")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would change, and write nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="put the fit in force without asking")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="go back to the previous calibration")] = False,
    redo: Annotated[
        bool, typer.Option("--redo", help="put the calibration in force again that was undone last")
    ] = False,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """Fit p_relevant to what people judged, show what that changes, and put it in force once you agree."""
    from nearmiss.session import refit
    from nearmiss.workspace import open_to_read

    _check_flags(undo=undo, redo=redo, dry_run=dry_run, yes=yes, with_audits=with_audits)
    work = open_to_read(run, reviews, round)
    if undo or redo:
        _go_back(work, undo=undo, json=json)
        return
    seen = refit.preview(work, with_audits=with_audits)
    now = work.run.calibration(work.number)
    changes = (seen.calibration.labels or now.labels) and not seen.refused and not dry_run
    if not json:
        _show(seen)
    if changes and _agreed(yes):
        refit.put_in_force(work, seen, getpass.getuser())
        if not json:
            _say(f"In force: {_rests_on(seen.calibration)}. `nearmiss calibrate {run} --undo` goes back.")
    elif not json and not seen.refused:
        _say("Nothing was written." if dry_run or changes else "Nothing to learn from: nobody judged a candidate yet.")
    if json:
        _print_json(seen.as_json())
    if seen.refused and not dry_run:
        raise ReviewError(f"not put in force: {seen.refused}")


def _check_flags(*, undo: bool, redo: bool, dry_run: bool, yes: bool, with_audits: bool) -> None:
    """Raise ReviewError for flags that contradict each other."""
    if undo + redo + dry_run > 1:
        raise ReviewError("calibrate: wanted one of --dry-run, --undo and --redo; found several")
    if (undo or redo or dry_run) and yes:
        raise ReviewError("--yes: wanted none beside --dry-run, --undo or --redo, which ask nothing")
    if (undo or redo) and with_audits:
        raise ReviewError("--with-audits: wanted none beside --undo or --redo, which fit nothing")


def _go_back(work: "Workspace", *, undo: bool, json: bool) -> None:
    """Put the calibration before in force, or the one that was undone last, and say so."""
    from nearmiss.session import refit

    back = (refit.undo if undo else refit.redo)(work, getpass.getuser())
    if back is None:
        raise ReviewError(f"{work.folder}: wanted a calibration to {'undo' if undo else 'redo'}; found none")
    if json:
        _print_json(asdict(back))
    else:
        _say(f"In force: {_rests_on(back)}.")


def _agreed(yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise ReviewError("calibrate: wanted your word that this is to be put in force; add --yes (or --dry-run)")
    return typer.confirm("Put it in force?", err=True)


def _rests_on(calibration: "Calibration") -> str:
    if not calibration.labels:
        return "the weights that were fitted on other collections"
    return (
        f"{counted(calibration.labels, 'judgement')} of this run, {counted(calibration.answers, 'answer')} among them"
    )


def _show(seen: "Preview") -> None:
    from rich.table import Table
    from rich.text import Text

    from nearmiss.calibration.fitting import PRIOR_ALONE
    from nearmiss.session import refit_words

    console = _output()
    _say(f"p_relevant from {_rests_on(seen.calibration)}:")
    table = Table(*refit_words.HEADINGS, header_style="bold")
    for row in refit_words.rows(seen):
        table.add_row(*map(Text, row))
    console.print(table)
    if seen.refused:
        console.print(Text(f"Not offered: {seen.refused}."), style="yellow", soft_wrap=True)
    for doubt in seen.calibration.doubts:
        if doubt != PRIOR_ALONE:
            console.print(Text(f"  {doubt}"), style="yellow", soft_wrap=True)
    for sentence in refit_words.of_draws(seen):
        _say(sentence)
    if seen.held_out.overall.labels:
        console.print(_reliability(seen.held_out))


def _reliability(held_out: "HeldOutFit") -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("judged", title="on unseen queries", title_justify="left", header_style="bold")
    for heading in ("labels", "estimated", "judged answers", "error", "Brier", "AUC"):
        table.add_column(heading, justify="right")
    rows = {"all": held_out.overall} | {
        f"{name}: {value}": one for name, values in held_out.by_slice.items() for value, one in values.items()
    }
    for name, one in rows.items():
        estimated = sum(bin.estimated * bin.labels for bin in one.curve) / one.labels
        auc = "-" if one.auc is None else f"{one.auc:.2f}"
        numbers = f"{estimated:.1%}", f"{one.answers / one.labels:.1%}", f"{one.error:.1%}", f"{one.brier:.3f}", auc
        table.add_row(Text(name), f"{one.labels:,}", *numbers)
    return table


def _say(sentence: str) -> None:
    _output().print(sentence, soft_wrap=True, markup=False, highlight=False)
