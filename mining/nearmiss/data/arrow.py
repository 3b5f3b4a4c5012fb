"""
Rows of Parquet files and Arrow tables, as plain Python values.

In:  a path or batches, and a check that the column names must pass before any row is read
Out: one `InputRow` after another, numbered from 1 in place of a line
"""

import base64
from collections.abc import Iterable, Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nearmiss.data.checks import NotText, Wrong
from nearmiss.data.lines import HeaderCheck, InputRow, checked_header
from nearmiss.data.opening import reason
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

ROWS_AT_ONCE = 1000  # rows of a table in memory at once


def parquet_rows(path: Path, ledger: Ledger, check: HeaderCheck) -> Iterator[InputRow]:
    """The rows of a Parquet file, a batch at a time."""
    try:
        file = pq.ParquetFile(path)
        checked_header(str(path), file.schema_arrow.names, check)
        yield from arrow_rows(str(path), file.iter_batches(ROWS_AT_ONCE), ledger)
    # Flipped bytes reach pyarrow's Python side too: names that are no UTF-8, dates past the calendar's end.
    except (pa.ArrowException, OSError, ValueError, OverflowError, TypeError) as error:
        raise DatasetError(f"{path}: wanted a readable Parquet file; found {reason(error)}") from error


def arrow_rows(file: str, batches: Iterable[pa.RecordBatch | pa.Table], ledger: Ledger) -> Iterator[InputRow]:
    """The rows of Arrow tables as plain Python values, numbered from 1 through all of them."""
    number = 0
    for batch in batches:
        for fields in python_rows(batch):
            number += 1
            if isinstance(fields, Wrong):
                ledger.refuse(file, number, fields, None)
            else:
                yield InputRow(file, number, {name: plain(value) for name, value in fields.items()})


def python_rows(batch: pa.RecordBatch | pa.Table) -> list[dict[str, Any] | Wrong]:
    """The rows of a batch; one at a time only where a text turns out to be no UTF-8, which Parquet does not check."""
    try:
        return batch.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError as error:
        if batch.num_rows == 1:
            return [Wrong("UTF-8", f"byte 0x{error.object[error.start]:02x} at byte {error.start + 1} of a text")]
    return [row for position in range(batch.num_rows) for row in python_rows(batch.slice(position, 1))]


def plain(value: Any) -> Any:
    """A value that JSON can hold, so that the user's own columns survive every export. Bytes are text if UTF-8."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return NotText(base64.b64encode(value).decode("ascii"))
    return value.isoformat() if isinstance(value, date | time) else str(value)
