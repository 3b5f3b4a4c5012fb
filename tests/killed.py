"""
Mine a folder to the end through one SIGKILL after another, each at a file of another stage.

    python -m tests.killed DATA RUN [PLACE:N ...]

An attempt dies when the N-th file (from 0) whose path holds PLACE is about to take its name; the next one goes on.
Each attempt is a fork, so that the imports are paid once. Prints how many attempts died.
"""

import os
import signal
import sys
from pathlib import Path

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.models import score_cache
from nearmiss.pipeline import round, stages
from nearmiss.settings import Mining
from tests.words import OverlapTeacher, WordEncoder

RECIPE = Mining(depth=(("bm25", 12), ("dense", 12)), clusters=4, teacher="toy", language="en")


def main() -> None:
    data, run, places = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    # Small shards, so that there is a middle of each stage to die in.
    round.QUERIES_PER_SHARD, round.TEXTS_PER_SHARD, score_cache.PAIRS_PER_CHUNK = 3, 8, 16
    stages.SCORED_TOGETHER = 2
    print(sum(dies(data, run, place) for place in places))
    mine(data, run)


def dies(data: Path, run: Path, place: str) -> bool:
    """Whether an attempt that is to die at `place` did."""
    child = os.fork()
    if child == 0:
        die_at(*place.rsplit(":", 1))
        mine(data, run)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def die_at(part: str, number: str) -> None:
    replace, seen = os.replace, 0

    def replace_or_die(source, target):
        nonlocal seen
        if part in str(target):
            if seen == int(number):
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1
        replace(source, target)

    os.replace = replace_or_die


def mine(data: Path, run: Path) -> None:
    pipeline.mine(run, RECIPE, dataset.read(data), encoder=WordEncoder(), teacher=OverlapTeacher())


if __name__ == "__main__":
    main()
