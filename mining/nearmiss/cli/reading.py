"""
The options of commands that read a data set, and the report on what was read.

In:  what was typed
Out: the data set; on standard error how many rows it had, how each column was used, what was left out
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from nearmiss.cli.console import remarks
from nearmiss.cli.flags import with_parameters
from nearmiss.counts import counted
from nearmiss.errors import RecipeError

if TYPE_CHECKING:
    from rich.console import Console

    from nearmiss.data import ColumnNames, Dataset


@dataclass(frozen=True)
class ReadingFlags:
    """The reading options, as typed."""

    format: Annotated[
        str | None,
        typer.Option(
            help="how the data is written: beir, pairs, flag, tevatron, dpr, hf, nemo, rocketqa, pylate or msmarco; "
            "usually recognised by itself"
        ),
    ] = None
    split: Annotated[str | None, typer.Option(help="which qrels or split, where there are several")] = None
    corpus: Annotated[
        str | None, typer.Option(help="file or folder of further documents that candidates may come from")
    ] = None
    queries: Annotated[
        str | None, typer.Option(help="file with the queries' texts, where the rows give only their ids")
    ] = None
    column: Annotated[
        list[str],
        typer.Option(metavar="FIELD=NAME", help="what a column is called, as query=question; may be repeated"),
    ] = field(default_factory=list)
    positive_from: Annotated[
        float | None, typer.Option(help="lowest label or score of a positive, where labels are not just 0 and 1")
    ] = None
    reject: Annotated[Path | None, typer.Option(help="write bad rows to this file and go on without them")] = None


NO_READING = ReadingFlags()


def takes_data(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ReadingFlags`, in the place of its parameter `reading`, which gets them."""
    hints = get_type_hints(ReadingFlags, include_extras=True)
    options = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=[] if option.name == "column" else option.default,
            annotation=hints[option.name],
        )
        for option in fields(ReadingFlags)
    ]

    def with_reading(**typed: Any) -> None:
        command(reading=ReadingFlags(**{option.name: typed.pop(option.name) for option in options}), **typed)

    own = inspect.signature(command).parameters
    return with_parameters(
        with_reading, command, [each for name in own for each in (options if name == "reading" else [own[name]])]
    )


def refuse(options: ReadingFlags, reason: str) -> None:
    """RecipeError where unused options were typed."""
    typed = [
        f"--{field.name.replace('_', '-')}"
        for field in fields(options)
        if getattr(options, field.name) not in (None, [])
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
    say = remarks(console)
    for line in (what_was_read(found), *found.notes, *unused(found)):
        say(line)
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


def columns(named: list[str]) -> "ColumnNames":
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
