"""
Mine again and again, killed with SIGKILL after every few files written, until a round is finished.

    python -m tests.killed DATA RUN FILES_BEFORE_DEATH

Each attempt is a fork, so that the imports are paid once. Prints how many attempts died.
"""

import os
import signal
import sys
from pathlib import Path

from mining import dataset, pipeline
from mining.recipe import Mining
from tests.words import OverlapTeacher, WordEncoder

RECIPE = Mining(depth=(("bm25", 12), ("dense", 12)), clusters=4, teacher="toy", language="en")


def mine(data: Path, run: Path) -> pipeline.Run:
    return pipeline.mine(run, RECIPE, dataset.read(data), encoder=WordEncoder(), teacher=OverlapTeacher())


def die_after(files: int) -> None:
    """Let `os.replace` make so many files whole, then die before the next one takes its name."""
    replace, done = os.replace, 0

    def replace_or_die(source, target):
        nonlocal done
        if done == files:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        replace(source, target)

    os.replace = replace_or_die


def main() -> None:
    data, run, files = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    deaths = 0
    while True:
        child = os.fork()
        if child == 0:
            die_after(files)
            mine(data, run)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        deaths += 1
        assert deaths < 500
    print(deaths)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
