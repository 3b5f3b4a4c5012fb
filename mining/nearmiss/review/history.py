"""
History: the whole log as JSON lines, one row a line with every column, and back.

In:  a log's rows, or such a file
Out: such a file, or rows checked one by one

`ReviewLog.adopt` decides which of the rows are new.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from nearmiss.counts import counted
from nearmiss.data.lines import json_lines
from nearmiss.data.rejects import LISTED, Ledger
from nearmiss.errors import ReviewError
from nearmiss.review.current import Entry
from nearmiss.review.events import Event, event_from
from nearmiss.review.readings import GuidelinesReading, versions_read
from nearmiss.storage.files import write_atomically

GUIDELINES = "guidelines"  # the version that a reviewer had read; another log cannot know it, so it is not read back
COLUMNS = ("seq", *(field.name for field in fields(Event)), GUIDELINES)


def write_history(path: Path, entries: Sequence[Entry], readings: Iterable[GuidelinesReading] = ()) -> int:
    """Write rows, oldest first, each with the version of the guidelines that was read, if any; returns how many."""
    read = versions_read(readings, (entry.event for entry in entries))
    with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as lines:
        for entry, version in zip(entries, read, strict=True):
            row = {"seq": entry.seq} | asdict(entry.event) | ({GUIDELINES: version} if version else {})
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return len(entries)


def read_history(path: Path, reviewer: str = "") -> list[Entry]:
    """
    The rows of a file, in its order; `reviewer` is used for rows that name nobody.

    Raises ReviewError that lists what is wrong, line by line.
    """
    ledger = Ledger(keeps_rows=False)
    checked = _Checked(reviewer)
    bad: list[tuple[int, str]] = []
    for row in json_lines(path, ledger):
        try:
            checked.add(row.fields)
        except ReviewError as error:
            bad.append((row.line, f"{row.place}: {error}"))
    bad += [(row.line, str(row)) for row in ledger.bad]
    settle(len(bad) + len(checked.entries), bad)
    return checked.entries


def settle(rows: int, bad: list[tuple[int, str]]) -> None:
    """Raise ReviewError where rows are bad: how many, and the first of them by line."""
    if bad:
        listed = [sentence for _, sentence in sorted(bad)[:LISTED]]
        more = [f"and {len(bad) - LISTED:,} more"] if len(bad) > LISTED else []
        head = f"{len(bad):,} of {counted(rows, 'row')} cannot be used; nothing was written:"
        raise ReviewError("\n".join([head, *listed, *more]))


class _Checked:
    """Rows as they are read: each is checked alone and against those before it."""

    def __init__(self, reviewer: str) -> None:
        self.entries: list[Entry] = []
        self._last = 0
        self._reviewer = reviewer
        self._owners: dict[int, str] = {}
        self._keys: set[tuple[str, int]] = set()

    def add(self, content: dict[str, Any]) -> None:
        if unknown := sorted(set(content) - set(COLUMNS)):
            raise ReviewError(f"wanted only {', '.join(COLUMNS)}; found {unknown}")
        seq = content.get("seq")
        if not isinstance(seq, int) or isinstance(seq, bool) or seq <= self._last:
            raise ReviewError(f"seq: wanted a whole number above those before it; found {seq!r}")
        own = {"reviewer": self._reviewer} if self._reviewer and not content.get("reviewer") else {}
        event = event_from(content, **own)
        self._check_references(event)
        key = event.client_id, event.client_seq
        if key in self._keys:
            raise ReviewError(f"client_id, client_seq: wanted each once; found {key} again")
        self._keys.add(key)
        self._last = seq
        self._owners[seq] = event.reviewer
        self.entries.append(Entry(seq, event))

    def _check_references(self, event: Event) -> None:
        for name in ("parent", "undoes"):
            seq = getattr(event, name)
            if seq is not None and self._owners.get(seq) != event.reviewer:
                found = f"one of {self._owners[seq]!r}" if seq in self._owners else "no such row above"
                raise ReviewError(f"{name} {seq}: wanted an earlier row of {event.reviewer!r}; found {found}")
