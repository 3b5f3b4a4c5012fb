"""
Export inputs: everything that goes into one export of a workspace, at one moment.

In:  a workspace, an `Export`
Out: `ExportInputs`: what would be written, row by row or as a count, and the shards themselves
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nearmiss import audit
from nearmiss.data import Dataset
from nearmiss.export import DryRun, Export, ExportReviews, Manifest, dry_run, trained, write
from nearmiss.export.format_tables import rows_of_corpus, rows_of_table
from nearmiss.export.formats import EXPORT_FORMATS, check
from nearmiss.export.judgements import judge, read
from nearmiss.export.plan import ExportPlan, check_not_empty, plan
from nearmiss.export.preview import FilePreview, preview
from nearmiss.settings import Policy
from nearmiss.types import Advance
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class ExportInputs:
    """Everything that goes into one export, at one moment."""

    dataset: Dataset
    selected: pd.DataFrame
    reviews: ExportReviews
    export: Export
    planned: ExportPlan
    rows: pd.DataFrame  # the mined negatives that would be written; `query_id` and `doc_id`, sorted
    provenance: Mapping[str, Any]

    def dry_run(self) -> DryRun:
        """What would be written, and why not the rest."""
        return dry_run(self.dataset, self.selected, self.export, self.reviews, self.planned)

    def preview(self, rows: int = 3) -> list[FilePreview]:
        """The first rows of each file, as they would be written."""
        check(self.export)
        return preview(self.dataset, self.planned, self.export, self.provenance, rows)

    def tables(self) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
        """The name and the rows of each table that would be written, its corpus among them."""
        check(self.export)
        planned = self.planned
        check_not_empty(planned)
        form = EXPORT_FORMATS[self.export.format]
        for table in form.tables:
            yield table.stem, rows_of_table(self.dataset, planned, table, self.export)
        if form.corpus:
            yield form.corpus.stem, rows_of_corpus(self.dataset, planned.selected, form.corpus, self.export)

    def write(self, out: Path, advance: Advance) -> Manifest:
        """Write it; `advance` is called for each row."""
        return write(
            self.dataset, self.selected, out, self.export, self.provenance, advance, self.reviews, self.planned
        )


def prepare(work: Workspace, export: Export, policy: Policy | None = None) -> ExportInputs:
    """The candidates under the judgements so far and a policy (by default the one in force), as exports use them."""
    work.refresh()
    policy = policy or work.policy
    with work.unchanged():
        judgements = read(work.standing, work.run.avoided)
        table = work.table.judged(work.table.verdicts.copy(), work.table.positive)
    selected, reviews = judge(table, judgements, policy, export, work.same_document)
    planned = plan(work.run.dataset, selected, export, reviews.withheld)
    rows = audit.rows_of(selected, planned.selected)
    certificate = audit.covering(work, rows=rows)
    measured = {
        "certificate": certificate.as_json() if certificate else None,
        "certification": audit.certification(work, rows, certificate),
    }
    learnt = {"trial": trained.found(work.run.folder, work.run.dataset, planned.selected)}
    provenance = work.run.provenance(work.number) | {"policy": asdict(policy)} | measured | learnt
    return ExportInputs(work.run.dataset, selected, reviews, export, planned, rows, provenance)
