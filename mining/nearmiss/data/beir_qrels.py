"""
The judgements of a BEIR folder: qrels/<split>.tsv with query-id, corpus-id and score; TREC's four columns; or a table
(Parquet, JSONL) with the same names, as MTEB has it.

Out: `QrelsRow`s in file order; rows that cannot be read go to the ledger

Whether the ids exist is checked in beir.py.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nearmiss.data.checks import Wrong, wanted_id, wanted_number
from nearmiss.data.lines import InputRow, decoded, lines, raw
from nearmiss.data.opening import kind_of
from nearmiss.data.parts import Tables, tables, words
from nearmiss.data.rejects import Ledger
from nearmiss.data.sheets import KINDS, rows
from nearmiss.errors import DatasetError

HEADER = ["query-id", "corpus-id", "score"]
NAMES = (
    ("query-id", "query_id", "qid"),
    ("corpus-id", "corpus_id", "doc-id", "doc_id", "docid", "pid"),
    ("score", "relevance", "rel", "grade", "label"),
)
LINES = (".tsv", ".txt", ".qrels", ".trec", ".qrel", "")
FOLDERS = ("qrels", "default", "data")  # MTEB's older repositories have them under the latter two


class QrelsRow(NamedTuple):
    """A row of qrels; `line` is its place in the file, `text` the row as written there."""

    file: str
    line: int
    query_id: str
    doc_id: str
    score: float
    text: str


def qrels_files(folder: Path, split: str | None) -> tuple[str, list[Path]]:
    """The judgements of the split, or of the only one there is; and its name."""
    inside, splits = _place(folder), splits_of(folder)
    if split is None and len(splits) != 1:
        raise DatasetError(f"{inside}: wanted one split, or --split NAME; found {sorted(splits)}")
    if split is not None and split not in splits:
        matching = [name for name in splits if split in words(name)]
        if len(matching) != 1:
            raise DatasetError(f"{inside}: wanted the split {split!r}; found {sorted(splits)}")
        split = matching[0]
    name = split or next(iter(splits))
    return name, splits[name]


def splits_of(folder: Path) -> Tables:
    """The files of judgements in a folder, by the name of their split."""
    kinds, inside = {*KINDS, *LINES}, _place(folder)
    splits: Tables = tables(inside, kinds) if inside.is_dir() else {}
    return splits or {name: paths for name, paths in tables(folder, kinds).items() if words(name)[0] == "qrels"}


def _place(folder: Path) -> Path:
    return next((folder / name for name in FOLDERS if (folder / name).is_dir()), folder / "qrels")


def read_qrels(path: Path, doubtful: set[str], ledger: Ledger) -> Iterator[QrelsRow]:
    """The readable rows; the queries of the others go to `doubtful`, where they can be read."""
    if kind_of(path) in LINES:
        yield from read_lines(path, doubtful, ledger)
        return
    for row in rows(path, ledger, order):
        try:
            yield judgement_of(row)
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.fields)
            doubtful.update(str(row.fields[name]) for name in NAMES[0] if name in row.fields)


def judgement_of(row: InputRow) -> QrelsRow:
    """One row of a table of judgements."""
    names = order(list(row.fields))
    query_id, doc_id, score = (row.fields[name] for name in names)
    text = "\t".join(map(str, (query_id, doc_id, score)))
    if isinstance(score, str):
        score = number(score)
    ids = wanted_id(query_id, names[0]), wanted_id(doc_id, names[1])
    return QrelsRow(row.file, row.line, *ids, not_negative(wanted_number(score, names[2])), text)


def read_lines(path: Path, doubtful: set[str], ledger: Ledger) -> Iterator[QrelsRow]:
    """Judgements between tabs under a header, or TREC's four columns between any white space."""
    shape = None
    for line, content in lines(path):
        if not content.strip():
            continue
        text = raw(content)
        if shape is None:
            shape = shape_of(path, line, text)
            if not shape.is_trec:
                continue
        try:
            yield parsed_judgement(str(path), line, content, shape)
        except Wrong as wrong:
            ledger.refuse(str(path), line, wrong, text)
            doubtful.update(shape.split(text)[:1])


class Shape(NamedTuple):
    """Where query, document and score stand among how many fields."""

    places: tuple[int, int, int]
    width: int
    is_trec: bool = False

    def split(self, text: str) -> list[str]:
        """The fields of a line."""
        fields = text.split("\t")
        return text.split() if self.is_trec and len(fields) != self.width else fields


TREC = Shape((0, 2, 3), 4, is_trec=True)  # query, iteration, document, grade


def shape_of(path: Path, line: int, text: str) -> Shape:
    """
    The shape by the first line: a header, or a judgement of TREC's with four columns.

    Three columns without a header are refused: BEIR's own reader would take the first judgement for one.
    """
    fields = text.split("\t")
    try:
        query, document, score = (fields.index(name) for name in order(fields))
        return Shape((query, document, score), len(fields))
    except Wrong:
        values = TREC.split(text)
    if len(values) == TREC.width and is_number(values[-1]):
        return TREC
    raise DatasetError(f"{path}:{line}: wanted the header {HEADER}, between tabs; found {fields}")


def order(header: Sequence[str]) -> list[str]:
    """The columns of query, document and score, in this order."""
    found = [[name for name in names if name in header] for names in NAMES]
    if any(len(names) != 1 for names in found):
        raise Wrong(f"the columns {HEADER}", str(list(header)), alike=True)
    return [names[0] for names in found]


def parsed_judgement(file: str, line: int, content: bytes, shape: Shape) -> QrelsRow:
    """One line of qrels."""
    text = decoded(content).rstrip("\r\n")
    fields = shape.split(text)
    if len(fields) != shape.width:
        raise Wrong(f"{shape.width} fields{'' if shape.is_trec else ' between tabs'}", f"{len(fields)} in {text!r}")
    query_id, doc_id, score = (fields[place] for place in shape.places)
    ids = wanted_id(query_id, "query-id"), wanted_id(doc_id, "corpus-id")
    return QrelsRow(file, line, *ids, not_negative(wanted_number(number(score), "score")), text)


def number(text: str) -> float:
    """A score spelled out."""
    try:
        return float(text)
    except ValueError:
        raise Wrong("a number in 'score'", repr(text)) from None


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def not_negative(score: float) -> float:
    """Some collections mark the source of a question, or spam, below 0: neither is a safe negative."""
    if score < 0:
        raise Wrong("a score of 0 or more", f"{score:g}")
    return score
