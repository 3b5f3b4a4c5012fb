"""
Own process: a job that goes on when the page that began it is left, with progress that others can read.

In:  a folder, the job's name, a command
Out: a process that does the job; its progress, from a file that it keeps up to date; whether it is running; a stop

A lock that ends with its process shows that it runs: a killed process leaves none behind.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import IO

from nearmiss import access
from nearmiss.errors import FileError, RunError
from nearmiss.pipeline.progress import Watch
from nearmiss.storage.damage import cannot_write
from nearmiss.storage.files import read_json, read_object, write_json
from nearmiss.storage.one_writer import held_by, own_facts
from nearmiss.types import Advance

EVERY_S = 0.5
TRIES = 5
STOP_WITHIN_S = 5.0


@dataclass(frozen=True)
class JobProgress:
    """How far a job is; `stage` is empty before its first. `rate` is items a second, 0 while unknown."""

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
    """A job that was begun and never finished, and the last output of its process."""

    said: str


@dataclass(frozen=True)
class Job:
    """One kind of job in one folder; `aim` ends the sentence "wanted to ..." where another process does the same."""

    folder: Path
    name: str
    aim: str

    @property
    def progress_file(self) -> Path:
        """What the process has told last."""
        return self.folder / f"{self.name}.progress.json"

    @property
    def log_file(self) -> Path:
        """What the process printed."""
        return self.folder / f"{self.name}.log"

    @property
    def lock_file(self) -> Path:
        """Held while the process runs."""
        return self.folder / f".{self.name}.lock"

    @property
    def holder_file(self) -> Path:
        """Which process holds the lock."""
        return self.folder / f".{self.name}.json"

    @contextmanager
    def alone(self, watch: Watch) -> Iterator[Watch]:
        """A watch that also writes progress into the folder; RunError where another process does the same job."""
        with _opened(self.lock_file) as lock:
            # Readers take the lock for a moment, to see that nobody holds it.
            if not _take(lock.fileno(), TRIES):
                raise RunError(f"{self.folder}: wanted to {self.aim}; found {held_by(self.holder_file)}")
            try:
                write_json(self.holder_file, own_facts())
                yield _Teller(self.progress_file, watch)
            finally:
                self.holder_file.unlink(missing_ok=True)
            self.forget()

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Run the command in a process of its own, unless one is running."""
        access.require("compute")
        with _starting:
            if isinstance(self.progress(), JobProgress):
                return
            with _opened(self.log_file) as log:
                _started[self.lock_file] = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, **(environment or {})},
                )

    def progress(self) -> JobProgress | Stopped | None:
        """How far it is; None where it is not being done, or is done."""
        facts = self._told()
        if self._lives():
            return facts or JobProgress()
        words = _last_line(self.log_file)
        return None if facts is None and words is None else Stopped(words or "")

    def stop(self) -> None:
        """End the process where it runs on this machine; what it wrote stays."""
        access.require("compute")
        process = _started.get(self.lock_file)
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_WITHIN_S)
        elif self._lives() and (holder := self._holder()) is not None:
            with suppress(ProcessLookupError):
                os.kill(holder, signal.SIGTERM)
            _until(lambda: not self._lives())
        if not self._lives():
            self.forget()

    def forget(self) -> None:
        """Remove what is left of a job that has ended."""
        for path in (self.progress_file, self.log_file):
            path.unlink(missing_ok=True)

    def _told(self) -> JobProgress | None:
        with suppress(FileNotFoundError):
            return JobProgress(**read_json(self.progress_file))
        return None

    def _holder(self) -> int | None:
        """The process that holds the lock; None where it is unknown, or runs on another machine."""
        with suppress(FileError):
            facts = read_object(self.holder_file, ("pid", "host"))
            return int(facts["pid"]) if facts["host"] == socket.gethostname() else None
        return None

    def _lives(self) -> bool:
        process = _started.get(self.lock_file)
        # The process takes the lock a moment after its start, and removes the log a moment before its end.
        if process is not None and process.poll() is None and self.log_file.exists():
            return True
        try:
            with self.lock_file.open() as lock:
                return not _take(lock.fileno())
        except FileNotFoundError:
            return False


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
        write_json(self.path, asdict(JobProgress(stage, total, 0, unit)))

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
                write_json(self.path, asdict(JobProgress(stage, total, done, unit, round(rate, 2))))

        return advance


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w")
    except OSError as error:
        raise cannot_write(path, error) from error


def _take(descriptor: int, tries: int = 1) -> bool:
    """Hold the lock until the file is closed; False where another does."""
    import fcntl

    for left in reversed(range(tries)):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.1 if left else 0)
    return False


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STOP_WITHIN_S
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)


def _last_line(path: Path) -> str | None:
    with suppress(FileNotFoundError):
        lines = path.read_text("utf-8", "replace").splitlines()
        return next((line.removeprefix("error: ") for line in reversed(lines) if line.strip()), "")
    return None
