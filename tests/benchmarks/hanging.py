"""
Does a process that encodes ever hang? Starts many fresh processes that encode some texts each, with a time limit.

    python -m tests.benchmarks.hanging --processes 300

Prints how many ran, how many of them hung, and the seconds they took. Exits with 1 where any hung. A hung process is
left alive long enough to write down where each of its threads stands.
"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nearmiss.models.encoder import EMBEDDED, embedded_folder
from nearmiss.models.engine import ModelRequest, graphs, open_engine
from nearmiss.storage.fingerprint import fingerprint_of_model

# The graph alone, without what a command imports beside it: the threads' first answers, and the end of the process.
ENCODE = """
import faulthandler, sys
faulthandler.dump_traceback_later(float(sys.argv[3]), exit=False)
from pathlib import Path
from nearmiss.models.engine import compiled, tokens
tokens.TOKENS_PER_BATCH = 64
words = "why is the sea salty and when does the castle open".split()
texts = [" ".join(words[(i + j) % len(words)] for j in range(1 + i % 9)) for i in range(int(sys.argv[2]))]
engine = compiled.OpenVinoEngine.opened(Path(sys.argv[1]))
assert engine(texts, "document", "").shape == (len(texts), 384)
"""


def main() -> None:
    """Run it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--processes", type=int, default=300)
    asked.add_argument("--texts", type=int, default=48, help="that each process encodes, in many small batches")
    asked.add_argument("--together", type=int, default=2, help="processes at a time")
    asked.add_argument("--limit", type=float, default=60, help="seconds after which a process counts as hung")
    arguments = asked.parse_args()

    graph = _graph()
    began = time.monotonic()
    with ThreadPoolExecutor(arguments.together) as pool:
        hung = sum(pool.map(lambda _: _hangs(graph, arguments.texts, arguments.limit), range(arguments.processes)))
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"processes": arguments.processes, "hung": hung, "seconds": seconds}))
    sys.exit(1 if hung else 0)


def _graph() -> Path:
    """The folder of the embedded encoder's graph, made where it is missing."""
    folder = embedded_folder()
    wanted = ModelRequest("encoder", EMBEDDED, folder, fingerprint_of_model(folder))
    return graphs.place(wanted, open_engine(wanted).precision)


def _hangs(graph: Path, texts: int, limit: float) -> bool:
    command = [sys.executable, "-c", ENCODE, str(graph), str(texts), str(limit - 5)]
    try:
        subprocess.run(command, check=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return True
    return False


if __name__ == "__main__":
    main()
