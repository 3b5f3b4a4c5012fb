"""
A table of rows as files of at most `shard_size` rows, with their checksums.

In:  rows, one at a time
Out: train-00000.jsonl.zst, train-00001.jsonl.zst ... and a `Shard` for each
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import pyarrow as pa

from nearmiss.export import containers
from nearmiss.settings import Compress
from nearmiss.storage.files import sha256_of
from nearmiss.types import Row

File = Literal["jsonl", "parquet", "json", "tsv"]


@dataclass(frozen=True)
class Shard:
    """One file of an export, by its path inside the folder."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class FileLayout:
    """How a table's rows lie in its files; `head` and `tail` stand around the rows of a JSON file."""

    file: File
    compress: Compress
    shard_size: int | None = None
    head: str = "["
    tail: str = "]"

    def name(self, stem: str, number: int) -> str:
        """The file's name. Parquet compresses inside, so its name does not say it."""
        suffix = "" if self.file == "parquet" else containers.SUFFIX[self.compress]
        return f"{stem}-{number:05d}.{self.file}{suffix}"


def write_shards(
    folder: Path, stem: str, rows: Iterable[Row], layout: FileLayout, own_schema: pa.Schema
) -> Iterator[Shard]:
    """Write the rows into numbered files below `folder`; no rows, no file."""
    rows = iter(rows)
    for number, first in enumerate(rows):
        name = layout.name(stem, number)
        rest = None if layout.shard_size is None else layout.shard_size - 1
        yield _write_one(folder, name, chain([first], islice(rows, rest)), layout, own_schema)


def _write_one(folder: Path, name: str, rows: Iterator[Row], layout: FileLayout, own_schema: pa.Schema) -> Shard:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    counted = _Counted(rows)
    if layout.file == "parquet":
        containers.write_parquet(path, counted, own_schema, layout.compress)
    else:
        containers.write_text(path, lines(counted, layout), layout.compress)
    return Shard(name, counted.count, path.stat().st_size, sha256_of(path))


def lines(rows: Iterable[Row], layout: FileLayout) -> Iterator[str]:
    """Rows as the text of a file."""
    if layout.file == "json":
        return containers.json_array(rows, layout.head, layout.tail)
    return containers.tab_separated(rows) if layout.file == "tsv" else containers.json_lines(rows)


class _Counted:
    """An iterator of rows that counts them."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self.rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.count += 1
            yield row
