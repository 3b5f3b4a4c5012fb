"""
How the cost of mining grows, without a teacher: with documents at a fixed number of queries, and the other way round.

    python -m tests.benchmarks.scaling --data DIR [--queries 100 5000 10000 20000] [--documents 5000 10000 20000]

The first number of queries goes with every number of documents, the first of documents with every one of queries.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.versus_sentence_transformers import TEXTS, load

ROW = "{:>9} {:>10} {:>9} {:>9} {:>9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a BEIR folder")
    parser.add_argument("--split", default="train")
    parser.add_argument("--queries", type=int, nargs="+", default=[100, 5000, 10_000, 20_000])
    parser.add_argument("--documents", type=int, nargs="+", default=[5000, 10_000, 20_000])
    arguments = parser.parse_args()
    few_queries, few_documents = arguments.queries[0], arguments.documents[0]
    sizes = [(few_queries, documents) for documents in arguments.documents]
    sizes += [(queries, few_documents) for queries in arguments.queries[1:]]
    print(ROW.format("queries", "documents", "seconds", "CPU s", "peak MB"), flush=True)
    for queries, documents in sizes:
        measured = mine(arguments, queries, documents)
        seconds, cpu_seconds = (f"{measured[key]:.1f}" for key in ("seconds", "cpu_seconds"))
        print(
            ROW.format(queries, measured["documents"], seconds, cpu_seconds, f"{measured['peak_mb']:,.0f}"), flush=True
        )


def mine(arguments: argparse.Namespace, queries: int, documents: int) -> dict:
    """One run in a fresh process, as the benchmark against sentence-transformers does it."""
    with tempfile.TemporaryDirectory() as folder:
        size = argparse.Namespace(data=arguments.data, split=arguments.split, queries=queries, documents=documents)
        (Path(folder) / TEXTS).write_text(json.dumps(load(size)))
        job = {"teacher": False, "tool": "nearmiss", "precision": "auto", "folder": folder}
        command = [sys.executable, "-m", "tests.benchmarks.versus_sentence_transformers", "--job", json.dumps(job)]
        command += ["--data", arguments.data, "--queries", str(queries)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
