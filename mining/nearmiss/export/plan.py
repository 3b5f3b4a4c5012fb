"""
Which rows an export writes, and why it leaves out the others.

In:  every candidate with its status, what an `Export` asks for, the queries that judgements leave out
Out: the positives and negatives to write; counts of all the rest

Every row is accounted for: what is written and what is left out add up to the dataset's queries, and to the
candidates. Here a found answer becomes a positive, or is dropped.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.data.dataset import Dataset
from nearmiss.errors import RunError
from nearmiss.export.batch_groups import BatchGroups, batch_groups
from nearmiss.export.examples import chosen_rows, row_numbers
from nearmiss.export.formats import EXPORT_FORMATS
from nearmiss.export.judgements import RELEVANT, WITHHELD
from nearmiss.selection import KEPT
from nearmiss.selection.choice import run_positions
from nearmiss.settings import Export
from nearmiss.types import Ints

ExportCounts = dict[str, int]
KEPT_BY_WIDTH = 0.9
BEYOND_THE_ROW = "beyond the row's number of negatives"
_COLUMNS = ["query_id", "doc_id", "is_positive", "teacher_score", "status", "slot"]


@dataclass(frozen=True)
class ExportPlan:
    """
    The rows to write, with counts of what is written and left out.

    `positives` and `negatives` count those of each exported query, (n_exported,); `promoted` those positives that
    reviewers found. Left-out candidates are counted by their status, or by what keeps out their query.
    """

    selected: pd.DataFrame
    positives: Ints
    negatives: Ints
    promoted: int
    left_out_queries: ExportCounts
    left_out_candidates: ExportCounts
    width: int | None  # negatives in each row, where the format needs the same number in all
    groups: BatchGroups | None = None  # of the exported queries, where they are asked for

    @property
    def exported(self) -> int:
        """Queries to write."""
        return len(self.positives)


def plan(
    dataset: Dataset, selected: pd.DataFrame, export: Export, withheld: Mapping[str, str] | None = None
) -> ExportPlan:
    """
    Keep the queries that have a positive and enough kept negatives, and that are not `withheld` for a reason.

    Where a format needs the same number of negatives in each row, each query has exactly that many
    (`export.negatives`, or what `usual_width` chooses): of more, the first slots stay.
    """
    rows = _useful(selected, export)
    query = row_numbers(dataset.queries.query_id, rows.query_id)
    is_positive = rows.is_positive.to_numpy(bool)
    queries = len(dataset.queries)
    negatives = np.bincount(query[~is_positive], minlength=queries)
    positives = np.bincount(query[is_positive], minlength=queries)
    width = (export.negatives or usual_width(negatives)) if EXPORT_FORMATS[export.format].same_number else None
    reason = _reasons(dataset, negatives, positives, width, withheld or {})
    fate = np.where(_beyond(query, rows, width), BEYOND_THE_ROW, "")
    fate = np.where(reason[query] != "", reason[query], fate)
    taken = reason == ""
    written = fate == ""
    to_write = rows.loc[written]
    return ExportPlan(
        selected=to_write,
        positives=positives[taken],
        negatives=np.minimum(negatives, width)[taken] if width else negatives[taken],
        promoted=int((written & is_positive & rows.status.eq(RELEVANT).to_numpy(bool)).sum()),
        left_out_queries=_counts(reason),
        left_out_candidates=_left_out(selected, rows, fate, withheld or {}),
        width=width,
        groups=batch_groups(dataset, selected, _documents_of_rows(dataset, to_write, export))
        if export.batch_groups
        else None,
    )


def _documents_of_rows(dataset: Dataset, rows: pd.DataFrame, export: Export) -> dict[str, list[list[str]]]:
    """The documents that each row of the first table will hold, by query, in the rows' order."""
    chosen = chosen_rows(dataset, rows)
    queries = dataset.queries["query_id"].take(chosen["query"].to_numpy()).tolist()
    documents = dataset.documents["doc_id"].take(chosen["document"].to_numpy()).tolist()
    kinds: dict[str, tuple[list[str], list[str]]] = {}
    for query_id, doc_id, is_positive in zip(queries, documents, chosen["is_positive"].tolist(), strict=True):
        kinds.setdefault(query_id, ([], []))[not is_positive].append(doc_id)
    shape = EXPORT_FORMATS[export.format].tables[0].shape
    return {query_id: shape.passages(*of_query) for query_id, of_query in kinds.items()}


