"""
Bad rows: listed in one error, or set aside in a file while reading goes on.

Out: JSONL of {file, line, wanted, found, row}, `row` as it was parsed, or its raw text where it could not be
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nearmiss.data.checks import Wrong
from nearmiss.data.dataset import ReadCounts
from nearmiss.errors import DatasetError
from nearmiss.storage.files import write_atomically

LISTED = 20  # complaints that an error spells out
PLACES = 5  # further places of the same complaint


@dataclass(frozen=True)
class BadRow:
    """One input row that cannot be used. `line` counts rows from 1 where the file has no lines (Parquet)."""

    file: str
    line: int
    wanted: str
    found: str
    row: Any
    alike: bool = False  # reported once, with all rows that lack the same

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: wanted {self.wanted}; found {self.found}"


@dataclass
class Ledger:
    """Counts every input row once: as kept, or as listed bad."""

    keeps_rows: bool  # without a file to write them to, the bad rows' contents would only fill memory
    kept: int = 0
    bad: list[BadRow] = field(default_factory=list)
    aside: list[BadRow] = field(default_factory=list)  # not usable, nothing depends on it: reported, no reason to stop
    notes: list[str] = field(default_factory=list)  # remarks about a reading that went well

    def refuse(self, file: str, line: int, wrong: Wrong, row: Any) -> None:
        """List a row as bad."""
        self.bad.append(self.row(file, line, wrong, row))

    def set_aside(self, file: str, line: int, wrong: Wrong, row: Any) -> None:
        """List a row that is left out without being a mistake."""
        self.aside.append(self.row(file, line, wrong, row))

    def row(self, file: str, line: int, wrong: Wrong, row: Any) -> BadRow:
        """A row as listed in errors and in the file."""
        return BadRow(file, line, wrong.wanted, wrong.found, row if self.keeps_rows else None, wrong.alike)

    def counts(self) -> ReadCounts:
        """Rows so far; what was set aside is no less rejected."""
        rejected = len(self.bad) + len(self.aside)
        return ReadCounts(self.kept + rejected, self.kept, rejected)


def settle(ledger: Ledger, reject: Path | None) -> ReadCounts:
    """Write the bad rows to `reject`, or raise DatasetError where there are some and no such file was given."""
    if reject is not None:
        write_rejects(reject, [*ledger.bad, *ledger.aside])
    elif ledger.bad:
        raise DatasetError(complaint(ledger))
    ledger.notes += [f"set aside: {words}" for words in alike(ledger.aside)]
    return ledger.counts()


def complaint(ledger: Ledger) -> str:
    """What is wrong with the input, cut to what a person can read at once."""
    read, rejected = ledger.counts().read, len(ledger.bad)
    rows = "row" if read == 1 else "rows"
    first = f"{rejected:,} of {read:,} {rows} cannot be used (--reject FILE sets them aside and goes on):"
    listed = alike(ledger.bad)
    unlisted = len(listed) - LISTED
    last = [f"and {unlisted:,} more"] if unlisted > 0 else []
    return "\n".join([first, *listed[:LISTED], *last])


def alike(bad: Iterable[BadRow]) -> list[str]:
    """The complaints about the rows: one for all rows with the same fault, with the first of their places."""
    found: dict[tuple[str, ...], list[BadRow]] = {}
    for row in bad:
        found.setdefault((row.file, row.wanted, "" if row.alike else row.found), []).append(row)
    return [counted(rows) for rows in found.values()]


def counted(rows: list[BadRow]) -> str:
    """The first of several rows, and how many more there are."""
    if len(rows) == 1:
        return str(rows[0])
    places = ", ".join(str(row.line) for row in rows[1 : 1 + PLACES])
    more = f"{places} ..." if len(rows) > 1 + PLACES else places
    return f"{rows[0]} (and {len(rows) - 1:,} more like it: {more})"


def write_rejects(path: Path, bad: list[BadRow]) -> None:
    """Write the file even when nothing is bad, so that an older one cannot be taken for this reading's."""
    with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as lines:
        for row in bad:
            # ASCII escapes, since a bad row may hold what UTF-8 cannot.
            content = {name: value for name, value in vars(row).items() if name != "alike"}
            lines.write(json.dumps(content, default=str) + "\n")
