"""
Pairs to read: those nearest to a limit, and those that a policy gains or loses against another.

In:  a `Workspace`, decisions
Out: row numbers in reading order; and `EdgePair`s with their texts and the query's positive

Only candidates whose status depends on the limit count as near it: not those that an earlier rule refused, nor those
that a reviewer confirmed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nearmiss.selection import KEPT, STATUSES, Decision, Table, ceiling, floor
from nearmiss.settings import Policy
from nearmiss.types import Floats, Ints
from nearmiss.workspace import Workspace

Limit = Literal["ceiling", "floor"]
RULE = {"ceiling": "too_close", "floor": "too_easy"}
# Statuses that a candidate may have when neither limit refused it, beside the order of the rules.
AFTER = {"ceiling": ("too_easy",), "floor": ()}
PASSED = (KEPT, "skipped_survivor", "overused", "over_quota", "short_query")


@dataclass(frozen=True)
class Changes:
    """Rows that one policy keeps and the other does not, likeliest unlabelled answers first."""

    gained: Ints
    lost: Ints


@dataclass(frozen=True)
class EdgePair:
    """
    A candidate to read beside its query's positive.

    `distance` is how far it lies beyond the limit asked for, in the units of what is `limited`: teacher_score or
    p_relevant, where both are limited the one that decides.
    """

    row: int
    query_id: str
    doc_id: str
    query: str
    title: str
    text: str
    positive_id: str
    positive_title: str
    positive_text: str
    teacher_score: float
    dense_score: float
    positive_score: float
    distance: float | None
    limited: str
    status: str
    status_before: str


def nearest(table: Table, policy: Policy, decision: Decision, limit: Limit, count: int = 10) -> tuple[Ints, Ints]:
    """The rows nearest to a limit, nearest first: those it refuses and those it lets pass, (count or fewer,) each."""
    above = excess(table, policy, limit)
    if above is None:
        none = np.zeros(0, np.int64)
        return none, none
    refused = decision.status == STATUSES.index(RULE[limit])
    passed = np.isin(decision.status, [STATUSES.index(name) for name in (*PASSED, *AFTER[limit])])
    passed &= ~table.labelled & ~table.reviewed_negative
    sides = [np.flatnonzero(refused), np.flatnonzero(passed)]
    first, second = (_smallest(rows, np.abs(above[rows]), count) for rows in sides)
    return first, second


def excess(table: Table, policy: Policy, limit: Limit) -> Floats | None:
    """
    How far each candidate lies beyond a limit, (n,): refused where above 0; None without a limit.

    In the units of the score that is limited; where two are, the larger in standard deviations, so that they compare.
    """
    beyond = _beyond(table, policy, limit)
    return np.fmax.reduce(_comparable(beyond)) if beyond else None


def _beyond(table: Table, policy: Policy, limit: Limit) -> dict[str, Floats]:
    """The same for each score that is limited, in its own units."""
    by_score, by_chance, sign = ceiling(table, policy), policy.max_p_relevant, 1
    if limit == "floor":
        by_score, by_chance, sign = floor(table, policy), policy.min_p_relevant, -1
    beyond: dict[str, Floats] = {}
    if by_score is not None:
        beyond["teacher_score"] = sign * (table.score - by_score)
    if by_chance is not None:
        beyond["p_relevant"] = sign * (table.number("p_relevant") - np.float32(by_chance))
    return beyond


def _comparable(beyond: dict[str, Floats]) -> list[Floats]:
    """Each in standard deviations; alone, it keeps its units."""
    if len(beyond) == 1:
        return list(beyond.values())
    return [gap / max(np.nanstd(gap), np.finfo(np.float32).tiny) for gap in beyond.values()]


def changes(table: Table, policy: Policy, new: Decision, old: Decision) -> Changes:
    """What `new` (of `policy`) keeps that `old` does not, and the other way round."""
    kept, before = new.slot > 0, old.slot > 0
    above = table.score - table.anchors[policy.anchor]
    gained, lost = np.flatnonzero(kept & ~before), np.flatnonzero(before & ~kept)
    return Changes(gained[np.argsort(-above[gained], kind="stable")], lost[np.argsort(-above[lost], kind="stable")])


def read(
    work: Workspace, policy: Policy, rows: Ints, new: Decision, old: Decision, limit: Limit | None = None
) -> list[EdgePair]:
    """The rows with their texts, in their order."""
    table = work.table
    positives = [_positive_of(table, policy, int(row)) for row in rows]
    doc_ids = work.candidates["doc_id"]
    own, known = ([str(doc_ids.iat[row]) for row in numbers] for numbers in (rows.tolist(), positives))
    titled, known_titled = work.titles(own), work.titles(known)
    beyond = {} if limit is None else _beyond(table, policy, limit)
    decides = (
        np.argmax([np.nan_to_num(gap[rows], nan=-np.inf) for gap in _comparable(beyond)], axis=0) if beyond else []
    )
    limited = [list(beyond)[place] for place in decides] if beyond else [""] * len(rows)
    dense = table.number("dense_score")
    return [
        EdgePair(
            row=row,
            query_id=query_id,
            doc_id=own[place],
            query=work.query_text(query_id),
            title=titled[place][0],
            text=titled[place][1],
            positive_id=known[place],
            positive_title=known_titled[place][0],
            positive_text=known_titled[place][1],
            teacher_score=float(table.score[row]),
            dense_score=float(dense[row]),
            positive_score=float(table.anchors[policy.anchor][row]),
            distance=float(beyond[limited[place]][row]) if beyond else None,
            limited=limited[place],
            status=STATUSES[int(new.status[row])],
            status_before=STATUSES[int(old.status[row])],
        )
        for place, row in enumerate(rows.tolist())
        for query_id in [work.query_ids[int(table.query[row])]]
    ]


def _smallest(rows: Ints, keys: Floats, count: int) -> Ints:
    """The `count` rows with the smallest keys, smallest first; of equal ones the first."""
    if len(rows) > count:
        # All that tie with the last of them too, so that the first of equals are taken.
        near = keys <= np.partition(keys, count - 1)[count - 1]
        rows, keys = rows[near], keys[near]
    return rows[np.argsort(keys, kind="stable")[:count]]


def _positive_of(table: Table, policy: Policy, row: int) -> int:
    """The positive whose score the margins start from, or the one nearest to it."""
    query = int(table.query[row])
    own = np.arange(table.starts[query], table.starts[query + 1])
    known = own[table.positive[own]]
    return int(known[np.argmin(np.abs(table.score[known] - table.anchors[policy.anchor][row]))])
