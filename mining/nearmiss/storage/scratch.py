"""
Scratch: arrays that memory need not hold, in files without a name.

In:  rows of numbers, a block at a time
Out: all of them as one array that is mapped from disk

The system removes such a file with the process, however that ends. It lies where `tempfile` puts files (TMPDIR).
"""

import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.storage.damage import cannot_write


class Scratch:
    """Rows of one number type, of `width` numbers or of one, that are appended; FileError where the disk is full."""

    def __init__(self, dtype: npt.DTypeLike, width: int | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self._shape = () if width is None else (width,)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (`mapped` closes it)

    def extend(self, rows: npt.ArrayLike) -> None:
        """Append rows, (n,) or (n, width)."""
        try:
            self._file.write(np.ascontiguousarray(rows, self.dtype).tobytes())
        except OSError as error:
            raise cannot_write(Path(tempfile.gettempdir()), error) from error

    def mapped(self) -> npt.NDArray[Any]:
        """All rows, read-only; nothing can be appended any more."""
        with self._file as file:
            try:
                file.flush()
            except OSError as error:
                raise cannot_write(Path(tempfile.gettempdir()), error) from error
            if not file.tell():  # an empty file cannot be mapped
                return np.zeros((0, *self._shape), self.dtype)
            return np.memmap(file, self.dtype, "r").reshape(-1, *self._shape)


def blank(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of zeros to be written to, in a scratch file; FileError where the disk has no room for it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if not size:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        try:
            file.truncate(size)
            if hasattr(os, "posix_fallocate"):  # all systems but macOS
                # Now, since a mapped page that finds the disk full ends the process.
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise cannot_write(Path(tempfile.gettempdir()), error) from error
        return np.memmap(file, dtype, "r+", shape=shape)


def release(array: npt.NDArray[Any]) -> None:
    """Let go of the memory that a mapped array was read into; it is read from disk again where it is needed."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