def usual_width(negatives: Ints) -> int:
    """
    The most negatives that KEPT_BY_WIDTH of the queries have, of those with any; 1 where none has.

    The most that any query has would leave out all others, and the least that every query has is often 1.
    """
    having = np.sort(negatives[negatives > 0])
    return int(having[int((1 - KEPT_BY_WIDTH) * len(having) + 1e-9)]) if len(having) else 1


def check_not_empty(planned: ExportPlan) -> None:
    """Raise RunError where there is nothing to write."""
    if not planned.exported:
        queries = sum(planned.left_out_queries.values())
        why = ", ".join(f"{count}: {reason}" for reason, count in planned.left_out_queries.items())
        raise RunError(f"export: nothing to write; of {queries} queries, {why or 'none was mined'}")


def _useful(selected: pd.DataFrame, export: Export) -> pd.DataFrame:
    """The positives, found answers among them, and the kept negatives."""
    positive = selected.is_positive
    if export.relevant == "promote":
        positive = positive | selected.status.eq(RELEVANT)
    if writes_scores(export):
        # What a reviewer found beyond the teacher's depth has none to write.
        positive = positive & (selected.is_positive | selected.teacher_score.notna())
    rows = selected.assign(is_positive=positive).loc[positive | selected.status.eq(KEPT), _COLUMNS]
    return rows.reset_index(drop=True)  # frames joined from shards repeat their row labels


def writes_scores(export: Export) -> bool:
    """Whether the rows of an export hold the teacher's scores."""
    use = EXPORT_FORMATS[export.format].scores
    return use == "always" or (use == "optional" and export.scores)


def _reasons(
    dataset: Dataset, negatives: Ints, positives: Ints, width: int | None, withheld: Mapping[str, str]
) -> npt.NDArray[np.object_]:
    """Why each query of the dataset is left out, (n_queries,); "" where it is not."""
    ids = dataset.queries.query_id
    judged = ids.map(withheld).fillna("").to_numpy(object) if withheld else np.full(len(ids), "", object)
    why = np.select(
        [judged != "", negatives == 0, positives == 0, negatives < (width or 1)],
        [judged, "no negative kept", "no positive", f"fewer than {width} negatives"],
        default="",
    )
    return why.astype(object)


def _beyond(query: Ints, rows: pd.DataFrame, width: int | None) -> npt.NDArray[np.bool_]:
    beyond = np.zeros(len(rows), bool)
    if width:
        kept = np.flatnonzero(~rows.is_positive.to_numpy(bool))
        # Counted without gaps, whatever the slots of labelled negatives are.
        order = kept[np.lexsort((rows.slot.to_numpy(np.float64, na_value=np.inf)[kept], query[kept]))]
        beyond[order] = run_positions(query[order]) >= width
    return beyond


def _left_out(
    selected: pd.DataFrame, useful: pd.DataFrame, fate: npt.NDArray[np.object_], withheld: Mapping[str, str]
) -> ExportCounts:
    """Candidates that are not written: by status, and by why their query is left out or their row is full."""
    refused = Counter(status_counts(selected)) - Counter(status_counts(useful))
    refused.pop(WITHHELD, None)
    out = selected.query_id[selected.status.eq(WITHHELD)].astype("str").map(withheld).to_numpy(object)
    return dict(refused) | _counts(np.concatenate([fate, out]))


def status_counts(frame: pd.DataFrame) -> ExportCounts:
    """Rows by status, in alphabetical order."""
    found = {str(status): int(count) for status, count in frame.status.value_counts().items()}
    return {status: found[status] for status in sorted(found) if found[status]}


def _counts(reason: npt.NDArray[np.object_]) -> ExportCounts:
    names, numbers = np.unique(reason[reason != ""].astype(str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, numbers, strict=True)}
