"""
The source `run:NAME=FILE`: what another system found, from its run file (plain, .gz or .zst).

In:  a TREC run (`qid Q0 docid rank score tag`), or a table of `qid docid` (best first), `qid docid NUMBER` (ranks as
     for MS MARCO, or scores) or `qid docid rank score`; tabs or white space between; a first line of column names may
     say otherwise
Out: a found frame

Ranks are made anew from the scores (1/rank where a file has none), so that ties and depths mean the same for every
source. Whether a lone column of numbers holds ranks or scores is inferred from the numbers; where they could be either,
the user has to say which.
"""

import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.data.opening import UNREADABLE, opened_text, reason
from nearmiss.errors import DatasetError
from nearmiss.retrieval.results import ranked
from nearmiss.types import AnyInts

PROBLEMS_LISTED = 20
LEAST_SHARE = 0.5  # of the lines whose queries the dataset must have
NumberMeaning = Literal["", "rank", "score"]  # "": inferred from the numbers
LARGEST = 3e38  # scores are kept in float32
LAYOUTS: dict[int, tuple[str, ...]] = {
    2: ("query_id", "doc_id"),
    3: ("query_id", "doc_id", "number"),
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


class RunFileLine(NamedTuple):
    """One line of a run that could be read; `number` is None where the file gives none."""

    line: int
    query_id: str
    doc_id: str
    rank: float
    score: float
    number: float  # a rank or a score: the file does not say which


def read_run(
    path: Path, query_ids: Sequence[str], doc_ids: Sequence[str], depth: int, column: NumberMeaning = ""
) -> RunFile:
    """
    The best `depth` documents that the file names for each of these queries.

    `column` says which numbers decide, where the user named them. DatasetError for a document that does not exist, a
    pair named twice, or a number that is not finite, with the first 20 and their total; for a file without lines, or of
    which fewer than half of the lines are about these queries; and where numbers may be ranks as well as scores. Lines
    of other queries are skipped and counted: a run often covers every split.
    """
    problems: list[tuple[int, str]] = []
    try:
        every_line = pd.DataFrame(_lines(path, problems), columns=RunFileLine._fields)
    except UNREADABLE as error:
        raise DatasetError(f"{path}: wanted a whole, readable file; found {reason(error)}") from error
    if every_line.empty and not problems:
        raise DatasetError(f"{path}: wanted lines of a run, as query_id, Q0, doc_id, rank, score, tag; found none")
    query_rows = pd.Index(query_ids).get_indexer(pd.Index(every_line["query_id"]))
    _check_queries(path, every_line["query_id"], query_rows, query_ids)
    lines = every_line.assign(query=query_rows)[query_rows >= 0]
    doc_rows = pd.Index(doc_ids).get_indexer(pd.Index(lines["doc_id"]))
    unknown = lines.loc[doc_rows < 0, ["line", "doc_id"]].itertuples(index=False)
    problems += [(line, f"wanted a doc_id of the dataset; found {doc_id!r}") for line, doc_id in unknown]
    repeated = lines.loc[lines.duplicated(["query_id", "doc_id"]), "line"]
    problems += [(line, "wanted each query and document once; found this pair above, too") for line in repeated]
    if problems:
        raise DatasetError(_in_words(path, problems))
    found = ranked(lines["query"].to_numpy(), doc_rows, _scores(path, every_line, column)[query_rows >= 0], depth)
    return RunFile(found, len(every_line) - len(lines))


def _check_queries(path: Path, named: pd.Series, rows: AnyInts, query_ids: Sequence[str]) -> None:
    known = int((rows >= 0).sum())
    if not len(named) or known >= LEAST_SHARE * len(named):
        return
    stranger = named.iloc[int(np.argmin(rows))]
    example = f", such as {query_ids[0]!r}" if len(query_ids) else ""
    raise DatasetError(
        f"{path}: wanted query ids of the dataset{example}; found them in {known:,} of {len(named):,} lines: "
        f"{stranger!r} is none. Take the run of the same queries, or leave only their lines in it"
    )


def _scores(path: Path, lines: pd.DataFrame, column: NumberMeaning) -> npt.NDArray[np.float64]:
    """A score for each line, higher for what is more alike, (n_lines,)."""
    numbers: dict[str, npt.NDArray[np.float64]] = {
        name: lines[name].to_numpy(np.float64) for name in ("rank", "score", "number")
    }
    if column:
        chosen = numbers[column] if np.isfinite(numbers[column]).all() else numbers["number"]
        if not np.isfinite(chosen).all():
            raise DatasetError(f"{path}#{column}: wanted a column of {column}s; found none in the file")
        return chosen if column == "score" else _from_ranks(path, chosen)
    if np.isfinite(numbers["score"]).all():
        return numbers["score"]
    if np.isfinite(numbers["rank"]).all():
        return _from_ranks(path, numbers["rank"])
    if _are_ranks(path, lines["query_id"], numbers["number"]):
        return _from_ranks(path, numbers["number"])
    return numbers["number"]


def _from_ranks(path: Path, ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    least = ranks.min()  # some systems count from 0
    if least < 0:
        raise DatasetError(f"{path}: wanted ranks from 1; found {least:g}. If they are scores, write {path}#score")
    scores: npt.NDArray[np.float64] = 1 / (ranks + (least < 1))
    return scores


def _are_ranks(path: Path, query_id: pd.Series, numbers: npt.NDArray[np.float64]) -> bool:
    """Whether the numbers are ranks, and not scores; DatasetError where they could be either."""
    if (numbers != np.floor(numbers)).any() or (numbers < 0).any():
        return False
    frame = pd.DataFrame({"query": pd.factorize(query_id)[0], "number": numbers})
    by_query = frame.groupby("query")["number"]
    step = by_query.diff().dropna()
    counted = by_query.agg(["min", "max", "size", "nunique"])
    # 1, 2, 3 ... (or 0, 1, 2 ...) for each query, in any order.
    complete = bool(
        (counted["nunique"].eq(counted["size"]) & counted["max"].sub(counted["min"]).eq(counted["size"] - 1)).all()
    )
    complete = complete and counted["min"].nunique() == 1 and counted["min"].iloc[0] in (0, 1)
    falling = bool((step <= 0).all() and (step < 0).any())
    if complete and not falling:
        return True
    if falling and not complete:
        return False
    raise DatasetError(
        f"{path}: wanted to know whether the numbers in the third column are ranks or scores; found "
        f"{', '.join(f'{number:g}' for number in numbers[:4])} ..., which may be either. Write {path}#rank where 1 is "
        f"the best, {path}#score where the highest is"
    )


def _lines(path: Path, problems: list[tuple[int, str]]) -> Iterator[RunFileLine]:
    """The lines that can be read, in order; the others go to `problems`, with their numbers."""
    layout: tuple[str, ...] = ()
    places: Counter[str] = Counter()  # within each query, for a file without ranks and scores
    with _open(path) as text:
        for line, written in enumerate(text, 1):
            fields = written.rstrip("\r\n").split("\t") if "\t" in written else written.split()
            if not any(fields):
                continue
            if not layout:
                header = _header(fields)
                layout = header or _layout(fields)
                if header:
                    continue
            try:
                named = _named(fields, layout)
                places[named["query_id"]] += 1
                if not {"rank", "score", "number"} & set(layout):
                    named["rank"] = str(places[named["query_id"]])
                numbers = (_number(named, name) for name in ("rank", "score", "number"))
                yield RunFileLine(line, named["query_id"], named["doc_id"], *numbers)
            except ValueError as error:
                problems.append((line, str(error)))


def _layout(fields: list[str]) -> tuple[str, ...]:
    """The columns of a file without a header, from its first line."""
    if len(fields) == 4 and fields[1].upper() == "Q0":
        return ("query_id", "Q0", "doc_id", "number")
    return LAYOUTS.get(len(fields), LAYOUTS[6])


def _header(fields: list[str]) -> tuple[str, ...]:
    """The columns that a first line names, if it is a header: () where it is a line of ids."""
    names = tuple(NAMES.get(field.lower(), "") for field in fields)
    return names if {"query_id", "doc_id"} <= set(names) else ()


def _named(fields: list[str], layout: tuple[str, ...]) -> dict[str, str]:
    if len(fields) != len(layout):
        raise ValueError(f"wanted {len(layout)} columns ({' '.join(layout)}); found {len(fields)}")
    return dict(zip(layout, fields, strict=True))


def _number(named: dict[str, str], name: str) -> float:
    """A number of the line; NaN where the file does not have that column."""
    if name not in named or (name == "rank" and "score" in named and not _finite(named["rank"])):
        return math.nan  # beside scores, ranks are not read unless asked for: some systems write "-"
    if not _finite(named[name]):
        raise ValueError(f"wanted a {name} that is a finite number; found {named[name]!r}")
    return float(named[name])


def _finite(written: str) -> bool:
    try:
        return abs(float(written)) < LARGEST
    except ValueError:
        return False


def _open(path: Path) -> TextIO:
    if not path.exists():
        raise DatasetError(f"{path}: wanted a run file; found none")
    # A broken byte makes an unknown id, which is then reported with its line.
    return io.TextIOWrapper(opened_text(path), "utf-8-sig", "replace")


def _in_words(path: Path, problems: list[tuple[int, str]]) -> str:
    shown = [f"{path}:{number}: {problem}" for number, problem in sorted(problems)[:PROBLEMS_LISTED]]
    return "\n".join([*shown, f"{len(problems)} problems in all"] if len(problems) > 1 else shown)
