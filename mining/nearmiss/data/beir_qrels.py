"""
The judgements of a BEIR folder: qrels/<split>.tsv, plain or .gz, with query-id, corpus-id and score.

Out: `Judgement`s in file order; rows that cannot be read go to the ledger

Knows nothing of queries and documents: whether the ids exist is beir.py's concern.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nearmiss.data.checks import Wrong, wanted_id, wanted_number
from nearmiss.data.lines import decoded, lines, raw
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

HEADER = ["query-id", "corpus-id", "score"]


class Judgement(NamedTuple):
    """A row of qrels; `line` is its place in the file, `text` the row as it stands there."""

    line: int
    query_id: str
    doc_id: str
    score: float
    text: str


def plain_or_gz(folder: Path, name: str) -> Path:
    """The file, packed or not; both at once would leave a choice that is not ours."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.exists()]
    if len(found) != 1:
        raise DatasetError(f"{folder}: wanted {name} or {name}.gz; found {'both' if found else 'neither'}")
    return found[0]


def qrels_file(folder: Path, split: str | None) -> Path:
    """The judgements of the split, or of the only one there is."""
    paths = [path for ending in ("*.tsv", "*.tsv.gz") for path in sorted((folder / "qrels").glob(ending))]
    splits = sorted({path.name.partition(".tsv")[0] for path in paths})
    if split is None and len(splits) != 1:
        raise DatasetError(f"{folder / 'qrels'}: wanted one split, or --split NAME; found {splits}")
    chosen = split or splits[0]
    if chosen not in splits:
        raise DatasetError(f"{folder / 'qrels'}: wanted the split {chosen!r}; found {splits}")
    return plain_or_gz(folder / "qrels", f"{chosen}.tsv")


def read_qrels(path: Path, doubtful: set[str], ledger: Ledger) -> Iterator[Judgement]:
    """The readable rows after the header; the queries of the others go to `doubtful`, where they can be told."""
    for line, content in lines(path):
        if line == 1:
            check_header(path, raw(content))
        elif content.strip():
            try:
                judgement = parsed_judgement(line, content)
            except Wrong as wrong:
                ledger.refuse(str(path), line, wrong, raw(content))
                doubtful.add(raw(content).partition("\t")[0])
                continue
            yield judgement


def check_header(path: Path, text: str) -> None:
    """Without its header the first judgement would be taken for one, as BEIR's own reader does."""
    if text.split("\t") != HEADER:
        raise DatasetError(f"{path}:1: wanted the header {HEADER}, between tabs; found {text.split(chr(9))}")


def parsed_judgement(line: int, content: bytes) -> Judgement:
    """One row of qrels."""
    text = decoded(content).rstrip("\r\n")
    fields = text.split("\t")
    if len(fields) != len(HEADER):
        raise Wrong("3 fields between tabs", f"{len(fields)} in {text!r}")
    query_id, doc_id = (wanted_id(value, name) for name, value in zip(HEADER[:2], fields[:2], strict=True))
    try:
        score = wanted_number(float(fields[2]), "score")
    except ValueError:
        raise Wrong("a number in 'score'", repr(fields[2])) from None
    # Some collections mark the source of a question, or spam, below 0: neither is a safe negative.
    if score < 0:
        raise Wrong("a score of 0 or more", fields[2])
    return Judgement(line, query_id, doc_id, score, text)
