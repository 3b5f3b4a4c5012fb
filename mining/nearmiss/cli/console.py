"""
The consoles: where text goes, in a terminal, a pipe, a log, or an ASCII-only output.

Out: consoles for standard output and standard error, and JSON on standard output

A pipe is as wide as its longest line, so that ids stay whole for the program that reads them. A reader that closes
the pipe (`| head`) ends the command without error. What the output's encoding cannot hold is written as an escape.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 100_000


def output() -> "Console":
    """Standard output."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    return Output(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH)


def errors() -> "Console":
    """Standard error, for progress and remarks besides the answer."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def remarks(console: "Console") -> Callable[[str], None]:
    """What says a sentence on this console, as it stands."""
    return lambda sentence: console.print(sentence, markup=False, soft_wrap=True)


def table_of_numbers(first: str, *headings: str) -> tuple["Console", "Table"]:
    """Standard output and a table for it: a column of words, then numbers that never wrap."""
    from rich.table import Table

    console = output()
    console.width = max(console.width, 110)  # a log has no width of its own, and wrapped numbers are hard to read
    table = Table(first, header_style="bold", box=None)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return console, table


def print_json(content: Any) -> None:
    """The content for programs: escaped where the output's encoding could not hold it."""
    try:
        print(json.dumps(content, indent=2, ensure_ascii=not is_utf(sys.stdout.encoding), allow_nan=False))
    except BrokenPipeError:
        raise BrokenPipeError from None  # with its number, Typer would end the command with 1


def is_utf(encoding: str | None) -> bool:
    """Whether an encoding holds every character."""
    return (encoding or "").lower().startswith("utf")


def escape_what_does_not_fit() -> None:
    """Let no character stop a command: characters that do not fit, and invalid UTF-8 in file names, become escapes."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def hang_up() -> None:
    """After the reader has gone, write nothing more: Python would report an error on exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
