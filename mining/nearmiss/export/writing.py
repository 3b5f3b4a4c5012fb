"""
`write`: plan, write each table's shards, then the records beside them.

In:  a dataset, its candidates with `status` and `slot`, an `Export`, and the records of the run and of its reviews
Out: a folder that is whole or absent, and its `Manifest`
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from nearmiss.data.dataset import Dataset
from nearmiss.data.exported_rows import MANIFEST
from nearmiss.export.dataset_card import card
from nearmiss.export.folder import whole_folder
from nearmiss.export.format_tables import own_columns, rows_of_corpus, rows_of_table, types_of_corpus, types_of_table
from nearmiss.export.formats import EXPORT_FORMATS, ExportFormat, check
from nearmiss.export.judgements import ExportReviews
from nearmiss.export.manifest import Manifest
from nearmiss.export.plan import ExportPlan, check_not_empty, plan, status_counts
from nearmiss.export.shards import FileLayout, Shard, write_shards
from nearmiss.settings import Export
from nearmiss.storage.files import write_json
from nearmiss.types import Advance, Row

NOBODY = ExportReviews()
_CARDS = ("card.md", "README.md")


def _quietly(done: int) -> None:
    """Reports no progress."""


def write(
    dataset: Dataset,
    selected: pd.DataFrame,
    out: Path,
    export: Export,
    provenance: Mapping[str, Any],
    advance: Advance = _quietly,
    reviews: ExportReviews = NOBODY,
    planned: ExportPlan | None = None,
) -> Manifest:
    """
    Write the kept negatives of `selected` to the folder `out`; `advance` is called for each row written.

    `provenance` (recipe, policy, fingerprints, seconds; plain JSON values) goes into the manifest as it is. `selected`
    and `reviews` are as `judgements.judge` gives them, or `selected` alone as `selection.select` does.
    `planned` is what `plan` makes of the same, where it is known.
    Raises RunError where `out` holds anything but the same export, RecipeError where the format cannot do as asked.
    """
    check(export)
    planned = planned or plan(dataset, selected, export, reviews.withheld)
    check_not_empty(planned)
    begun = _manifest(dataset, selected, planned, export, provenance, reviews)
    with whole_folder(out, begun.as_json()) as folder:
        shards = tuple(_shards(folder, dataset, planned, export, provenance, advance))
        manifest = replace(begun, shards=shards)
        _write_records(folder, EXPORT_FORMATS[export.format].records(export), manifest)
    return manifest


def _manifest(
    dataset: Dataset,
    selected: pd.DataFrame,
    planned: ExportPlan,
    export: Export,
    provenance: Mapping[str, Any],
    reviews: ExportReviews,
) -> Manifest:
    return Manifest(
        format=export.format,
        options=asdict(export),
        provenance=provenance,
        reviews=reviews.as_json(),
        status=status_counts(selected),
        exported_queries=planned.exported,
        left_out_queries=planned.left_out_queries,
        exported_positives=int(planned.positives.sum()),
        promoted_positives=planned.promoted,
        exported_negatives=int(planned.negatives.sum()),
        left_out_candidates=planned.left_out_candidates,
        own_columns=tuple(own_columns(dataset, export.format)) if export.own_columns else (),
        batch_groups=None if planned.groups is None else planned.groups.facts(),
        shards=(),
        other_files=(*EXPORT_FORMATS[export.format].records(export), *_CARDS, MANIFEST),
    )


def _shards(
    folder: Path,
    dataset: Dataset,
    planned: ExportPlan,
    export: Export,
    provenance: Mapping[str, Any],
    advance: Advance,
) -> Iterator[Shard]:
    form = EXPORT_FORMATS[export.format]
    layout = layout_of(form, export, provenance)
    for table in form.tables:
        rows = _counting(rows_of_table(dataset, planned, table, export), advance)
        yield from write_shards(folder, table.stem, rows, layout, types_of_table(dataset, table, export))
    if form.corpus:
        layout = replace(layout, file="parquet") if form.file == "array" else layout
        rows = _counting(rows_of_corpus(dataset, planned.selected, form.corpus, export), advance)
        yield from write_shards(folder, form.corpus.stem, rows, layout, types_of_corpus(dataset, form.corpus, export))


def _counting(rows: Iterator[Row], advance: Advance) -> Iterator[Row]:
    for row in rows:
        yield row
        advance(1)


def layout_of(form: ExportFormat, export: Export, provenance: Mapping[str, Any]) -> FileLayout:
    """How the files of an export are laid out."""
    head, tail = form.frame(provenance)
    compress = export.compress or ("none" if form.opened_plainly else "zst")
    if form.file == "rows":
        return FileLayout(export.container, compress, export.shard_size)
    if form.file == "parquet":
        return FileLayout("parquet", compress, export.shard_size)
    return FileLayout("json" if form.file == "array" else "tsv", compress, export.shard_size, head, tail)


def _write_records(folder: Path, records: Mapping[str, Any], manifest: Manifest) -> None:
    for name, content in records.items():
        write_json(folder / name, content)
    write_json(folder / MANIFEST, manifest.as_json())
    for name in _CARDS:
        # `datasets` and the hub read the front matter from README.md alone.
        (folder / name).write_text(card(manifest), "utf-8")
