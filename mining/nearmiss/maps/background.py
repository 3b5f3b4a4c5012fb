"""
Background: a map made by its own process, with progress that others can read.

In:  a round's folder
Out: a process that makes its map; its progress, from a file that it keeps up to date; whether it is still running

A lock that ends with its process shows that it runs: a killed process leaves none behind.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import IO

from nearmiss.errors import RunError
from nearmiss.pipeline.progress import Watch
from nearmiss.storage.damage import cannot_write
from nearmiss.storage.files import read_json, write_json
from nearmiss.storage.one_writer import held_by, own_facts
from nearmiss.types import Advance

PROGRESS_FILE, LOG_FILE, LOCK_FILE = "map.progress.json", "map.log", ".map.lock"
HOLDER_FILE = ".map.json"
EVERY_S = 0.5
TRIES = 5


@dataclass(frozen=True)
class MapProgress:
    """How far a map is; `stage` is empty before its first. `rate` is items a second, 0 while unknown."""

    stage: str = ""
    total: int = 0
    done: int = 0
    unit: str = ""
    rate: float = 0.0

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds left of this stage; None while unknown."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True)
class Stopped:
    """A map that was begun and never finished, and the last output of its process."""

    said: str


@contextmanager
def alone(folder: Path, watch: Watch) -> Iterator[Watch]:
    """A watch that also writes progress into the folder; RunError where another process makes the same map."""
    with _opened(folder / LOCK_FILE) as lock:
        # Readers take the lock for a moment, to see that nobody holds it.
        if not _take(lock.fileno(), TRIES):
            raise RunError(f"{folder}: wanted to make its map; found {held_by(folder / HOLDER_FILE)}")
        try:
            write_json(folder / HOLDER_FILE, own_facts())
            yield _Teller(folder / PROGRESS_FILE, watch)
        finally:
            (folder / HOLDER_FILE).unlink(missing_ok=True)
        for name in (PROGRESS_FILE, LOG_FILE):
            (folder / name).unlink(missing_ok=True)


def start(run: Path, number: int, folder: Path) -> None:
    """Make the map of a round in a process of its own, unless one is running."""
    with _starting:
        if isinstance(progress(folder), MapProgress):
            return
        command = [sys.executable, "-m", "nearmiss.cli", "map", str(run), "--round", str(number)]
        with _opened(folder / LOG_FILE) as log:
            _started[folder] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )


def progress(folder: Path) -> MapProgress | Stopped | None:
    """The progress of a round's map; None where none is being made or it is done."""
    facts = _read(folder / PROGRESS_FILE)
    if _lives(folder):
        return facts or MapProgress()
    words = _last_line(folder / LOG_FILE)
    return None if facts is None and words is None else Stopped(words or "")


_starting = Lock()
_started: dict[Path, subprocess.Popen[bytes]] = {}


class _Teller:
    """A watch that passes progress on and writes it to a file now and then."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self.path = path
        self.watch = watch

    @contextmanager
    def __call__(self, stage: str, total: int, unit: str) -> Iterator[Advance]:
        with self.watch(stage, total, unit) as pass_on:
            yield self._advance(stage, total, unit, pass_on)

    def _advance(self, stage: str, total: int, unit: str, pass_on: Advance) -> Callable[[int], None]:
        written = time.monotonic()
        began: float | None = None
        done = first = 0
        write_json(self.path, asdict(MapProgress(stage, total, 0, unit)))

        def advance(count: int) -> None:
            nonlocal began, done, first, written
            done += count
            pass_on(count)
            now = time.monotonic()
            if began is None:
                # The time before the first item is mostly preparation, and tells nothing about the rate.
                began, first = now, done
            if now - written >= EVERY_S:
                written = now
                rate = (done - first) / (now - began) if now > began else 0.0
                write_json(self.path, asdict(MapProgress(stage, total, done, unit, round(rate, 2))))

        return advance


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("w")
    except OSError as error:
        raise cannot_write(path, error) from error


def _lives(folder: Path) -> bool:
    process = _started.get(folder)
    # The process takes the lock a moment after its start, and removes the log a moment before its end.
    if process is not None and process.poll() is None and (folder / LOG_FILE).exists():
        return True
    try:
        with (folder / LOCK_FILE).open() as lock:
            return not _take(lock.fileno())
    except FileNotFoundError:
        return False


def _take(descriptor: int, tries: int = 1) -> bool:
    """Hold the lock until the file is closed; False where another does."""
    import fcntl

    for left in reversed(range(tries)):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.1 if left else 0)
    return False


def _read(path: Path) -> MapProgress | None:
    with suppress(FileNotFoundError):
        return MapProgress(**read_json(path))
    return None


def _last_line(path: Path) -> str | None:
    with suppress(FileNotFoundError):
        lines = path.read_text("utf-8", "replace").splitlines()
        return next((line.removeprefix("error: ") for line in reversed(lines) if line.strip()), "")
    return None
