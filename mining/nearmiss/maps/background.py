"""
Background: a map made by its own process, with progress that others can read.

In:  a round's folder
Out: a process that makes its map; its progress; whether it is still running
"""

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from nearmiss.pipeline.own_process import Job, JobProgress, Stopped
from nearmiss.pipeline.progress import Watch

MapProgress = JobProgress


def job(folder: Path) -> Job:
    """The making of a round's map."""
    return Job(folder, "map", "make its map")


def alone(folder: Path, watch: Watch) -> AbstractContextManager[Watch]:
    """A watch that also writes progress into the folder; RunError where another process makes the same map."""
    return job(folder).alone(watch)


def start(run: Path, number: int, folder: Path) -> None:
    """Make the map of a round in a process of its own, unless one is running."""
    job(folder).start([sys.executable, "-m", "nearmiss.cli", "map", str(run), "--round", str(number)])


def progress(folder: Path) -> JobProgress | Stopped | None:
    """The progress of a round's map; None where none is being made or it is done."""
    return job(folder).progress()
