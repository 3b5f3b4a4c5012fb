"""
The commands `nearmiss review export`, `import`, `verify`, `backup`, `restore`, `people` and `person`.

In:  a run, a file
Out: the log in the file, or the file in the log; counts as text or JSON on standard output; a report on people
"""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nearmiss.cli import app
from nearmiss.cli.commands import AsJson, NewReviews, ReviewsFlag, RunFolder, one_log
from nearmiss.cli.console import output as _output
from nearmiss.cli.console import print_json as _print_json
from nearmiss.cli.console import table_of_numbers
from nearmiss.counts import counted
from nearmiss.errors import ReviewError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nearmiss.agreement.people import PersonProgress
    from nearmiss.review import ReviewLog
    from nearmiss.review.backup import CopiedLog
    from nearmiss.review.exchange import ImportedJudgements
    from nearmiss.review.personal_data import Forgotten
    from nearmiss.review.trec_qrels import Borders
    from nearmiss.run import Run
    from nearmiss.types import Pair

review = typer.Typer(
    no_args_is_help=True, help="Export judgements, or import those of other tools: JSON lines, qrels, annotation tools."
)
app.add_typer(review, name="review")

TOOL_FORMATS = (
    "jsonl (a whole history), trec (qrels), rows, quepid, label-studio, prodigy or argilla; "
    "by default read off the file"
)


@review.command("export")
def export_reviews(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="file to write")],
    format: Annotated[
        str | None,
        typer.Option("--format", help="jsonl (the whole history) or trec (qrels); by default read off the file's name"),
    ] = None,
    reviews: ReviewsFlag = "",
) -> None:
    """Write the whole log (jsonl), or one grade for each judged pair, from the verdict that counts (trec)."""
    from nearmiss.review import exchange
    from nearmiss.run import open_run

    chosen = exchange.format_to_write(file, format)
    log = open_run(run, reviews).log_to_read()
    done = exchange.export_reviews(log, file, chosen)
    log.close()
    what = counted(done.rows, "row" if chosen == "jsonl" else "judgement")
    grades = "" if chosen == "jsonl" else " as grades: 2 is relevant, 1 partly, 0 not relevant"
    _output().print(f"{file}: {what}{grades}", soft_wrap=True, markup=False, highlight=False)
    if done.unsure:
        _output().print(f"  {counted(done.unsure, 'pair')} left out: nobody could tell")


@review.command("import")
def import_reviews(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="judgements that were made elsewhere; may be .gz")],
    reviewer: Annotated[str, typer.Option(help="reviewer of the judgements that name none")] = "",
    format: Annotated[str | None, typer.Option("--format", help=TOOL_FORMATS)] = None,
    relevant_from: Annotated[
        float | None, typer.Option(help="lowest grade that means relevant [2; 1 where the file's highest is 1]")
    ] = None,
    partial_from: Annotated[float | None, typer.Option(help="lowest grade that means partly relevant [1]")] = None,
    label: Annotated[
        list[str], typer.Option(metavar="LABEL=VERDICT", help="what a tool's own label means, as yes=relevant")
    ] = [],  # noqa: B006
    question: Annotated[str, typer.Option(help="which question or control of the tool, where there are several")] = "",
    allow_foreign: Annotated[
        bool,
        typer.Option("--allow-foreign", help="write them even if none belongs to this run's queries and documents"),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be written, and write nothing")] = False,
    reviews: ReviewsFlag = "",
    new_reviews: NewReviews = "",
    json: AsJson = False,
) -> None:
    """Add judgements that were made elsewhere to the log. Importing a file twice changes nothing."""
    from nearmiss.review import exchange
    from nearmiss.review.annotation_tools import Words
    from nearmiss.run import from_here, open_run

    one_log(reviews, new_reviews)
    opened = open_run(run, from_here(new_reviews) or reviews)
    opened.round_folder()
    chosen, words = exchange.format_of(file, format), Words(_labels(label), question)
    belonging = exchange.Belonging.of(opened.dataset)
    read = exchange.read_file(file, chosen, reviewer, _borders(relevant_from, partial_from), words, belonging)
    exchange.check(read, belonging, allow_foreign=allow_foreign)
    log = _rehearsal(opened) if dry_run else opened.log()
    done = exchange.write(log, read, belonging)
    log.close()
    candidates = _candidates_among(opened, done.pairs)
    if json:
        facts = asdict(done) | {"pairs": len(done.pairs), "candidates": candidates}
        _print_json(facts | {"format": chosen, "written": not dry_run})
        return
    for sentence in _in_words(done, candidates, dry_run=dry_run, borders_named=relevant_from is not None):
        _output().print(sentence, highlight=False, markup=False, soft_wrap=True)


