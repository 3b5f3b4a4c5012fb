"""
Personal data: what a log holds of one person, and how it forgets them.

In:  a log, a reviewer's name
Out: all that stands under the name, as plain values; or the same log without the name and the person's words

Verdicts of a person who is forgotten stay, under a name drawn at random: exports, audits and certificates rest on them.
Their comments are emptied, and their name goes from the comments of others, from plans, readings and leases. The chain
of digests is made anew in the same transaction, and a row that nobody can change unseen says that it was.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from nearmiss import access
from nearmiss.errors import ReviewError
from nearmiss.review import chain, mentions
from nearmiss.review.chain import Head
from nearmiss.review.events import is_model
from nearmiss.review.log import ReviewLog
from nearmiss.review.tables import CHAIN, LEASES, PLANS, READINGS, REWRITES, ROWS
from nearmiss.review.versions import add_rewrites, unlocked

WORDS = (".json", ".jsonl", ".toml", ".md", ".csv", ".tsv", ".txt")
CHANGED = (ROWS, CHAIN, PLANS, READINGS)


@dataclass(frozen=True)
class Forgotten:
    """The name that took the person's place, how many rows changed, and the log's last row before and after."""

    pseudonym: str
    rows: int
    before: Head
    after: Head
    traces: str = ""  # why the database's files may still hold what was overwritten; empty where they do not


def held_of(log: ReviewLog, name: str) -> dict[str, Any]:
    """
    All that a log holds of a person; ReviewError where it holds nothing.

    Others' comments that name them are given without their authors.
    """
    access.require("oversee")
    with log.moment() as connection:
        known = set(sql.inspect(connection).get_table_names())

        def rows(table: sql.Table, where: Any) -> list[dict[str, Any]]:
            if table.name not in known:
                return []
            return [dict(row) for row in connection.execute(sql.select(table).where(where)).mappings()]

        found = {
            "verdicts": rows(ROWS, ROWS.c.reviewer == name),
            "guidelines_read": rows(READINGS, READINGS.c.reviewer == name),
            "audits_planned": rows(PLANS, PLANS.c.made_by == name),
            "pairs_held": rows(LEASES, LEASES.c.reviewer == name),
            "named_in_comments_of_others": _naming(connection, name),
        }
    if not any(found.values()):
        raise _nobody(log, name)
    return {"person": name} | found


def forget(log: ReviewLog, name: str, now: float) -> Forgotten:
    """
    Take a person's name and words out of a log, all or nothing.

    Rows keep their numbers, verdicts, reasons and times. ReviewError where the log holds nothing of them, or does not
    verify before; AccessError where who acts may not.
    """
    access.require("oversee")
    if is_model(name):
        raise ReviewError(f"{name}: wanted a person; found a model")
    held_of(log, name)
    with log.whole() as connection:
        before = _verified(log, connection)
        pseudonym = f"person-{secrets.token_hex(4)}"
        with unlocked(connection, CHANGED):
            changed = _pseudonymise(connection, name, pseudonym)
            add_rewrites(connection)
            number = len(chain.rewrites(connection)) + 1
            connection.execute(
                sql.insert(REWRITES),
                {
                    "number": number,
                    "at": now,
                    "pseudonym": pseudonym,
                    "rows_changed": changed,
                    "last_seq": before.seq,
                    "last_digest": before.digest,
                },
            )
            connection.execute(sql.delete(CHAIN))
            chain.extend(connection, Head())
        after = _verified(log, connection)
    traces = ""
    try:
        log.leave_no_traces([table.name for table in CHANGED])
    except ReviewError as error:  # it is forgotten all the same: others may be at work
        traces = str(error)
    return Forgotten(pseudonym, changed, before, after, traces)


def files_naming(folder: Path, name: str) -> list[Path]:
    """The files of settings, records and exports in a run's folder that hold a name; its data are not read."""
    wanted = {name.encode(), json.dumps(name).strip('"').encode()}
    found = []
    for path in sorted(folder.rglob("*")):
        own = path.relative_to(folder)
        if own.parts[0] == "dataset" or path.suffix not in WORDS or not path.is_file():
            continue
        with path.open("rb") as lines:
            if any(one in line for line in lines for one in wanted):
                found.append(path)
    return found


def _verified(log: ReviewLog, connection: sql.Connection) -> Head:
    found = chain.verify(connection)
    if found.faults:
        raise ReviewError(
            f"{log.place}: wanted a log that nobody changed; found {'; '.join(found.faults[:3])}. Nothing was written"
        )
    return found.head


def _pseudonymise(connection: sql.Connection, name: str, pseudonym: str) -> int:
    """Exchange the name wherever it stands; returns how many rows of verdicts changed."""
    own = ROWS.c.reviewer == name
    clients = connection.scalars(sql.select(ROWS.c.client_id).where(own).distinct()).all()
    # A client's id may hold the name, and is known to that person's browser.
    if clients:
        renamed = sql.update(ROWS).where(own, ROWS.c.client_id == sql.bindparam("was"))
        ids = [{"was": client, "now": f"{pseudonym}:{number}"} for number, client in enumerate(clients)]
        connection.execute(renamed.values(client_id=sql.bindparam("now")), ids)
    changed = connection.execute(sql.update(ROWS).where(own).values(reviewer=pseudonym, comment="")).rowcount
    for row in _naming(connection, name):
        text = mentions.renamed(row["comment"], name, pseudonym)
        connection.execute(sql.update(ROWS).where(ROWS.c.seq == row["seq"]).values(comment=text))
        changed += 1
    connection.execute(sql.delete(LEASES).where(LEASES.c.reviewer == name))
    connection.execute(sql.update(READINGS).where(READINGS.c.reviewer == name).values(reviewer=pseudonym))
    connection.execute(sql.update(PLANS).where(PLANS.c.made_by == name).values(made_by=pseudonym))
    for plan, facts in connection.execute(sql.select(PLANS.c.plan, PLANS.c.facts)).all():
        if json.dumps(name, ensure_ascii=False) in facts:
            told = json.dumps(_without(json.loads(facts), name, pseudonym), ensure_ascii=False)
            connection.execute(sql.update(PLANS).where(PLANS.c.plan == plan).values(facts=told))
    return int(changed)


def _without(value: Any, name: str, pseudonym: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, name, pseudonym) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, name, pseudonym) for one in value]
    return pseudonym if value == name else value


def _naming(connection: sql.Connection, name: str) -> list[dict[str, Any]]:
    """The comments of others that name a person, with or without `@`."""
    columns = ROWS.c.seq, ROWS.c.query_id, ROWS.c.doc_id, ROWS.c.comment
    others = sql.select(*columns).where(ROWS.c.reviewer != name, ROWS.c.comment != "").order_by(ROWS.c.seq)
    rows = [dict(row) for row in connection.execute(others).mappings()]
    return [row for row in rows if mentions.renamed(row["comment"], name, "") != row["comment"]]


def _nobody(log: ReviewLog, name: str) -> ReviewError:
    return ReviewError(f"{log.place}: wanted a person of whom the log holds anything; found nothing of {name!r}")
