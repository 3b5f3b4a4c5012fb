"""
Versions: what was added to the log's tables since the first release, step by step.

In:  a connection to a log of any version, inside a transaction that keeps other writers out
Out: the same log with all its rows, brought up to this release

1: verdicts, leases, plans, draws, guidelines, readings (release 0.1). 2: rows are chained, and the database itself
refuses to change or remove them.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sql

from nearmiss.errors import ReviewError
from nearmiss.review import chain
from nearmiss.review.tables import APPENDED, METADATA, REWRITES, VERSIONS

LATEST = 2
DEEDS = ("UPDATE", "DELETE")


def bring_up(connection: sql.Connection) -> None:
    """Make missing tables and take the steps that this log has not taken; ReviewError for a log of a later release."""
    METADATA.create_all(connection)
    found = int(connection.scalar(sql.select(sql.func.max(VERSIONS.c.version))) or 1)
    if found > LATEST:
        raise ReviewError(f"wanted a log of version {LATEST} or lower; found {found}. A newer nearmiss made it")
    if found < LATEST:
        chain.catch_up(connection)
        _only_append(connection)
        connection.execute(sql.insert(VERSIONS), {"version": LATEST, "at": time.time()})


def add_rewrites(connection: sql.Connection) -> None:
    """Make the table of rewrites, where it is not there yet."""
    if not sql.inspect(connection).has_table(REWRITES.name):
        REWRITES.create(connection)
        _only_append(connection, (REWRITES,))


@contextmanager
def unlocked(connection: sql.Connection, tables: Sequence[sql.Table]) -> Iterator[None]:
    """
    Let this transaction change and remove rows of these tables; for their owner alone.

    Where the transaction fails, the database still refuses it to everybody.
    """
    for table in tables:
        if connection.dialect.name == "sqlite":
            for deed in DEEDS:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_no_{deed.lower()}")
        else:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_only_appended ON {table.name}")
    yield
    _only_append(connection, tables)


def _only_append(connection: sql.Connection, tables: Sequence[sql.Table] = APPENDED) -> None:
    """Let the database refuse to change or remove rows, whoever asks."""
    if connection.dialect.name == "sqlite":
        for table in tables:
            for deed in DEEDS:
                connection.exec_driver_sql(
                    f"CREATE TRIGGER IF NOT EXISTS {table.name}_no_{deed.lower()} BEFORE {deed} ON {table.name} "
                    f"BEGIN SELECT RAISE(ABORT, '{table.name} are only appended'); END"
                )
        return
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION nearmiss_only_appended() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' are only appended'; END $$"
    )
    for table in tables:
        connection.exec_driver_sql(
            f"CREATE OR REPLACE TRIGGER {table.name}_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table.name} FOR EACH STATEMENT EXECUTE FUNCTION nearmiss_only_appended()"
        )
