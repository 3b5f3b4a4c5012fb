"""
Mine with served models through one SIGKILL after another; whoever serves them kills.

    python -m tests.served_and_killed DATA RUN URL PID_FILE

Each attempt is a fork, which writes its number into PID_FILE. Prints how many attempts died.
"""

import os
import sys
from pathlib import Path

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.models import score_cache
from nearmiss.models.served import client  # noqa: F401  (imported once, not in every fork)
from nearmiss.pipeline import round
from nearmiss.settings import Mining, Serving


def main() -> None:
    data, run, url, pid_file = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    import openai  # noqa: F401

    round.QUERIES_PER_SHARD, round.TEXTS_PER_SHARD, score_cache.PAIRS_PER_CHUNK = 8, 16, 50
    died = 0
    while attempt(data, run, url, pid_file):
        died += 1
    print(died)


def attempt(data: Path, run: Path, url: str, pid_file: Path) -> bool:
    """Whether an attempt to mine was killed."""
    child = os.fork()
    if child == 0:
        pid_file.write_text(str(os.getpid()))
        recipe = Mining(encoder=f"openai:toy@{url}", teacher=f"rerank:toy@{url}", depth=(("bm25", 8), ("dense", 8)))
        # One at a time: of several that are under way, a kill may lose the answers.
        pipeline.mine(run, recipe, dataset.read(data), serving=Serving(requests_at_once=1, texts_per_request=3))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(os.WEXITSTATUS(status))
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    main()