@review.command("verify")
def verify_reviews(
    run: RunFolder,
    head: Annotated[
        str, typer.Option(metavar="ROW:DIGEST", help="what an earlier `verify` or `backup` printed; kept elsewhere")
    ] = "",
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """Check every row of the log against the chain of digests: one that was changed, removed or moved is named."""
    from nearmiss.review.chain import Head
    from nearmiss.run import open_run

    noted = Head.of(head) if head else None
    log = open_run(run, reviews).log_to_read()
    found = log.verify(noted)
    log.close()
    if json:
        _print_json(asdict(found))
    elif not found.faults:
        later = f"; {counted(found.not_chained, 'row')} not chained yet" if found.not_chained else ""
        _output().print(f"{counted(found.rows, 'row')}, none changed{later}. Head {found.head}", soft_wrap=True)
    if found.faults:
        raise ReviewError(f"{log.place or run}: {'; '.join(found.faults[:20])}. Take the log from a backup")


@review.command("backup")
def back_up_reviews(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="file to write; it is a log that --reviews can open")],
    reviews: ReviewsFlag = "",
) -> None:
    """Write the whole log into one file, as of one moment, while others go on judging."""
    from nearmiss.review.backup import back_up
    from nearmiss.run import open_run

    log = open_run(run, reviews).log_to_read()
    done = back_up(log, file)
    log.close()
    _output().print(f"{file}: {_copied(done)}", soft_wrap=True, markup=False, highlight=False)


@review.command("restore")
def restore_reviews(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what `nearmiss review backup` wrote")],
    into: Annotated[
        str, typer.Option(metavar="LOG", help="an empty log, as a file or URL; by default the run's own")
    ] = "",
) -> None:
    """Write a backup into an empty log, with the same numbers and digests: also from SQLite to PostgreSQL or back."""
    from nearmiss.review.backup import restore
    from nearmiss.review.schema import without_password
    from nearmiss.run import REVIEWS_FILE, from_here, open_run

    opened = open_run(run)
    where = from_here(into) or str(opened.folder / REVIEWS_FILE)
    done = restore(file, where)
    _output().print(f"{without_password(where)}: {_copied(done)}", soft_wrap=True, markup=False, highlight=False)


@review.command("people")
def show_people(
    run: RunFolder,
    week: Annotated[
        str, typer.Option(metavar="YEAR-WNN", help="as of a week, as 2026-W48, with the speed and doubt of that week")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the week's report (.csv or .md); by default this week's")
    ] = None,
    reviews: ReviewsFlag = "",
    json: AsJson = False,
) -> None:
    """How far each reviewer is, how fast, who agrees with them, and how often they gave a known answer."""
    import time

    from nearmiss.agreement import people, people_report
    from nearmiss.run import open_run
    from nearmiss.session.queue import gold_cards

    now = time.time()
    of_week = people.Week.named(week) if week else people.Week.of(now) if out else None
    opened = open_run(run, reviews)
    log = opened.log_to_read()
    found = people.of_log(log, of_week, now, partial(gold_cards.verdicts, opened.folder))
    log.close()
    if out is not None and of_week is not None:
        people_report.write(out, found, of_week)
    if json:
        _print_json([asdict(one) for one in found])
    elif out is not None and of_week is not None:
        _output().print(f"{out}: {counted(len(found), 'reviewer')}, {of_week.name}", soft_wrap=True, markup=False)
    elif not found:
        _output().print("Nobody has judged a pair yet.")
    else:
        _show(found)


@review.command("person")
def one_person(
    run: RunFolder,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="the reviewer's name, as `nearmiss review people` has it")
    ],
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write all that the log holds of this person (JSON)")
    ] = None,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget", help="take name and comments out of the log for ever; verdicts stay, under another name"
        ),
    ] = False,
    reviews: ReviewsFlag = "",
) -> None:
    """Export what the log holds of one person, or let it forget them."""
    import time

    from nearmiss.review import personal_data
    from nearmiss.run import open_run
    from nearmiss.storage.files import write_json

    if export is None and not forget:
        raise ReviewError("review person: wanted --export FILE, --forget, or both; found neither")
    opened = open_run(run, reviews)
    log = opened.log() if forget else opened.log_to_read()
    if export is not None:
        found = personal_data.held_of(log, name)
        write_json(export, found)
        rows = counted(len(found["verdicts"]), "row")
        _output().print(f"{export}: {rows} of {name}", soft_wrap=True, markup=False, highlight=False)
    if forget:
        done = personal_data.forget(log, name, time.time())
        for sentence in _forgotten(done, personal_data.files_naming(opened.folder, name)):
            _output().print(sentence, soft_wrap=True, markup=False, highlight=False)
    log.close()


