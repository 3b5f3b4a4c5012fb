"""
Leases: which reviewer holds which pairs for some minutes, so that two people do not judge the same one by chance.

In:  pairs in the order in which they are wanted, each with the number of people who may have it
Out: the first that are free, now held

The caller's transaction keeps every other writer out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

import sqlalchemy as sql

from nearmiss.review.events import JUDGEMENTS, MODEL
from nearmiss.review.tables import LEASES, ROWS
from nearmiss.types import Pair

LEAST = 10  # pairs for whoever comes, where so many are free


def take(
    connection: sql.Connection,
    reviewer: str,
    wanted: Iterable[tuple[Pair, int]],
    count: int,
    times: tuple[float, float],
    as_of: int | None,
    left: int | None = None,
) -> list[Pair]:
    """
    The first `count` free pairs, held by `reviewer` from the first to the second of `times`, and no others.

    Whoever judged a pair after row `as_of` counts as if they held it: the caller could not know yet. Where no more than
    `left` pairs are to be had, each reviewer takes a share of those that nobody holds, and keeps what they hold.
    """
    now, until = times
    connection.execute(sql.delete(LEASES).where(LEASES.c.expires_at <= now))
    others = _others(connection, reviewer, as_of)
    if left is not None:
        count = min(count, max(_held(connection, reviewer), _share(others, left)))
    free = (pair for pair, holders in wanted if len(others.get(pair, ())) < holders)
    mine = list(islice(_each_once(free), count))
    connection.execute(sql.delete(LEASES).where(LEASES.c.reviewer == reviewer))
    rows = [{"query_id": q, "doc_id": d, "reviewer": reviewer, "expires_at": until} for q, d in mine]
    if rows:
        connection.execute(sql.insert(LEASES), rows)
    return mine


def held(connection: sql.Connection, now: float) -> dict[str, int]:
    """How many pairs each reviewer holds."""
    counts = (
        sql.select(LEASES.c.reviewer, sql.func.count()).where(LEASES.c.expires_at > now).group_by(LEASES.c.reviewer)
    )
    return {reviewer: int(count) for reviewer, count in connection.execute(counts)}


def _share(others: dict[Pair, set[str]], left: int) -> int:
    """One reviewer's part of what nobody else holds, where all who hold something and one more come for more."""
    people = {name for names in others.values() for name in names}
    return max(LEAST, (left - len(others)) // (len(people) + 1))


def _held(connection: sql.Connection, reviewer: str) -> int:
    own = sql.select(sql.func.count()).select_from(LEASES).where(LEASES.c.reviewer == reviewer)
    return int(connection.scalar(own) or 0)


def _each_once(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """The pairs without repeats, read lazily."""
    seen: set[Pair] = set()
    for pair in pairs:
        if pair not in seen:
            seen.add(pair)
            yield pair


def _others(connection: sql.Connection, reviewer: str, as_of: int | None) -> dict[Pair, set[str]]:
    """Who else holds each pair, or has judged it meanwhile."""
    columns = LEASES.c.query_id, LEASES.c.doc_id, LEASES.c.reviewer
    found = list(connection.execute(sql.select(*columns).where(LEASES.c.reviewer != reviewer)))
    if as_of is not None:
        is_person = sql.func.substr(ROWS.c.reviewer, 1, len(MODEL)) != MODEL
        judged = sql.select(ROWS.c.query_id, ROWS.c.doc_id, ROWS.c.reviewer).where(
            ROWS.c.seq > as_of, ROWS.c.reviewer != reviewer, ROWS.c.verdict.in_(JUDGEMENTS), is_person
        )
        found += connection.execute(judged)
    others: dict[Pair, set[str]] = defaultdict(set)
    for query_id, doc_id, name in found:
        others[query_id, doc_id].add(name)
    return others
