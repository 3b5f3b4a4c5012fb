"""
Temporary names: what a file or folder is called until it is whole.

In:  the name that it will have
Out: a name that no other process or thread uses; and what processes that died left behind, removed

Two that write the same file never share a draft: the one that finishes last is the one that is read.
"""

import os
import re
import shutil
import socket
import time
import uuid
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PREFIX = ".tmp-"
# No write takes that long. Whether a process of another host still runs cannot be seen from here.
FORGOTTEN_AFTER_S = 86_400.0
_NAME = re.compile(rf"{re.escape(PREFIX)}(?P<host>[0-9a-f]{{8}})-(?P<pid>\d+)-[0-9a-f]{{12}}-")


def temporary_name(name: str) -> str:
    """A name of its own for a file or folder that is to become `name`; it keeps the suffix, by which writers choose."""
    return f"{PREFIX}{_host()}-{os.getpid()}-{uuid.uuid4().hex[:12]}-{name}"


def sweep(folder: Path) -> None:
    """Remove the drafts that dead processes left in a folder and below it; those of living ones stay."""
    _remove_dead(folder.rglob(f"{PREFIX}*"))


def sweep_drafts_of(path: Path) -> None:
    """Remove the drafts of one file or folder that dead processes left."""
    _remove_dead(found for found in path.parent.glob(f"{PREFIX}*") if found.name.endswith(f"-{path.name}"))


def _remove_dead(drafts: Iterable[Path]) -> None:
    for path in list(drafts):
        # Another process may sweep, or finish, at the same time.
        with suppress(OSError):
            if _is_left_behind(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_left_behind(path: Path) -> bool:
    named = _NAME.match(path.name)
    if named is not None and named["host"] == _host() and os.name == "posix":
        return not _lives(int(named["pid"]))
    return time.time() - path.stat().st_mtime > FORGOTTEN_AFTER_S


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's process
    return True


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"
