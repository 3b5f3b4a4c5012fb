"""
One query along one setting: what would be kept of it, and of the whole run, at every stop of a slider.

In:  a `Workspace`, a query, a `Policy`, one of its fields, the reviewer
Out: `QueryAlong`: the status of each candidate and the kept in all, stop by stop

Decides nothing itself: that is `selection`; how many are kept in all is counted as on the Tune page.
"""

from dataclasses import dataclass, replace

import numpy as np

from nearmiss.errors import RecipeError
from nearmiss.selection import decide
from nearmiss.session.query_view import rows_of_query
from nearmiss.session.tuning.along import CEILINGS, FLOORS, MOVABLE, Refusals
from nearmiss.session.tuning.counting import is_exact
from nearmiss.session.tuning.panel import stops_of
from nearmiss.session.tuning.spelling import parse
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace

MOST_STOPS = 48


@dataclass(frozen=True)
class QueryAlong:
    """The counts at each stop of a setting; lists with one value for each stop."""

    query_id: str
    name: str
    stops: tuple[str, ...]
    at: int  # the stop of the policy's own value
    statuses: list[list[int]]  # places in STATUSES, a row for each stop and a column for each candidate
    kept: list[int]  # of this query
    kept_in_all: list[int]
    exact: bool  # False with a reuse cap, which counts over all queries: then at most so many are kept


def movable(work: Workspace, policy: Policy) -> list[str]:
    """The settings with a slider, the limits that the policy sets first."""
    usable = [name for name in MOVABLE if "p_relevant" not in name or "p_relevant" in work.candidates]
    return sorted(usable, key=lambda name: name not in (*CEILINGS, *FLOORS) or getattr(policy, name) is None)


def with_stop(policy: Policy, name: str, stop: str) -> Policy:
    """The policy with one setting at a stop, given as text; RecipeError where the text is no value."""
    return parse({name: stop}, policy)


def along(work: Workspace, query_id: str, policy: Policy, name: str, reviewer: str = "") -> QueryAlong:
    """The query at each of at most MOST_STOPS stops, the policy's own among them; RecipeError for another field."""
    if name not in movable(work, policy):
        raise RecipeError(f"--{name.replace('_', '-')}: wanted a setting with a slider; found another")
    values, words = stops_of(work, policy, name)
    own = values.index(getattr(policy, name))
    chosen = np.unique([*np.linspace(0, len(values) - 1, MOST_STOPS).round().astype(int).tolist(), own]).tolist()
    table = rows_of_query(work, query_id, reviewer)
    decisions = [decide(table, replace(policy, **{name: values[place]})) for place in chosen]
    in_all = Refusals(work.table, policy).along(name, [values[place] for place in chosen])
    return QueryAlong(
        query_id=query_id,
        name=name,
        stops=tuple(words[place] for place in chosen),
        at=chosen.index(own),
        statuses=[decision.status.tolist() for decision in decisions],
        kept=[int((decision.slot > 0).sum()) for decision in decisions],
        kept_in_all=in_all.status["kept"].tolist(),
        exact=is_exact(policy),
    )
