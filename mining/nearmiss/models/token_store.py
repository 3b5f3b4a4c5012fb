"""
Token vectors on disk: what was read of documents when they were embedded, kept until late interaction needs it.

In:  texts and their rows in 16 bits a number, until a stated number of megabytes is full
Out: the rows of a text, or None where it has to be read again

Nothing depends on what is here: rows that are read again are the same.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearmiss.errors import FileError
from nearmiss.storage.files import read_array, write_atomically
from nearmiss.storage.mixing import text_key
from nearmiss.storage.numbered import numbered, shard_name

TokenRows = npt.NDArray[np.int16]  # (tokens, dimension and what their size is)
TEXTS = ".texts.npy"  # (n, 2): the hash of each text, and how many rows it has; written after the rows


@dataclass(frozen=True)
class TokenStore:
    """Rows in a folder of numbered files, each with the hashes of the texts that they are of."""

    folder: Path
    megabytes: int

    def keep(self, texts: Sequence[str], rows: Sequence[TokenRows]) -> None:
        """Keep the rows of some texts, unless they do not fit; a full disk ends the keeping, not the run."""
        size = sum(one.nbytes for one in rows)
        number, kept = len(self._sizes), sum(self._sizes)
        if not texts or self._given_up or kept + size > self.megabytes * 1_000_000:
            return
        table = np.array([[text_key(text), len(one)] for text, one in zip(texts, rows, strict=True)], np.uint64)
        try:
            for name, array in ((shard_name(number, ".npy"), np.concatenate(rows)), (shard_name(number, TEXTS), table)):
                with write_atomically(self.folder / name) as temporary, temporary.open("wb") as file:
                    np.save(file, array)
        except FileError:
            self._given_up.append(True)
            self._places.clear()
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        self._open(number)

    def find(self, text: str) -> TokenRows | None:
        """The rows of a text; None where they were not kept."""
        place = self._places.get(text_key(text))
        if place is None:
            return None
        number, start, end = place
        # Opened each time: a process may hold no more than a thousand or so of these files open.
        return np.array(read_array(self.folder / shard_name(number, ".npy"), mapped=True)[start:end])

    @cached_property
    def _given_up(self) -> list[bool]:
        return []

    @cached_property
    def _sizes(self) -> list[int]:
        """Bytes of each file."""
        return []

    @cached_property
    def _places(self) -> dict[int, tuple[int, int, int]]:
        """File, first row and end row of each text, by its hash."""
        return {}

    def __post_init__(self) -> None:
        try:
            for number in range(len(numbered(self.folder, TEXTS))):
                self._open(number)
        except (FileError, ValueError):  # damaged: nothing is lost but the time to read the texts again
            shutil.rmtree(self.folder, ignore_errors=True)
            self._sizes.clear()
            self._places.clear()

    def _open(self, number: int) -> None:
        self._sizes.append(read_array(self.folder / shard_name(number, ".npy"), mapped=True).nbytes)
        keys, lengths = read_array(self.folder / shard_name(number, TEXTS)).T
        ends = np.cumsum(lengths.astype(np.int64)).tolist()
        for key, start, end in zip(keys.tolist(), [0, *ends], ends, strict=False):
            self._places[key] = number, start, end
