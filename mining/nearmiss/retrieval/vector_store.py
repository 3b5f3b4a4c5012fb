"""
Vectors on disk: written in shards, resumed, memory-mapped.

In:  texts and a function that encodes a list of them
Out: 00000.npy, 00001.npy ... (rows, dimension), and vectors.json, which says what they are vectors of
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.errors import ModelError, RunError
from nearmiss.retrieval import vectors
from nearmiss.storage.files import read_array, read_json, read_object, write_atomically, write_json
from nearmiss.storage.numbered import numbered, shard_name
from nearmiss.types import AnyInts, Vectors

RECORD = "vectors.json"
SLICE = 1024
Encode = Callable[[list[str]], Vectors]


@dataclass(frozen=True)
class StoredVectors:
    """Finished vectors in a folder."""

    folder: Path

    def shards(self) -> list[npt.NDArray[np.floating[Any]]]:
        """The shards in order, memory-mapped, each (rows, dimension) in float16 or float32."""
        return self._mapped

    @cached_property
    def _mapped(self) -> list[npt.NDArray[np.floating[Any]]]:
        return [read_array(path, mapped=True) for path in numbered(self.folder, ".npy")]

    def take(self, rows: AnyInts) -> Vectors:
        """The vectors of these rows, in this order, in float32."""
        return vectors.take(self.shards(), rows)


def open_vectors(folder: Path) -> StoredVectors:
    """The vectors in `folder`; RunError where there are none, or fewer than its record says."""
    if not (folder / RECORD).exists():
        raise RunError(f"{folder}: wanted finished vectors (with {RECORD}); found none")
    wanted, stored = read_object(folder / RECORD, ("rows",))["rows"], StoredVectors(folder)
    found = sum(len(shard) for shard in stored.shards())
    if found != wanted:
        raise RunError(
            f"{folder}: wanted {wanted:,} finished vectors, as {RECORD} says; found {found:,}. "
            "Run the same `nearmiss mine` again to finish them"
        )
    return stored


def embed(
    texts: Sequence[str],
    encode: Encode,
    folder: Path,
    *,
    fingerprint: str,
    rows_per_shard: int = 4096,
    dtype: npt.DTypeLike = np.float16,
    advance: Callable[[int], None] = lambda count: None,
) -> None:
    """
    Write the vectors of `texts` to `folder`, shard by shard; those that exist are finished.

    Vectors of another model, or of other texts, are thrown away. ModelError names a text whose vector is not finite.
    """
    store(
        texts,
        lambda start, shard: _finite(_encode(shard, encode, advance), start),
        folder,
        fingerprint=fingerprint,
        rows_per_shard=rows_per_shard,
        dtype=dtype,
        advance=advance,
    )


def store(
    texts: Sequence[str],
    make: Callable[[int, list[str]], Vectors],
    folder: Path,
    *,
    fingerprint: str,
    rows_per_shard: int,
    dtype: npt.DTypeLike,
    advance: Callable[[int], None],
) -> None:
    """The same of vectors from anywhere: `make(start, shard)` gives those of these texts, and tells their progress."""
    record = {
        "fingerprint": fingerprint,
        "texts": _digest(texts),
        "rows": len(texts),
        "rows_per_shard": rows_per_shard,
        "dtype": np.dtype(dtype).name,
    }
    if folder.exists() and not _is_of(folder, record):
        shutil.rmtree(folder)
    write_json(folder / RECORD, record)
    for number, start in enumerate(range(0, len(texts), rows_per_shard)):
        shard = list(texts[start : start + rows_per_shard])
        path = folder / shard_name(number, ".npy")
        if path.exists():
            advance(len(shard))
        else:
            _write(path, make(start, shard).astype(dtype))


def _is_of(folder: Path, record: dict[str, Any]) -> bool:
    """Whether what lies in the folder was made of the record's texts by its model; without a record nobody knows."""
    path = folder / RECORD
    return path.exists() and bool(read_json(path) == record)


def _encode(shard: list[str], encode: Encode, advance: Callable[[int], None]) -> Vectors:
    """The shard's vectors, the longest texts first, in slices, so that progress is shown."""
    order = np.argsort([-len(text) for text in shard], kind="stable")
    slices = []
    for start in range(0, len(shard), SLICE):
        rows = order[start : start + SLICE]
        slices.append(encode([shard[row] for row in rows]))
        advance(len(rows))
    return np.concatenate(slices)[np.argsort(order)]


def _finite(rows: Vectors, start: int) -> Vectors:
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ModelError(f"text {start + int(bad[0])}: wanted a finite vector; found NaN or infinity in it")
    return rows


def _write(path: Path, rows: npt.NDArray[Any]) -> None:
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        np.save(file, rows)


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()
