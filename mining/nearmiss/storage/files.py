"""Files that are either whole or absent, however the process ends."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """A temporary path to write to; on success it is flushed to disk and takes the name `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(temporary_name(path.name))
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_name(name: str) -> str:
    """What a file or folder is called until it is whole; what a killed run leaves, the next one writes over."""
    # Keeps the suffix, since writers choose a format by it.
    return f".tmp-{name}"


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON with keys in the given order, atomically."""
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def write_parquet(path: Path, frame: "pd.DataFrame") -> None:
    """Write a frame without its index, atomically."""
    with write_atomically(path) as temporary:
        frame.to_parquet(temporary, index=False, compression="zstd")


def read_json(path: Path) -> Any:
    """The content of a JSON file written by `write_json`."""
    return json.loads(path.read_text("utf-8"))


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
