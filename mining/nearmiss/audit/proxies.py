"""
Proxies: how likely each candidate is an answer, by its scores and by what models said, before anyone audits it.

In:  a `Workspace`, an audit's plan
Out: a number for each candidate, (n,), from which an audit chooses what to draw and which its estimate corrects

The estimate is right however wrong the proxy is, as long as the draws did not change it. What a model is asked about
depends on what people have judged by then, draws among them. So a plan's proxy holds what models had said when the plan
was drawn, believed as far as people had confirmed them by then; what they say afterwards is left to later plans.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from nearmiss.agreement.judge_reliability import JudgeReliability, reliabilities, says_answer
from nearmiss.review import AuditPlan, Standing
from nearmiss.types import Floats, Pair
from nearmiss.workspace import Workspace

PROXIES_KEPT = 4


def proxy(work: Workspace) -> Floats:
    """How likely each candidate is an answer by its scores, (n,), shared: p_relevant, else by its rank."""
    return work.cached("proxy", lambda: _by_scores(work), work.version[1], 1)


def _by_scores(work: Workspace) -> Floats:
    known = work.table.number("p_relevant").astype(np.float64)
    if np.isfinite(known).all():
        return np.clip(known, 0, 1)
    # A rank says which is likelier, not how likely: the estimator learns how far to trust it.
    rank = np.empty(len(known))
    rank[np.argsort(work.table.score, kind="stable")] = (np.arange(len(known)) + 0.5) / max(len(known), 1)
    return np.where(np.isfinite(known), np.clip(known, 0, 1), rank**3)


def proxy_of(work: Workspace, plan: AuditPlan) -> Floats:
    """The proxy of a plan, (n,): the scores, and what models had said when it was drawn."""
    judges, last_seq = plan.facts.get("judges", ()), int(plan.facts.get("last_seq", 0))
    if not judges:
        return proxy(work)
    key = plan.plan, work.version[1]
    return work.cached("proxy of plan", lambda: with_judges(work, judges, last_seq), key, PROXIES_KEPT)


def with_judges_so_far(work: Workspace) -> tuple[Floats, int]:
    """
    The proxy that a plan drawn now would have, (n,), and how many candidates the model asked most has judged.

    By itself it measures nothing: it is what the scores suppose, corrected where a model was asked.
    """

    def make() -> tuple[Floats, int]:
        last_seq = work.standing.last_seq
        judges = judges_until(work, last_seq)
        return with_judges(work, judges, last_seq), max((one["candidates"] for one in judges), default=0)

    return work.cached("proxy so far", make, work.version, 1)


def judges_until(work: Workspace, last_seq: int) -> list[dict[str, Any]]:
    """The models that had judged candidates by then, the most reliable first, as a plan's facts hold them."""
    past = _past(work, last_seq)
    found = [(one, len(_by_row(work, says_answer(past, one.judge)))) for one in reliabilities(past)]
    return [one.as_json() | {"candidates": count} for one, count in found if count]


def with_judges(work: Workspace, judges: Sequence[Mapping[str, Any]], last_seq: int) -> Floats:
    """
    The scores' chances, (n,), changed where a model had judged the candidate by then.

    `judges` as in a plan's facts; of several that judged a pair the first counts, since what they say is not
    independent.
    """
    past, likely = _past(work, last_seq), proxy(work).copy()
    done: set[int] = set()
    for facts in judges:
        judge = JudgeReliability(**{field.name: facts[field.name] for field in fields(JudgeReliability)})
        said = _by_row(work, says_answer(past, judge.judge))
        new = {row: says for row, says in said.items() if row not in done}
        rows = np.array(list(new), np.int64)
        likely[rows] = judge.updated(likely[rows], np.array(list(new.values()), bool))
        done.update(new)
    return likely


def _past(work: Workspace, last_seq: int) -> Standing:
    """The log as it stood after this entry."""
    now = work.standing
    return now if last_seq >= now.last_seq else now.until(last_seq)


def _by_row(work: Workspace, said: Mapping[Pair, bool]) -> dict[int, bool]:
    """The same by the candidate's row; without pairs that are no candidates of the round."""
    found = ((work.row_of(pair), says) for pair, says in said.items())
    return {row: says for row, says in found if row is not None}
