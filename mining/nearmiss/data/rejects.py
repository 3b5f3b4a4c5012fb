"""
Bad rows: listed in one error, or set aside in a file while reading goes on.

Out: JSONL of {file, line, wanted, found, row}, `row` as it was parsed, or its raw text where it could not be
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nearmiss.data.checks import Wrong
from nearmiss.data.dataset import ReadCounts
from nearmiss.errors import DatasetError
from nearmiss.storage.files import write_atomically

LISTED = 20  # bad rows that an error spells out


@dataclass(frozen=True)
class BadRow:
    """One input row that cannot be used. `line` counts rows from 1 where the file has no lines (Parquet)."""

    file: str
    line: int
    wanted: str
    found: str
    row: Any

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: wanted {self.wanted}; found {self.found}"


@dataclass
class Ledger:
    """Every input row ends here once: counted as kept, or listed as bad."""

    keeps_rows: bool  # without a file to write them to, the bad rows' contents would only fill memory
    kept: int = 0
    bad: list[BadRow] = field(default_factory=list)

    def refuse(self, file: str, line: int, wrong: Wrong, row: Any) -> None:
        """List a row as bad."""
        self.bad.append(BadRow(file, line, wrong.wanted, wrong.found, row if self.keeps_rows else None))

    def counts(self) -> ReadCounts:
        """Rows so far."""
        return ReadCounts(self.kept + len(self.bad), self.kept, len(self.bad))


def settle(ledger: Ledger, reject: Path | None) -> ReadCounts:
    """Write the bad rows to `reject`, or raise DatasetError where there are some and no such file was given."""
    if reject is not None:
        write_rejects(reject, ledger.bad)
    elif ledger.bad:
        raise DatasetError(complaint(ledger))
    return ledger.counts()


def complaint(ledger: Ledger) -> str:
    """All that is wrong with the input, as far as a person wants to read at once."""
    counts = ledger.counts()
    rows = "row" if counts.read == 1 else "rows"
    first = f"{counts.rejected:,} of {counts.read:,} {rows} cannot be used (--reject FILE sets them aside and goes on):"
    unlisted = counts.rejected - LISTED
    last = [f"and {unlisted:,} more"] if unlisted > 0 else []
    return "\n".join([first, *map(str, ledger.bad[:LISTED]), *last])


def write_rejects(path: Path, bad: list[BadRow]) -> None:
    """Write the file even when nothing is bad, so that an older one cannot be taken for this reading's."""
    with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as lines:
        for row in bad:
            # ASCII escapes, since a bad row may hold what UTF-8 cannot.
            lines.write(json.dumps(vars(row), default=str) + "\n")
