"""
Checks of single values. Each returns the value in the type that the tables hold, or raises `Wrong`.

The caller that catches `Wrong` adds the place in the file.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

CHARACTERS_SHOWN = 60  # characters of a bad value that an error repeats


class Wrong(Exception):
    """
    A row cannot be used: what was wanted, and what was there.

    `alike`: rows that lack the same thing (a column, a threshold) are reported once, whatever each holds instead.
    """

    def __init__(self, wanted: str, found: str, *, alike: bool = False) -> None:
        super().__init__(f"wanted {wanted}; found {found}")
        self.wanted, self.found, self.alike = wanted, found, alike


class NotText(str):
    """Bytes of a table that are no UTF-8, as base64: the user's own may be anything, a text or an id may not."""


def described(value: Any) -> str:
    """A short description of a bad value, with JSON's names of types."""
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"an object with {shortened(repr(sorted(map(str, value))))}"
    if isinstance(value, bool):
        return str(value).lower()
    return shortened(ascii(value) if isinstance(value, str) and not unicode_safe(value) else repr(value))


def shortened(text: str) -> str:
    """The first characters of a long text, with a sign that there was more."""
    return text if len(text) <= CHARACTERS_SHOWN else f"{text[:CHARACTERS_SHOWN]}... ({len(text):,} characters)"


def wanted_field(row: Mapping[str, Any], name: str) -> Any:
    """The value of a field that must be there."""
    if name not in row:
        raise Wrong(f"a field {name!r}", f"only {shortened(repr(sorted(row)))}", alike=True)
    return row[name]


def wanted_text(value: Any, name: str) -> str:
    """Text that is not blank, kept exactly as it is."""
    text = any_text(value, name)
    if not text.strip():
        raise Wrong(f"text in {name!r}", "an empty text" if not text else f"only white space, {described(text)}")
    return text


def any_text(value: Any, name: str) -> str:
    """Text, perhaps empty."""
    if not isinstance(value, str):
        raise Wrong(f"text in {name!r}", described(value))
    if isinstance(value, NotText):
        raise Wrong(f"UTF-8 in {name!r}", f"other bytes (base64: {shortened(value)})")
    if "\0" in value:
        raise Wrong(f"text without NUL in {name!r}", f"one at character {value.index(chr(0)) + 1}")
    if not unicode_safe(value):
        raise Wrong(f"whole Unicode characters in {name!r}", f"half of a surrogate pair in {described(value)}")
    return value


def wanted_id(value: Any, name: str) -> str:
    """An id as text. Whole numbers are common and unmistakable, so they pass."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = wanted_text(value, name)
    # Ids end up in TREC files and tab-separated judgements, where these would shift every column.
    if any(mark in text for mark in "\t\r\n"):
        raise Wrong(f"an id without tabs or line ends in {name!r}", described(text))
    return text


def wanted_number(value: Any, name: str) -> float:
    """A finite number: NaN answers False to every comparison, so each later rule would let it through."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"a number in {name!r}", described(value))
    # Huge whole numbers overflow a float, with an exception of their own.
    if abs(value) > 1e300 or not math.isfinite(value):
        raise Wrong(f"a finite number in {name!r}", str(value) if isinstance(value, float) else "a huge one")
    return float(value)


def wanted_grade(value: Any, name: str) -> float:
    """How relevant a positive is: above 0."""
    grade = wanted_number(value, name)
    if grade <= 0:
        raise Wrong(f"a grade above 0 in {name!r}", described(value))
    return grade


def wanted_list(value: Any, name: str, length: int | None = None) -> Sequence[Any]:
    """A list, perhaps of a given length."""
    if not isinstance(value, list):
        raise Wrong(f"a list in {name!r}", described(value))
    if length is not None and len(value) != length:
        raise Wrong(f"a list of {length} in {name!r}", described(value))
    return value


def unicode_safe(text: str) -> bool:
    """False for a lone surrogate, which JSON can spell and no file, table or tokenizer can hold."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
