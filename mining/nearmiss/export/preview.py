"""
The preview: the first lines of each file of an export, as `write` would write them.

In:  a planned export
Out: for each table the name of its first file and its first lines; nothing is written
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from nearmiss.data.dataset import Dataset
from nearmiss.export.format_tables import rows_of_corpus, rows_of_table
from nearmiss.export.formats import EXPORT_FORMATS
from nearmiss.export.plan import ExportPlan
from nearmiss.export.shards import FileLayout, lines
from nearmiss.export.writing import layout_of
from nearmiss.settings import Export
from nearmiss.types import Row


@dataclass(frozen=True)
class FilePreview:
    """A file's name and its beginning; rows of Parquet are shown as JSON, since its bytes are no text."""

    name: str
    beginning: str


def preview(
    dataset: Dataset, planned: ExportPlan, export: Export, provenance: Mapping[str, Any], rows: int
) -> list[FilePreview]:
    """The first `rows` rows of each table; none of a table that has none."""
    form = EXPORT_FORMATS[export.format]
    layout = layout_of(form, export, provenance)
    found = [
        _beginning(table.stem, rows_of_table(dataset, planned, table, export), layout, rows) for table in form.tables
    ]
    if form.corpus:
        layout = replace(layout, file="parquet") if form.file == "array" else layout
        corpus = rows_of_corpus(dataset, planned.selected, form.corpus, export)
        found.append(_beginning(form.corpus.stem, corpus, layout, rows))
    return [one for one in found if one.beginning]


def _beginning(stem: str, every: Iterator[Row], layout: FileLayout, rows: int) -> FilePreview:
    first = list(islice(every, rows))
    as_text = replace(layout, file="jsonl") if layout.file == "parquet" else layout
    written = list(lines(first, as_text)) if first else []
    if layout.file == "json":
        written = written[:-1]  # the bracket that closes the file
    return FilePreview(layout.name(stem, 0), "".join(written))
