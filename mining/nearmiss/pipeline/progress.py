"""Progress and seconds: how a stage reports how far it is, and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from nearmiss.run import SECONDS_FILE
from nearmiss.storage.files import read_object, write_json
from nearmiss.types import Advance


class Watch(Protocol):
    """Called as each stage begins; what it yields is called with the number of items just finished."""

    def __call__(self, stage: str, total: int, unit: str) -> AbstractContextManager[Advance]: ...


@contextmanager
def silent(stage: str, total: int, unit: str) -> Iterator[Advance]:
    """A watch that shows nothing."""
    yield lambda count: None


Tell = Callable[[str], None]  # called with messages for the user


def tell_nobody(message: str) -> None:
    """A `Tell` that drops the message."""


@contextmanager
def timed(folder: Path, stage: str) -> Iterator[None]:
    """Add the seconds of a stage to `seconds.json`, beside those of earlier attempts; an interrupt loses none."""
    # A file of its own: everything else in a run folder is the same however often it was interrupted.
    path = folder / SECONDS_FILE
    # Read first, so that a damaged file is reported before an hour of work and hides no error of that work.
    seconds = read_object(path, ()) if path.exists() else {}
    started = time.monotonic()
    try:
        yield
    except BaseException:
        with suppress(OSError):  # a full disk is what went wrong, perhaps
            _add(path, seconds, stage, started)
        raise
    _add(path, seconds, stage, started)


def _add(path: Path, seconds: dict[str, Any], stage: str, started: float) -> None:
    before = seconds.get(stage, 0.0)
    write_json(path, seconds | {stage: round(before + time.monotonic() - started, 3)})
