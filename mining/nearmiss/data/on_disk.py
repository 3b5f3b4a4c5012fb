"""
The checked dataset in the run folder, and the hash of its content.

Out: queries, documents, positives and negatives as Parquet, and counts.json

Nested and mixed columns are stored as JSON, since Parquet would add missing keys and refuse mixed types; the names of
these columns stand in the file's own metadata.
"""

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nearmiss.data.dataset import Dataset, ReadCounts
from nearmiss.errors import DatasetError
from nearmiss.storage.damage import damaged
from nearmiss.storage.files import read_object, read_table, write_atomically, write_json

TABLES = ("queries", "documents", "positives", "negatives")
AS_JSON = b"nearmiss.json_columns"
COUNTS = "counts.json"


def save(dataset: Dataset, folder: Path) -> None:
    """Write the dataset; counts come last, so that a folder with them is whole."""
    for name in TABLES:
        save_table(getattr(dataset, name), folder / f"{name}.parquet")
    write_json(folder / COUNTS, asdict(dataset.counts))


def load(folder: Path) -> Dataset:
    """Read what `save` wrote: equal frames, types included. FileError or DatasetError names a broken file."""
    counts = read_object(folder / COUNTS, tuple(field.name for field in fields(ReadCounts)))
    queries, documents, positives, negatives = (load_table(folder / f"{name}.parquet") for name in TABLES)
    try:
        return Dataset(queries, documents, positives, negatives, ReadCounts(**counts))
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{folder}: wanted a dataset that nearmiss wrote; found {error}") from error


def save_table(frame: pd.DataFrame, path: Path) -> None:
    """Write one table."""
    nested = [name for name in frame.columns if frame[name].dtype == object]
    plain = frame.assign(**{name: frame[name].map(encoded).astype("str") for name in nested})
    table = pa.Table.from_pandas(plain, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), AS_JSON: json.dumps(nested).encode()})
    with write_atomically(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def load_table(path: Path) -> pd.DataFrame:
    """Read one table; FileError where it is missing or broken."""
    table = read_table(path)
    try:
        frame: pd.DataFrame = table.to_pandas()
        nested = json.loads((table.schema.metadata or {}).get(AS_JSON, b"[]"))
        return frame.assign(**{name: frame[name].map(json.loads).astype("object") for name in nested})
    except (ValueError, TypeError, LookupError, pa.ArrowException) as error:
        raise damaged(path, "a table that nearmiss wrote", error) from error


def encoded(value: Any) -> str:
    """JSON in one spelling: the same content gives the same bytes."""
    return json.dumps(value, ensure_ascii=False)


def fingerprint(dataset: Dataset) -> str:
    """
    SHA-256 of all four tables, as hex: names and order of columns, order of rows, every value.

    The counts are left out: which rows were rejected says nothing of those that were kept.
    """
    digest = hashlib.sha256()
    for name in TABLES:
        frame: pd.DataFrame = getattr(dataset, name)
        digest.update(encoded([name, list(frame.columns), len(frame)]).encode())
        columns = [values_of(frame[column]) for column in frame.columns]
        for row in zip(*columns, strict=True):
            digest.update(encoded(row).encode())
    return digest.hexdigest()


def values_of(column: "pd.Series[Any]") -> list[Any]:
    """Plain Python values, None where absent."""
    return column.astype("object").where(column.notna(), None).tolist()
