"""
The budget of a command, and how many requests it has at once.

In:  answers and refusals, as they come
Out: leave to send the next request, now or later; ModelError where the budget is spent

Requests at once grow by one with each round of answers and are halved by a refusal (429 or 503), as TCP does it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from nearmiss.errors import ModelError
from nearmiss.settings import Serving

AT_FIRST = 4  # requests at once
LONGEST_WAIT = (
    120.0  # seconds; a server that wants more time is told of as an error, and the same command goes on later
)


class Budget:
    """What one command may still ask, over all its servers; safe between threads."""

    def __init__(self, serving: Serving | None = None) -> None:
        self.serving = serving or Serving()
        self.spent = 0
        self._lock = threading.Lock()

    def spend(self) -> None:
        """One more request is sent."""
        with self._lock:
            most = self.serving.max_requests
            if most is not None and self.spent >= most:
                raise ModelError(
                    f"--max-requests {most}: wanted to send one more; found all of them spent. Every answer so far is "
                    "kept: the same command with a higher number goes on from there"
                )
            self.spent += 1

    def give_back(self) -> None:
        """A request was refused, which costs nothing."""
        with self._lock:
            self.spent -= 1


class Pace:
    """How many requests one server gets at once, and when it wants none; safe between threads."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.limit = float(min(AT_FIRST, most))
        self._most, self._now = most, now
        self._active = 0
        self._not_before = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a free place; it is given back at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._active < int(self.limit))
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    @property
    def wait(self) -> float:
        """Seconds until the server wants requests again."""
        return max(0.0, self._not_before - self._now())

    def answered(self) -> None:
        """An answer came: a little more at once."""
        with self._changed:
            self.limit = min(float(self._most), self.limit + 1 / self.limit)
            self._changed.notify_all()

    def refused(self, headers: Mapping[str, str]) -> None:
        """The server wants fewer: half as many at once, and none before the time that it names."""
        with self._changed:
            self.limit = max(1.0, self.limit / 2)
            self._not_before = max(self._not_before, self._now() + min(retry_after(headers), LONGEST_WAIT))


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a refusal asks to wait, as a number or a date; 0 where it does not say."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name, "")
        try:
            return max(0.0, float(text) / unit)
        except ValueError:
            pass
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
