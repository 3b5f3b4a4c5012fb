"""
Queries: the ids of a round's queries, with the counts of each.

In:  a `Run`
Out: one entry for each query, in the dataset's order

A person who wants an explanation starts here: it names the ids that `explain` takes.
"""

from dataclasses import dataclass

import numpy as np

from nearmiss import selection
from nearmiss.reports.funnel import kept_per_query
from nearmiss.run import Run


@dataclass(frozen=True)
class ListedQuery:
    """One query, and how many rows of each kind it has under the policy in force."""

    query_id: str
    text: str
    positives: int
    candidates: int
    kept: int


def listed(run: Run, number: int | None = None, words: str = "", *, only_short: bool = False) -> list[ListedQuery]:
    """The queries whose id or text holds `words`, in any case; `only_short`, those of them that lack negatives."""
    table = selection.prepare(run.judged(number))
    policy = run.policy
    kept = kept_per_query(table, selection.decide(table, policy))
    positives = np.bincount(table.query[table.positive], minlength=len(kept))
    candidates = np.diff(table.starts)
    ids = table.candidates["query_id"].iloc[table.starts[:-1]].tolist()
    texts = run.dataset.queries.set_index("query_id")["text"]
    every = (
        ListedQuery(query_id, str(texts[query_id]), int(positives[place]), int(candidates[place]), int(kept[place]))
        for place, query_id in enumerate(ids)
    )
    wanted = words.casefold()
    return [
        one
        for one in every
        if (wanted in one.query_id.casefold() or wanted in one.text.casefold())
        and not (only_short and one.kept >= policy.negatives_per_query)
    ]
