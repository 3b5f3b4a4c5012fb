"""
One writer at a time: a writer locks what it writes, and others get an error that names it.

In:  a folder, and the part of it that is written: mining writes all of a run; a policy, a calibration and a map are
     parts with locks of their own, so that hours of mining keep nobody from saving a threshold
Out: it is held while the block lasts; or a RunError that names the process, its host, its command and since when

Readers never wait. The system releases the lock when its holder ends, however it ends.
"""

import os
import re
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nearmiss.errors import FileError, RunError
from nearmiss.storage.damage import cannot_write
from nearmiss.storage.files import read_object, write_json

LOCK, HOLDER = ".writer.lock", ".writer.json"
PATIENCE_S = 5.0  # for short writes: two saves at the same time are no error
_FACTS = ("pid", "host", "command", "since")


@contextmanager
def one_writer(folder: Path, part: str = "", patience: float = 0.0) -> Iterator[None]:
    """
    Hold `folder`, made where it is new, or a `part` of it, which is the name of a file.

    RunError where another process or thread still holds it after `patience` seconds.
    """
    from filelock import FileLock, Timeout

    lock_file, holder = (folder / (f".{part}{name}" if part else name) for name in (LOCK, HOLDER))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file, thread_local=False)
        lock.acquire(timeout=patience, poll_interval=0.02)
    except Timeout:
        raise RunError(f"{folder / part}: wanted to write to it; found {held_by(holder)}") from None
    except OSError as error:
        raise cannot_write(folder / part if part else lock_file, error) from error
    try:
        write_json(holder, own_facts())
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def own_facts() -> dict[str, str | int]:
    """Facts about this process, for the errors of those who wait for it."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "command": _command(), "since": _now()}


def _command() -> str:
    typed = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    # A URL of a database may hold a password.
    return re.sub(r"(?<=://)([^:/@\s]*):[^@\s]*@", r"\1:***@", typed)[:300]


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())


def held_by(holder: Path) -> str:
    """Who holds something, from the file that its holder wrote, and what to do about it."""
    try:
        facts = read_object(holder, _FACTS)
        who = f"process {facts['pid']} on {facts['host']} ({facts['command']}) writing since {facts['since']}"
    except FileError:
        who = "another process, begun a moment ago, writing"
    return f"{who}. Wait until it has ended, or stop it; reading the run needs no waiting"
