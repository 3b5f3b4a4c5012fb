"""
What `nearmiss teach` reaches in an hour of two cores: a teacher for everyone, and how it does where it never was.

    python -m tests.benchmarks.teaching --data DIR --work FOLDER
    python -m tests.benchmarks.teachers --data DIR --runs FOLDER/runs --teacher FOLDER/teacher/low_rank

In:  folders of squad_v11, medquad, covidqa and pubmedqa in BEIR form
Out: one mixed collection, mined by nearmiss; a teacher taught on that run. The second command tries it on others

Killed, it goes on with what lies in FOLDER. A passage that holds the answer of a SQuAD or CovidQA question is nobody's
hard negative: it is judged "cannot tell" before anything is learnt, since words alone do not show an answer either.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearmiss.review import Event
from nearmiss.run import open_run

SHORTEST_ANSWER = 4  # characters: what is shorter (a digit, "yes") stands in passages that answer nothing
REVIEWER = "answer strings"
SENTENCE = re.compile(r"(?<=[.!?])\s+")
CLOZE_SENTENCES, CLOZE_WORDS = (1, 2, 3), range(8, 81)
SEED = 42
MINING = ("--negatives-per-query", "3", "--sampling", "random", "--depth", "30")
TEACHING = ("--epochs", "1", "--learning-rate", "1e-4", "--max-length", "160", "--held-out", "0.05")
KEEPING = ("--distil", "0.6", "--unlabelled", "2", "--freeze", "2", "--rank", "96")


@dataclass(frozen=True)
class Part:
    """What is taken of a collection: a share of its titles with their documents, and so many of their questions."""

    name: str
    share: float
    questions: int
    clozes: int
    from_answers: bool = False  # whether a sentence may be taken out of a document that answers a question


PARTS = (
    Part("squad_v11", 0.5, 2500, 700),
    Part("medquad", 0.5, 1500, 700),
    Part("covidqa", 1, 1400, 700),
    Part("pubmedqa", 1, 1000, 500, from_answers=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    mixed, run, teacher = (arguments.work / name for name in ("mixed", "run", "teacher"))
    if not (mixed / "qrels").is_dir():
        mix(arguments.data, mixed)
    nearmiss("mine", mixed, run, *MINING)
    log = open_run(run).log()
    log.append(list(answers_in(mixed, run)))  # a second time they are known already
    log.close()
    nearmiss("teach", run, teacher, *TEACHING, *KEEPING)


def mix(data: Path, out: Path) -> None:
    """Write one collection from all parts; ids get the part's name in front."""
    (out / "qrels").mkdir(parents=True)
    documents: list[Any] = []
    queries: list[Any] = []
    positives: list[tuple[str, str]] = []
    for part in PARTS:
        taken = taken_of(data / part.name, part)
        for rows, own in zip((documents, queries, positives), taken, strict=True):
            rows += own
    for name, rows in (("corpus", documents), ("queries", queries)):
        (out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{doc}\t1" for query, doc in positives)]
    (out / "qrels" / "train.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def taken_of(folder: Path, part: Part) -> tuple[list[Any], list[Any], list[tuple[str, str]]]:
    """Documents, questions and positives that are taken of a collection, those of its clozes among them."""
    rows = (named(row, part) for row in rows_of(folder / "corpus.jsonl"))
    documents = {row["_id"]: row for row in rows if lot(row["title"] or row["_id"]) < part.share}
    pairs = [line.split("\t")[:2] for line in (folder / "qrels" / "train.tsv").read_text("utf-8").splitlines()[1:]]
    named_pairs = [(f"{part.name}:{query}", f"{part.name}:{doc}") for query, doc in pairs]
    known = [pair for pair in named_pairs if pair[1] in documents]
    asked = set(sorted({query for query, _ in known}, key=lot)[: part.questions])
    positives = [pair for pair in known if pair[0] in asked]
    queries = [row for row in (named(row, part) for row in rows_of(folder / "queries.jsonl")) if row["_id"] in asked]
    answers = {doc for _, doc in positives}
    free = [row for name, row in documents.items() if part.from_answers or name not in answers]
    clozes = [cloze for row in sorted(free, key=lambda row: lot(row["_id"])) if (cloze := cut(row))][: part.clozes]
    for _, document in clozes:
        documents[document["_id"]] = document
    own = [(query["_id"], document["_id"]) for query, document in clozes]
    return [*documents.values()], [*queries, *(query for query, _ in clozes)], [*positives, *own]


def cut(row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """
    Some sentences of a document as a query, and the document without them; None where it is too short.

    The inverse cloze task (Lee et al., 2019): questions are short, and what people look for by a paragraph would
    otherwise be strange to the teacher.
    """
    sentences = SENTENCE.split(row["text"])
    length = CLOZE_SENTENCES[int(lot(row["_id"] + "length") * len(CLOZE_SENTENCES))]
    if len(sentences) < length + 3:
        return None
    first = int(lot(row["_id"] + "first") * (len(sentences) - length))
    words = " ".join(sentences[first : first + length])
    if len(words.split()) not in CLOZE_WORDS:
        return None
    rest = " ".join(sentences[:first] + sentences[first + length :])
    return {"_id": f"{row['_id']}:cloze", "text": words}, row | {"text": rest}


def lot(name: str) -> float:
    """A number from 0 to 1, the same for a name whenever it is asked."""
    return int.from_bytes(hashlib.sha256(f"{SEED}:{name}".encode()).digest()[:8]) / 2**64


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
    subprocess.run([sys.executable, "-m", "nearmiss.cli", *map(str, words)], check=True)


if __name__ == "__main__":
    main()
