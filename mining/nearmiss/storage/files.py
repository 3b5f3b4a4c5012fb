"""
Files that are either whole or absent, however the process ends.

In:  a path, and what it is to hold
Out: the file under its name, or its content. A full disk or a damaged file raises `FileError`
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nearmiss.errors import NearmissError
from nearmiss.storage.damage import cannot_read, cannot_write
from nearmiss.storage.temporary import temporary_name

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """
    A temporary path to write to; on success it is flushed to disk and takes the name `path`.

    Raises FileError that names `path` where the disk is full or nothing may be written there.
    """
    temporary = path.with_name(temporary_name(path.name))
    try:
        with written_to(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def written_to(path: Path, temporary: Path) -> Iterator[None]:
    """Report a failure to write the draft `temporary` as one to write `path`."""
    try:
        yield
    except NearmissError:
        raise
    except OSError as error:
        # One that names another file is about that one. Arrow and numpy name none.
        if error.filename is not None and not str(error.filename).startswith((str(temporary), str(path.parent))):
            raise
        raise cannot_write(path, error) from error
    except RuntimeError as error:
        # FAISS's message for a full disk.
        if str(temporary) not in str(error):
            raise
        raise cannot_write(path, error) from error


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON with keys in the given order, atomically."""
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def write_parquet(path: Path, frame: "pd.DataFrame") -> None:
    """Write a frame without its index, atomically; each page with its checksum, so that damage is seen."""
    with write_atomically(path) as temporary:
        frame.to_parquet(temporary, index=False, compression="zstd", write_page_checksum=True)


def read_json(path: Path, wanted: str = "JSON as nearmiss wrote it") -> Any:
    """The content of a JSON file written by `write_json`; FileError where it is missing or damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise cannot_read(path, wanted, error) from error


def read_object(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """The content of a JSON file that holds an object with these keys; FileError where it does not."""
    wanted = f"a JSON object with {', '.join(keys)}" if keys else "a JSON object"
    content = read_json(path, wanted)
    if not isinstance(content, dict):
        raise cannot_read(path, wanted, ValueError(_kind(content)))
    if lacking := [key for key in keys if key not in content]:
        raise cannot_read(path, wanted, ValueError(f"none of the name {', '.join(lacking)}"))
    return content


def read_table(path: Path, columns: list[str] | None = None) -> "pa.Table":
    """A Parquet file written by `write_parquet`, or some of its columns; FileError where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True, partitioning=None)
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise cannot_read(path, "a whole Parquet file", error) from error


def read_frame(path: Path, columns: list[str] | None = None) -> "pd.DataFrame":
    """The same as a frame."""
    frame: pd.DataFrame = read_table(path, columns).to_pandas()
    return frame


def columns_of(path: Path) -> list[str]:
    """The names of a Parquet file's columns, from its footer; FileError where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise cannot_read(path, "a whole Parquet file", error) from error


def rows_in(path: Path) -> int:
    """How many rows a Parquet file has, from its footer; FileError where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise cannot_read(path, "a whole Parquet file", error) from error


def read_array(path: Path, *, mapped: bool = False) -> "npt.NDArray[Any]":
    """An array that `np.save` wrote, `mapped` from disk where wanted; FileError where it is missing or damaged."""
    import numpy as np

    try:
        found: npt.NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        return found
    except (OSError, ValueError, EOFError) as error:
        raise cannot_read(path, "a whole array of numpy", error) from error


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _kind(content: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(content), "a number")
