"""The progress of a command on its console; rich is imported when the first stage begins."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from nearmiss.pipeline.progress import Watch


def progress_on(console: "Console") -> "Watch":
    """A watch that shows each stage on this console."""
    from nearmiss.cli.show import ConsoleProgress

    return ConsoleProgress(console)
