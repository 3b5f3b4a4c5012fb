"""
The source `run:NAME=FILE`: what another system found, from its run file (plain or .gz).

In:  a TREC run (`qid Q0 docid rank score tag`), or a table of `qid docid` (best first), `qid docid rank` (as for
     MS MARCO) or `qid docid rank score`; tabs or white space between; a first line of column names may say otherwise
Out: a found frame

Knows nothing of how the other system searched. Ranks are made anew from the scores (1/rank where a file has none), so
that ties and depths mean the same for every source.
"""

import gzip
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import pandas as pd

from nearmiss.errors import DatasetError
from nearmiss.retrieval.results import ranked

SHOWN = 20
LARGEST = 3e38  # scores are kept in float32
LAYOUTS: dict[int, tuple[str, ...]] = {
    2: ("query_id", "doc_id"),
    3: ("query_id", "doc_id", "rank"),
    4: ("query_id", "doc_id", "rank", "score"),
    6: ("query_id", "Q0", "doc_id", "rank", "score", "tag"),
}
NAMES = {
    **{name: name for name in LAYOUTS[6]},
    **dict.fromkeys(("qid", "query-id"), "query_id"),
    **dict.fromkeys(("docid", "doc-id", "pid", "corpus-id"), "doc_id"),
}


class RunFile(NamedTuple):
    """What a run file finds for the dataset, and how many of its lines are about other queries."""

    found: pd.DataFrame
    skipped: int


class Line(NamedTuple):
    """One line of a run that could be read."""

    number: int
    query_id: str
    doc_id: str
    score: float


def read_run(path: Path, query_ids: Sequence[str], doc_ids: Sequence[str], depth: int) -> RunFile:
    """
    The best `depth` documents that the file names for each of these queries.

    DatasetError for a document that does not exist, a pair named twice, or a score that is no finite number, with the
    first 20 and their total. Lines of other queries are skipped and counted: a run often covers every split.
    """
    problems: list[tuple[int, str]] = []
    every_line = pd.DataFrame(_lines(path, problems), columns=Line._fields)
    query_rows = pd.Index(query_ids).get_indexer(pd.Index(every_line["query_id"]))
    lines = every_line.assign(query=query_rows)[query_rows >= 0]
    doc_rows = pd.Index(doc_ids).get_indexer(pd.Index(lines["doc_id"]))
    unknown = lines.loc[doc_rows < 0, ["number", "doc_id"]].itertuples(index=False)
    problems += [(number, f"wanted a doc_id of the dataset; found {doc_id!r}") for number, doc_id in unknown]
    repeated = lines.loc[lines.duplicated(["query_id", "doc_id"]), "number"]
    problems += [(number, "wanted each query and document once; found this pair above, too") for number in repeated]
    if problems:
        raise DatasetError(_in_words(path, problems))
    found = ranked(lines["query"].to_numpy(), doc_rows, lines["score"].to_numpy(np.float64), depth)
    return RunFile(found, len(every_line) - len(lines))


def _lines(path: Path, problems: list[tuple[int, str]]) -> Iterator[Line]:
    """The lines that can be read, in order; the others go to `problems`, with their numbers."""
    layout: tuple[str, ...] = ()
    places: Counter[str] = Counter()  # within each query, for a file without ranks and scores
    with _open(path) as text:
        for number, line in enumerate(text, 1):
            fields = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            if not fields:
                continue
            if not layout:
                header = _header(fields)
                layout = header or LAYOUTS.get(len(fields), LAYOUTS[6])
                if header:
                    continue
            try:
                named = _named(fields, layout)
                places[named["query_id"]] += 1
                yield Line(number, named["query_id"], named["doc_id"], _score(named, places[named["query_id"]]))
            except ValueError as error:
                problems.append((number, str(error)))


def _header(fields: list[str]) -> tuple[str, ...]:
    """The columns that a first line names, if it is a header: () where it is a line of ids."""
    names = tuple(NAMES.get(field.lower(), "") for field in fields)
    return names if {"query_id", "doc_id"} <= set(names) else ()


def _named(fields: list[str], layout: tuple[str, ...]) -> dict[str, str]:
    if len(fields) != len(layout):
        raise ValueError(f"wanted {len(layout)} columns ({' '.join(layout)}); found {len(fields)}")
    return dict(zip(layout, fields, strict=True))


def _score(named: dict[str, str], place: int) -> float:
    """The line's score; 1/rank where the file has none, so that higher is more alike."""
    name = "score" if "score" in named else "rank"
    written = named.get(name, str(place))
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not abs(number) < LARGEST or (name == "rank" and number < 1):
        raise ValueError(f"wanted a {name} that is a finite number{' from 1' * (name == 'rank')}; found {written!r}")
    return number if name == "score" else 1 / number


def _open(path: Path) -> TextIO:
    if not path.exists():
        raise DatasetError(f"{path}: wanted a run file; found none")
    # A broken byte makes an unknown id, which is then reported with its line.
    encoding, errors = "utf-8-sig", "replace"
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, errors=errors)
    return path.open(encoding=encoding, errors=errors)


def _in_words(path: Path, problems: list[tuple[int, str]]) -> str:
    shown = [f"{path}:{number}: {problem}" for number, problem in sorted(problems)[:SHOWN]]
    return "\n".join([*shown, f"{len(problems)} problems in all"] if len(problems) > 1 else shown)
