"""
The log: verdicts appended and never changed, on SQLite (a file of the run) or PostgreSQL (by URL).

In:  events
Out: rows with a number that only rises; leases, so that two people are not given the same pair

When the call returns, a verdict is committed and on disk. Rows are never updated or deleted.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from nearmiss import access
from nearmiss.errors import ReviewError
from nearmiss.review import chain, leases, plans, readings, schema
from nearmiss.review.current import ADJUDICATION, Entry
from nearmiss.review.events import IMPORT, JUDGE, JUDGEMENTS, MODEL, Event, is_model
from nearmiss.review.plans import AuditPlan, Draw
from nearmiss.review.readings import GuidelinesReading
from nearmiss.review.tables import ROWS
from nearmiss.types import Pair

LEASE_SECONDS = 600.0
FIELDS = tuple(field.name for field in fields(Event))
Key = tuple[str, int]


@dataclass(frozen=True)
class LogActivity:
    """How many pairs people judged, how many people, and when last (seconds since 1970; None for never)."""

    pairs: int
    people: int
    last: float | None


class ReviewLog:
    """One log; safe to share between threads, and between processes."""

    def __init__(self, engine: sql.Engine, place: str = "", copy: TemporaryDirectory[str] | None = None) -> None:
        self._engine = engine
        self._place = place  # as errors call it
        self._copy = copy  # the folder of the log's copy, where its own place cannot be written
        self._write = Lock()  # SQLite has one writer; a queue here is quicker than its busy waiting
        self._file = schema.file_of(str(engine.url)) if copy is None else None
        self._is_begun = False  # whether this process left word that the log holds something

    def append(self, events: Sequence[Event]) -> list[Entry]:
        """
        Write events in this order, all or none, and return the rows that are new.

        An event whose (client_id, client_seq) is known was written before: it is left as it stands. Raises ReviewError
        where that one had other content, and where a reviewer takes back or propagates what is not theirs; AccessError
        where who acts may not write them.
        """
        if not events:
            return []
        check_writer(events)
        with self._writing() as connection:
            before, chained = chain.ends(connection)
            for event in events:
                _check_references(connection, event)
            _insert(connection, events)
            new = _entries(connection, before)
            _extend(connection, before, chained, new)
            _check_the_known(connection, events, new)
        self._note_begun()
        return new

    def append_batch(self, events: Sequence[Event]) -> list[Entry]:
        """
        Write new events of one reviewer as one deed, all or none: the first, and the others propagated from it.

        Returns their rows, in order. Raises ReviewError where one of them is in the log already, and AccessError where
        who acts may not write them.
        """
        check_writer(events)
        with self._writing() as connection:
            before, chained = chain.ends(connection)
            _insert(connection, events[:1])
            first = _entries(connection, before)
            if len(events) > 1 and first:
                _insert(connection, [replace(event, parent=first[0].seq) for event in events[1:]])
            new = _entries(connection, before)
            _extend(connection, before, chained, new)
            if len(new) != len(events):
                raise ReviewError(f"batch: wanted events that are new; found {len(events) - len(new):,} in the log")
        self._note_begun()
        return new

    def adopt(self, history: Sequence[Entry]) -> int:
        """
        Write the history of another log after this one's, all or none; returns how many rows were new.

        Rows are known again by (client_id, client_seq). `parent` and `undoes` name earlier rows of the history; they
        are put into this log's own numbers.
        """
        access.require("import")
        with self._writing() as connection:
            known = {_key(entry.event): entry for entry in _entries(connection, 0)}
            keys: dict[int, Key] = {}
            waiting: list[Event] = []
            new = 0
            for entry in history:
                keys[entry.seq] = key = _key(entry.event)
                if key in known:
                    _check_same(entry.event, known[key].event)
                    continue
                named = [keys[seq] for seq in (entry.event.parent, entry.event.undoes) if seq is not None]
                if any(name not in known for name in named):
                    new += _write(connection, waiting, known)
                waiting.append(_renumbered(entry.event, keys, known))
            new += _write(connection, waiting, known)
            chain.catch_up(connection)
        self._note_begun()
        return new

    def since(self, seq: int) -> list[Entry]:
        """The rows after number `seq`, in order."""
        with self._reading() as connection:
            entries = _entries(connection, seq)
        if entries:
            self._note_begun()  # logs of version 0.1 have no such word
        return entries

    def counts(self, after: int) -> tuple[dict[tuple[str, str], int], int]:
        """How many rows after number `after` there are, by verdict and by "person" or "model"; and the last number."""
        is_model = sql.func.substr(ROWS.c.reviewer, 1, len(MODEL)) == MODEL
        by = sql.case((is_model, "model"), else_="person").label("by")
        columns = ROWS.c.verdict, by, sql.func.count(), sql.func.max(ROWS.c.seq)
        found = sql.select(*columns).where(ROWS.c.seq > after).group_by(ROWS.c.verdict, by)
        with self._reading() as connection:
            rows = connection.execute(found).all()
        return {(verdict, who): count for verdict, who, count, _ in rows}, max([after, *(row[3] for row in rows)])

    def activity(self) -> LogActivity:
        """How much people judged, whether or not it stands."""
        is_person = sql.func.substr(ROWS.c.reviewer, 1, len(MODEL)) != MODEL
        own = is_person & ROWS.c.verdict.in_(JUDGEMENTS)
        pairs = sql.select(ROWS.c.query_id, ROWS.c.doc_id).where(own).distinct().subquery()
        people = sql.select(sql.func.count(ROWS.c.reviewer.distinct()), sql.func.max(ROWS.c.decided_at)).where(own)
        with self._reading() as connection:
            count = connection.scalar(sql.select(sql.func.count()).select_from(pairs))
            who, last = connection.execute(people).one()
        return LogActivity(int(count or 0), int(who), last)

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
        as_of: int | None = None,
        left: int | None = None,
    ) -> list[Pair]:
        """
        The first `count` of the wanted pairs that are free, now held by `reviewer`.

        With each pair comes how many may hold it at once: 1, or more where a second opinion is wanted. What the
        reviewer held and does not get again is given back; leases end by themselves after `seconds`. `as_of` is the
        last row that the caller knew: whoever judged a pair since then counts as holding it. Where only `left` pairs
        are to be had, each reviewer takes a share of what is free, so that the first ones leave some to the others.
        """
        access.require_own("judge", [reviewer])
        now = time.time() if now is None else now
        with self._writing() as connection:
            return leases.take(connection, reviewer, wanted, count, (now, now + seconds), as_of, left)

    def held(self, now: float) -> dict[str, int]:
        """How many pairs each reviewer holds now."""
        with self._reading() as connection:
            return leases.held(connection, now)

    def write_plan(self, plan: AuditPlan, draws: Sequence[Draw]) -> None:
        """Write what an audit drew, all or none; raises ReviewError where there is a plan of that name."""
        access.require("plan audits")
        with self._writing() as connection:
            plans.write_plan(connection, plan, draws)
        self._note_begun()

    def plans(self) -> list[AuditPlan]:
        """Every audit's plan, oldest first."""
        with self._reading() as connection:
            return plans.read_plans(connection)

    def draws(self, plan: str) -> list[Draw]:
        """What a plan drew, in its turn."""
        with self._reading() as connection:
            return plans.read_draws(connection, plan)

    def note_reading(self, reading: GuidelinesReading, text: str) -> None:
        """Write that a reviewer read a version of the guidelines, whose text is kept."""
        access.require_own("judge", [reading.reviewer])
        with self._writing() as connection:
            readings.write_reading(connection, reading, text)

    def readings(self) -> list[GuidelinesReading]:
        """Who read which version of the guidelines when, oldest first."""
        with self._reading() as connection:
            return readings.read_readings(connection)

    def guideline_texts(self) -> dict[str, str]:
        """The text of each version of the guidelines that anybody read."""
        with self._reading() as connection:
            return readings.read_texts(connection)

    def verify(self, noted: chain.Head | None = None) -> chain.Verified:
        """Check every row against the chain of digests, and the chain against a head that was noted earlier."""
        with self.moment() as connection:
            return chain.verify(connection, noted)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    @contextmanager
    def moment(self) -> Iterator[sql.Connection]:
        """A connection to read the log as it was at one moment, whatever others write meanwhile."""
        options = {"isolation_level": "REPEATABLE READ"} if self._engine.dialect.name == "postgresql" else {}
        with self._reading(**options) as connection:
            yield connection

    @contextmanager
    def whole(self) -> Iterator[sql.Connection]:
        """A connection to write many tables, all or none."""
        access.require("import")
        with self._writing() as connection:
            yield connection

    def leave_no_traces(self, tables: Sequence[str]) -> None:
        """Write these tables anew, so that their files hold nothing that was overwritten; nobody can read meanwhile."""
        access.require("import")
        if self._engine.dialect.name == "postgresql":
            with _plainly(self._place), self._engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                for table in tables:
                    connection.exec_driver_sql(f"VACUUM FULL {table}")
            return
        with self._write, _plainly(self._place), self._engine.connect() as connection:
            # Past SQLAlchemy, which would begin a transaction: SQLite does this outside of any.
            driver = connection.connection.driver_connection
            assert driver is not None
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                driver.execute(statement).close()

    @property
    def place(self) -> str:
        """The file or URL as errors call it, without a password."""
        return self._place

    @property
    def can_be_written(self) -> bool:
        """Whether judgements can be written down; False for a log on a read-only place."""
        return self._copy is None

    def _note_begun(self) -> None:
        """Leave word beside the log that it holds something."""
        if self._file is not None and not self._is_begun and schema.can_be_written(self._file):
            schema.note_begun(self._file)
            self._is_begun = True

    @contextmanager
    def _writing(self) -> Iterator[sql.Connection]:
        if not self.can_be_written:
            raise ReviewError(
                f"{self._place}: wanted to write to the log; found a place that can only be read. "
                "Keep the judgements elsewhere with --new-reviews FILE"
            )
        with self._write, _plainly(self._place), self._engine.begin() as connection:
            schema.take_turn(connection)
            yield connection

    @contextmanager
    def _reading(self, **options: Any) -> Iterator[sql.Connection]:
        with _plainly(self._place), self._engine.connect().execution_options(reads=True, **options) as connection:
            yield connection


