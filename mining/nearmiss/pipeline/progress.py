"""Progress and seconds: how a stage says how far it is, and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from nearmiss.storage.files import read_json, write_json

Advance = Callable[[int], None]


class Watch(Protocol):
    """Told of each stage as it begins; what it yields is called with the number of items just finished."""

    def __call__(self, stage: str, total: int, unit: str) -> AbstractContextManager[Advance]: ...


@contextmanager
def silent(stage: str, total: int, unit: str) -> Iterator[Advance]:
    """A watch that shows nothing."""
    yield lambda count: None


@contextmanager
def timed(folder: Path, stage: str) -> Iterator[None]:
    """Add the seconds of a stage to `seconds.json`, beside those of earlier attempts."""
    # A file of its own: everything else in a run folder is the same however often it was interrupted.
    started = time.monotonic()
    yield
    path = folder / "seconds.json"
    seconds = read_json(path) if path.exists() else {}
    seconds[stage] = round(seconds.get(stage, 0.0) + time.monotonic() - started, 3)
    write_json(path, seconds)
