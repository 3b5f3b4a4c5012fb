"""
Readings: which versions of the guidelines there were, and who read which when.

In:  a connection to the log
Out: rows written and read back; of a verdict, the version that its reviewer had read by then
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import sqlalchemy as sql

from nearmiss.review.events import Event
from nearmiss.review.tables import GUIDELINES, READINGS


@dataclass(frozen=True)
class GuidelinesReading:
    """That a reviewer opened a version of the guidelines; seconds since 1970."""

    reviewer: str
    version: str
    read_at: float


def write_reading(connection: sql.Connection, reading: GuidelinesReading, text: str) -> None:
    """Write that somebody read a version; its text is kept the first time that anyone does."""
    known = sql.select(GUIDELINES.c.version).where(GUIDELINES.c.version == reading.version)
    if connection.scalar(known) is None:
        connection.execute(sql.insert(GUIDELINES), {"version": reading.version, "text": text})
    connection.execute(sql.insert(READINGS), asdict(reading))


def read_readings(connection: sql.Connection) -> list[GuidelinesReading]:
    """Who read which version when, oldest first; empty for a log of before there were guidelines."""
    if not sql.inspect(connection).has_table(READINGS.name):
        return []
    rows = connection.execute(sql.select(READINGS).order_by(READINGS.c.read_at)).mappings()
    return [GuidelinesReading(row["reviewer"], row["version"], row["read_at"]) for row in rows]


def read_texts(connection: sql.Connection) -> dict[str, str]:
    """The text of each version that anybody read."""
    if not sql.inspect(connection).has_table(GUIDELINES.name):
        return {}
    return {row["version"]: row["text"] for row in connection.execute(sql.select(GUIDELINES)).mappings()}


def versions_read(readings: Iterable[GuidelinesReading], events: Iterable[Event]) -> Iterator[str]:
    """For each event the version that its reviewer had read last; "" for none. `readings` are oldest first."""
    own: dict[str, list[GuidelinesReading]] = {}
    for one in readings:
        own.setdefault(one.reviewer, []).append(one)
    for event in events:
        by_then = (one for one in own.get(event.reviewer, ()) if one.read_at <= event.decided_at)
        yield max(by_then, key=lambda one: one.read_at, default=GuidelinesReading("", "", 0.0)).version