def open_log(where: str | Path) -> ReviewLog:
    """
    The log in a SQLite file, or at a URL as `postgresql+psycopg://user@host/name`; made where it is new.

    One on a place that can only be read is opened to read.
    """
    path = schema.file_of(where)
    if path is not None and path.parent.is_dir() and not schema.can_be_written(path):
        return _open_copy(path)
    return ReviewLog(schema.opened(where), schema.without_password(where))


def open_log_to_read(where: str | Path) -> ReviewLog:
    """The log in a SQLite file or at a URL; makes none, and raises ReviewError where there is none."""
    path = schema.file_of(where)
    if path is not None and path.exists() and not schema.can_be_written(path):
        return _open_copy(path)
    return ReviewLog(schema.opened(where, make=False), schema.without_password(where))


def _open_copy(path: Path) -> ReviewLog:
    folder = TemporaryDirectory(prefix="nearmiss-", ignore_cleanup_errors=True)
    copy = schema.copied(path, Path(folder.name))
    return ReviewLog(schema.opened(copy, make=not path.exists()), str(path), folder)


def check_writer(events: Sequence[Event]) -> None:
    """
    ReviewError or AccessError where who acts may not write these events.

    Nobody judges under a model's name, since nobody would count it. With a login everybody writes under their own name,
    and only an adjudicator decides between others.
    """
    for event in events:
        if is_model(event.reviewer) and not event.arm.startswith((JUDGE, IMPORT)):
            raise ReviewError(
                f"reviewer: wanted a person's name; found {event.reviewer!r}. Names that begin with {MODEL} are those "
                "of judges, which count for no person. Choose another"
            )
    decides = any(event.arm == ADJUDICATION for event in events)
    access.require_own("adjudicate" if decides else "judge", [event.reviewer for event in events])


