"""
Assigned: whose turn a pair is, where a project gives queries to people.

In:  a `Workspace`, an order of rows, a reviewer; the project's assignments
Out: the rows that are theirs, then those that are nobody's

A query is assigned as a whole, since whoever has read it judges its candidates faster. A pair that more people are to
judge than its query is assigned to is open to everybody. Draws of audits, second looks and known answers are dealt to
whoever comes: an audit would else wait for one person.
"""

from fnmatch import fnmatchcase

import numpy as np

from nearmiss.session.queue import project
from nearmiss.session.queue.gold_cards import number_of
from nearmiss.session.queue.project import Assignment
from nearmiss.session.queue.sharing import Sharing
from nearmiss.types import Bools, Ints
from nearmiss.workspace import Workspace

ALL = 2.0**64


def turn(work: Workspace, order: Ints, reviewer: str, sharing: Sharing) -> Ints:
    """The rows of an order that a reviewer is dealt: first those assigned to them, then those assigned to nobody."""
    owned = _queries_of(work)
    if not owned:
        return order
    query = work.table.query[order]
    own = owned.get(reviewer, np.zeros(len(work.query_ids), bool))[query]
    people = np.sum(list(owned.values()), axis=0)[query]
    free = people == 0
    if sharing.every:
        free |= sharing.shared(work.table.pair_key[order]) & (people < sharing.asked)
    found: Ints = np.concatenate([order[own], order[~own & free]])
    return found


def queries(work: Workspace, reviewer: str) -> int | None:
    """How many queries are assigned to a reviewer; None where the project assigns nothing."""
    owned = _queries_of(work)
    return int(owned[reviewer].sum()) if reviewer in owned else 0 if owned else None


def _queries_of(work: Workspace) -> dict[str, Bools]:
    """By person, which queries of the round are theirs, (n_queries,)."""
    assignments = project.read(work.run.folder).assignments
    return work.cached("assigned", lambda: _divided(work.query_ids, assignments), assignments, 1)


def _divided(query_ids: list[str], assignments: tuple[Assignment, ...]) -> dict[str, Bools]:
    owned = {one.person: np.zeros(len(query_ids), bool) for one in assignments}
    for one in assignments:
        if one.queries:
            owned[one.person] |= [any(fnmatchcase(query, wanted) for wanted in one.queries) for query in query_ids]
    named = np.any(list(owned.values()), axis=0) if owned else np.zeros(len(query_ids), bool)
    # By the id alone, so that a query stays with its person when others come and go.
    place = np.array([number_of("share", query) / ALL for query in query_ids])
    start = 0.0
    for one in assignments:
        if one.share:
            owned[one.person] |= ~named & (start <= place) & (place < start + one.share)
            start += one.share
    return owned
