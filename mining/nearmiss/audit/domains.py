"""
Domains: what an audit asks about, under any policy.

In:  a `Table`, a `Policy`
Out: which candidates could train as negatives (the population), and which of them a policy keeps or refuses as suspects

Verdicts do not count here: an audit measures what the scores decide. Answers that people found are also taken out of
the shards, and each frees at most one place, so the rate there is no higher than the one measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nearmiss import selection
from nearmiss.selection import RULES, STATUSES, Table
from nearmiss.selection.choice import run_positions, wanted_first
from nearmiss.selection.rules import too_close, too_easy
from nearmiss.settings import Policy, as_written
from nearmiss.types import Bools, Floats, Ints

# Statuses that a rule gives because it takes the candidate for an answer.
SUSPECTS = ("too_close", "skipped_rank", "same_cluster", "sibling", "duplicate", "answers_twin_query")
CEILINGS = ("max_p_relevant", "relative_margin", "absolute_margin", "max_score")
_SUSPECT = np.isin(STATUSES, SUSPECTS)
_KEPT = STATUSES.index(selection.KEPT)


@dataclass(frozen=True)
class Domains:
    """What one policy makes of the population: (n,) each; a row in neither passed the rules but got no place."""

    kept: Bools
    refused: Bools


def population(table: Table) -> Bools:
    """The candidates that could train as negatives, (n,): no labelled answer, no labelled negative, not the query."""
    return ~(table.positive | table.labelled | table.column("is_the_query"))


def unjudged(table: Table) -> Table:
    """The same candidates as if nobody had judged any."""
    return table.judged(np.zeros_like(table.verdicts), table.positive)


def domains(table: Table, policy: Policy) -> Domains:
    """What a policy makes of the population of an unjudged table."""
    status = selection.decide(table, policy).status
    among = population(table)
    return Domains(kept=(status == _KEPT) & among, refused=_SUSPECT[status] & among)


def ceiling_field(policy: Policy) -> str | None:
    """The ceiling that a policy sets; the calibrated one before margins, None where there is none."""
    return next((field for field in CEILINGS if getattr(policy, field) is not None), None)


def limit_of(table: Table, policy: Policy, field: str) -> Floats:
    """The value of a ceiling's setting from which on each candidate is above it, (n,)."""
    anchors = table.anchors[policy.anchor].astype(np.float64)
    score = table.score.astype(np.float64)
    if field == "max_p_relevant":
        return table.number("p_relevant").astype(np.float64)
    if field == "max_score":
        return score
    gap = anchors - score
    return gap if field == "absolute_margin" else gap / np.maximum(np.abs(anchors), 1e-12)


def at(policy: Policy, field: str, stop: float | None) -> Policy:
    """The policy with another value of one setting."""
    # Along a ceiling some stops lie below the floor: they keep nothing and are no valid policies.
    return as_written(Policy, {**vars(policy), field: stop})


@dataclass(frozen=True)
class DomainsAlongCeiling:
    """
    The domains at every stop of a ceiling, from strict to loose, as each row's first and last stop, (n,) each.

    A row is kept at the stops from `kept_from` up to `kept_until`, and refused as a suspect at those below
    `refused_until`; the first two are equal where it is never kept.
    """

    stops: int
    kept_from: Ints
    kept_until: Ints
    refused_until: Ints

    def at(self, stop: int) -> Domains:
        """The domains at one stop."""
        return Domains((self.kept_from <= stop) & (stop < self.kept_until), stop < self.refused_until)


def is_quick(policy: Policy) -> bool:
    """Whether what is kept at a looser stop depends only on which other rows are let through there."""
    plain = policy.reuse_cap is None and not policy.quota and not policy.skip_survivors
    return plain and policy.shortfall != "deepen" and policy.sampling != "stratified"


def along(table: Table, policy: Policy, field: str, stops: Sequence[float | None]) -> DomainsAlongCeiling:
    """
    The domains of an unjudged table at each stop of a ceiling, strict to loose, all at once.

    A row once displaced stays so, since looser stops only add rivals: it is kept from the stop that lets it through to
    the one at which as many better rows are let through as there are places. Only for policies that `is_quick` allows.
    """
    among, never = population(table), len(stops)
    refusing = np.zeros(len(table.query), np.int16)  # how many stops: small numbers are added up in a quarter the time
    for stop in stops:
        refusing += too_close(table, at(policy, field, stop))
    passes_from = refusing.astype(np.int64)
    before, suspected = np.zeros(len(table.query), bool), np.zeros(len(table.query), bool)
    for rule in RULES[: RULES.index(too_close)]:
        refuses = rule(table, policy) & ~before
        suspected |= refuses if rule.__name__ in SUSPECTS else False
        before |= refuses
    survives = ~before & ~too_easy(table, policy) & (passes_from < never)
    until = np.zeros(len(passes_from), np.int64)
    order = wanted_first(table, policy, survives, np.zeros(len(passes_from), np.int64))
    since, until[order] = displaced(table.query[order], passes_from[order], policy, never)
    begins = passes_from.copy()
    begins[order] = np.maximum(begins[order], since)
    kept = survives & among & (begins < until)
    refused = np.where(suspected, never, np.where(before, 0, passes_from))
    return DomainsAlongCeiling(never, np.where(kept, begins, 0), np.where(kept, until, 0), np.where(among, refused, 0))


def each(table: Table, policy: Policy, field: str, stops: Sequence[float | None]) -> Iterator[Domains]:
    """The domains at each stop, one decision after the other: for any policy."""
    return (domains(table, at(policy, field, stop)) for stop in stops)


def displaced(query: Ints, passes_from: Ints, policy: Policy, never: int) -> tuple[Ints, Ints]:
    """
    The stop from which each row's query has enough (0 unless short ones are dropped), and that at which it goes.

    Rows are in the order in which they would be taken, those of one query together; `passes_from` is the first stop
    that lets each pass, (n,); `never` is the number of stops.
    """
    places, queries = policy.negatives_per_query, int(query.max(initial=-1)) + 1
    earliest = np.full((queries, places), never, np.int64)  # the first stops of the rows so far, sorted
    until = np.zeros(len(query), np.int64)
    position = run_positions(query)
    turns = np.argsort(position, kind="stable")
    for rows in np.split(turns, np.cumsum(np.bincount(position))[:-1]) if len(query) else []:
        # Where all places are taken at the strictest stop, none that comes later is ever kept: so it is soon for most.
        rows = rows[earliest[query[rows], -1] > 0]
        own = earliest[query[rows]]
        until[rows] = own[:, -1]
        own[:, -1] = np.minimum(own[:, -1], passes_from[rows])
        earliest[query[rows]] = np.sort(own, axis=1)
    enough = earliest[:, -1][query] if policy.shortfall == "drop" else np.zeros(len(query), np.int64)
    return enough, until
