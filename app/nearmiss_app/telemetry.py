"""
Telemetry: what the server did, as numbers for Prometheus, and as records that `--log-json` writes as lines.

In:  a request or a page, who asked for it, and how long it took
Out: the text of `/metrics`; a record of the log for each

Neither holds a token, a cookie, an address's parameters or a text of the run: a request is named by its page or route,
and by nothing else that a browser sent.
"""

import hmac
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client import Counter as Counted
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from nearmiss.errors import NearmissError
from nearmiss.run import open_run, runs_in
from nearmiss_app.navigation import TITLES

METRICS = "/metrics"
TOKEN = "NEARMISS_METRICS_TOKEN"  # the environment variable's name
RUN, RUNS, REVIEWS = "NEARMISS_RUN", "NEARMISS_RUNS", "NEARMISS_REVIEWS"
LOG = logging.getLogger("nearmiss.requests")
PAGES = (*TITLES, "start")
ROUTES = {
    *("/", "/sign-in", METRICS, "/auth/login", "/auth/logout", "/oauth2callback", "/favicon.png"),
    *("/_stcore/health", "/_stcore/stream", "/_stcore/host-config", "/_stcore/metrics"),
    *(f"/{page}" for page in PAGES),
}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "SOCKET")
# What follows names a file, or the session that it belongs to.
FOLDERS = ("/static/", "/media/", "/component/", "/app/static/", "/_stcore/upload_file/", "/_stcore/bidi-components/")

REGISTRY = CollectorRegistry()
REQUESTS = Counted("nearmiss_requests", "Requests by the status of their answer", ["status"], registry=REGISTRY)
SECONDS = Histogram("nearmiss_request_seconds", "From a request to the end of its answer", registry=REGISTRY)
PAGE_SECONDS = Histogram(
    "nearmiss_page_seconds", "From asking for a page to its last element", ["page"], registry=REGISTRY
)
_connected: Counter[str] = Counter()  # open windows by person
_lock = Lock()


@dataclass
class Seen:
    """A request under way: who asks, and the answer's status, as far as they are known."""

    person: str = ""
    status: int = 0


def route(path: str) -> str:
    """The name of a path: a page or a route of ours; "other" for everything else, which is not repeated."""
    if path in ROUTES:
        return path
    return next((f"{folder}..." for folder in FOLDERS if path.startswith(folder)), "other")


@contextmanager
def request(method: str, path: str) -> Iterator[Seen]:
    """Count a request and write it down, once its answer is sent or failed."""
    begun, seen = time.perf_counter(), Seen()
    try:
        yield seen
    finally:
        spent = time.perf_counter() - begun
        status = seen.status or 500
        if method != "SOCKET":  # one stays open as long as its window
            SECONDS.observe(spent)
        REQUESTS.labels(str(status)).inc()
        known = method if method in METHODS else "other"
        _write(request=f"{known} {route(path)}", status=status, person=seen.person, run=_only_run(), milliseconds=spent)


@contextmanager
def connected(person: str) -> Iterator[None]:
    """Somebody has a window open inside this block; without a login each window counts as a person."""
    name = person or f"window {time.monotonic_ns()}"
    with _lock:
        _connected[name] += 1
    try:
        yield
    finally:
        with _lock:
            _connected[name] -= 1
            if not _connected[name]:
                del _connected[name]


@contextmanager
def page(name: str, person: str, run: str = "") -> Iterator[None]:
    """Count how long a page takes, and write it down, unless it is left halfway for another one."""
    begun = time.perf_counter()
    yield
    spent = time.perf_counter() - begun
    known = name if name in PAGES else "overview"
    PAGE_SECONDS.labels(known).observe(spent)
    _write(page=known, person=person, run=run or _only_run(), milliseconds=spent)


def may_read(authorization: str) -> bool:
    """Whether a header holds the token that opens `/metrics`; False where none is set."""
    token = os.environ.get(TOKEN, "")
    given = authorization.removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def needs_token() -> bool:
    """Whether a token is set."""
    return bool(os.environ.get(TOKEN))


def exposition() -> str:
    """All numbers, in Prometheus' text form."""
    return generate_latest(REGISTRY).decode()


def _write(*, milliseconds: float, **fields: Any) -> None:
    if LOG.isEnabledFor(logging.INFO):
        LOG.info("served", extra={"fields": {**fields, "milliseconds": round(1000 * milliseconds, 1)}})


def _only_run() -> str:
    """The server's run; empty where it has several, of which a request's path tells none."""
    return Path(os.environ.get(RUN, "")).name


def _runs() -> list[Path]:
    if os.environ.get(RUN):
        return [Path(os.environ[RUN])]
    several = os.environ.get(RUNS, "")
    return [Path(several) / name for name in runs_in(Path(several))] if several else []


class VerdictCollector:
    """How many rows of each kind the log has, whoever wrote them; each scrape reads what is new since the last."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._last: dict[Path, int] = {}
        self._lock = Lock()

    def collect(self) -> Iterator[Any]:
        """The counts of all runs, and whether their logs could be read."""
        written = CounterMetricFamily("nearmiss_verdicts", "Rows of the review log", labels=["verdict", "by"])
        readable = GaugeMetricFamily("nearmiss_log_readable", "1 where the review log could be read")
        with self._lock:
            read = [self._read(run) for run in _runs()]
            readable.add_metric([], float(bool(read) and all(read)))
            for key, count in sorted(self._counts.items()):
                written.add_metric(list(key), count)
        yield from (written, readable)

    def _read(self, run: Path) -> bool:
        try:
            # Opened each time: before anybody judged, there is none to keep open.
            with closing(open_run(run, os.environ.get(REVIEWS, "")).log_to_read()) as log:
                counts, self._last[run] = log.counts(self._last.get(run, 0))
        except NearmissError:
            return False
        self._counts.update(counts)
        return True


Gauge("nearmiss_people_connected", "People with a window open", registry=REGISTRY).set_function(lambda: len(_connected))
REGISTRY.register(VerdictCollector())
