"""
Which queries a format can carry, and for what reason it cannot carry the others.

Nothing disappears in silence: `exported` and the counts in `left_out` add up to the dataset's queries.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mining.dataset.tables import Dataset
from mining.errors import RunError
from mining.selection import KEPT

Counts = dict[str, int]


@dataclass(frozen=True)
class Plan:
    """The rows to export, and how many queries that leaves in and out."""

    selected: pd.DataFrame
    exported: int
    left_out: Counts
    negatives_beyond_width: int


def plan(dataset: Dataset, selected: pd.DataFrame, same_number: bool, width: int | None) -> Plan:
    """
    Keep the queries that have a positive and enough kept negatives.

    With `same_number`, each has exactly `width` (the most any query has, where None): of more, the first slots stay.
    """
    selected = selected.reset_index(drop=True)  # frames joined from shards repeat their row labels
    kept = _numbered(selected.loc[selected.status.eq(KEPT)])
    width = (width or int(kept.number.max())) if same_number and len(kept) else None
    beyond = kept.index[kept.number.gt(width)] if width else kept.index[:0]
    reason = _reasons(dataset, selected, kept, width)
    taken = reason.index[reason.eq("")]
    if taken.empty:
        raise RunError(f"export: nothing to write; of {len(reason)} queries, {_in_words(_counts(reason))}")
    rows = selected.loc[selected.query_id.isin(taken) & ~selected.index.isin(beyond)]
    return Plan(rows, len(taken), _counts(reason), int(kept.loc[beyond].query_id.isin(taken).sum()))


def _numbered(kept: pd.DataFrame) -> pd.DataFrame:
    # Counts from 1 without gaps, whatever the slots of labelled negatives are.
    return kept.assign(number=kept.groupby("query_id", sort=False).slot.rank(method="first").astype(np.int64))


def _reasons(dataset: Dataset, selected: pd.DataFrame, kept: pd.DataFrame, width: int | None) -> pd.Series:
    ids = dataset.queries.query_id
    negatives = kept.query_id.value_counts().reindex(ids, fill_value=0).to_numpy()
    positives = selected.query_id[selected.is_positive].value_counts().reindex(ids, fill_value=0).to_numpy()
    why = np.select(
        [negatives == 0, positives == 0, negatives < (width or 1)],
        ["no negative kept", "no positive", f"fewer than {width} negatives"],
        default="",
    )
    return pd.Series(why, index=ids)


def _counts(reason: pd.Series) -> Counts:
    return {str(why): int(count) for why, count in reason[reason.ne("")].value_counts().sort_index().items()}


def _in_words(counts: Counts) -> str:
    return ", ".join(f"{count} have {why}" for why, count in counts.items()) or "none was mined"