def _key(event: Event) -> Key:
    return event.client_id, event.client_seq


def _extend(connection: sql.Connection, before: int, chained: chain.Head, new: list[Entry]) -> None:
    """Chain the new rows, and those that an older nearmiss wrote before them."""
    if new:
        chain.extend(connection, chained, new if chained.seq == before else ())


def _insert(connection: sql.Connection, events: Sequence[Event]) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(ROWS).on_conflict_do_nothing(), [asdict(event) for event in events])


def _write(connection: sql.Connection, waiting: list[Event], known: dict[Key, Entry]) -> int:
    """Write the waiting events and add them to `known`; returns how many were new."""
    before = chain.last_seq(connection)
    if waiting:
        _insert(connection, waiting)
    written = _entries(connection, before)
    known.update((_key(entry.event), entry) for entry in written)
    waiting.clear()
    return len(written)


def _renumbered(event: Event, keys: dict[int, Key], known: dict[Key, Entry]) -> Event:
    own = {seq: known[keys[seq]].seq for seq in (event.parent, event.undoes) if seq is not None}
    return replace(event, parent=own.get(event.parent or 0), undoes=own.get(event.undoes or 0))


def _check_references(connection: sql.Connection, event: Event) -> None:
    for name in ("parent", "undoes"):
        seq = getattr(event, name)
        if seq is None:
            continue
        owner = connection.scalar(sql.select(ROWS.c.reviewer).where(ROWS.c.seq == seq))
        if owner != event.reviewer:
            found = "no such row" if owner is None else f"one of {owner!r}"
            raise ReviewError(f"{name} {seq}: wanted an earlier row of {event.reviewer!r}; found {found}")


