"""
The options of commands that read a data set, and the report on what was read.

In:  what was typed
Out: the data set; on standard error how many rows it had, how each column was used, what was left out
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nearmiss.counts import counted
from nearmiss.errors import RecipeError

if TYPE_CHECKING:
    from rich.console import Console

    from nearmiss.data import ColumnNames, Dataset

InputFormatFlag = Annotated[
    str | None,
    typer.Option(
        help="beir, pairs, flag, tevatron, dpr, hf, nemo, rocketqa, pylate or msmarco; needless where names tell"
    ),
]
Split = Annotated[str | None, typer.Option(help="which qrels or split, where there are several")]
CorpusFlag = Annotated[str | None, typer.Option(help="file or folder of documents that join the pool")]
Queries = Annotated[str | None, typer.Option(help="file with the texts of queries that rows name by their ids")]
ColumnFlag = Annotated[list[str], typer.Option(metavar="FIELD=NAME", help="name of a column, as query=question")]
PositiveFrom = Annotated[
    float | None, typer.Option(help="the label or score from which on a document is a positive, where it is not 0 or 1")
]
Reject = Annotated[Path | None, typer.Option(help="write bad rows to this file and go on")]


@dataclass(frozen=True)
class ReadingFlags:
    """The typed reading options."""

    format: str | None
    split: str | None
    corpus: str | None
    queries: str | None
    column: tuple[str, ...]
    positive_from: float | None
    reject: Path | None


def refuse(options: ReadingFlags, reason: str) -> None:
    """RecipeError where unused options were typed."""
    typed = [
        f"--{field.name.replace('_', '-')}"
        for field in fields(options)
        if getattr(options, field.name) not in (None, ())
    ]
    if typed:
        raise RecipeError(
            f"{', '.join(typed)}: wanted none, since {reason}; found {'them' if len(typed) > 1 else 'it'}"
        )


def read(console: "Console", data: str, options: ReadingFlags) -> "Dataset":
    """The data set; prints what a person should know about it."""
    from nearmiss import data as dataset

    found = dataset.read(
        data,
        format=options.format,
        split=options.split,
        corpus=options.corpus,
        queries=options.queries,
        columns=columns(options.column),
        positive_from=options.positive_from,
        reject=options.reject,
    )
    for line in (what_was_read(found), *found.notes, *unused(found)):
        console.print(line, markup=False, soft_wrap=True)
    return found


def what_was_read(found: "Dataset") -> str:
    """How many rows there were, and their contents."""
    counts = found.counts
    tables = {
        "query": found.queries,
        "document": found.documents,
        "positive": found.positives,
        "labelled negative": found.negatives,
    }
    held = ", ".join(counted(len(table), noun) for noun, table in tables.items())
    return f"read {counted(counts.read, 'row')} = {counts.kept:,} kept + {counts.rejected:,} rejected: {held}"


def unused(found: "Dataset") -> list[str]:
    """Which of the user's columns are not used, if any."""
    kept = {
        "queries": [name for name in found.queries.columns if name not in ("query_id", "text")],
        "documents": [name for name in found.documents.columns if name not in ("doc_id", "title", "text", "group_id")],
    }
    unread = [f"{', '.join(map(str, names))} ({table})" for table, names in kept.items() if names]
    return [f"not used, kept as your own columns: {'; '.join(unread)}"] if unread else []


def columns(named: tuple[str, ...]) -> "ColumnNames":
    """The names of columns as typed; an empty one says that there is no such column."""
    from nearmiss.data import ColumnNames

    wanted = [field.name for field in fields(ColumnNames)]
    given: dict[str, tuple[str, ...]] = {}
    for pair in named:
        field, equals, name = pair.partition("=")
        if field not in wanted or not equals or (not name and field in ("query", "positive", "document")):
            raise RecipeError(f"--column: wanted FIELD=NAME with a field among {', '.join(wanted)}; found {pair!r}")
        given[field] = (name,) if name else ()
    return replace(ColumnNames(), **given)
