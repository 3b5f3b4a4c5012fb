"""
Rows with named columns, from whichever of JSON, CSV, TSV and Parquet the file's name says.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from nearmiss.data.arrow import parquet_rows
from nearmiss.data.checks import Wrong
from nearmiss.data.delimited import csv_rows
from nearmiss.data.json_values import json_rows
from nearmiss.data.lines import HeaderCheck, InputRow
from nearmiss.data.opening import ARCHIVES, SHEETS, kind_of
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


def rows(path: Path, ledger: Ledger, check: HeaderCheck) -> Iterator[InputRow]:
    """The rows of a file, by its name, which may end in .gz or .zst too; JSON has no header to check."""
    match kind_of(path):
        case ".jsonl" | ".ndjson" | ".json":
            return json_rows(path, ledger)
        case ".csv":
            return csv_rows(path, ledger, check)
        case ".tsv":
            return csv_rows(path, ledger, headed(check), "\t")
        case ".parquet":
            return parquet_rows(path, ledger, check)
    refuse_archive(path)
    raise DatasetError(
        f"{path}: wanted a name ending in {', '.join(KINDS)}, perhaps with .gz or .zst; found {path.name!r}"
    )


def headed(check: HeaderCheck) -> HeaderCheck:
    """The check, with a hint for a file that has no header."""

    def checked(header: Sequence[str]) -> None:
        try:
            check(header)
        except Wrong as wrong:
            hint = "without a header line: --format msmarco (triples) or rocketqa"
            raise Wrong(wrong.wanted, f"{wrong.found} ({hint})", alike=True) from wrong

    return checked


def refuse_archive(path: Path) -> None:
    """DatasetError where the name is that of an archive or of a spreadsheet."""
    name = path.name.lower()
    if name.endswith(ARCHIVES):
        raise DatasetError(f"{path}: wanted a file or a folder; found an archive: unpack it, and give what was in it")
    if name.endswith(SHEETS):
        raise DatasetError(f"{path}: wanted JSON, CSV, TSV or Parquet; found a spreadsheet: save it as CSV in UTF-8")
