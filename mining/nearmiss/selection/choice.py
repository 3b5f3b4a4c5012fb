"""
The choice: which of the survivors become the query's negatives.

In:  a `Table`, a `Policy` and which rows survived the rules
Out: the survivors in the order in which they would be taken, and which of them are taken

Every random number is a hash of (seed, query_id, doc_id), so the answer is the same in any order and on any number of
workers.
"""

import numpy as np

from nearmiss.selection.table import Table
from nearmiss.settings import Policy
from nearmiss.storage.mixing import GOLDEN
from nearmiss.types import Bools, Floats, Ints


def choose(queries: Ints, found: dict[str, Bools], policy: Policy) -> Bools:
    """
    Up to `negatives_per_query` rows of each query, from rows in the order in which they would be taken.

    `queries` numbers each row's query, rising, (n,); `found` marks the rows that each source with a quota found, (n,).
    A quota reserves places: a row that two sources found fills the first one's, and places left over are free for any.
    """
    if not policy.quota:
        return run_positions(queries) < policy.negatives_per_query
    chosen = np.zeros(len(queries), bool)
    for source, share in policy.quota:
        # Shares are rounded: two halves of 7 would be 8.
        places = np.minimum(int(share * policy.negatives_per_query + 0.5), _left(queries, chosen, policy))
        chosen |= _first(queries, found[source] & ~chosen, places)
    return chosen | _first(queries, ~chosen, _left(queries, chosen, policy))


def _left(queries: Ints, chosen: Bools, policy: Policy) -> Ints:
    """Places that each row's query has left, (n,)."""
    taken = np.bincount(queries[chosen], minlength=queries.max(initial=-1) + 1)
    left: Ints = policy.negatives_per_query - taken[queries]
    return left


def _first(queries: Ints, wanted: Bools, places: Ints) -> Bools:
    """The first `places` wanted rows of each query."""
    before: Ints = np.cumsum(wanted) - wanted
    starts = np.arange(len(queries)) - run_positions(queries)
    within: Bools = before - before[starts] < places
    return wanted & within


def wanted_first(table: Table, policy: Policy, survivors: Bools, tier: Ints) -> Ints:
    """The surviving rows in the order in which they would be taken."""
    order = table.best_first[survivors[table.best_first]]
    if policy.sampling == "random":
        order = _reorder(table, order, uniform(table, policy.seed)[order])
    elif policy.sampling == "simans":
        order = _reorder(table, order, _simans(table, policy)[order])
    elif policy.sampling == "stratified":
        order = _reorder(table, order, _stratified(table, policy, order))
    if table.labelled.any() or tier.any():
        people_first = (1 - table.labelled[order].astype(np.int64)) * (tier.max(initial=0) + 1) + tier[order]
        order = order[np.lexsort((people_first, table.query[order]))]
    return order


def uniform(table: Table, seed: int) -> Floats:
    """A number in (0, 1) for each row, (n,), by splitmix64 over its ids (Steele et al. 2014)."""
    mixed = table.pair_key + np.uint64((seed * GOLDEN) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53


def _reorder(table: Table, order: Ints, keys: Floats) -> Ints:
    return order[np.lexsort((-keys, table.query[order]))]


def _simans(table: Table, policy: Policy) -> Floats:
    # Gumbel top-k: drawing without replacement by weight is taking the largest log weight plus Gumbel noise
    # (Efraimidis and Spirakis 2006); the weight is SimANS's (Zhou et al. 2022).
    distance = table.score.astype(np.float64) - table.anchors[policy.anchor] - policy.simans_b
    return -policy.simans_a * distance**2 - np.log(-np.log(uniform(table, policy.seed)))


def _stratified(table: Table, policy: Policy, order: Ints) -> Floats:
    # `order` is by falling score: cut each query's list into as many equal strata as it has slots, shuffle within
    # each, and take the first of every stratum before the second of any.
    queries, n = table.query[order], policy.negatives_per_query
    survivors = np.bincount(queries, minlength=len(table.starts))[queries]
    strata = np.minimum(survivors, n)
    stratum = run_positions(queries) * strata // np.maximum(survivors, 1)
    shuffled = np.lexsort((uniform(table, policy.seed)[order], stratum, queries))
    turn = np.empty(len(order), np.int64)
    turn[shuffled] = run_positions(queries[shuffled] * (n + 1) + stratum[shuffled])
    return -(turn * (n + 1.0) + stratum)


def run_positions(labels: Ints) -> Ints:
    """0, 1, 2 ... within each run of equal labels."""
    fresh = np.concatenate([[True], labels[1:] != labels[:-1]]) if len(labels) else np.zeros(0, bool)
    starts = np.flatnonzero(fresh)
    positions: Ints = np.arange(len(labels)) - np.repeat(starts, np.diff(starts, append=len(labels)))
    return positions
