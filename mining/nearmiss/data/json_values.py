"""
JSON values that lines do not separate: the items of one array, or objects that follow each other, as pretty-printing
leaves them. The file is never held whole.

Out: one `InputRow` after another, placed at the line where the item begins
"""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from nearmiss.data.checks import Wrong, described, shortened, unicode_safe
from nearmiss.data.lines import BOM, InputRow, json_lines, parsed, readable, spelled, whole
from nearmiss.data.opening import UNREADABLE, opened_text, reason
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

CHUNK = 1 << 20
SPACE = re.compile(r"[ \t\r\n]*")
LONGEST = 12  # characters of a literal or an escape that the window may cut
DECODER = json.JSONDecoder()


class Scanner:
    """A window onto the file's text that grows while an item does not fit, and moves on over what was taken."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        # Bytes that are no UTF-8 pass as surrogates, to be refused with the item they belong to.
        self.decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self.window, self.start, self.line, self.ended = "", 0, 1, False
        self.cut = False  # the file ended inside an item

    @property
    def text(self) -> str:
        """What was not taken yet, as far as it was read."""
        return self.window[self.start :]

    def grow(self) -> None:
        """Double the window, so that a long item is tried a few times and not once for each chunk."""
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
            except json.JSONDecodeError as error:
                if self.ended or not self.breaks_off(error):
                    raise
            self.grow()

    def breaks_off(self, error: json.JSONDecodeError) -> bool:
        """Whether a value fails because more text is needed, and not because it is wrong."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self.window.rstrip()) - LONGEST


def json_rows(path: Path, ledger: Ledger) -> Iterator[InputRow]:
    """The objects of a JSON file: one on each line, pretty-printed one after another, or the items of one array."""
    try:
        match shape(path):
            case "array":
                with opened_text(path) as stream:
                    yield from items(str(path), Scanner(stream), ledger)
            case "objects":
                with opened_text(path) as stream:
                    yield from objects(str(path), Scanner(stream), ledger)
            case _:
                yield from json_lines(path, ledger)
    except UNREADABLE as error:
        raise DatasetError(f"{path}: wanted a whole, readable file; found {reason(error)}") from error


def shape(path: Path) -> Literal["lines", "array", "objects"]:
    """How the file's objects are separated, which its first brackets show."""
    try:
        with opened_text(path) as stream:
            # Not the whole line: an array may be one of gigabytes.
            pieces = (piece.removeprefix(BOM) for piece in iter(lambda: stream.readline(CHUNK), b""))
            first = next((piece.strip() for piece in pieces if piece.strip()), b"")
        if first.startswith(b"["):
            # A line with an array of its own is no row of ours, and is refused as one.
            return "array" if not first[1:].strip() or first[1:].lstrip()[:1] in (b"{", b"]") else "lines"
        if not first.startswith(b"{") or is_object(first):
            return "lines"
        with opened_text(path) as stream:
            scanner = Scanner(stream)
            scanner.mark("")
            _, text = scanner.item()
            return "objects" if "\n" in text else "lines"
    # Their reader reports the line of the error.
    except (ValueError, RecursionError, *UNREADABLE):
        return "lines"


def is_object(line: bytes) -> bool:
    """Whether a line alone is a JSON object."""
    try:
        parsed(line)
    except Wrong:
        return False
    return True


def objects(file: str, scanner: Scanner, ledger: Ledger) -> Iterator[InputRow]:
    """Objects that follow each other."""
    while True:
        scanner.mark("")
        if not scanner.text:
            return
        yield from item(file, scanner, ledger)
        if not scanner.text:
            return


def items(file: str, scanner: Scanner, ledger: Ledger) -> Iterator[InputRow]:
    """The items between the brackets."""
    if not scanner.mark("["):
        raise DatasetError(f"{file}:{scanner.line}: wanted a JSON array; found {described(scanner.text[:20])}")
    if not scanner.mark("]"):
        while True:
            scanner.mark("")
            yield from item(file, scanner, ledger)
            if last_item(file, scanner, ledger):
                break
    scanner.mark("")
    if scanner.text:
        raise DatasetError(
            f"{file}:{scanner.line}: wanted nothing after the array; found {described(scanner.text[:20])}"
        )


def item(file: str, scanner: Scanner, ledger: Ledger) -> Iterator[InputRow]:
    """The next value, if it is a row; one that the file's end cuts is a bad row, and takes all that is left."""
    line = scanner.line
    try:
        value, text = scanner.item()
    except (ValueError, RecursionError) as error:
        ledger.refuse(file, line, cut_item(file, line, scanner.text, error), readable(scanner.text))
        scanner.take(len(scanner.window))
        scanner.cut = True
        return
    try:
        yield InputRow(file, line, whole_item(value, text))
    except Wrong as wrong:
        ledger.refuse(file, line, wrong, readable(text))


def last_item(file: str, scanner: Scanner, ledger: Ledger) -> bool:
    """Take what stands between two items, or after the last."""
    if scanner.cut:
        return True
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
