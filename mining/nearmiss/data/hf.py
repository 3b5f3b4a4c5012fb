"""
Rows of a `datasets` dataset: a folder that save_to_disk wrote, or a name on the hub, as NAME or NAME:CONFIG.

Out: rows with the same named columns as pairs have
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nearmiss.data.arrow import ROWS_AT_ONCE, arrow_rows
from nearmiss.data.lines import HeaderCheck, InputRow, checked_header
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError


def hf_rows(path: Path, split: str | None, ledger: Ledger, check: HeaderCheck) -> Iterator[InputRow]:
    """The rows of one split, a batch at a time; the row number stands in for a line."""
    table = one_split(str(path), opened(path, split), split)
    checked_header(str(path), table.column_names, check)
    # Arrow hands over stored values; any other format would decode images and sounds first.
    yield from arrow_rows(str(path), table.with_format("arrow").iter(ROWS_AT_ONCE), ledger)


def opened(path: Path, split: str | None) -> Any:
    """The Dataset or DatasetDict."""
    import datasets

    try:
        if path.exists():
            return datasets.load_from_disk(str(path))
        name, _, config = str(path).partition(":")
        return datasets.load_dataset(name, config or None, split=split)
    # The library, the network and the hub fail in too many ways to list, and all mean the same to the user.
    except Exception as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise DatasetError(f"{path}: wanted a dataset saved on disk, or one on the hub; found {first}") from error


def one_split(path: str, found: Any, split: str | None) -> Any:
    """The split asked for, or the only one."""
    if not isinstance(found, dict):
        own = None if found.split is None else str(found.split)
        if split is not None and own is not None and split != own:
            raise DatasetError(f"{path}: wanted the split {split!r}; found {own!r} alone")
        if split is not None and own is None:
            raise DatasetError(f"{path}: wanted no --split, since this dataset has none; found {split!r}")
        return found
    if split is None and len(found) != 1:
        raise DatasetError(f"{path}: wanted one split, or --split NAME; found {list(found)}")
    chosen = split or next(iter(found))
    if chosen not in found:
        raise DatasetError(f"{path}: wanted the split {chosen!r}; found {list(found)}")
    return found[chosen]
