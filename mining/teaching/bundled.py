"""
The bundled teacher: how sample_data/teacher was made.

    python -m mining.teaching.bundled --data DIR --work FOLDER [--out sample_data/teacher]

In:  folders of squad_v11, medquad, covidqa and pubmedqa in BEIR form
Out: one mixed collection, mined by nearmiss; a teacher taught on that run; its low-rank form in `out`

May be interrupted: what lies in FOLDER is gone on from. A passage that holds the answer of a SQuAD or CovidQA question
is nobody's hard negative: it is judged "cannot tell" before anything is learnt, since the words alone do not show an
answer either.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mining.review import Event
from mining.run import open_run

SHORTEST_ANSWER = 4  # characters: what is shorter (a digit, "yes") stands in passages that answer nothing
REVIEWER = "answer strings"
MINING = ("--negatives-per-query", "3", "--sampling", "random", "--depth", "30")
TEACHING = (
    "--epochs",
    "1",
    "--learning-rate",
    "1e-4",
    "--max-length",
    "192",
    "--held-out",
    "0.05",
    "--unlabelled",
    "2",
)
SMALL = ("--freeze", "0", "--rank", "64")


@dataclass(frozen=True)
class Part:
    """A collection, and how many of its questions are taken; all of its documents are."""

    name: str
    split: str
    questions: int


PARTS = (
    Part("squad_v11", "train", 5000),
    Part("medquad", "train", 4000),
    Part("covidqa", "train", 1400),
    Part("pubmedqa", "train", 1000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("sample_data/teacher"))
    arguments = parser.parse_args()
    mixed, run, teacher = (arguments.work / name for name in ("mixed", "run", "teacher"))
    if not (mixed / "qrels").is_dir():
        mix(arguments.data, mixed)
    nearmiss("mine", mixed, run, *MINING)
    log = open_run(run).log()
    log.append(list(answers_in(mixed, run)))  # a second time they are known already
    log.close()
    nearmiss("teach", run, teacher, *TEACHING, *SMALL)
    shutil.copytree(teacher / "low_rank", arguments.out, dirs_exist_ok=True)


def mix(data: Path, out: Path) -> None:
    """Write one collection from all parts; ids get the part's name in front."""
    (out / "qrels").mkdir(parents=True)
    documents: list[Any] = []
    queries: list[Any] = []
    positives: list[str] = []
    for part in PARTS:
        folder = data / part.name
        documents += [named(row, part) for row in rows_of(folder / "corpus.jsonl")]
        pairs = [line.split("\t") for line in (folder / "qrels" / f"{part.split}.tsv").read_text().splitlines()[1:]]
        asked = sorted({query for query, _, _ in pairs}, key=lambda name: hashlib.sha256(name.encode()).digest())
        taken = set(asked[: part.questions])
        queries += [named(row, part) for row in rows_of(folder / "queries.jsonl") if row["_id"] in taken]
        positives += [f"{part.name}:{query}\t{part.name}:{doc}\t1" for query, doc, _ in pairs if query in taken]
    for name, rows in (("corpus", documents), ("queries", queries)):
        (out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (out / "qrels" / "train.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *positives]) + "\n", "utf-8")


def answers_in(mixed: Path, run: Path) -> Iterator[Event]:
    """A judgement for each candidate that holds an answer of its question and is not labelled."""
    answers = {row["_id"]: row.get("metadata", {}).get("answers", ()) for row in rows_of(mixed / "queries.jsonl")}
    texts = {row["_id"]: f" {plain(row['text'])} " for row in rows_of(mixed / "corpus.jsonl")}
    strings = {
        name: [f" {plain(answer)} " for answer in own if len(answer) >= SHORTEST_ANSWER]
        for name, own in answers.items()
    }
    candidates = open_run(run).candidates()
    unlabelled = candidates.loc[~candidates["is_positive"], ["query_id", "doc_id"]].itertuples(index=False, name=None)
    found = ((query, doc) for query, doc in unlabelled if any(words in texts[doc] for words in strings[query]))
    who: dict[str, Any] = {"reviewer": REVIEWER, "client_id": REVIEWER, "verdict": "unsure", "decided_at": 0.0}
    for number, (query_id, doc_id) in enumerate(found):
        yield Event(query_id=query_id, doc_id=doc_id, client_seq=number, **who)


def plain(text: str) -> str:
    """Words in lower case, one space between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def named(row: dict[str, Any], part: Part) -> dict[str, Any]:
    """A row whose id says where it is from."""
    return row | {"_id": f"{part.name}:{row['_id']}"}


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON lines file."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def nearmiss(*words: object) -> None:
    """One of the commands, as a user would call it."""
    subprocess.run([sys.executable, "-m", "mining.cli", *map(str, words)], check=True)


if __name__ == "__main__":
    main()