def _check_the_known(connection: sql.Connection, events: Sequence[Event], new: list[Entry]) -> None:
    """Check that each event is in the log as it was sent, whether written now or before."""
    stored = {_key(entry.event): entry.event for entry in new}
    for event in events:
        if _key(event) not in stored:
            same = (ROWS.c.client_id == event.client_id) & (ROWS.c.client_seq == event.client_seq)
            row = connection.execute(sql.select(ROWS).where(same)).mappings().one()
            stored[_key(event)] = _entry(row).event
        _check_same(event, stored[_key(event)])


def _check_same(event: Event, stored: Event) -> None:
    sent, there = ((one.query_id, one.doc_id, one.verdict) for one in (event, stored))
    if sent != there:
        where = f"client_id {event.client_id!r}, client_seq {event.client_seq}"
        raise ReviewError(f"{where}: wanted a new number for each event; found {there} written under it, not {sent}")


def _entry(row: sql.RowMapping) -> Entry:
    return Entry(row["seq"], Event(**{name: row[name] for name in FIELDS}))


def _entries(connection: sql.Connection, after: int) -> list[Entry]:
    rows = connection.execute(sql.select(ROWS).where(ROWS.c.seq > after).order_by(ROWS.c.seq)).mappings()
    return [_entry(row) for row in rows]


@contextmanager
def _plainly(place: str) -> Iterator[None]:
    try:
        yield
    except sql.exc.SQLAlchemyError as error:
        found = str(error).splitlines()[0]
        cure = ". Make room and try again: nothing was written" if "is full" in found else ""
        cure = ". Take it from a backup" if "malformed" in found or "not a database" in found else cure
        raise ReviewError(f"{place or 'review log'}: wanted to read or write; found {found}{cure}") from error
