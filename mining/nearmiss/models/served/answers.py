"""
Answers on disk: what a server said, kept from the moment that it was read, so that it is never asked for again.

In:  keys (16 bytes of what was asked) and rows of numbers
Out: the rows of keys that are known; files of records (key, row), appended, one file for each process

A record that a kill cut off is passed over. Rows stay on disk: a collection's vectors may not fit in memory.
"""

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nearmiss.storage.numbered import numbered, shard_name
from nearmiss.types import Vectors

KEY = 16  # bytes
SUFFIX = ".answers"


class Answers:
    """Rows (width,) in float32 by key; without a folder it knows nothing and keeps nothing. Safe between threads."""

    def __init__(self, folder: Path | None, width: int) -> None:
        self._folder, self._row = folder, 4 * width
        self._places: dict[bytes, tuple[int, int]] = {}  # file descriptor and offset of the row
        self._lock = threading.Lock()
        self._own: tuple[int, int] | None = None  # this process's file, and its length
        self._open: list[int] = []
        for path in [] if folder is None or not folder.is_dir() else numbered(folder, SUFFIX):
            self._read(path)

    def look_up(self, keys: Sequence[bytes]) -> list[Vectors | None]:
        """The row of each key; None where it is unknown."""
        places = [self._places.get(key) for key in keys]
        return [
            None if place is None else np.frombuffer(os.pread(place[0], self._row, place[1]), "<f4") for place in places
        ]

    def put(self, keys: Sequence[bytes], rows: Vectors) -> None:
        """Write rows (n, width); they are on disk when this returns."""
        if self._folder is None:
            return
        with self._lock:
            file, end = self._own or self._begun(self._folder)
            records = b"".join(key + row.tobytes() for key, row in zip(keys, rows.astype("<f4"), strict=True))
            _write_all(file, records)
            os.fsync(file)
            for number, key in enumerate(keys):
                self._places[key] = file, end + number * (KEY + self._row) + KEY
            self._own = file, end + len(records)

    def _begun(self, folder: Path) -> tuple[int, int]:
        folder.mkdir(parents=True, exist_ok=True)
        # Not the file of a process that was killed: it may end in half a record.
        path = folder / shard_name(len(numbered(folder, SUFFIX)), SUFFIX)
        self._open.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644))
        return self._open[-1], 0

    def _read(self, path: Path) -> None:
        size = KEY + self._row
        count = path.stat().st_size // size
        if not count:
            return
        self._open.append(os.open(path, os.O_RDONLY))
        records = np.memmap(path, [("key", f"V{KEY}"), ("row", f"V{self._row}")], mode="r", shape=(count,))
        keys = records["key"].tobytes()
        for number in range(count):
            self._places[keys[KEY * number : KEY * (number + 1)]] = self._open[-1], number * size + KEY

    def close(self) -> None:
        """Give the files back."""
        while self._open:
            os.close(self._open.pop())

    def __del__(self) -> None:
        self.close()


def key_of(*texts: str) -> bytes:
    """What names an answer: a digest of all that was asked."""
    digest = hashlib.blake2b(digest_size=KEY)
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.digest()


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
