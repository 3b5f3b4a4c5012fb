"""
The rules: why a candidate may not train as a hard negative.

In:  a `Table` of candidates and a `Policy`
Out: for each rule, which rows it refuses, (n,); the rule's name is the status a person reads

Rules look at original ranks and scores, never at what other rules left over.
"""

from collections.abc import Callable

import numpy as np

from nearmiss.errors import RecipeError
from nearmiss.selection.table import Table
from nearmiss.settings import Policy
from nearmiss.types import Bools, Floats

Rule = Callable[[Table, Policy], Bools]


def known_positive(table: Table, policy: Policy) -> Bools:
    """Labelled as an answer."""
    return table.positive


def reviewed_relevant(table: Table, policy: Policy) -> Bools:
    """Judged an answer by a reviewer: a false negative found."""
    return table.verdict("relevant")


def reviewed_partial(table: Table, policy: Policy) -> Bools:
    """Judged partly an answer: masked, neither positive nor negative."""
    return table.verdict("partial")


def is_the_query(table: Table, policy: Policy) -> Bools:
    """The document is the query's own text."""
    return table.column("is_the_query")


def duplicate(table: Table, policy: Policy) -> Bools:
    """A copy of a positive: the same text, one inside the other, or nearly the same."""
    # NaN (never measured, since the vectors lie far apart) compares False, which is the right answer here.
    near = table.number("positive_cosine") >= np.float32(policy.duplicate_cosine)
    near &= table.number("positive_jaccard") >= np.float32(policy.duplicate_jaccard)
    return near | table.copied


def answers_twin_query(table: Table, policy: Policy) -> Bools:
    """Labelled as an answer to a query that asks the same, or nearly."""
    # NaN, where it answers no twin, compares False. Of one text the labels contradict each other, and neither counts.
    twin = table.number("twin_cosine")
    vouched = table.reviewed_negative | (table.labelled & (twin < 1))
    return (twin > 0) & (not policy.allow_twin_answers) & ~vouched


def sibling(table: Table, policy: Policy) -> Bools:
    """Another passage of a positive's page."""
    return table.column("is_sibling") & (not policy.allow_siblings) & ~_vouched(table)


def skipped_rank(table: Table, policy: Policy) -> Bools:
    """Among the first `skip_top` of a source, where unlabelled answers gather."""
    # The original rank: counting only survivors would skip other rows for each change of another rule.
    return (table.best_rank <= policy.skip_top) & ~_vouched(table)


def too_deep(table: Table, policy: Policy) -> Bools:
    """Ranked below `max_rank` by every source."""
    if policy.max_rank is None:
        return np.zeros(len(table.query), bool)
    return (table.best_rank > policy.max_rank) & ~_vouched(table)


def same_cluster(table: Table, policy: Policy) -> Bools:
    """From the cluster of a positive."""
    if policy.different_cluster and "same_cluster" not in table.candidates:
        raise RecipeError("--different-cluster: wanted a run mined with --clusters N; this one has no clusters")
    return table.column("same_cluster") & policy.different_cluster & ~_vouched(table)


def too_close(table: Table, policy: Policy) -> Bools:
    """Above the ceiling: probably an unlabelled answer."""
    return above_ceiling(table, policy) & ~_vouched(table)


def unscored(table: Table, policy: Policy) -> Bools:
    """Beyond `teacher_depth`: the teacher did not read it, so nobody knows how near it is to an answer."""
    return table.column("is_unscored")


def too_easy(table: Table, policy: Policy) -> Bools:
    """Below the floor: teaches nothing."""
    return below_floor(table, policy) & ~_vouched(table)


RULES: tuple[Rule, ...] = (
    known_positive,
    reviewed_relevant,
    reviewed_partial,
    is_the_query,
    duplicate,
    answers_twin_query,
    sibling,
    skipped_rank,
    too_deep,
    same_cluster,
    unscored,
    too_close,
    too_easy,
)


def ceiling(table: Table, policy: Policy) -> Floats | None:
    """The highest score a candidate may have, (n,): the lowest of those set, or None."""
    return ceiling_below(table.anchors[policy.anchor], policy)


def floor(table: Table, policy: Policy) -> Floats | None:
    """The lowest score a candidate may have, (n,): the highest of those set, or None."""
    return floor_below(table.anchors[policy.anchor], policy)


def ceiling_below(positive: Floats, policy: Policy) -> Floats | None:
    """The ceiling under each of these positive scores, in their shape."""
    limits: list[Floats] = []
    if policy.max_score is not None:
        limits.append(np.full(positive.shape, policy.max_score, np.float32))
    if policy.absolute_margin is not None:
        limits.append(positive - np.float32(policy.absolute_margin))
    if policy.relative_margin is not None:
        # |positive|, since with a negative score `(1 - margin) * positive` would raise the bar.
        limits.append(positive - np.float32(policy.relative_margin) * np.abs(positive))
    return np.minimum.reduce(limits) if limits else None


def floor_below(positive: Floats, policy: Policy) -> Floats | None:
    """The floor under each of these positive scores, in their shape."""
    limits: list[Floats] = []
    if policy.min_score is not None:
        limits.append(np.full(positive.shape, policy.min_score, np.float32))
    if policy.absolute_floor is not None:
        limits.append(positive - np.float32(policy.absolute_floor))
    if policy.relative_floor is not None:
        limits.append(positive - np.float32(policy.relative_floor) * np.abs(positive))
    return np.maximum.reduce(limits) if limits else None


def above_ceiling(table: Table, policy: Policy) -> Bools:
    """Which rows lie above the ceiling, by score or by probability, (n,), even if labelled or reviewed."""
    limit = ceiling(table, policy)
    above = np.zeros(len(table.query), bool) if limit is None else table.score > limit
    if policy.max_p_relevant is not None:
        above |= _p_relevant(table) > np.float32(policy.max_p_relevant)
    return above


def below_floor(table: Table, policy: Policy) -> Bools:
    """Which rows lie below the floor, by score or by probability, (n,), even if labelled or reviewed."""
    limit = floor(table, policy)
    below = np.zeros(len(table.query), bool) if limit is None else table.score < limit
    if policy.min_p_relevant is not None:
        below |= _p_relevant(table) < np.float32(policy.min_p_relevant)
    return below


def _p_relevant(table: Table) -> Floats:
    if "p_relevant" not in table.candidates:
        raise RecipeError("--max-p-relevant, --min-p-relevant: wanted a calibrated run; this one has no p_relevant")
    return table.number("p_relevant")


def _vouched(table: Table) -> Bools:
    # A person outranks the teacher: what the data or a reviewer calls a negative needs no threshold.
    return table.labelled | table.reviewed_negative
