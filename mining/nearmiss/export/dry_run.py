"""
The dry run: how much an export would write, and why not the rest, without reading a text.

In:  the same as `write`, less the folder
Out: the counts that `write` would put into its manifest

Plans exactly as `write` does; the formats give the sizes of their tables.
"""

from dataclasses import dataclass

import pandas as pd

from nearmiss.data.dataset import Dataset
from nearmiss.export.formats import EXPORT_FORMATS, check
from nearmiss.export.judgements import ExportReviews
from nearmiss.export.plan import ExportCounts, ExportPlan, plan
from nearmiss.settings import Export


@dataclass(frozen=True)
class DryRun:
    """
    What an export would write: rows of each table, by stem, and what they are made of.

    Written and left-out queries sum to the dataset's; positives, negatives and left-out candidates to all candidates.
    """

    rows: ExportCounts
    files: int
    queries: int
    positives: int
    promoted: int
    negatives: int
    left_out_queries: ExportCounts
    left_out_candidates: ExportCounts
    width: int | None = None  # negatives in each row, where the format needs the same number in all

    @property
    def all_rows(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())

    @property
    def left_out(self) -> int:
        """Candidates that are not written."""
        return sum(self.left_out_candidates.values())

    @property
    def candidates(self) -> int:
        """All candidates."""
        return self.positives + self.negatives + self.left_out


def dry_run(
    dataset: Dataset,
    selected: pd.DataFrame,
    export: Export,
    reviews: ExportReviews,
    planned: ExportPlan | None = None,
) -> DryRun:
    """
    Count what `write` would write; raises RecipeError as it does, and finds nothing to write without complaint.

    `planned` is what `plan` makes of the same, where it is known.
    """
    check(export)
    form = EXPORT_FORMATS[export.format]
    planned = planned or plan(dataset, selected, export, reviews.withheld)
    rows = {table.stem: int(table.shape.count(planned.positives, planned.negatives).sum()) for table in form.tables}
    if form.corpus:
        rows[form.corpus.stem] = int(planned.selected.doc_id.nunique())
    return DryRun(
        rows=rows,
        files=sum(-(-count // (export.shard_size or max(count, 1))) for count in rows.values()),
        queries=planned.exported,
        positives=int(planned.positives.sum()),
        promoted=planned.promoted,
        negatives=int(planned.negatives.sum()),
        left_out_queries=planned.left_out_queries,
        left_out_candidates=planned.left_out_candidates,
        width=planned.width,
    )
