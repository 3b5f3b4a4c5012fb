"""
Journals: what was put in force one after the other, so that each save can be undone.

In:  a file of JSON lines, each with an `action`: save, undo or redo
Out: lines appended, never changed; the saves that an undo or a redo can reach

An undo goes back one save, a redo forward again; a save drops what was undone.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nearmiss.storage.damage import cannot_read, damaged
from nearmiss.storage.files import written_to

JournalLine = dict[str, Any]


def append(path: Path, line: Mapping[str, Any]) -> None:
    """One line more, on disk when this returns; a line that was cut off by a crash before it stays cut off."""
    cut_off = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with written_to(path, path), path.open("ab") as file:
        file.write((b"\n" if cut_off else b"") + json.dumps(line, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def replayed(path: Path) -> tuple[list[JournalLine], int]:
    """The saves that an undo or a redo can reach, oldest first, and the place of the one in force; -1 for none."""
    saves: list[JournalLine] = []
    at = -1
    for line in _lines(path):
        if line["action"] == "save":
            saves = [*saves[: at + 1], line]
        at += -1 if line["action"] == "undo" else 1
    return saves, at


def _lines(path: Path) -> Iterator[JournalLine]:
    for number, text in enumerate(path.read_bytes().split(b"\n") if path.exists() else [], 1):
        try:
            line: JournalLine = json.loads(text.decode())
        except json.JSONDecodeError:
            continue  # cut off in the middle of writing: its save was never reported as done
        except UnicodeDecodeError as error:
            if text.startswith(b"{"):
                continue  # cut off in the middle of a letter
            raise cannot_read(path, "one save a line", error) from error
        if not isinstance(line, dict) or not {"action", "at", "by"} <= set(line):
            raise damaged(path, "a save, an undo or a redo in each line", f"another thing in line {number}")
        yield line
