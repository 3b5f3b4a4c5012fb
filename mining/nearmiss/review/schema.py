"""
A database engine for the log, which loses no acknowledged write.

In:  a file, or the URL of a PostgreSQL database
Out: an engine whose tables exist
"""

import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from nearmiss.errors import NearmissError, ReviewError, require
from nearmiss.review.tables import ROWS
from nearmiss.review.versions import bring_up
from nearmiss.storage.files import write_json
from nearmiss.storage.temporary import temporary_name

# Longer than any queue of writers should be: waiting is better than a judgement refused.
BUSY_SECONDS = 20.0
# Any fixed number: it names the lock that makes PostgreSQL commit in the order of seq.
WRITERS = 7_041_776

CONNECT_S = 10  # for a server to answer; without it, one that is switched off would block for ever


def opened(where: str | Path, *, make: bool = True) -> sql.Engine:
    """
    The engine of a SQLite file or of a URL as `postgresql+psycopg://user@host/name`, with its tables.

    Missing tables are made if `make` is true; otherwise ReviewError says what is there.
    """
    try:
        url = _url(where)
        path = file_of(where)
        if path is not None and not path.exists():
            if begun(path).exists():
                raise _lost(path)
            if not make:
                raise _no_log(where, "no such file")
            _make_file(path)
        if path is not None and path.is_file() and not path.stat().st_size:
            raise _no_log(where, "an empty file")
        server = url.get_backend_name() == "postgresql"
        limits = {"connect_timeout": CONNECT_S} if server and "connect_timeout" not in url.query else {}
        # A server may have been started again since a connection was made.
        engine = sql.create_engine(url, pool_pre_ping=server, connect_args=limits)
        _PREPARE[url.get_backend_name()](engine)
        if make:
            with engine.begin() as connection:
                take_turn(connection)
                bring_up(connection)
        elif not sql.inspect(engine).has_table(ROWS.name):
            raise _no_log(where, "a database without its tables")
    except (sql.exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise _no_log(where, str(error).splitlines()[0]) from error
    return engine


def _make_file(path: Path) -> None:
    """Make a new log under another name first, so that no other process ever finds it empty or half made."""
    draft = path.with_name(temporary_name(path.name))
    engine = sql.create_engine(sql.URL.create("sqlite", database=str(draft)))
    _prepare_sqlite(engine)
    try:
        with engine.begin() as connection:
            bring_up(connection)
        # The last connection that closes takes the files beside it along.
        engine.dispose()
        # Another process may have been first. Some file systems know no second names: there it is made in place.
        with suppress(OSError):
            os.link(draft, path)
    finally:
        engine.dispose()
        draft.unlink(missing_ok=True)


def file_of(where: str | Path) -> Path | None:
    """The file of a log on SQLite; None for one in memory or on a server."""
    if "://" not in str(where):
        return Path(where).absolute()
    if not str(where).startswith("sqlite:"):
        return None
    database = sql.make_url(str(where)).database
    return None if database in (None, "", ":memory:") else Path(str(database)).absolute()


def begun(path: Path) -> Path:
    """
    The file that says that this log held something once: without it, a lost log would look like a new one.

    Its name has the log's whole name in it, so that `a.db` and `a.sqlite` do not share one.
    """
    return path.with_name("reviews-begun.json" if path.name == "reviews.db" else f"{path.name}-begun.json")


def note_begun(path: Path) -> None:
    """Write that file, where it is not there yet and can be written: the log itself matters more."""
    if not begun(path).exists():
        with suppress(NearmissError):
            write_json(begun(path), {"log": path.name, "since": datetime.now(UTC).isoformat(timespec="seconds")})


def _lost(path: Path) -> ReviewError:
    return ReviewError(
        f"{path}: wanted the log of what people judged; found no such file, though {begun(path).name} says that there "
        "was one. Take it from a backup. To go on without its judgements, "
        f"delete {begun(path).name}; what `nearmiss review export` wrote, `nearmiss review import` then reads"
    )


def can_be_written(path: Path) -> bool:
    """Whether a log can be kept in this file: SQLite writes beside it too."""
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def copied(path: Path, folder: Path) -> Path:
    """A copy of a SQLite file and of what is not yet in it, in another folder: SQLite cannot read in place there."""
    for name in (path.name, f"{path.name}-wal"):
        if path.with_name(name).exists():
            shutil.copyfile(path.with_name(name), folder / name)
    return folder / path.name


def _no_log(where: str | Path, found: str) -> ReviewError:
    cure = "Take it from a backup, or delete it where nobody had judged" if "file" in found.split() else ""
    words = f"--reviews {without_password(where)}: wanted a log that can be opened; found {found}"
    return ReviewError(f"{words}. {cure}" if cure and found != "no such file" else words)


def take_turn(connection: sql.Connection) -> None:
    """Wait until no other transaction writes. SQLite has but one writer; PostgreSQL has to be asked."""
    if connection.dialect.name == "postgresql":
        # Numbers are given at the insert and seen at the commit: without this, a reader could pass over one.
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(WRITERS)))


def _url(where: str | Path) -> sql.URL:
    if "://" not in str(where):
        # Not as text: a folder may be called `a?b` or `100%`.
        return sql.URL.create("sqlite", database=str(Path(where).absolute()))
    url = sql.make_url(str(where))
    if url.get_backend_name() not in _PREPARE:
        raise ReviewError(
            f"--reviews {without_password(where)}: wanted SQLite or PostgreSQL; found {url.get_backend_name()}"
        )
    if url.get_backend_name() == "postgresql":
        require("postgresql", "psycopg")
    return url


def without_password(where: str | Path) -> str:
    """The file or URL without its password, since errors are shown on screens."""
    return re.sub(r"(?<=://)([^:/@]*):[^@]*@", r"\1:***@", str(where))


def _prepare_sqlite(engine: sql.Engine) -> None:
    @sql.event.listens_for(engine, "connect")
    def durable(connection: Any, _: Any) -> None:
        # The driver's own transactions begin too late (at the first write): a reader that turns writer fails then.
        connection.isolation_level = None
        for pragma in (f"busy_timeout={BUSY_SECONDS * 1000:.0f}", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sql.event.listens_for(engine, "begin")
    def begin(connection: sql.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")


def _prepare_postgresql(engine: sql.Engine) -> None:
    @sql.event.listens_for(engine, "connect")
    def durable(connection: Any, _: Any) -> None:
        # A server may be set to acknowledge what is not yet on disk.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        # A holder of a row for longer than a write takes has died without releasing it.
        connection.execute(f"SELECT set_config('lock_timeout', '{BUSY_SECONDS * 1000:.0f}', false)")
        connection.commit()


_PREPARE = {"sqlite": _prepare_sqlite, "postgresql": _prepare_postgresql}
