"""
The log: verdicts appended and never changed, on SQLite (a file of the run) or PostgreSQL (by URL).

In:  events
Out: rows with a number that only rises; leases, so that two people are not given the same pair

A verdict is written once the call returns: the transaction is committed and on disk. Nobody updates or deletes.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from mining.errors import ReviewError
from mining.review.events import Event
from mining.review.standing import Entry, Pair

LEASE_SECONDS = 600.0
BUSY_SECONDS = 5.0
# Any fixed number: it names the lock that makes PostgreSQL commit in the order of seq.
WRITERS = 7_041_776

METADATA = sql.MetaData()
ROWS = sql.Table(
    "verdicts",
    METADATA,
    # A plain BigInteger would not count up by itself in SQLite.
    sql.Column("seq", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("query_id", sql.Text, nullable=False),
    sql.Column("doc_id", sql.Text, nullable=False),
    sql.Column("verdict", sql.Text, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("comment", sql.Text, nullable=False),
    sql.Column("reviewer", sql.Text, nullable=False),
    sql.Column("arm", sql.Text, nullable=False),
    sql.Column("inclusion_probability", sql.Double),
    sql.Column("scores_visible", sql.Boolean, nullable=False),
    sql.Column("shown_at", sql.Double),
    sql.Column("decided_at", sql.Double, nullable=False),
    sql.Column("client_id", sql.Text, nullable=False),
    sql.Column("client_seq", sql.BigInteger, nullable=False),
    sql.Column("parent", sql.BigInteger),
    sql.Column("undoes", sql.BigInteger),
    sql.UniqueConstraint("client_id", "client_seq"),
    sqlite_autoincrement=True,
)
LEASES = sql.Table(
    "leases",
    METADATA,
    sql.Column("query_id", sql.Text, primary_key=True),
    sql.Column("doc_id", sql.Text, primary_key=True),
    sql.Column("reviewer", sql.Text, primary_key=True),
    sql.Column("expires_at", sql.Double, nullable=False),
)
FIELDS = tuple(field.name for field in fields(Event))


class ReviewLog:
    """One log; safe to share between threads, and between processes."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine
        self._write = Lock()  # SQLite has one writer; a queue here is quicker than its busy waiting

    def append(self, events: Sequence[Event]) -> list[Entry]:
        """
        Write events in this order, all or none, and return the rows that are new.

        An event whose (client_id, client_seq) is known was written before: it is left as it stands.
        """
        if not events:
            return []
        insert = postgresql.insert if self._is_postgres else sqlite.insert
        with self._writing() as connection:
            before = connection.scalar(sql.select(sql.func.coalesce(sql.func.max(ROWS.c.seq), 0)))
            for event in events:
                connection.execute(insert(ROWS).values(asdict(event)).on_conflict_do_nothing())
            return _entries(connection, int(before or 0))

    def since(self, seq: int) -> list[Entry]:
        """The rows after number `seq`, in order."""
        with self._reading() as connection:
            return _entries(connection, seq)

    def acknowledged(self, client_id: str) -> int:
        """The highest `client_seq` of a client that is written; 0 for an unknown one."""
        highest = sql.select(sql.func.max(ROWS.c.client_seq)).where(ROWS.c.client_id == client_id)
        with self._reading() as connection:
            return int(connection.scalar(highest) or 0)

    def lease(
        self,
        reviewer: str,
        wanted: Iterable[tuple[Pair, int]],
        count: int,
        *,
        seconds: float = LEASE_SECONDS,
        now: float | None = None,
    ) -> list[Pair]:
        """
        The first `count` of the wanted pairs that are free, now held by `reviewer`.

        With each pair comes how many may hold it at once: 1, or more where a second opinion is wanted. What the reviewer held and does not get again is given back; leases end by themselves after `seconds`.
        """
        now = time.time() if now is None else now
        with self._writing() as connection:
            connection.execute(sql.delete(LEASES).where(LEASES.c.expires_at <= now))
            held: dict[Pair, int] = {}
            others = sql.select(LEASES.c.query_id, LEASES.c.doc_id).where(LEASES.c.reviewer != reviewer)
            for query_id, doc_id in connection.execute(others):
                held[query_id, doc_id] = held.get((query_id, doc_id), 0) + 1
            free = (pair for pair, holders in wanted if held.get(pair, 0) < holders)
            mine = [pair for pair, _ in zip(free, range(count), strict=False)]
            connection.execute(sql.delete(LEASES).where(LEASES.c.reviewer == reviewer))
            rows = [{"query_id": q, "doc_id": d, "reviewer": reviewer, "expires_at": now + seconds} for q, d in mine]
            if rows:
                connection.execute(sql.insert(LEASES), rows)
        return mine

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @property
    def _is_postgres(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        with self._write, _plainly(), self._engine.begin() as connection:
            if self._is_postgres:
                # Numbers are given at the insert and seen at the commit: without this, a reader could pass over one.
                connection.execute(sql.select(sql.func.pg_advisory_xact_lock(WRITERS)))
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sql.Connection]:
        with _plainly(), self._engine.connect().execution_options(reads=True) as connection:
            yield connection


def open_log(where: str | Path) -> ReviewLog:
    """The log in a SQLite file, or at a URL as `postgresql+psycopg://user@host/name`; made where it is new."""
    url = str(where) if "://" in str(where) else f"sqlite:///{Path(where).absolute()}"
    try:
        engine = sql.create_engine(url)
        if engine.dialect.name not in ("sqlite", "postgresql"):
            raise ReviewError(f"--reviews {url}: wanted SQLite or PostgreSQL; found {engine.dialect.name}")
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine)
        METADATA.create_all(engine)
    except (sql.exc.SQLAlchemyError, ImportError) as error:
        found = str(error).splitlines()[0]
        raise ReviewError(f"--reviews {where}: wanted a log that can be opened; found {found}") from error
    return ReviewLog(engine)


def _prepare_sqlite(engine: sql.Engine) -> None:
    @sql.event.listens_for(engine, "connect")
    def durable(connection: Any, _: Any) -> None:
        # The driver's own transactions begin too late (at the first write): a reader that turns writer fails then.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000:.0f}"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sql.event.listens_for(engine, "begin")
    def begin(connection: sql.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")


def _entries(connection: sql.Connection, after: int) -> list[Entry]:
    rows = connection.execute(sql.select(ROWS).where(ROWS.c.seq > after).order_by(ROWS.c.seq)).mappings()
    return [Entry(row["seq"], Event(**{name: row[name] for name in FIELDS})) for row in rows]


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except sql.exc.SQLAlchemyError as error:
        raise ReviewError(f"review log: wanted to read or write; found {str(error).splitlines()[0]}") from error
