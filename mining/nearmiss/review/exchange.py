"""
Exchange: export the log to a file, and import judgements from one.

In:  a log, a file, whose judgements they are
Out: the file, or new rows in the log; counts of both

It is exported as its whole history (JSON lines) or as judgements (TREC qrels), and imported from these, from exports of
annotation tools and from plain rows. Reading the same file twice writes once. A file with any error in it, or whose
judgements are all of another collection, writes nothing.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nearmiss.data import Dataset
from nearmiss.errors import ReviewError
from nearmiss.review import annotation_tools, quepid
from nearmiss.review.annotation_tools import Words
from nearmiss.review.current import Entry, Standing
from nearmiss.review.events import JUDGEMENTS
from nearmiss.review.given import Judgement, ReadJudgements, events_of
from nearmiss.review.history import read_history, write_history
from nearmiss.review.judgement_files import JudgementFormat, format_of, format_to_write, is_table, objects, table_rows
from nearmiss.review.log import ReviewLog, open_log
from nearmiss.review.trec_qrels import Borders, read_qrels, write_qrels
from nearmiss.types import Pair

__all__ = [
    "Belonging",
    "ImportedJudgements",
    "JudgementFile",
    "WrittenJudgements",
    "check",
    "export_reviews",
    "format_of",
    "format_to_write",
    "read_file",
    "rehearsal",
    "write",
]

MARKS = "of a grade below 0, which is a mark and no judgement"


@dataclass(frozen=True)
class Belonging:
    """What a run holds: its queries (also by their text) and its documents."""

    query_ids: frozenset[str]
    doc_ids: frozenset[str]
    by_text: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, data: Dataset) -> "Belonging":
        """The ids and texts of a data set."""
        by_text: dict[str, list[str]] = {}
        ids = data.queries["query_id"].tolist()
        for query_id, text in zip(ids, data.queries["text"].tolist(), strict=True):
            by_text.setdefault(quepid.plain_text(text), []).append(query_id)
        return cls(frozenset(ids), frozenset(data.documents["doc_id"].tolist()), by_text)

    def has(self, pair: Pair) -> bool:
        """Whether both the query and the document are the run's."""
        return pair[0] in self.query_ids and pair[1] in self.doc_ids


@dataclass(frozen=True)
class JudgementFile:
    """What a file of judgements holds: a history's rows, or judgements that are `given`."""

    path: Path
    history: Sequence[Entry] | None
    given: ReadJudgements
    borders: Borders | None = None  # by which grades were read

    @property
    def judged(self) -> list[tuple[Pair, str]]:
        """Each judgement's pair and verdict."""
        if self.history is None:
            return [(one.pair, one.verdict) for one in self.given.judgements]
        return [(one.pair, one.event.verdict) for one in self.history if one.event.verdict in JUDGEMENTS]


@dataclass(frozen=True)
class ImportedJudgements:
    """The result of reading a file: rows read and written, marks below grade 0, and the pairs that are judged in it."""

    rows: int
    new: int
    marks: int
    pairs: frozenset[Pair]
    verdicts: Mapping[str, int] = field(default_factory=dict)
    foreign: int = 0  # pairs of a query or a document that the run does not have
    left_out: Mapping[str, int] = field(default_factory=dict)
    known: int = 0  # judgements, or rows of a history, that the log held already
    borders: Borders | None = None
    assumed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class WrittenJudgements:
    """What was written, and how many verdicts a file of grades cannot hold."""

    rows: int
    unsure: int


def export_reviews(log: ReviewLog, path: Path, format: JudgementFormat) -> WrittenJudgements:
    """Write every row of the log (jsonl), or the verdict that counts of every pair (trec)."""
    if format not in ("jsonl", "trec"):
        raise ReviewError(f"--format: wanted jsonl or trec to write; found {format!r}")
    entries = log.since(0)
    if format == "jsonl":
        return WrittenJudgements(write_history(path, entries, log.readings()), 0)
    verdicts = _standing(log).verdicts()
    written = write_qrels(path, verdicts)
    return WrittenJudgements(written, len(verdicts) - written)


