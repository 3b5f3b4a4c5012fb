"""
The command line: nearmiss mine, select, report, explain, export, review, teach, app, presets.

In:  what the user typed
Out: a run folder, or words on the console; exit code 0 done, 1 the user's mistake in one line, 130 interrupted

Imports nothing heavy before a command needs it, so that `--help` is instant.
"""

import os
import sys

import typer

from nearmiss.errors import NearmissError

app = typer.Typer(
    help="Mine hard negatives, see why each was kept or refused, and export training shards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


INTERRUPTED = 130


def main() -> None:
    """The installed command `nearmiss`."""
    from nearmiss.cli import auditing, commands, reviewing, teaching  # noqa: F401  (their commands register themselves)

    code = _run()
    if code == INTERRUPTED:
        print("\ninterrupted; run the same command again and it goes on from the last finished shard", file=sys.stderr)
    sys.exit(code)


def _run() -> int:
    try:
        return int(app(standalone_mode=False) or 0)
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
        if os.environ.get("NEARMISS_TRACEBACK"):
            raise
        return _say(f"this is a bug of nearmiss ({type(bug).__name__}: {bug}); NEARMISS_TRACEBACK=1 shows where")


def _say(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1
