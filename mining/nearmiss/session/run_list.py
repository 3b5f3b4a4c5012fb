"""
Run list: the runs of one folder, for a person to choose from.

In:  a folder whose subfolders are run folders
Out: for each how large it is, how much is judged, and when somebody last judged
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nearmiss.errors import NearmissError, RunError
from nearmiss.review.log import LogActivity
from nearmiss.run import open_run, runs_in

NOTHING = LogActivity(0, 0, None)


@dataclass(frozen=True)
class RunInFolder:
    """One run; `problem` says why it cannot be opened, empty where it can."""

    name: str
    queries: int = 0
    round: int = 0
    activity: LogActivity = NOTHING
    problem: str = ""


def folder_of(folder: Path, name: str) -> Path:
    """The folder of a run by its name; RunError for any other text, as one with a path in it."""
    if name not in runs_in(folder):
        raise RunError(f"{folder}: wanted one of its runs; found {name!r}")
    return folder / name


def summary(folder: Path, name: str) -> RunInFolder:
    """What a person needs to choose; a damaged run is named with its problem."""
    try:
        run = open_run(folder_of(folder, name))
        run.round_folder()
        queries = int(run.facts["dataset"].get("queries", 0))
        with closing(run.log_to_read()) as log:
            return RunInFolder(name, queries, run.rounds[-1], log.activity())
    except NearmissError as error:
        return RunInFolder(name, problem=str(error))