def read_file(
    path: Path,
    format: JudgementFormat,
    reviewer: str = "",
    borders: Borders | None = None,
    words: Words | None = None,
    belonging: Belonging | None = None,
) -> JudgementFile:
    """
    The content of a file, checked; nothing is written.

    `reviewer` is used for judgements that name nobody. Without `borders`, a file whose highest grade is 1 means
    relevant by it. Raises ReviewError that lists what is wrong.
    """
    _check_read(format, borders, words)
    if format == "jsonl":
        history = read_history(path, reviewer)
        return JudgementFile(path, history, ReadJudgements([], len(history)))
    if format == "trec":
        judged, marks = read_qrels(path)
        chosen = borders or Borders.of([one.grade for one in judged])
        ours = [Judgement(one.query_id, one.doc_id, chosen.verdict(one.grade)) for one in judged]
        given = ReadJudgements(ours, len(judged) + marks, {MARKS: marks} if marks else {})
        return JudgementFile(path, None, given.by(reviewer, path), chosen)
    if format == "quepid":
        by_text = belonging.by_text if belonging else {}
        rated, rows, left, unused = quepid.read_ratings(table_rows(path), by_text)
        chosen = borders or Borders.of([rating for _, _, rating, _ in rated])
        given = quepid.given(rated, chosen.verdict, rows, left)
        return JudgementFile(path, None, replace(given, unused=unused).by(reviewer, path).latest(), chosen)
    found = table_rows(path) if format == "rows" and is_table(path) else objects(path)
    given = annotation_tools.given(format, found, words or Words({}))
    return JudgementFile(path, None, given.by(reviewer, path).latest())


def _check_read(format: JudgementFormat, borders: Borders | None, words: Words | None) -> None:
    """ReviewError where something was said of grades, labels or questions that files of this format do not have."""
    if borders is not None and format not in ("trec", "quepid"):
        raise ReviewError(f"--relevant-from, --partial-from: wanted none, since {format} holds verdicts and no grades")
    if words and (words.labels or words.question) and format in ("jsonl", "trec", "quepid"):
        raise ReviewError(f"--label, --question: wanted none, since {format} has no labels of a tool's own")


def check(read: JudgementFile, belonging: Belonging, *, allow_foreign: bool = False) -> None:
    """Raise ReviewError where no judgement of a file is of this run."""
    pairs = [pair for pair, _ in read.judged]
    if not pairs and not read.given.rows:
        raise ReviewError(f"{read.path}: wanted judgements; found none in it. Nothing was written")
    if not pairs and read.given.left_out.get(quepid.NO_QUERY):
        raise ReviewError(
            f"{read.path}: wanted the texts of the run's queries; found none of them. Nothing was written"
        )
    if pairs and not allow_foreign and not any(map(belonging.has, pairs)):
        raise ReviewError(
            f"{read.path}: wanted judgements of this run; found {len(pairs):,} of which none has a query and a "
            f"document of it, as {pairs[0][0]!r} and {pairs[0][1]!r}. Nothing was written; "
            "--allow-foreign writes them anyway"
        )


def write(log: ReviewLog, read: JudgementFile, belonging: Belonging | None = None) -> ImportedJudgements:
    """Write what was read from a file and the log does not hold."""
    judged = read.judged
    if read.history is not None:
        new, total = log.adopt(read.history), len(read.history)
    else:
        try:
            events = list(events_of(read.given.judgements, _standing(log), time.time()))
        except ReviewError as error:
            raise ReviewError(f"{read.path}: {error}") from error
        new, total = len(log.append(events)), len(read.given.judgements)
    pairs = frozenset(pair for pair, _ in judged)
    counted = Counter(verdict for _, verdict in judged)
    return ImportedJudgements(
        rows=read.given.rows,
        new=new,
        marks=read.given.left_out.get(MARKS, 0),
        pairs=pairs,
        verdicts={verdict: counted[verdict] for verdict in JUDGEMENTS},
        foreign=sum(not belonging.has(pair) for pair in pairs) if belonging else 0,
        left_out=read.given.left_out,
        known=total - new,
        borders=read.borders,
        assumed=read.given.assumed,
        unused=read.given.unused,
    )


def rehearsal(log: ReviewLog) -> ReviewLog:
    """A copy of a log in memory, to see what an import would write."""
    copy = open_log("sqlite://")
    copy.adopt(log.since(0))
    return copy


def _standing(log: ReviewLog) -> Standing:
    return Standing.of(log.since(0))
