"""
Rows to bytes: JSON lines, one JSON value around all rows, tab-separated lines, Parquet.

In:  rows, one at a time
Out: a file; the same rows give the same bytes

A row is a mapping of names to plain values, whatever the format.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from nearmiss.errors import RunError
from nearmiss.settings import Compress
from nearmiss.types import Row

SUFFIX: dict[Compress, str] = {"zst": ".zst", "gz": ".gz", "none": ""}
_CODEC: dict[Compress, str] = {"zst": "zstd", "gz": "gzip", "none": "none"}
_ROW_GROUP = 1000
_LEVEL = {"zst": 3, "gz": 6}
# Every character that some reader takes for the end of a column or a line.
_BREAKS = str.maketrans(dict.fromkeys("\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """A JSON object a line."""
    for row in rows:
        yield _json(row) + "\n"


def json_array(rows: Iterable[Row], head: str, tail: str) -> Iterator[str]:
    """One JSON value: `head`, the objects with commas between them, `tail`."""
    yield head
    separator = "\n"
    for row in rows:
        yield separator + _json(row)
        separator = ",\n"
    yield "\n" + tail + "\n"


def tab_separated(rows: Iterable[Row]) -> Iterator[str]:
    """A line of values for each row; tabs and line breaks inside them become spaces."""
    for row in rows:
        yield "\t".join(str(value).translate(_BREAKS) for value in row.values()) + "\n"


def write_text(path: Path, lines: Iterable[str], compress: Compress) -> None:
    """Write `lines` as UTF-8, compressed with fixed settings."""
    with _compressed(path, compress) as stream:
        for line in lines:
            stream.write(line.encode("utf-8"))


def write_parquet(path: Path, rows: Iterable[Row], own_schema: pa.Schema, compress: Compress) -> None:
    """
    Write `rows` in groups of 1000. Types are those of the first row, and `own_schema`'s for the user's columns,
    whose first value may be missing.
    """
    rows = iter(rows)
    first = next(rows)
    schema = _schema(first, own_schema)
    with pq.ParquetWriter(path, schema, compression=_CODEC[compress]) as writer:
        rows = chain([first], rows)
        while group := list(islice(rows, _ROW_GROUP)):
            writer.write_batch(pa.RecordBatch.from_pylist(group, schema=schema))


def _schema(row: Row, own_schema: pa.Schema) -> pa.Schema:
    # Without them: a number of 64 bits is too large for the type that would be inferred.
    seen = pa.RecordBatch.from_pylist([{name: row[name] for name in row if name not in own_schema.names}]).schema
    return pa.schema([own_schema.field(name) if name in own_schema.names else seen.field(name) for name in row])


def _json(row: Row) -> str:
    try:
        # A user's own column may hold dates.
        return json.dumps(row, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError as refused:
        raise RunError(f"export: JSON holds no NaN and no infinity; found one in {str(row)[:500]}") from refused


class _Bytes(Protocol):
    def write(self, data: bytes, /) -> int: ...


@contextmanager
def _compressed(path: Path, compress: Compress) -> Iterator[_Bytes]:
    with path.open("wb") as raw:
        if compress == "gz":
            # No name and no time in the header: they would differ from one export to the next.
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_LEVEL["gz"], mtime=0) as stream:
                yield stream
        elif compress == "zst":
            with zstandard.ZstdCompressor(level=_LEVEL["zst"]).stream_writer(raw, closefd=False) as stream:
                yield stream
        else:
            yield raw
