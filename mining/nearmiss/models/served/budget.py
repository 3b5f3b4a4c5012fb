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
from pathlib import Path
from typing import Any

from nearmiss.errors import ModelError
from nearmiss.models.served.prices import PAID_FILE, read_prices
from nearmiss.settings import Serving
from nearmiss.storage import line_log

AT_FIRST = 4  # requests at once
LONGEST_WAIT = (
    120.0  # seconds; a server that wants more time is told of as an error, and the same command goes on later
)


class Budget:
    """What one command may still ask and pay, over all its servers; safe between threads."""

    def __init__(self, serving: Serving | None = None) -> None:
        self.serving = serving or Serving()
        self.prices = read_prices(self.serving.prices) if self.serving.prices else None
        self.spent = 0
        self.cost = 0.0  # of what was answered, and the most that what was not may have cost
        self._lock = threading.Lock()
        self._paid: list[dict[str, Any]] = []  # lines that are not in a file yet
        self._file: Path | None = None

    def spend(self, may_cost: float = 0.0) -> None:
        """One more request is sent, which costs that much at most."""
        with self._lock:
            limit = self.serving.max_cost
            if self.prices is not None and limit is not None and self.cost + may_cost > limit:
                words = self.prices.in_words
                raise ModelError(
                    f"--max-cost {words(limit)}: wanted to send one more request, of at most {words(may_cost)}; found "
                    f"{words(self.cost)} spent or under way. Every answer so far is kept: the same command goes on "
                    "from there, with as much again"
                )
            most = self.serving.max_requests
            if most is not None and self.spent >= most:
                raise ModelError(
                    f"--max-requests {most}: wanted to send one more; found all of them spent. Every answer so far is "
                    "kept: the same command with a higher number goes on from there"
                )
            self.spent += 1
            self.cost += may_cost

    def give_back(self, may_cost: float = 0.0) -> None:
        """A request was refused, which costs nothing."""
        with self._lock:
            self.spent -= 1
            self.cost -= may_cost

    def pay(self, model: str, may_cost: float, cost: float, read: int, written: int, batch: str = "") -> None:
        """
        A request was answered, which cost less than it could have; it is on its way to the disk at once.

        `batch` names an answer that came in a file, which counts once however often it is read.
        """
        line: dict[str, Any] = {"model": model, "read": read, "written": written, "cost": cost}
        line |= {"currency": self.prices.currency if self.prices else "", "at": round(time.time(), 3)}
        line |= {"batch": batch} if batch else {}
        with self._lock:
            self.cost += cost - may_cost
            self._paid.append(line)
            self._write()

    def keep_in(self, folder: Path) -> None:
        """Write what was paid, and from now on what is, into a file of a run's folder."""
        with self._lock:
            self._file = folder / PAID_FILE
            self._write()

    def _write(self) -> None:
        if self._file is not None and self._paid:
            line_log.append(self._file, *self._paid)
            self._paid = []


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
