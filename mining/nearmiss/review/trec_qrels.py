"""
Qrels: judgements as TREC writes them, both ways.

In:  `query_id iteration doc_id grade` between white space, or `query_id doc_id grade` between tabs, perhaps under a
     line of column names; plain or .gz
Out: one reviewer's judgements; or a file of the verdicts that count

| grade         | is read as     |     | verdict        | is written as |
|---------------|----------------|-----|----------------|---------------|
| below 0       | left out       |     | `relevant`     | 2             |
| 0             | `not_relevant` |     | `partial`      | 1             |
| 1             | `partial`      |     | `not_relevant` | 0             |
| 2, 3 and more | `relevant`     |     | `unsure`       | left out      |

Collections differ in what 1 and 2 mean, so both borders can be moved; where the highest grade of a file is 1, it is
read as `relevant`. Below 0 are marks (spam, a question's own source), and no judgements.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nearmiss.data.checks import Wrong, shortened, wanted_id, wanted_number
from nearmiss.data.lines import decoded, lines, raw
from nearmiss.errors import ReviewError
from nearmiss.review.history import settle
from nearmiss.storage.files import write_atomically
from nearmiss.types import Pair

HEADERS = ("query_id", "query-id", "qid", "topic")
GRADES = {"relevant": 2, "partial": 1, "not_relevant": 0}


@dataclass(frozen=True)
class Borders:
    """From which grades on a judgement is `relevant` and `partial`; whatever is lower, from 0 on, is `not_relevant`."""

    relevant: float = 2.0
    partial: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.partial <= self.relevant:
            found = f"{self.partial:g} and {self.relevant:g}"
            raise ReviewError(f"--partial-from, --relevant-from: wanted them above 0 and in this order; found {found}")

    @classmethod
    def of(cls, grades: Iterable[float]) -> "Borders":
        """The usual borders; where no grade is above 1, 1 is the highest grade and means relevant."""
        return cls(relevant=1.0) if max(grades, default=0.0) == 1 else cls()

    def verdict(self, grade: float) -> str:
        """The verdict of a grade of 0 or more."""
        if grade >= self.relevant:
            return "relevant"
        return "partial" if grade >= self.partial else "not_relevant"


class QrelsLine(NamedTuple):
    """One line of qrels."""

    query_id: str
    doc_id: str
    grade: float


def write_qrels(path: Path, verdicts: Mapping[Pair, str]) -> int:
    """Write the graded ones among the verdicts; returns how many."""
    graded = [(pair, GRADES[verdict]) for pair, verdict in verdicts.items() if verdict in GRADES]
    for name in (name for pair, _ in graded for name in pair):
        # TREC tools split lines at any white space, so such an id would shift every later column.
        if name.split() != [name]:
            raise ReviewError(f"{path}: wanted ids without white space; found {name!r}. JSON lines can hold it")
    with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as written:
        for (query_id, doc_id), grade in graded:
            written.write(f"{query_id} 0 {doc_id} {grade}\n")
    return len(graded)


def read_qrels(path: Path) -> tuple[list[QrelsLine], int]:
    """
    The judgements of a file, and how many lines were left out for a grade below 0.

    Raises ReviewError that lists what is wrong, line by line.
    """
    found: dict[Pair, tuple[int, QrelsLine]] = {}
    bad: list[tuple[int, str]] = []
    marks = rows = 0
    for number, content in _rows(path):
        rows += 1
        try:
            judged = _parsed(content)
            first, before = found.get(judged[:2], (number, judged))
            if before != judged:
                raise Wrong(f"each pair once, with one grade; line {first} says {before.grade:g}", f"{judged.grade:g}")
        except Wrong as wrong:
            bad.append((number, f"{path}:{number}: {wrong}"))
            continue
        if judged.grade < 0:
            marks += 1
        else:
            found.setdefault(judged[:2], (number, judged))
    settle(rows, bad)
    return [judged for _, judged in found.values()], marks


def _rows(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, without one of column names."""
    for number, content in lines(path):
        if content.strip() and not (number == 1 and _is_header(_fields(raw(content)))):
            yield number, content


def _is_header(fields: Sequence[str]) -> bool:
    return bool(fields) and fields[0].lower() in HEADERS and not fields[-1].isdecimal()


def _fields(text: str) -> list[str]:
    """The parts of a line; none where they are neither three or four between tabs nor four words."""
    between_tabs, between_spaces = text.rstrip("\r\n").split("\t"), text.split()
    if len(between_tabs) in (3, 4):
        return between_tabs
    return between_spaces if len(between_spaces) == 4 else []


def _parsed(content: bytes) -> QrelsLine:
    text = decoded(content).rstrip("\r\n")
    fields = _fields(text)
    if not fields:
        raise Wrong("query_id, iteration, doc_id and grade, or without iteration between tabs", shortened(repr(text)))
    query_id, doc_id = wanted_id(fields[0], "query_id"), wanted_id(fields[-2], "doc_id")
    try:
        return QrelsLine(query_id, doc_id, wanted_number(float(fields[-1]), "grade"))
    except ValueError:
        raise Wrong("a number in 'grade'", shortened(repr(fields[-1]))) from None
