"""
What each stage of mining costs, where the vectors are given: seconds, memory and disk as data grow.

    python -m tests.benchmarks.stages [--sizes 10000x500 20000x500 20000x1000] [--words 40]

Texts are made: a document has 40 words (unless told) of a vocabulary of 50,000 by Zipf's law, a query 6 words of its
one answer. Vectors are drawn around topics. Nothing is encoded and no teacher asked: those cost what the models cost.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

DIMENSION = 384
VOCABULARY = 50_000
ROW = "{:>10} {:>9} {:>10} {:<18} {:>9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["10000x500", "20000x500", "20000x1000"], metavar="DOCSxQUERIES")
    parser.add_argument("--words", type=int, default=40, help="of a document")
    arguments = parser.parse_args()
    print(ROW.format("documents", "queries", "candidates", "stage", "seconds"))
    for size in arguments.sizes:
        documents, queries = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            # In a process of its own: one that begins another hands down its own peak of memory as that one's first.
            made = get_context("spawn").Process(target=make, args=(Path(folder), documents, queries, arguments.words))
            made.start()
            made.join()
            assert made.exitcode == 0, f"making the data ended with {made.exitcode}"
            show(Path(folder), documents, queries)


def make(folder: Path, documents: int, queries: int, words: int) -> None:
    """A BEIR folder and the vectors of its texts; the same numbers give the same files."""
    rng = np.random.default_rng(0)
    chance = 1 / np.arange(1, VOCABULARY + 1)
    drawn = rng.choice(VOCABULARY, (documents, words), p=chance / chance.sum())
    answers = rng.permutation(documents)[:queries] if queries <= documents else rng.integers(0, documents, queries)
    asked = np.take_along_axis(drawn[answers], rng.integers(0, words, (queries, 6)), axis=1)
    data = folder / "data"
    (data / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", drawn), ("queries", asked)):
        texts = [" ".join(f"w{word}" for word in row) for row in rows.tolist()]
        ids = [f"{name[0]}{number}" for number in range(len(rows))]
        pd.DataFrame({"_id": ids, "text": texts}).to_json(data / f"{name}.jsonl", orient="records", lines=True)
    labels = {"query-id": [f"q{number}" for number in range(queries)], "corpus-id": [f"c{row}" for row in answers]}
    pd.DataFrame(labels | {"score": 1}).to_csv(data / "qrels" / "train.tsv", sep="\t", index=False)
    centres = rng.normal(size=(max(1, documents // 200), DIMENSION)).astype(np.float32)
    of_documents = centres[rng.integers(0, len(centres), documents)]
    of_documents += rng.normal(size=of_documents.shape).astype(np.float32)
    of_queries = of_documents[answers] + rng.normal(size=(queries, DIMENSION)).astype(np.float32)
    for name, vectors in (("corpus", of_documents), ("queries", of_queries)):
        ids = [f"{name[0]}{number}" for number in range(len(vectors))]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        pd.DataFrame({"id": ids, "vector": list(vectors)}).to_parquet(folder / f"{name}.parquet")


def show(folder: Path, documents: int, queries: int) -> None:
    """Mine, and print a line for each stage, then the whole process."""
    run = folder / "run"
    words = ["mine", folder / "data", run, "--teacher", "", "--language", "en"]
    words += ["--document-vectors", folder / "corpus.parquet", "--query-vectors", folder / "queries.parquet"]
    command = [sys.executable, "-m", "nearmiss.cli", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"mining ended with {status}"
    candidates = sum(len(pd.read_parquet(path, columns=[])) for path in sorted(run.glob("rounds/1/candidates/*")))
    seconds = json.loads((run / "rounds" / "1" / "seconds.json").read_text())
    sizes = f"{documents:,}", f"{queries:,}", f"{candidates:,}"
    for stage, spent in seconds.items():
        print(ROW.format(*sizes, stage, f"{spent:.1f}"))
    disk = sum(path.stat().st_size for path in run.rglob("*") if path.is_file()) / 1e6
    print(ROW.format(*sizes, "all, CPU", f"{used.ru_utime + used.ru_stime:.1f}"))
    print(ROW.format(*sizes, "peak memory, MB", f"{used.ru_maxrss / 1e3:,.0f}"))
    print(ROW.format(*sizes, "disk, MB", f"{disk:,.0f}"), flush=True)


if __name__ == "__main__":
    main()
