"""
A folder that is either whole or absent, and replaces only what an export wrote.

It only compares manifests and moves folders, whatever the format.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nearmiss.data.exported_rows import MANIFEST
from nearmiss.errors import RunError
from nearmiss.storage.files import read_json, written_to
from nearmiss.storage.temporary import sweep_drafts_of, temporary_name

DECIDING_ENTRIES = ("format", "options", "provenance", "reviews")  # an export with these alike has the same bytes


@contextmanager
def whole_folder(out: Path, manifest: Mapping[str, Any]) -> Iterator[Path]:
    """
    A temporary folder beside `out`, which takes its name on success.

    Raises RunError where `out` holds anything but an earlier export whose DECIDING_ENTRIES are those of `manifest`,
    and FileError where it cannot be written.
    """
    _check(out, manifest)
    temporary = out.with_name(temporary_name(out.name))
    missing = [parent for parent in out.parents if not parent.exists()]
    try:
        with written_to(out, temporary):
            sweep_drafts_of(out)
            temporary.mkdir(parents=True)
            yield temporary
            _flush(temporary)
            _replace(temporary, out)
    finally:
        _remove(temporary)
        _remove_empty(missing)


def _check(out: Path, manifest: Mapping[str, Any]) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / MANIFEST).is_file():
        raise RunError(f"{out}: wanted a new or empty folder; found something that is no export")
    earlier = read_json(out / MANIFEST)
    # Through JSON, where a tuple is a list.
    wanted = json.loads(json.dumps({name: manifest[name] for name in DECIDING_ENTRIES}))
    if differs := [name for name in DECIDING_ENTRIES if earlier.get(name) != wanted[name]]:
        raise RunError(f"{out}: wanted a new or empty folder; found an export with another {', '.join(differs)}")
    written = {shard["name"] for shard in earlier["shards"]} | set(earlier["other_files"])
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    if strange := sorted(found - written):
        # Replacing the folder would delete them.
        raise RunError(f"{out}: wanted only the files of an earlier export; found {strange[:5]}")


def _flush(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as content:
                os.fsync(content.fileno())


def _replace(temporary: Path, out: Path) -> None:
    previous = out.with_name(temporary_name(out.name))
    if out.exists():
        os.rename(out, previous)
    try:
        os.rename(temporary, out)
    except OSError:
        if previous.exists() and not out.exists():
            os.rename(previous, out)
        raise
    finally:
        _remove(previous)


def _remove_empty(folders: list[Path]) -> None:
    """Remove those that hold nothing, the innermost first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
