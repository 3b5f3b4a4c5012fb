"""What benchmarks over the collections that were judged by hand share: their flags, and each collection mined."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from nearmiss.run import Run
from nearmiss.settings import LATE_INTERACTION
from tests.tools import learn_prior


def flags(says: str) -> argparse.ArgumentParser:
    """A parser of where collections and runs lie, and of the teacher."""
    parser = argparse.ArgumentParser(description=says, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sample", type=Path, default=Path("sample_data"))
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--teacher", default=LATE_INTERACTION)
    return parser


def runs(arguments: argparse.Namespace) -> Iterator[tuple[str, Run, set[tuple[str, str]]]]:
    """Name, run and known answers of each collection; mined where its run is not there."""
    for name, folder in learn_prior.folders(arguments.data, arguments.sample).items():
        run = learn_prior.mined_run(folder, arguments.runs / name, arguments.teacher)
        yield name, run, learn_prior.answers_of(folder)
