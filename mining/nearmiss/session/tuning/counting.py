"""
Counting: how many survivors of the rules are taken, given how many each query has.

In:  survivors by query, at as many places of a slider as there are; a `Policy`
Out: sums over the queries, at each place

A `reuse_cap` is ignored here: see `is_exact`.
"""

from dataclasses import dataclass, fields

import numpy as np

from nearmiss.selection import Decision, Table
from nearmiss.settings import Policy
from nearmiss.types import AnyInts, Ints


@dataclass(frozen=True)
class DecisionCounts:
    """The counts of one decision."""

    status: dict[str, int]
    short: int  # queries with fewer negatives than wanted
    empty: int  # queries with none


@dataclass(frozen=True)
class Survivors:
    """Survivors of each query at each place, (n_queries, n_places or 1) each, or 0 where there are none anywhere."""

    vouched: AnyInts | int  # by the data or by a reviewer
    shallow: AnyInts  # within max_rank
    deep: AnyInts | int  # below it: only `deepen` looks at them


@dataclass(frozen=True)
class TakenCounts:
    """How many survivors of all queries are taken, (n_places,) each."""

    kept: Ints
    skipped: Ints
    unwanted: Ints
    left_deep: Ints
    dropped: Ints
    short: Ints
    empty: Ints

    def __add__(self, other: "TakenCounts") -> "TakenCounts":
        return TakenCounts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def count(table: Table, policy: Policy, decision: Decision) -> DecisionCounts:
    """The counts of a decision."""
    kept = np.bincount(table.query[decision.slot > 0], minlength=len(table.starts) - 1)
    short = int((kept < policy.negatives_per_query).sum())
    return DecisionCounts(decision.counts(), short, int((kept == 0).sum()))


def is_exact(policy: Policy) -> bool:
    """
    Whether `take` counts what `decide` does.

    With a `reuse_cap` each query's choice depends on those before it: the count is then an upper bound of the kept and
    a lower bound of the short queries. With a quota, `deepen` may look below max_rank too early: the count of the kept
    is right, but how many others count as too deep may differ. What the other rules refuse is exact all the same.
    """
    return policy.reuse_cap is None and not (policy.quota and policy.shortfall == "deepen")


def take(survivors: Survivors, policy: Policy, wanted: AnyInts | int, skip: AnyInts | int) -> TakenCounts:
    """How many are taken where each query may have `wanted` and loses its best `skip`."""
    skipped = np.minimum(survivors.shallow, skip)
    free = survivors.shallow - skipped + survivors.vouched
    near = np.minimum(free, wanted)
    kept = near if isinstance(survivors.deep, int) else np.minimum(free + survivors.deep, wanted)
    short = kept < wanted
    dropped = np.where(short, kept, 0) if policy.shortfall == "drop" else 0
    kept_in_all = _over_queries(kept - dropped)
    return TakenCounts(
        kept=kept_in_all,
        skipped=_over_queries(skipped),
        unwanted=_over_queries(free) - _over_queries(near),
        left_deep=_over_queries(survivors.deep - (kept - near)),
        dropped=_over_queries(kept) - kept_in_all,
        short=np.count_nonzero(short, axis=0),
        empty=np.count_nonzero(kept == dropped, axis=0),
    )


def _over_queries(counts: AnyInts) -> Ints:
    summed: Ints = counts.sum(axis=0, dtype=np.int64)
    return summed
