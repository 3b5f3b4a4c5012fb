"""
Rows with named columns, from whichever of JSONL, CSV and Parquet the file's name says.
"""

from collections.abc import Iterator
from pathlib import Path

from mining.dataset.arrow import parquet_rows
from mining.dataset.delimited import csv_rows
from mining.dataset.lines import HeaderCheck, Row, json_lines
from mining.dataset.rejects import Ledger
from mining.errors import DatasetError


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
