"""
Doubts: which queries most need a person, and why, in words.

In:  a `Table`, a `Decision` on it and its `Policy`
Out: the queries where labels or thresholds are most likely wrong, the worst first, each with its reasons

Each doubt measures one thing of every query, in its own unit. To add them up they need a common unit: how unusual the
query is in this run. With p the share of queries that measure at least as high, a doubt weighs -log p, and a query the
sum of its doubts, which is how Fisher (1925) combines tests: being the worst of ten thousand in one thing weighs more
than being somewhat bad in three. What every second query has is no reason to review this one, so p above a half
weighs nothing. The sum shrinks as people judge the query's best candidates, and is zero when all of those are judged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss import selection
from nearmiss.selection import KEPT, STATUSES, Decision, Table
from nearmiss.selection.choice import run_positions
from nearmiss.selection.table import by_falling
from nearmiss.settings import LATE_INTERACTION, Policy
from nearmiss.types import Bools, Floats, Ints

BEST_COMPARED = 10
FEWEST_CANDIDATES = 2 * BEST_COMPARED  # with fewer candidates, any two orders share most of their best
ALIKE_FROM_COSINE = 0.99  # cosine: usable models stay below .9 between unrelated documents
LOWEST_AUC = 0.6  # an area under the curve; with FEWEST_PAIRS pairs, chance alone goes above it in one of thirteen runs
FEWEST_PAIRS = 20  # pairs, below which nothing is said
LEAST_SPREAD = 1e-4  # of the scores of any teacher that reads what it is given
SMALL_STEP = 0.1  # of the ceiling on probabilities
NAMED = 20  # queries
# These rules refuse only what is certain; nobody needs to read it.
KNOWN = (
    "known_positive",
    "reviewed_relevant",
    "reviewed_partial",
    "is_the_query",
    "duplicate",
    "answers_twin_query",
    "sibling",
)


@dataclass(frozen=True)
class Doubt:
    """A query that a person should look at."""

    query_id: str
    reasons: tuple[str, ...]  # the weightiest first


@dataclass(frozen=True)
class DoubtInputs:
    """What the doubts look at."""

    table: Table
    decision: Decision
    policy: Policy

    def per_query(self, rows: Bools) -> Floats:
        """How many of these rows (n,) each query has, (n_queries,)."""
        return np.bincount(self.table.query[rows], minlength=len(self.table.starts) - 1).astype(np.float64)

    @cached_property
    def open(self) -> Bools:
        """Rows still open: not judged, and not settled by one of these rules, (n,)."""
        known = np.isin(self.decision.status, [STATUSES.index(status) for status in KNOWN])
        return np.asarray((self.table.verdicts == 0) & ~known)

    @cached_property
    def kept(self) -> Bools:
        """The negatives, (n,)."""
        return np.asarray(self.decision.status == STATUSES.index(KEPT))

    @cached_property
    def best(self) -> Bools:
        """The BEST_COMPARED candidates of each query by the teacher, positives left out, (n,)."""
        return self._first(self.table.best_first)

    @cached_property
    def nearest(self) -> Bools:
        """The BEST_COMPARED candidates of each query by the encoder, positives left out, (n,)."""
        return self._first(by_falling(self.table.number("dense_score"), self.table.query))

    @cached_property
    def typical_positive(self) -> float:
        """The median score of the run's positives."""
        return float(np.median(self.table.score[self.table.positive]))

    @cached_property
    def step(self) -> float:
        """A small step on the teacher's scale: a tenth of the candidates' standard deviation."""
        return float(self.table.score[~self.table.positive].std()) / 10 if (~self.table.positive).any() else 0.0

    def _first(self, order: Ints) -> Bools:
        order = order[~self.table.positive[order]]
        first = np.zeros(len(self.table.query), bool)
        first[order[run_positions(self.table.query[order]) < BEST_COMPARED]] = True
        return first


def outscored(inputs: DoubtInputs) -> Floats:
    """Candidates above the positive: a wrong positive, or answers that nobody labelled."""
    # Above the highest of several: the lowest is often a weak one, which the ceiling allows for.
    return inputs.per_query(inputs.open & (inputs.table.score > inputs.table.anchors["max"]))


def at_the_ceiling(inputs: DoubtInputs) -> Floats:
    """Candidates that a small step of the ceiling would keep or refuse."""
    ceiling, most = selection.ceiling(inputs.table, inputs.policy), inputs.policy.max_p_relevant
    near = np.zeros(len(inputs.table.query), bool)
    if ceiling is not None:
        near |= np.abs(inputs.table.score - ceiling) <= inputs.step
    if most is not None:
        near |= np.abs(inputs.table.number("p_relevant") - most) <= SMALL_STEP * most
    return inputs.per_query(inputs.open & near)


def like_a_positive(inputs: DoubtInputs) -> Floats:
    """Negatives that score as other queries' positives do."""
    # The margins look at the query's own positive; where that one scores very high, an answer passes below it.
    return inputs.per_query(inputs.open & inputs.kept & (inputs.table.score >= inputs.typical_positive))


