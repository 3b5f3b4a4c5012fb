"""
The items of a file that is one JSON array, as DPR's are, without holding the whole file.

Out: one `Row` after another, placed at the line where the item begins
"""

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from nearmiss.data.checks import Wrong, described, shortened, unicode_safe
from nearmiss.data.lines import Row, opened, readable, reason, spelled, whole
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

CHUNK = 1 << 20
SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


class Scanner:
    """A window onto the file's text that grows while an item does not fit, and moves on over what was taken."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        # Bytes that are no UTF-8 pass as surrogates, to be refused with the item they belong to.
        self.decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self.window, self.start, self.line, self.ended = "", 0, 1, False

    @property
    def text(self) -> str:
        """What was not taken yet, as far as it was read."""
        return self.window[self.start :]

    def grow(self) -> None:
        """Twice the window, so that a long item is tried a few times and not once for each chunk."""
        rest = self.text
        read = self.stream.read(max(CHUNK, len(rest)))
        self.ended = not read
        self.window, self.start = rest + self.decode(read, final=self.ended), 0

    def take(self, end: int) -> str:
        """Move on to a place in the window."""
        taken = self.window[self.start : end]
        self.start = end
        self.line += taken.count("\n")
        return taken

    def mark(self, marks: str) -> str:
        """Take the next character if it is one of `marks`, else "", after any white space."""
        while True:
            self.take(SPACE.match(self.window, self.start).end())  # type: ignore[union-attr]
            if self.start < len(self.window) or self.ended:
                found = self.window[self.start : self.start + 1]
                return self.take(self.start + 1) if found and found in marks else ""
            self.grow()

    def item(self) -> tuple[Any, str]:
        """Take the next value; its text comes with it. Raises JSONDecodeError at the end of the file."""
        while True:
            try:
                value, end = DECODER.raw_decode(self.window, self.start)
                return value, self.take(end)
            except json.JSONDecodeError:
                if self.ended:
                    raise
            self.grow()


def json_array(path: Path, ledger: Ledger) -> Iterator[Row]:
    """The objects of a JSON array. A cut last item is a bad row; past a broken one nothing can be read."""
    try:
        with opened(path) as stream:
            yield from items(str(path), Scanner(stream), ledger)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: wanted a whole, readable file; found {reason(error)}") from error


def items(file: str, scanner: Scanner, ledger: Ledger) -> Iterator[Row]:
    """The items between the brackets."""
    if not scanner.mark("["):
        raise DatasetError(f"{file}:{scanner.line}: wanted a JSON array; found {described(scanner.text[:20])}")
    if scanner.mark("]"):
        return
    while True:
        scanner.mark("")
        line = scanner.line
        try:
            value, text = scanner.item()
        except (ValueError, RecursionError) as error:
            ledger.refuse(file, line, cut_item(file, line, scanner.text, error), readable(scanner.text))
            return
        try:
            row = Row(file, line, whole_item(value, text))
        except Wrong as wrong:
            ledger.refuse(file, line, wrong, readable(text))
        else:
            yield row
        if last_item(file, scanner, ledger):
            return


def last_item(file: str, scanner: Scanner, ledger: Ledger) -> bool:
    """Take what stands between two items, or after the last."""
    if mark := scanner.mark(",]"):
        return mark == "]"
    if scanner.text:
        raise DatasetError(f"{file}:{scanner.line}: wanted a comma or ]; found {described(scanner.text[:20])}")
    ledger.refuse(file, scanner.line, Wrong("a comma or ]", "the end of the file"), "")
    return True


def whole_item(value: Any, text: str) -> dict[str, Any]:
    """`value` if it is an object that UTF-8 can hold."""
    if not unicode_safe(text):
        raise Wrong("UTF-8", f"other bytes in {shortened(repr(readable(text)))}")
    return whole(value, text)


def cut_item(file: str, line: int, text: str, error: Exception) -> Wrong:
    """The file ends inside an item; anything else is no row to set aside, since what follows is lost."""
    if not isinstance(error, json.JSONDecodeError):
        raise DatasetError(f"{file}:{line}: wanted a JSON object; found one that Python cannot hold ({error})")
    before, after = readable(error.doc[: error.pos][-20:]), error.doc[error.pos :]
    if error.msg.startswith("Unterminated string") or not after.strip():
        return Wrong("a whole JSON object", f"a file that breaks off at {readable(text[-20:])!r}")
    raise DatasetError(f"{file}:{line}: wanted a JSON object; found {spelled(error)} after {before!r}")
