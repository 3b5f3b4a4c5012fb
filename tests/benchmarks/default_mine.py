"""
How long `nearmiss mine` takes with all its defaults, in this checkout and in others, one after the other.

    python -m tests.benchmarks.default_mine FOLDER... --runs DIR [--passages 2000] [--checkout OTHER]

Each FOLDER is a collection in BEIR form; of one with more than `--passages` documents the first ones are mined, with
the queries that they answer, at most as many. Each run is a process of its own. CPU seconds are the ones to compare on
a machine that others use too.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--passages", type=int, default=2000)
    parser.add_argument("--checkout", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    for folder in arguments.folders:
        data = shortened(folder, arguments.runs / "data" / folder.name, arguments.passages)
        for number, checkout in enumerate([*arguments.checkout, HERE]):
            print(json.dumps(mined(checkout, data, arguments.runs / f"{folder.name}-{number}")), flush=True)


def shortened(folder: Path, to: Path, passages: int) -> Path:
    """The collection, or a copy with its first passages and the queries that these answer."""
    lines = (folder / "corpus.jsonl").read_text("utf-8").splitlines()
    if len(lines) <= passages:
        return folder
    kept = {json.loads(line)["_id"] for line in lines[:passages]}
    (to / "qrels").mkdir(parents=True, exist_ok=True)
    (to / "corpus.jsonl").write_text("\n".join(lines[:passages]) + "\n", "utf-8")
    [*_, qrels] = sorted((folder / "qrels").glob("*.tsv"))
    header, *rows = qrels.read_text("utf-8").splitlines()
    answered: dict[str, str] = {}
    for row in rows:
        query, document, *_ = row.split("\t")
        if document in kept and len(answered) < passages:
            answered.setdefault(query, row)
    (to / "qrels" / "test.tsv").write_text("\n".join([header, *answered.values()]) + "\n", "utf-8")
    queries = (folder / "queries.jsonl").read_text("utf-8").splitlines()
    own = [line for line in queries if json.loads(line)["_id"] in answered]
    (to / "queries.jsonl").write_text("\n".join(own) + "\n", "utf-8")
    return to


def mined(checkout: Path, data: Path, run: Path) -> dict[str, object]:
    """Seconds, CPU seconds, memory and seconds by stage of one run from nothing."""
    shutil.rmtree(run, ignore_errors=True)
    splits = sorted(path.stem for path in (data / "qrels").glob("*.tsv"))
    options = ["--split", "test"] if len(splits) > 1 else []
    options += ["--reject", str(run.absolute().with_suffix(".rejected.jsonl"))]
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", "nearmiss.cli", "mine", data.absolute(), run.absolute(), *options],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout / "mining")},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{checkout}: nearmiss mine ended with {status}")
    facts = json.loads((run / "run.json").read_text())
    return {
        "checkout": checkout.name,
        "data": data.name,
        "documents": facts["dataset"]["documents"],
        "queries": facts["dataset"]["queries"],
        "seconds": round(time.monotonic() - began, 1),
        "cpu": round(used.ru_utime + used.ru_stime, 1),
        "memory_mb": used.ru_maxrss // 1000,
        "stages": json.loads((run / "rounds" / "1" / "seconds.json").read_text()),
    }


if __name__ == "__main__":
    main()
