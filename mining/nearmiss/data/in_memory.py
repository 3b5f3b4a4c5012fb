"""
Data that a program already holds: a `datasets.Dataset` or a pandas frame of pairs, or a frame for each table.

Out: rows with the same named columns as the files have; a row's number, from 1, stands in for its line
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from nearmiss.data.arrow import ROWS_AT_ONCE, arrow_rows
from nearmiss.data.beir import drop_queries, judge, resolved
from nearmiss.data.beir_qrels import QrelsRow
from nearmiss.data.checks import Wrong, wanted_field, wanted_grade, wanted_id, wanted_text
from nearmiss.data.corpus import TEXT_FIELDS, add_row, share_texts
from nearmiss.data.gathering import Gathered, add_query
from nearmiss.data.lines import HeaderCheck, InputRow, checked_header
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

TABLES = ("queries", "documents", "positives", "negatives")
DATASET, FRAME = "datasets.Dataset", "DataFrame"


def described(given: Any) -> str:
    """An object's type in words, for a message."""
    return f"{type(given).__module__}.{type(given).__qualname__}"


def pair_rows(given: Any, split: str | None, ledger: Ledger, check: HeaderCheck) -> Iterator[InputRow]:
    """The rows of a frame or of a `datasets.Dataset` whose columns are those of pairs."""
    if isinstance(given, pd.DataFrame):
        checked_header(FRAME, [str(name) for name in given.columns], check)
        yield from frame_rows(FRAME, given, ledger)
        return
    from datasets import Dataset, DatasetDict

    from nearmiss.data.hf import one_split

    if not isinstance(given, Dataset | DatasetDict):
        raise DatasetError(
            "data: wanted a path, a datasets.Dataset, a pandas DataFrame or a mapping of frames; "
            f"found {described(given)}"
        )
    table = one_split(DATASET, given, split)
    checked_header(DATASET, table.column_names, check)
    yield from arrow_rows(DATASET, table.with_format("arrow").iter(ROWS_AT_ONCE), ledger)


def frame_rows(name: str, frame: pd.DataFrame, ledger: Ledger) -> Iterator[InputRow]:
    """The rows of a frame as plain Python values, its index left out."""
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, OverflowError) as error:
        raise DatasetError(f"{name}: wanted one type of values in each column; found {error}") from error
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise DatasetError(
            f"{name}: wanted whole Unicode characters; found half of a surrogate pair, {half!a}"
        ) from error
    yield from arrow_rows(name, table.to_batches(ROWS_AT_ONCE), ledger)


def read_frames(frames: Mapping[str, pd.DataFrame], gathered: Gathered, ledger: Ledger) -> None:
    """
    Add frames `queries` (query_id, text), `documents` (doc_id, text, perhaps title), `positives` (query_id, doc_id,
    perhaps grade) and perhaps `negatives` (query_id, doc_id); other columns are the user's own.
    """
    missing, strange = [name for name in TABLES[:3] if name not in frames], [*frames.keys() - set(TABLES)]
    if missing or strange:
        raise DatasetError(f"frames: wanted {', '.join(TABLES[:3])} and perhaps negatives; found {sorted(frames)}")
    judged = {name: list(judgements(name, frames[name], ledger)) for name in TABLES[2:] if name in frames}
    for row in frame_rows("documents", frames["documents"], ledger):
        add_row(row, ("doc_id",), TEXT_FIELDS, gathered, ledger, needs_id=True)
    share_texts(gathered)
    wanted = {row.query_id for row in judged["positives"]}
    found = {}
    for row in frame_rows("queries", frames["queries"], ledger):
        if query_id := _add_query(row, wanted, gathered, ledger):
            found[query_id] = row
    # As in a BEIR folder, a query without a positive is left out.
    own = {name: [row for row in rows if row.query_id in wanted] for name, rows in judged.items()}
    usable = {name: resolved(rows, gathered, ledger) for name, rows in own.items()}
    answered = {row.query_id for row in usable["positives"]}
    drop_queries({query_id: row for query_id, row in found.items() if query_id not in answered}, gathered, ledger)
    for rows in usable.values():
        judge(rows, gathered, ledger)


def judgements(name: str, frame: pd.DataFrame, ledger: Ledger) -> Iterator[QrelsRow]:
    """The rows of `positives` with their grades, 1.0 unless given, or of `negatives` with 0."""
    for row in frame_rows(name, frame, ledger):
        try:
            query_id, doc_id = (wanted_id(wanted_field(row.fields, key), key) for key in ("query_id", "doc_id"))
            grade = 1.0 if row.fields.get("grade") is None else wanted_grade(row.fields["grade"], "grade")
        except Wrong as wrong:
            ledger.refuse(row.file, row.line, wrong, row.fields)
            continue
        yield QrelsRow(name, row.line, query_id, doc_id, grade if name == "positives" else 0.0, str(row.fields))


def _add_query(row: InputRow, wanted: set[str], gathered: Gathered, ledger: Ledger) -> str | None:
    """Add a query; returns its id, None for one that is bad or that nobody judged."""
    query_id = ""
    try:
        query_id = wanted_id(wanted_field(row.fields, "query_id"), "query_id")
        if query_id not in wanted:
            return None
        if known := gathered.queries.get(query_id):
            raise Wrong("each id once", f"{query_id!r} again, first at {known.place}")
        text = wanted_text(wanted_field(row.fields, "text"), "text")
    except Wrong as wrong:
        ledger.refuse(row.file, row.line, wrong, row.fields)
        gathered.rejected_queries.setdefault(query_id, row.place)
        return None
    own = {name: value for name, value in row.fields.items() if name not in ("query_id", "text")}
    add_query(gathered, query_id, text, own, row.place)
    ledger.kept += 1
    return query_id
