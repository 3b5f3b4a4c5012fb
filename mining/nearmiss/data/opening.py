"""
The bytes of a file, unpacked by its name, and refused by name where they are no UTF-8 text.

In:  a path that may end in .gz or .zst
Out: a stream of bytes; DatasetError for UTF-16, archives and files whose name hides what they are
"""

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from nearmiss.errors import DatasetError

PACKED = (".gz", ".zst")
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.zst", ".7z", ".rar")
SHEETS = (".xlsx", ".xls", ".ods")
CHUNK = 1 << 18
# What reading a packed or broken file may raise.
UNREADABLE = (OSError, EOFError, zlib.error, zstandard.ZstdError)

BINARY = (
    (b"PK\x03\x04", "a ZIP archive: unpack it first (or, if it is a spreadsheet, save it as CSV in UTF-8)"),
    (b"\x1f\x8b", "gzip: give it a name that ends in .gz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard: give it a name that ends in .zst"),
    (b"\xfd7zXZ\x00", "xz: unpack it first"),
    (b"PAR1", "Parquet: give it a name that ends in .parquet"),
)
MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def bare_name(path: Path) -> str:
    """The file's name without .gz or .zst."""
    return path.stem if path.suffix.lower() in PACKED else path.name


def kind_of(path: Path) -> str:
    """The kind of file by its name, as .jsonl, in lower case."""
    return Path(bare_name(path)).suffix.lower()


def opened(path: Path) -> BinaryIO:
    """The file's bytes, unpacked where its name ends in .gz or .zst. Raises one of `UNREADABLE`, now or later."""
    match path.suffix.lower():
        case ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case ".zst":
            return io.BufferedReader(Frames(path), CHUNK)
        case _:
            return path.open("rb")


def opened_text(path: Path) -> BinaryIO:
    """The bytes of a text file; DatasetError where its first bytes say that it is no UTF-8."""
    stream = opened(path)
    try:
        if found := no_text(cast(io.BufferedReader, stream).peek(8)[:8]):
            raise DatasetError(f"{path}: wanted text in UTF-8; found {found}")
    except BaseException:
        stream.close()
        raise
    return stream


def no_text(first: bytes) -> str:
    """What a file is that begins with these bytes, where that is not UTF-8; else ""."""
    for sign, words in BINARY:
        if first.startswith(sign):
            return words
    encoding = next((name for mark, name in MARKS if first.startswith(mark)), "")
    # Without a mark: JSON and CSV begin with ASCII, every second byte of which is then NUL.
    if not encoding and len(first) >= 4 and (first[0:4:2] == b"\0\0") != (first[1:4:2] == b"\0\0"):
        encoding = "UTF-16LE" if first[1] == 0 else "UTF-16BE"
    return encoding and f"{encoding}: save it as UTF-8 (iconv -f {encoding} -t UTF-8 FILE > NEW)"


def reason(error: Exception) -> str:
    """An exception's message without the path, which our own message names."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class Frames(io.RawIOBase):
    """A .zst file of one or several frames. zstandard's own reader takes a file that breaks off for a whole one."""

    def __init__(self, path: Path) -> None:
        self.packed = path.open("rb")
        self.frame = zstandard.ZstdDecompressor().decompressobj()
        self.begun, self.ready = False, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self.ready:
            rest = self.frame.unused_data if self.frame.eof else b""
            packed = rest or self.packed.read(CHUNK)
            if not packed:
                if self.begun and not self.frame.eof:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
                return 0
            if self.frame.eof:
                self.frame = zstandard.ZstdDecompressor().decompressobj()
            self.begun, self.ready = True, self.frame.decompress(packed)
        size = min(len(buffer), len(self.ready))
        buffer[:size], self.ready = self.ready[:size], self.ready[size:]
        return size

    def close(self) -> None:
        self.packed.close()
        super().close()
