"""
One writer at a time: who mines holds the run folder, and everybody else is told who that is.

In:  a folder
Out: the folder held while the block lasts; or a RunError that names the process, its host, its command and since when

Those who read never wait. The system lets go of the lock when its holder ends, however it ends.
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
_FACTS = ("pid", "host", "command", "since")


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold `folder`, made where it is new; RunError where another process or thread holds it."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, thread_local=False)
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"{folder}: wanted to write to it; found {_holder(folder)}") from None
    except OSError as error:
        raise cannot_write(folder / LOCK, error) from error
    try:
        write_json(folder / HOLDER, _own_facts())
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _own_facts() -> dict[str, str | int]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "command": _command(), "since": _now()}


def _command() -> str:
    typed = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    # A URL of a database may hold a password.
    return re.sub(r"(?<=://)([^:/@\s]*):[^@\s]*@", r"\1:***@", typed)[:300]


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())


def _holder(folder: Path) -> str:
    try:
        facts = read_object(folder / HOLDER, _FACTS)
        who = f"process {facts['pid']} on {facts['host']} ({facts['command']}) writing since {facts['since']}"
    except FileError:
        who = "another process, begun a moment ago, writing"
    return f"{who}. Wait until it has ended, or stop it; reading the run needs no waiting"
