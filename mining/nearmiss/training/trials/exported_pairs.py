"""
What a policy would export, as row numbers: the pairs that a student is trained on.

In:  a workspace, a policy, the queries that may be trained on
Out: `ExportedPairs`: a query's positives (promoted answers among them) and kept negatives, with the teacher's scores

The rows come from the same plan as an export's, so a student learns from exactly what the shards would hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nearmiss.data import Dataset
from nearmiss.export import ExportReviews
from nearmiss.export.examples import chosen_rows, row_numbers
from nearmiss.export.judgements import RELEVANT, JudgementSnapshot, alone, judge
from nearmiss.export.plan import plan
from nearmiss.export.trained import fingerprint_of_columns
from nearmiss.selection import Table
from nearmiss.settings import NO_CEILING, Export, Policy
from nearmiss.types import Bools, Floats, Ints

SameDocument = Callable[[str], "list[str]"]


@dataclass(frozen=True)
class ExportedPairs:
    """
    Pairs to train on, grouped by query, positives first, each (n,).

    `query` and `document` are row numbers of the data set, `is_positive` tells positives from negatives, `score` is
    the teacher's.
    """

    query: Ints
    document: Ints
    is_positive: Bools
    score: Floats

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of all of it."""
        return fingerprint_of_columns(self.query, self.document, self.is_positive, self.score)

    @cached_property
    def queries(self) -> Ints:
        """The row numbers of the queries, rising, (n_queries,)."""
        return np.unique(self.query)

    def counts(self) -> dict[str, int]:
        """How many queries, positives and negatives there are."""
        positives = int(self.is_positive.sum())
        return {"queries": len(self.queries), "positives": positives, "negatives": len(self.query) - positives}

    def of(self, positive: bool) -> tuple[Ints, Ints]:
        """
        Documents of one kind, and where each query's begin, (m,) and (n_queries + 1,).

        The documents of query number i are those from `starts[i]` to `starts[i + 1]`.
        """
        rows = self.is_positive == positive
        starts = np.searchsorted(self.query[rows], np.append(self.queries, np.iinfo(np.int64).max))
        return self.document[rows], starts


def pairs_of_policy(
    dataset: Dataset,
    table: Table,
    snapshot: JudgementSnapshot,
    policy: Policy | None,
    trainable: Bools,
    same_document: SameDocument = alone,
    export: Export | None = None,
) -> ExportedPairs:
    """
    What `policy` would export of the queries that are `trainable` (n_queries of the data set,).

    Without a policy: every query that an export could hold, with its positives alone. A policy that keeps nothing
    gives none.
    """
    export = export or Export()
    judged = table.judged(table.verdicts.copy(), table.positive)
    selected, reviews = judge(judged, snapshot, policy or NO_CEILING, export, same_document)
    own = trainable[row_numbers(dataset.queries.query_id, selected.query_id)]
    selected = selected.loc[own]
    if policy is None:
        rows = _positives_alone(selected, export, reviews)
    else:
        rows = plan(dataset, selected, export, reviews.withheld).selected
    chosen = chosen_rows(dataset, rows)
    return ExportedPairs(
        chosen["query"].to_numpy(np.int64),
        chosen["document"].to_numpy(np.int64),
        chosen["is_positive"].to_numpy(bool),
        chosen["score"].to_numpy(np.float32),
    )


def _positives_alone(selected: pd.DataFrame, export: Export, reviews: ExportReviews) -> pd.DataFrame:
    positive = selected.is_positive
    if export.relevant == "promote":
        positive = positive | selected.status.eq(RELEVANT)
    kept = positive & ~selected.query_id.isin(list(reviews.withheld))
    return selected.assign(is_positive=positive).loc[kept]
