"""
Two policies side by side: what each comes to, where they differ, and the pairs that only one of them keeps.

In:  a `Workspace`, two policies A and B
Out: `TwoPolicies`: counts and harm of each, differences by query, rows of pairs
"""

from dataclasses import dataclass

import numpy as np

from nearmiss.session.tuning.counting import DecisionCounts, count
from nearmiss.session.tuning.edge_pairs import Changes, changes
from nearmiss.session.tuning.harm import Harm, harm
from nearmiss.settings import Policy
from nearmiss.types import Ints
from nearmiss.workspace import Workspace

LISTED = 100  # queries


@dataclass(frozen=True)
class PolicySide:
    """What one policy comes to."""

    policy: Policy
    counts: DecisionCounts
    harm: Harm


@dataclass(frozen=True)
class QueryDifference:
    """A query's negatives: those of both policies, and those that only one keeps."""

    query_id: str
    query: str
    both: int
    only_a: int
    only_b: int


@dataclass(frozen=True)
class TwoPolicies:
    """`only` are the pairs that one of them keeps, likeliest answers first: B's as gained, A's as lost."""

    a: PolicySide
    b: PolicySide
    both: int
    queries_that_differ: int
    by_query: tuple[QueryDifference, ...]  # those that differ most first
    only: Changes


def compare_two(work: Workspace, a: Policy, b: Policy) -> TwoPolicies:
    """Both policies on this round, with the queries that differ most, at most LISTED."""
    first, second = work.decision(a), work.decision(b)
    kept_a, kept_b = first.slot > 0, second.slot > 0
    queries = len(work.table.starts) - 1
    both, only_a, only_b = (
        np.bincount(work.table.query[rows], minlength=queries)
        for rows in (kept_a & kept_b, kept_a & ~kept_b, kept_b & ~kept_a)
    )
    differ = only_a + only_b
    order: Ints = np.argsort(-differ, kind="stable")[: min(LISTED, int((differ > 0).sum()))]
    return TwoPolicies(
        a=PolicySide(a, count(work.table, a, first), harm(work, a)),
        b=PolicySide(b, count(work.table, b, second), harm(work, b)),
        both=int(both.sum()),
        queries_that_differ=int((differ > 0).sum()),
        by_query=tuple(
            QueryDifference(
                work.query_ids[place],
                work.query_text(work.query_ids[place]),
                int(both[place]),
                int(only_a[place]),
                int(only_b[place]),
            )
            for place in order.tolist()
        ),
        only=changes(work.table, b, second, first),
    )
