"""
Lines of a file, plain or packed, and the JSON objects on them.

In:  a path; a BOM, CRLF and blank lines are accepted
Out: one `InputRow` after another, with its place; what cannot be parsed goes to the ledger
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nearmiss.data.checks import Wrong, described, shortened, unicode_safe
from nearmiss.data.opening import UNREADABLE, opened_text, reason
from nearmiss.data.rejects import Ledger
from nearmiss.errors import DatasetError

BOM = b"\xef\xbb\xbf"

HeaderCheck = Callable[[Sequence[str]], object]


class InputRow(NamedTuple):
    """One record of the input, and where it stands."""

    file: str
    line: int
    fields: dict[str, Any]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def checked_header(file: str, names: Sequence[str], check: HeaderCheck) -> None:
    """Check the header, so that a missing column is reported once and not for each row."""
    try:
        if len(set(names)) < len(names):
            raise Wrong("each column once", str(list(names)))
        if unreadable := [name for name in names if not unicode_safe(name)]:
            raise Wrong("names of columns in UTF-8", f"other bytes in {shortened(repr(readable(unreadable[0])))}")
        check(names)
    except Wrong as wrong:
        raise DatasetError(f"{file}:1: {wrong}") from wrong


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 and raw lines with their ends. Splits at line feeds alone: U+2028 is part of a text."""
    number = 0
    try:
        with opened_text(path) as stream:
            for number, line in enumerate(stream, start=1):
                yield number, line.removeprefix(BOM) if number == 1 else line
    # What follows the damage cannot even be counted, so this is not one bad row.
    except UNREADABLE as error:
        raise DatasetError(f"{path}:{number + 1}: wanted a whole, readable file; found {reason(error)}") from error


def json_lines(path: Path, ledger: Ledger) -> Iterator[InputRow]:
    """The JSON objects of a file, one on each line."""
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            row = InputRow(str(path), number, parsed(line))
        except Wrong as wrong:
            ledger.refuse(str(path), number, wrong, raw(line))
            continue
        yield row


def raw(line: bytes) -> str:
    """A line that may not be UTF-8, readable and without loss."""
    return line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def readable(text: str) -> str:
    """Text that may hold surrogates in place of bytes that are no UTF-8, as `raw` would show it."""
    return raw(text.encode("utf-8", "surrogateescape"))


def decoded(line: bytes) -> str:
    """A line as text."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Wrong("UTF-8", f"byte 0x{line[error.start]:02x} at byte {error.start + 1} of the line") from error


def parsed(line: bytes) -> dict[str, Any]:
    """The JSON object on a line."""
    text = decoded(line)
    if "\0" in text:
        raise Wrong("a line without NUL bytes", f"one at character {text.index(chr(0)) + 1}")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise Wrong(*why_not_json(text, error)) from error
    # Too deep a nesting, or a number of thousands of digits.
    except (RecursionError, ValueError) as error:
        raise Wrong("a JSON object", f"one that Python cannot hold ({str(error).split(';')[0]})") from error
    return whole(value, text)


def why_not_json(text: str, error: json.JSONDecodeError) -> tuple[str, str]:
    """What was wanted and found, telling a cut line from a broken one, and both from two objects on one line."""
    if error.msg == "Extra data" and text[error.pos :].startswith("{"):
        return (
            "one JSON object a line",
            f"another one at column {error.colno} (`jq -c . FILE` puts each on its own line)",
        )
    if not text.endswith("\n") and text.lstrip().startswith("{"):
        return "a whole JSON object", f"a last line that breaks off at {text[-20:]!r}"
    return "a JSON object", f"{spelled(error)} at column {error.colno} of {shortened(repr(text.rstrip()))}"


def spelled(error: json.JSONDecodeError) -> str:
    """The parser's error as part of a sentence."""
    return f"broken JSON ({error.msg[:1].lower()}{error.msg[1:]})"


def whole(value: Any, text: str) -> dict[str, Any]:
    """`value` if it is an object that UTF-8 can hold."""
    if not isinstance(value, dict):
        raise Wrong("a JSON object", described(value))
    # Only an escape can smuggle half a surrogate pair in; most lines have none, and skip the second look.
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            half = error.object[error.start]
            raise Wrong("whole Unicode characters", f"half of a surrogate pair, {half!a}") from None
    return value
