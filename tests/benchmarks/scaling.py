"""
How the cost of mining grows with documents: the same queries over more and more of one collection, without a teacher.

    python -m tests.benchmarks.scaling --data DIR --queries N --documents 5000 10000 20000
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROW = "{:>10} {:>9} {:>14} {:>9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a BEIR folder")
    parser.add_argument("--split", default="train")
    parser.add_argument("--queries", type=int, required=True)
    parser.add_argument("--documents", type=int, nargs="+", default=[5000, 10_000, 20_000])
    arguments = parser.parse_args()
    print(ROW.format("documents", "seconds", "ms a document", "peak MB"))
    for documents in arguments.documents:
        measured = mine(arguments, documents)
        each = 1000 * measured["seconds"] / documents
        print(
            ROW.format(documents, f"{measured['seconds']:.1f}", f"{each:.2f}", f"{measured['peak_mb']:,.0f}"),
            flush=True,
        )


def mine(arguments: argparse.Namespace, documents: int) -> dict:
    """One run in a fresh process, as the benchmark against sentence-transformers does it."""
    with tempfile.TemporaryDirectory() as folder:
        job = {"teacher": False, "tool": "nearmiss", "precision": "auto", "folder": folder}
        command = [sys.executable, "-m", "tests.benchmarks.versus_sentence_transformers", "--job", json.dumps(job)]
        command += ["--data", arguments.data, "--split", arguments.split, "--queries", str(arguments.queries)]
        done = subprocess.run([*command, "--documents", str(documents)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
