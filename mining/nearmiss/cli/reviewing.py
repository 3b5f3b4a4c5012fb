"""
The commands `nearmiss review export` and `nearmiss review import`.

In:  a run, a file
Out: the log in the file, or the file in the log; counts in words or JSON on standard output
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nearmiss.cli import app
from nearmiss.cli.commands import AsJson, Reviews, RunFolder, _output, _print_json

if TYPE_CHECKING:
    from nearmiss.review.current import Pair
    from nearmiss.run import Run

review = typer.Typer(no_args_is_help=True, help="Carry judgements in and out: JSON lines, TREC qrels.")
app.add_typer(review, name="review")

FormatFlag = Annotated[
    str | None, typer.Option("--format", help="jsonl (the whole history) or trec (qrels); from the file's name")
]


@review.command("export")
def export_reviews(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="file to write")],
    format: FormatFlag = None,
    reviews: Reviews = "",
) -> None:
    """Write every row of the log (jsonl), or the verdict that counts of each judged pair as a grade (trec)."""
    from nearmiss.review import exchange
    from nearmiss.run import open_run

    chosen = exchange.format_of(file, format)
    log = open_run(run, reviews).log()
    done = exchange.export_reviews(log, file, chosen)
    log.close()
    what = "rows" if chosen == "jsonl" else "judgements (relevant 2, partial 1, not relevant 0)"
    _output().print(f"{file}: {done.rows:,} {what}", soft_wrap=True, markup=False, highlight=False)
    if done.unsure:
        _output().print(f"  {done.unsure:,} pairs left out: nobody could tell")


@review.command("import")
def import_reviews(
    run: RunFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="made by `review export`, or qrels; may be .gz")],
    reviewer: Annotated[
        str, typer.Option(help="whose judgements they are: all of a qrels file, or rows of jsonl that do not say")
    ] = "",
    format: FormatFlag = None,
    relevant_from: Annotated[float, typer.Option(help="qrels: lowest grade that is an answer")] = 2,
    partial_from: Annotated[float, typer.Option(help="qrels: lowest grade that is partly an answer")] = 1,
    reviews: Reviews = "",
    json: AsJson = False,
) -> None:
    """Write down judgements that were made elsewhere. The same file a second time changes nothing."""
    from nearmiss.review import exchange
    from nearmiss.review.trec_qrels import Borders
    from nearmiss.run import open_run

    opened = open_run(run, reviews)
    opened.round_folder()
    chosen, borders = exchange.format_of(file, format), Borders(relevant_from, partial_from)
    log = opened.log()
    done = exchange.import_reviews(log, file, chosen, reviewer, borders)
    log.close()
    candidates = _candidates_among(opened, done.pairs)
    counts = asdict(done) | {"known": done.known, "pairs": len(done.pairs), "candidates": candidates}
    if json:
        _print_json(counts)
        return
    say = _output().print
    say(f"{done.rows:,} rows: {done.new:,} new, {done.known:,} known already", highlight=False)
    if done.marks:
        say(f"  {done.marks:,} left out: a grade below 0 is a mark and no judgement", highlight=False)
    others = len(done.pairs) - candidates
    say(f"  {candidates:,} pairs are candidates of the run, {others:,} are not", highlight=False)


def _candidates_among(run: "Run", pairs: "frozenset[Pair]") -> int:
    import pandas as pd

    candidates = run.candidates()[["query_id", "doc_id"]]
    judged = pd.DataFrame(sorted(pairs), columns=["query_id", "doc_id"], dtype="str")
    return len(candidates.merge(judged))
