"""
The command line: nearmiss mine, select, report, explain, export, review, judge, teach, trial, train, rounds, app ...

In:  what the user typed
Out: a run folder, or words on the console; exit code 0 done, 1 the user's mistake in one line, 130 interrupted

Imports only a few small standard modules before `command` is called, so that an interrupt is caught from the first
moment; what a command needs is imported when it runs, so that `--help` is instant.
"""

import sys

MYPY = False  # read by mypy as true; importing `typing` takes longer than everything else here
if MYPY:
    from nearmiss.cli.application import app as app


def command() -> None:
    """The installed command `nearmiss`: an interrupt ends it within two seconds, whatever it is doing."""
    from nearmiss.cli import interrupts

    sys.exit(interrupts.watched(_done, WORDS))


def main() -> None:
    """The same within the calling process, for programs and tests; nothing ends it while a native call runs."""
    sys.exit(_done())


WORDS = "\ninterrupted; run the same command again and it goes on from the last finished shard"


def _done() -> int:
    """The exit code, once the command that was typed is done."""
    from nearmiss.cli.interrupts import INTERRUPTED

    try:
        from nearmiss.cli import every_command

        code = every_command.run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        print(WORDS, file=sys.stderr)
    return code


def __getattr__(name: str) -> object:
    # Typer takes a sixth of a second to import, in which an interrupt would be missed.
    if name == "app":
        from nearmiss.cli.application import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
