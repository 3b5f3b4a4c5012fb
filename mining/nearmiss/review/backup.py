"""
Backup: a whole log in one file, and back, on SQLite or PostgreSQL.

In:  a log; an empty log for the way back
Out: a SQLite file that is itself a log; the same rows with the same numbers and digests, checked after they are written

A backup is one moment of the log, also while others write. Leases are left out: they end by themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from nearmiss.errors import ReviewError
from nearmiss.review import chain, schema
from nearmiss.review.chain import Head
from nearmiss.review.log import ReviewLog, open_log, open_log_to_read
from nearmiss.review.tables import APPENDED, CHAIN, REWRITES, ROWS, VERSIONS
from nearmiss.review.versions import add_rewrites
from nearmiss.storage.files import write_atomically

AT_ONCE = 2000  # rows
COPIED = tuple(table for table in APPENDED if table is not VERSIONS)


@dataclass(frozen=True)
class CopiedLog:
    """How many rows were copied, verdicts and all else, and the last verdict with its digest."""

    verdicts: int
    others: int
    head: Head


def back_up(log: ReviewLog, file: Path) -> CopiedLog:
    """Write the whole log into a new file; ReviewError where there is one, or where the log does not verify."""
    if file.exists():
        raise ReviewError(f"{file}: wanted a file that does not exist yet; found one")
    with _new_file(file) as copy:
        return _copy(log, copy)


def restore(file: Path, where: str | Path) -> CopiedLog:
    """Write all of a backup into an empty log at a file or URL; ReviewError where that log holds anything."""
    if not file.is_file():
        raise ReviewError(f"{file}: wanted a backup of `nearmiss review backup`; found no such file")
    path = schema.file_of(where)
    source = open_log_to_read(file)
    try:
        if path is not None and not path.exists():
            with _new_file(path) as target:
                return _copy(source, target)
        target = open_log(where)
        try:
            return _copy(source, target)
        finally:
            target.close()
    finally:
        source.close()


@contextmanager
def _new_file(path: Path) -> Iterator[ReviewLog]:
    """A log that takes the name `path` once it is whole, in one file without a second one that a copy could miss."""
    with write_atomically(path) as draft:
        log = open_log(draft)
        try:
            yield log
        finally:
            log.close()
        _fold(draft)


def _copy(source: ReviewLog, target: ReviewLog) -> CopiedLog:
    with source.moment() as read:
        known = set(sql.inspect(read).get_table_names())
        with target.whole() as written:
            for table in COPIED:
                if written.execute(sql.select(table).limit(1)).first() is not None:
                    raise ReviewError(f"{target.place}: wanted an empty log; found rows in {table.name}")
            tables = [table for table in COPIED if table.name in known]
            if REWRITES.name in known:
                add_rewrites(written)
                tables.append(REWRITES)
            counts = {table.name: _copy_table(read, written, table) for table in tables}
            # A log of version 0.1 has no chain; its rows get theirs here.
            chain.catch_up(written)
            _count_on(written)
            found = chain.verify(written)
            if found.faults:
                raise ReviewError(
                    f"{source.place}: wanted a log that nobody changed; found {'; '.join(found.faults[:3])}. "
                    "Nothing was written"
                )
    verdicts = counts.pop(ROWS.name)
    return CopiedLog(verdicts, sum(counts.values()) - counts.get(CHAIN.name, 0), found.head)


def _copy_table(read: sql.Connection, written: sql.Connection, table: sql.Table) -> int:
    count = 0
    for rows in _parts(read, table):
        written.execute(sql.insert(table), rows)
        count += len(rows)
    return count


def _parts(read: sql.Connection, table: sql.Table) -> Iterator[list[dict[str, Any]]]:
    ordered = sql.select(table).order_by(*(table.primary_key.columns or table.columns))
    for part in read.execute(ordered, execution_options={"yield_per": AT_ONCE}).mappings().partitions():
        yield [dict(row) for row in part]


def _count_on(connection: sql.Connection) -> None:
    """Let PostgreSQL's counter go on behind the last number; SQLite's does so by itself."""
    if connection.dialect.name == "postgresql":
        last = chain.last_seq(connection)
        if last:
            name = sql.func.pg_get_serial_sequence(ROWS.name, "seq")
            connection.execute(sql.select(sql.func.setval(name, last)))


def _fold(file: Path) -> None:
    engine = sql.create_engine(sql.URL.create("sqlite", database=str(file)))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    engine.dispose()