def differently_ranked(inputs: DoubtInputs) -> Floats:
    """How far the teacher and the encoder differ in which candidates are the best."""
    agreed = inputs.per_query(inputs.best & inputs.nearest)
    return np.where(inputs.per_query(~inputs.table.positive) >= FEWEST_CANDIDATES, BEST_COMPARED - agreed, 0.0)


def short(inputs: DoubtInputs) -> Floats:
    """Negatives that the query lacks."""
    return np.maximum(0.0, inputs.policy.negatives_per_query - inputs.per_query(inputs.kept))


def _in_words(doubt: str, inputs: DoubtInputs, query: int, measure: float) -> str:
    count = int(measure)
    candidates = "1 candidate scores" if count == 1 else f"{count:,} candidates score"
    are = "1 candidate is" if count == 1 else f"{count:,} candidates are"
    negatives = "1 of its negatives scores" if count == 1 else f"{count:,} of its negatives score"
    positives = inputs.table.positive[inputs.table.starts[query] : inputs.table.starts[query + 1]].sum()
    best = "its positive" if positives == 1 else "the best of its positives"
    wanted = inputs.policy.negatives_per_query
    return {
        "outscored": f"{candidates} above {best}",
        "at_the_ceiling": f"{are} close to the ceiling",
        "like_a_positive": f"{negatives} like a typical positive ({inputs.typical_positive:.3g} or more)",
        "differently_ranked": f"teacher and encoder share {BEST_COMPARED - count} of their {BEST_COMPARED} best "
        "candidates",
        "short": f"it keeps {wanted - count} of {wanted} negatives",
    }[doubt]


def of_models(facts: Mapping[str, Any]) -> list[str]:
    """
    Why a round's models should not be trusted, in sentences; none where they separate answers from other documents.

    `facts` is the round's entry in run.json; older ones hold no checks, and raise no doubt.
    """
    checks = facts.get("model_checks") or {}
    found = []
    if (facts.get("recipe") or {}).get("teacher") == LATE_INTERACTION and "teacher" in facts and not facts["teacher"]:
        found.append(
            "there is no teacher: late interaction needs a vector for each token, and this encoder gives none. Its "
            "cosine decides; name a cross-encoder with --teacher"
        )
    if (checks.get("alike") or 0) > ALIKE_FROM_COSINE:
        found.append(
            f"the encoder's vectors are nearly all alike (cosine {checks['alike']:.3f} between documents drawn at "
            "random): wrong weights, a tokenizer that does not fit, or an untrained model?"
        )
    enough = checks.get("pairs", 0) >= FEWEST_PAIRS
    if enough and not found and _blind(checks.get("encoder_auc")):
        found.append(_cannot_tell("encoder", checks["encoder_auc"]))
    spread = checks.get("teacher_spread")
    if enough and spread is not None and spread < LEAST_SPREAD:
        found.append(f"the teacher's scores are all alike (they differ by {spread:.2g} at most): the right model?")
    elif enough and _blind(checks.get("teacher_auc")):
        found.append(_cannot_tell("teacher", checks["teacher_auc"]))
    return found


def _blind(auc: float | None) -> bool:
    return auc is not None and auc < LOWEST_AUC


def _cannot_tell(model: str, auc: float) -> str:
    return (
        f"the {model} does not tell labelled answers from documents drawn at random: it scores the answer higher in "
        f"{auc:.0%} of pairs, where chance alone gives 50%"
    )


DOUBTS: tuple[Callable[[DoubtInputs], Floats], ...] = (
    outscored,
    at_the_ceiling,
    like_a_positive,
    differently_ranked,
    short,
)


def most_in_need(table: Table, decision: Decision, policy: Policy, query_ids: list[str]) -> list[Doubt]:
    """The queries of the greatest doubt, at most NAMED, the worst first; fewer where fewer give a reason."""
    inputs = DoubtInputs(table, decision, policy)
    measures = np.array([doubt(inputs) for doubt in DOUBTS])
    weights = np.array([weight(measure) for measure in measures])
    total = weights.sum(axis=0) * _unread(inputs)
    worst = np.argsort(-total, kind="stable")[:NAMED]
    return [
        Doubt(query_ids[query], tuple(_reasons(inputs, query, measures[:, query], weights[:, query])))
        for query in worst.tolist()
        if total[query] > 0
    ]


def weight(measure: Floats) -> Floats:
    """-log of the share of queries that measure at least as high, (n_queries,); 0 where that is above a half."""
    at_least = len(measure) - np.searchsorted(np.sort(measure), measure, side="left")
    weighed: npt.NDArray[np.float64] = -np.log(at_least / max(len(measure), 1))
    return np.where((measure > 0) & (2 * at_least <= len(measure)), weighed, 0.0)


def _unread(inputs: DoubtInputs) -> Floats:
    """The share of each query's best candidates that nobody has judged, (n_queries,)."""
    unread = inputs.per_query(inputs.best & (inputs.table.verdicts == 0))
    return unread / np.maximum(inputs.per_query(inputs.best), 1)


def _reasons(inputs: DoubtInputs, query: int, measures: Floats, weights: Floats) -> list[str]:
    order = [place for place in np.argsort(-weights, kind="stable").tolist() if weights[place] > 0]
    return [_in_words(DOUBTS[place].__name__, inputs, query, float(measures[place])) for place in order]