def _forgotten(done: "Forgotten", files: "Sequence[Path]") -> "Iterator[str]":
    yield f"forgotten: {counted(done.rows, 'row')} changed; their verdicts stand under {done.pseudonym}"
    yield f"Head before {done.before}"
    yield f"Head now {done.after}"
    yield "An app that is open must be started again. Backups and exports of the log still hold the name: delete them."
    if done.traces:
        yield f"The database's free space may still hold it, until its owner runs VACUUM FULL: {done.traces}"
    for file in files:
        yield f"  the name also stands in {file}"


def _show(found: "list[PersonProgress]") -> None:
    from rich.text import Text

    from nearmiss.agreement.people_report import HEADINGS, cells

    console, table = table_of_numbers(*HEADINGS)
    for one in found:
        table.add_row(Text(one.name), *cells(one))
    console.print(table)


def _copied(done: "CopiedLog") -> str:
    return f"{counted(done.verdicts, 'row')}, {done.others:,} of plans, draws and guidelines. Head {done.head}"


def _in_words(done: "ImportedJudgements", candidates: int, *, dry_run: bool, borders_named: bool) -> "Iterator[str]":
    if dry_run:
        yield "nothing was written: this is what would be"
    yield f"{counted(done.rows, 'row')}: {done.new:,} new, {done.known:,} known already"
    verdicts = ", ".join(f"{count:,} {verdict.replace('_', ' ')}" for verdict, count in done.verdicts.items() if count)
    if verdicts:
        yield f"  {verdicts}"
    if done.borders is not None:
        borders = f"relevant from grade {done.borders.relevant:g}, partial from {done.borders.partial:g}"
        why = (
            ""
            if borders_named or done.borders.relevant != 1
            else "the highest grade of the file is 1, so it means relevant: "
        )
        yield f"  {why}{borders} (--relevant-from, --partial-from)"
    for reason, count in done.left_out.items():
        yield f"  {count:,} left out: {reason}"
    for sentence in done.assumed:
        yield f"  assumed: {sentence}"
    if done.unused:
        yield f"  columns not used: {', '.join(done.unused)}"
    are = "is a candidate" if candidates == 1 else "are candidates"
    others = len(done.pairs) - candidates
    yield f"  {counted(candidates, 'pair')} {are} of the run, {others:,} {'is' if others == 1 else 'are'} not"
    if done.foreign:
        yield f"  {counted(done.foreign, 'pair')} with a query or a document that is not in this run"


def _labels(typed: list[str]) -> dict[str, str]:
    from nearmiss.review import JUDGEMENTS
    from nearmiss.review.given import plain

    labels = {}
    for one in typed:
        name, _, verdict = one.rpartition("=")
        if not name or verdict not in JUDGEMENTS:
            raise ReviewError(f"--label: wanted LABEL=VERDICT, a verdict among {', '.join(JUDGEMENTS)}; found {one!r}")
        labels[plain(name)] = verdict
    return labels


def _borders(relevant: float | None, partial: float | None) -> "Borders | None":
    """The borders, if one was given; else the file's highest grade decides."""
    from nearmiss.review.trec_qrels import Borders

    if relevant is None and partial is None:
        return None
    return Borders(2.0 if relevant is None else relevant, min(1.0, relevant or 1.0) if partial is None else partial)


def _rehearsal(run: "Run") -> "ReviewLog":
    from nearmiss.review import exchange

    log = run.log_to_read()
    copy = exchange.rehearsal(log)
    log.close()
    return copy


def _candidates_among(run: "Run", pairs: "frozenset[Pair]") -> int:
    import pandas as pd

    candidates = run.candidates()[["query_id", "doc_id"]]
    judged = pd.DataFrame(sorted(pairs), columns=["query_id", "doc_id"], dtype="str")
    return len(candidates.merge(judged))
