"""
Mine with served models, or ask a served judge, through one SIGKILL after another; whoever serves them kills.

    python -m tests.served_and_killed mine DATA RUN URL PID_FILE
    python -m tests.served_and_killed judge RUN AT_ONCE URL PID_FILE

Each attempt is a fork, which writes its number into PID_FILE. Prints how many attempts died.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openai  # noqa: F401  (imported once, not in every fork)

from nearmiss import data as dataset
from nearmiss import judging, pipeline
from nearmiss.models import score_cache
from nearmiss.models.served import Budget
from nearmiss.pipeline import round
from nearmiss.settings import Mining, Serving
from nearmiss.workspace import open_workspace


def main() -> None:
    kind, first, second, url, pid_file = sys.argv[1:]
    if kind == "mine":
        work = partial(mine, Path(first), Path(second), url)
    else:
        work = partial(judge, Path(first), int(second), url)
    died = 0
    while attempt(work, Path(pid_file)):
        died += 1
    print(died)


def mine(data: Path, run: Path, url: str) -> None:
    round.QUERIES_PER_SHARD, round.TEXTS_PER_SHARD, score_cache.PAIRS_PER_CHUNK = 8, 16, 50
    recipe = Mining(encoder=f"openai:toy@{url}", teacher=f"rerank:toy@{url}", depth=(("bm25", 8), ("dense", 8)))
    # One at a time: of several that are under way, a kill may lose the answers.
    pipeline.mine(run, recipe, dataset.read(data), serving=Serving(requests_at_once=1, texts_per_request=3))


def judge(run: Path, at_once: int, url: str) -> None:
    work = open_workspace(run)
    wanted = 40 - len(work.standing.judges.verdicts())
    judging.judge(work, f"openai:toy@{url}", wanted, Budget(Serving(requests_at_once=at_once)))


def attempt(work: Callable[[], None], pid_file: Path) -> bool:
    """Whether an attempt was killed."""
    child = os.fork()
    if child == 0:
        pid_file.write_text(str(os.getpid()))
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(os.WEXITSTATUS(status))
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    main()
