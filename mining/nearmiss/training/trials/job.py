"""
Job: a trial in its own process, which goes on when the page that began it is left.

In:  a run, the policies to try, a `Trial`
Out: RUN/trials/order.json, which says what to train; a process that trains it; its progress; a stop

Begun again after a stop, it finds the students that were trained and goes on with the next.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from nearmiss import access
from nearmiss.errors import NearmissError
from nearmiss.export.trained import FOLDER
from nearmiss.models.cores import SLEEPING
from nearmiss.pipeline import silent
from nearmiss.pipeline.own_process import Job, JobProgress, Stopped
from nearmiss.run import Run, policy_from
from nearmiss.settings import Trial
from nearmiss.storage.files import read_object, write_json
from nearmiss.training.trials.policies import Tried
from nearmiss.workspace import open_to_read

ORDER = "order.json"
REVIEWS = "NEARMISS_REVIEWS"  # in the environment, since a URL of a database may hold a password


def job(run: Path) -> Job:
    """The training of a run's students."""
    return Job(run / FOLDER, "trial", "train students on its exports")


def start(run: Run, policies: Sequence[Tried], settings: Trial, number: int) -> None:
    """Train students of a round in a process of its own, unless some are being trained; reviews as this process's."""
    if isinstance(progress(run.folder), JobProgress):
        return
    access.require("compute")
    order = {"trial": asdict(settings), "round": number, "policies": [one.as_json() for one in policies]}
    write_json(run.folder / FOLDER / ORDER, order)
    again(run.folder)


def again(run: Path) -> None:
    """Go on with the trial that was begun last."""
    # Threads that spin while they wait for each other slow down all that share the cores.
    job(run).start([sys.executable, "-m", __name__, str(run)], SLEEPING)


def progress(run: Path) -> JobProgress | Stopped | None:
    """How far the students are; None where none are being trained."""
    return job(run).progress()


def stop(run: Path) -> None:
    """Stop the training; what was trained is kept."""
    job(run).stop()


def ordered(run: Path) -> tuple[list[Tried], Trial, int]:
    """The policies, settings and round of the trial that was begun last."""
    path = run / FOLDER / ORDER
    content = read_object(path, ("trial", "round", "policies"))
    known = {field.name for field in fields(Trial)}
    settings: dict[str, Any] = {name: value for name, value in content["trial"].items() if name in known}
    policies = [
        Tried(one["name"], None if one["policy"] is None else policy_from(one["policy"], path))
        for one in content["policies"]
    ]
    return policies, Trial(**settings), int(content["round"])


def main(run: Path) -> None:
    """Train what was ordered."""
    from nearmiss.training.trials import compare

    with job(run).alone(silent) as watch:
        policies, settings, number = ordered(run)
        work = open_to_read(run, os.environ.get(REVIEWS, ""), number)
        try:
            compare(work, policies, settings, watch=watch)
        finally:
            work.log.close()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except NearmissError as mistake:
        sys.exit(f"error: {mistake}")
