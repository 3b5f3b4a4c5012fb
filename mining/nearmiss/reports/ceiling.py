"""
What the ceiling did to a round, in a sentence or two.

In:  a `Table`, a `Decision` on it, the policy
Out: how many candidates each kind of limit refused, and how many queries lost all of theirs; "" without a ceiling
"""

import numpy as np

from nearmiss import selection
from nearmiss.counts import counted
from nearmiss.selection import STATUSES, Decision, Table
from nearmiss.settings import Policy
from nearmiss.types import Bools


def what_the_ceiling_did(table: Table, decision: Decision, policy: Policy) -> str:
    """The numbers of a round under its policy, in words."""
    limit, most = selection.ceiling(table, policy), policy.max_p_relevant
    if limit is None and most is None:
        return ""
    refused = np.asarray(decision.status == STATUSES.index("too_close"))
    by_score = refused & (table.score > limit) if limit is not None else np.zeros(len(refused), bool)
    by_chance = int((refused & ~by_score).sum())
    parts = [] if limit is None else [f"{_candidates(by_score)} for a score too near the labelled answer's"]
    if most is not None:
        more = "more for a chance" if parts else "candidates for a chance"
        parts.append(f"{by_chance:,} {more} above {most * 100:g}% to be an answer")
    sentence = f"The ceiling refused {' and '.join(parts)}."
    return sentence + _emptied(table, decision, by_score)


def _emptied(table: Table, decision: Decision, by_score: Bools) -> str:
    """Queries without a negative that have candidates above their labelled answer."""
    queries = len(table.starts) - 1
    kept = np.bincount(table.query[decision.slot > 0], minlength=queries)
    above = np.bincount(table.query[by_score], minlength=queries)
    emptied = int(((kept == 0) & (above > 0)).sum())
    if not emptied:
        return ""
    keep, their, answers = ("keeps", "its", "answer") if emptied == 1 else ("keep", "their", "answers")
    return (
        f" {counted(emptied, 'query')} {keep} no negative, since hardly anything scores below {their} labelled "
        f"{answers}: a label may be wrong or weak, and is worth a look."
    )


def _candidates(rows: Bools) -> str:
    return counted(int(rows.sum()), "candidate")
