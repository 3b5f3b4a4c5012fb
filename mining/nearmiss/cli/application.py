"""
The application that commands register with, and how each outcome becomes an exit code and a message.

In:  what the user typed
Out: an exit code; an error is one line on standard error
"""

import os
import sys
from typing import Annotated

import typer

from nearmiss.cli.console import escape_what_does_not_fit, hang_up
from nearmiss.cli.interrupts import INTERRUPTED, was_interrupted
from nearmiss.errors import NearmissError
from nearmiss.models.cores import tell_libraries

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"nearmiss {version('nearmiss')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say which release this is.")
    ] = False,
) -> None:
    """Mine hard negatives, see why each was kept or refused, and export training shards."""


def run() -> int:
    """Run the typed command; 0 done, also where a pipe's reader closed it; 1 an error, 130 interrupted."""
    escape_what_does_not_fit()
    tell_libraries()
    try:
        code = int(app(standalone_mode=False) or 0)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        hang_up()
        return 0
    except typer.Exit as done:
        return done.exit_code
    except typer.TyperException as mistake:
        return _say(str(mistake) if not hasattr(mistake, "format_message") else mistake.format_message())
    except NearmissError as mistake:
        return _say(str(mistake))
    except OSError as failure:
        return _say(f"{failure.filename or 'file'}: {failure.strerror or failure}")
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as bug:
        if os.environ.get("NEARMISS_TRACEBACK") and not was_interrupted():
            raise
        return _say(f"this is a bug of nearmiss ({type(bug).__name__}: {bug}); NEARMISS_TRACEBACK=1 shows where")


def _say(message: str) -> int:
    if was_interrupted():  # for example an interrupted import, which a library reports as missing
        return INTERRUPTED
    print(f"error: {message}", file=sys.stderr)
    return 1
