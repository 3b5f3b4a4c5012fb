"""
Rows with named columns, from whichever of JSONL, CSV and Parquet the file's name says.
"""

from collections.abc import Iterator
from pathlib import Path

from nearmiss.data.arrow import parquet_rows
from nearmiss.data.delimited import csv_rows
from nearmiss.data.lines import HeaderCheck, Row, json_lines
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError


def rows(path: Path, ledger: Ledger, check: HeaderCheck) -> Iterator[Row]:
    """The rows of a JSONL, CSV or Parquet file, by its name."""
    match path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix:
        case ".jsonl" | ".json":
            return json_lines(path, ledger)
        case ".csv":
            return csv_rows(path, ledger, check)
        case ".parquet":
            return parquet_rows(path, ledger, check)
    raise DatasetError(f"{path}: wanted a name ending in .jsonl, .json, .csv or .parquet; found {path.name!r}")
