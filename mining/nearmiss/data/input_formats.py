"""
The formats: their names, the options of each, and which one the names of a path imply.

The format is chosen by the caller, or by names that mean only one; never by looking at the first row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from nearmiss.data.columns import ColumnNames
from nearmiss.data.exported_rows import exported
from nearmiss.data.opening import kind_of
from nearmiss.data.parts import first_word, sorted_names, tables
from nearmiss.data.sheets import refuse_archive
from nearmiss.errors import DatasetError

InputFormat = Literal["beir", "pairs", "flag", "tevatron", "dpr", "hf", "nemo", "rocketqa", "pylate", "msmarco"]
INPUT_FORMATS: tuple[InputFormat, ...] = get_args(InputFormat)
NAMED: tuple[InputFormat, ...] = ("pairs", "hf")  # whose columns have names that a person may settle
BY_ID: tuple[InputFormat, ...] = ("pairs", "hf", "pylate", "msmarco")  # whose rows may name queries by id


@dataclass(frozen=True)
class ReadOptions:
    """What the caller wants read, beside the path. `positive_from`: labels or scores from here on are positives."""

    split: str | None = None
    corpus: Path | None = None
    queries: Path | None = None
    columns: ColumnNames = field(default_factory=ColumnNames)
    positive_from: float | None = None


def checked_format(path: Path, format: str | None, asked: ReadOptions) -> InputFormat:
    """The format, checked to fit the path and the options."""
    chosen = format_of(path) if format is None else next((known for known in INPUT_FORMATS if known == format), None)
    if chosen is None:
        raise DatasetError(f"--format: wanted one of {', '.join(INPUT_FORMATS)}; found {format!r}")
    if chosen != "hf":
        existing(path)
    if chosen == "beir" and not path.is_dir():
        raise DatasetError(f"{path}: wanted a folder for --format beir; found a file")
    check_options(path, chosen, asked)
    return chosen


def check_options(path: Path, format: InputFormat, asked: ReadOptions) -> None:
    """An option that the format would ignore is an error."""
    if asked.split is not None and format != "hf" and not path.is_dir():
        raise DatasetError(f"--split: wanted none, since {format} files have no splits; found {asked.split!r}")
    if format not in NAMED:
        if asked.columns != ColumnNames():
            raise DatasetError(f"--column: wanted none, since the columns of {format} have fixed names; found some")
        if asked.positive_from is not None:
            raise DatasetError(f"--positive-from: wanted none, since {format} says itself what is a positive")
    if asked.queries is not None and format not in BY_ID:
        raise DatasetError(
            f"--queries: wanted none, since {format} has its queries itself; found {str(asked.queries)!r}"
        )


def format_of(path: Path) -> InputFormat:
    """The one format that has such names. Raises DatasetError where several do."""
    refuse_archive(existing(path))
    if not path.is_dir():
        if path.name.lower().startswith(("triples", "qidpidtriples")) and kind_of(path) == ".tsv":
            return "msmarco"
        if kind_of(path) in (".csv", ".parquet"):
            return "pairs"
        raise unknown(path, f"{path.name!r}, which several formats use")
    if found := exported(path):
        return next(known for known in INPUT_FORMATS if known == found.format)
    meant = [format for format, means in folder_signs(path).items() if means]
    if len(meant) == 1:
        return meant[0]
    raise unknown(path, f"a folder with {sorted_names(path)}")


def folder_signs(path: Path) -> Mapping[InputFormat, bool]:
    """Which formats the names in a folder fit."""
    files = {file.name for file in path.iterdir()}
    if {"dataset_info.json", "state.json"} <= files or "dataset_dict.json" in files:
        return {"hf": True}
    found = tables(path) or (tables(path / "data") if (path / "data").is_dir() else {})
    roles = {first_word(name) for name in found} | {file.name for file in path.iterdir() if file.is_dir()}
    kinds = {kind_of(file) for files in found.values() for file in files}
    beir = {"corpus", "queries"} <= roles
    return {
        "beir": beir,
        "msmarco": {"collection", "queries"} <= roles,
        "pylate": {"documents", "queries", "train"} <= roles,
        "pairs": bool(kinds) and kinds <= {".csv", ".parquet"} and not {"corpus", "queries", "collection"} & roles,
    }


def unknown(path: Path, found: str) -> DatasetError:
    """The error where names do not show the format."""
    return DatasetError(f"{path}: wanted --format, one of {', '.join(INPUT_FORMATS)}; found {found}")


def existing(path: Path) -> Path:
    """The path, if it exists."""
    if not path.exists():
        raise DatasetError(f"{path}: wanted a file or folder; found nothing there (a dataset on the hub: --format hf)")
    return path


def options_of(path: Path) -> tuple[str, Mapping[str, Any]]:
    """The format and options of an export of ours; empty where the folder is not one."""
    found = exported(path) if path.is_dir() else None
    return (found.written_as, found.options) if found else ("", {})
