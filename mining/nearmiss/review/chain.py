"""
The chain: each row of the log is hashed together with the hash of the row before, so that no change goes unseen.

In:  a connection to the log
Out: a digest for each row, written in the transaction that writes the row; what does not fit it

The digest of a row is SHA-256 over the digest before it and the row's values; the first one is over what was rewritten,
where somebody was forgotten. Who can write the database could make the
whole chain anew: a digest that was noted elsewhere (`Head`) shows that too, and a loss at the log's end.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sql

from nearmiss.errors import ReviewError
from nearmiss.review.current import Entry
from nearmiss.review.tables import CHAIN, REWRITES, ROWS

COLUMNS = tuple(column.name for column in ROWS.columns)
AT_ONCE = 5000  # rows


@dataclass(frozen=True)
class Head:
    """The last row of a log and its digest; 0 and nothing for an empty log."""

    seq: int = 0
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"

    @classmethod
    def of(cls, text: str) -> "Head":
        """A head as it is printed; ReviewError for anything else."""
        seq, _, digest = text.partition(":")
        if not seq.isascii() or not seq.isdigit() or not re.fullmatch("[0-9a-f]{64}", digest):
            raise ReviewError(f"--head: wanted ROW:DIGEST, as `nearmiss review verify` prints it; found {text!r}")
        return cls(int(seq), digest)


@dataclass(frozen=True)
class Rewrite:
    """That somebody was forgotten: when, under which name their rows stand now, how many these are, the head before."""

    at: float
    pseudonym: str
    rows: int
    before: Head


@dataclass(frozen=True)
class Verified:
    """What a check of the whole chain found: rows read, faults in words, rows that no digest covers yet, the head."""

    rows: int
    faults: tuple[str, ...]
    not_chained: int
    head: Head


def last_seq(connection: sql.Connection) -> int:
    """The number of the log's last row; 0 for an empty log."""
    return int(connection.scalar(sql.select(sql.func.max(ROWS.c.seq))) or 0)


def ends(connection: sql.Connection) -> tuple[int, Head]:
    """The number of the log's last row, and the last chained one: they differ where an older nearmiss wrote since."""
    last = sql.select(sql.func.max(ROWS.c.seq)).scalar_subquery()
    chained = sql.select(CHAIN.c.seq, CHAIN.c.digest, last).order_by(CHAIN.c.seq.desc()).limit(1)
    if (found := connection.execute(chained).first()) is not None:
        return int(found[2] or 0), Head(found[0], found[1])
    return last_seq(connection), Head()


def catch_up(connection: sql.Connection) -> None:
    """Chain all rows that are not yet."""
    extend(connection, ends(connection)[1])


def extend(connection: sql.Connection, last: Head, new: Sequence[Entry] = ()) -> None:
    """
    Chain all rows after the last chained one; `new` are those rows, where the caller has read them.

    The caller's transaction keeps every other writer out.
    """
    digest = last.digest or _origin(connection)
    added = []
    for seq, values in [_values(entry) for entry in new] or _rows(connection, last.seq):
        digest = _digest(digest, values)
        added.append({"seq": seq, "digest": digest})
    for start in range(0, len(added), AT_ONCE):
        connection.execute(sql.insert(CHAIN), added[start : start + AT_ONCE])


def verify(connection: sql.Connection, noted: Head | None = None) -> Verified:
    """
    Check every row against the chain, and the chain against a head that was noted earlier.

    One changed row gives one fault: what follows is checked from the digest that is stored.
    """
    if not sql.inspect(connection).has_table(CHAIN.name):
        return _without_chain(connection, noted)
    stored = {row.seq: row.digest for row in connection.execute(sql.select(CHAIN.c.seq, CHAIN.c.digest))}
    last = max(stored, default=0)
    faults: list[str] = []
    before, count, behind = _origin(connection), 0, 0
    missing = iter(sorted(stored))
    expected = next(missing, None)
    for seq, values in _rows(connection, 0):
        count += 1
        while expected is not None and expected < seq:
            faults.append(f"row {expected} was removed")
            before, expected = stored[expected], next(missing, None)
        if seq not in stored:
            behind += seq > last
            faults += [f"row {seq} was put in afterwards"] if seq < last else []
            continue
        if stored[seq] != _digest(before, values):
            faults.append(f"row {seq} was changed, or its place")
        before, expected = stored[seq], next(missing, None)
    faults += [f"row {seq} was removed" for seq in ([] if expected is None else [expected, *missing])]
    if noted is not None and noted.seq and stored.get(noted.seq) != noted.digest:
        faults.append(_not_as_noted(connection, noted, is_there=noted.seq in stored))
    return Verified(count, tuple(faults), behind, Head(last, stored.get(last, "")))


def rewrites(connection: sql.Connection) -> list[Rewrite]:
    """Each time that somebody was forgotten, the first one first."""
    if not sql.inspect(connection).has_table(REWRITES.name):
        return []
    rows = connection.execute(sql.select(REWRITES).order_by(REWRITES.c.number)).mappings()
    return [
        Rewrite(row["at"], row["pseudonym"], row["rows_changed"], Head(row["last_seq"], row["last_digest"]))
        for row in rows
    ]


def _origin(connection: sql.Connection) -> str:
    """What the first row's digest is over: nothing, or all rewrites, so that none of them can be changed unseen."""
    found = rewrites(connection)
    if not found:
        return ""
    rows = [[one.at, one.pseudonym, one.rows, one.before.seq, one.before.digest] for one in found]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode("ascii")).hexdigest()


def _not_as_noted(connection: sql.Connection, noted: Head, *, is_there: bool) -> str:
    found = "another digest" if is_there else "no such row"
    said = f"row {noted.seq}: wanted the digest that was noted; found {found}"
    if last := rewrites(connection)[-1:]:
        day = datetime.fromtimestamp(last[0].at, UTC).strftime("%Y-%m-%d")
        said += (
            f". The log was rewritten on {day}, when {last[0].pseudonym} was forgotten: what was noted before cannot "
            "be compared any more, what was printed then can"
        )
    return said


def _without_chain(connection: sql.Connection, noted: Head | None) -> Verified:
    """A log of version 0.1 that was not written since."""
    count = int(connection.scalar(sql.select(sql.func.count()).select_from(ROWS)) or 0)
    faults = () if noted is None else (f"row {noted.seq}: wanted the digest that was noted; found no chain",)
    return Verified(count, faults, count, Head())


def _values(entry: Entry) -> tuple[int, list[object]]:
    return entry.seq, [entry.seq, *(getattr(entry.event, name) for name in COLUMNS[1:])]


def _rows(connection: sql.Connection, after: int) -> Iterator[tuple[int, list[object]]]:
    wanted = sql.select(*(ROWS.c[name] for name in COLUMNS)).where(ROWS.c.seq > after).order_by(ROWS.c.seq)
    for row in connection.execute(wanted, execution_options={"yield_per": AT_ONCE}):
        yield row[0], list(row)


def _digest(before: str, values: list[object]) -> str:
    # JSON writes each number in the shortest form that reads back as the same one, whatever database it came from.
    line = json.dumps([before, *values], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(line.encode("ascii")).hexdigest()
