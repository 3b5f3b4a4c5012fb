"""
Exchange: the log out to a file and in from one, as its whole history (JSON lines) or as judgements (TREC qrels).

In:  a log, a file, whose judgements they are
Out: the file, or new rows in the log; counts of both

Reading the same file twice writes once. A file with anything wrong in it writes nothing.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from nearmiss.errors import ReviewError
from nearmiss.review.current import Pair, Standing
from nearmiss.review.events import JUDGEMENTS
from nearmiss.review.history import read_history, write_history
from nearmiss.review.log import ReviewLog
from nearmiss.review.trec_qrels import Borders, events_of, read_qrels, write_qrels

Format = Literal["jsonl", "trec"]
ENDINGS: dict[str, Format] = {".jsonl": "jsonl", ".tsv": "trec", ".txt": "trec", ".trec": "trec", ".qrels": "trec"}


@dataclass(frozen=True)
class Imported:
    """What reading a file came to: rows read and written, marks below grade 0, and the pairs that are judged in it."""

    rows: int
    new: int
    marks: int
    pairs: frozenset[Pair]

    @property
    def known(self) -> int:
        """Rows that the log held already."""
        return self.rows - self.new - self.marks


@dataclass(frozen=True)
class Exported:
    """What was written, and how many verdicts a file of grades cannot hold."""

    rows: int
    unsure: int


def format_of(path: Path, told: str | None) -> Format:
    """The format that was told, else the one that the file's name tells."""
    endings = {f".{format}": format for format in get_args(Format)} if told is not None else ENDINGS
    found = endings.get(f".{told}" if told is not None else Path(path.name.removesuffix(".gz")).suffix)
    if found is None:
        raise ReviewError(f"--format: wanted jsonl or trec; found {told or path.name!r}")
    return found


def export_reviews(log: ReviewLog, path: Path, format: Format) -> Exported:
    """Write every row of the log, or the verdict that counts of every pair."""
    entries = log.since(0)
    if format == "jsonl":
        return Exported(write_history(path, entries), 0)
    verdicts = _standing(log).verdicts()
    written = write_qrels(path, verdicts)
    return Exported(written, len(verdicts) - written)


def import_reviews(
    log: ReviewLog, path: Path, format: Format, reviewer: str = "", borders: Borders | None = None
) -> Imported:
    """
    Write what a file holds and the log does not.

    `reviewer` is whose the judgements are: of all in qrels, and of those rows of a history that do not say.
    """
    if format == "jsonl":
        history = read_history(path, reviewer)
        pairs = frozenset(entry.pair for entry in history if entry.event.verdict in JUDGEMENTS)
        return Imported(len(history), log.adopt(history), 0, pairs)
    if not reviewer.strip():
        raise ReviewError("--reviewer: wanted a name for the judgements of a qrels file; found none")
    judged, marks = read_qrels(path)
    events = list(events_of(judged, borders or Borders(), reviewer, _standing(log), time.time()))
    new = len(log.append(events))
    return Imported(len(judged) + marks, new, marks, frozenset((query_id, doc_id) for query_id, doc_id, _ in judged))


def _standing(log: ReviewLog) -> Standing:
    standing = Standing()
    standing.absorb(log.since(0))
    return standing
