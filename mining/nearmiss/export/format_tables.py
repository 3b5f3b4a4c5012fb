"""
The rows of one table of a format, with the user's own columns after the format's where they are asked for.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from nearmiss.data.dataset import Dataset
from nearmiss.errors import RunError
from nearmiss.export.examples import examples, exported_documents
from nearmiss.export.formats import EXPORT_FORMATS, GROUP, CorpusTable, FormatTable
from nearmiss.export.plan import ExportPlan
from nearmiss.export.rows import QUERY_FIELDS, TEXT_FIELDS, own_names, own_types
from nearmiss.settings import Export, FormatName
from nearmiss.types import Row


def rows_of_table(dataset: Dataset, planned: ExportPlan, table: FormatTable, export: Export) -> Iterator[Row]:
    """A table's rows, one at a time."""
    extended = _is_extended(table, export)
    grouped = planned.groups if table is EXPORT_FORMATS[export.format].tables[0] else None
    for example in examples(dataset, planned.selected):
        for number, row in enumerate(table.rows(example, export)):
            row = _extended(row, example.own) if extended else row
            yield row if grouped is None else _extended(row, {GROUP: grouped.of[example.query_id][number]})


def rows_of_corpus(dataset: Dataset, selected: pd.DataFrame, corpus: CorpusTable, export: Export) -> Iterator[Row]:
    """The rows of the documents that some example names."""
    for document in exported_documents(dataset, selected):
        row = corpus.row(document)
        yield _extended(row, document.own) if export.own_columns else row


def _extended(row: Row, own_values: Mapping[str, Any]) -> Row:
    if taken := sorted(row.keys() & own_values.keys()):
        raise RunError(f"--own-columns: wanted names that the format does not use; found {taken}: rename them")
    return {**row, **own_values}


def _is_extended(table: FormatTable, export: Export) -> bool:
    return export.own_columns and EXPORT_FORMATS[export.format].own_columns_in == table.stem


def own_columns(dataset: Dataset, name: FormatName) -> list[str]:
    """The user's own columns that a format can take along; none where it takes none."""
    form = EXPORT_FORMATS[name]
    if form.own_columns_in is None:
        return []
    documents = own_names(dataset.documents, TEXT_FIELDS) if form.corpus else []
    return list(dict.fromkeys(own_names(dataset.queries, QUERY_FIELDS) + documents))


def types_of_table(dataset: Dataset, table: FormatTable, export: Export) -> pa.Schema:
    """Types of columns in a table, where Parquet needs them: the format's, and of the user's own."""
    typed = _is_parquet(export) and _is_extended(table, export)
    own = own_types(dataset.queries, QUERY_FIELDS) if typed else pa.schema([])
    return _with_types(table.types, own)


def types_of_corpus(dataset: Dataset, corpus: CorpusTable, export: Export) -> pa.Schema:
    """The same for the corpus, which stands beside JSON arrays as Parquet."""
    typed = export.own_columns and (_is_parquet(export) or EXPORT_FORMATS[export.format].file == "array")
    own = own_types(dataset.documents, TEXT_FIELDS) if typed else pa.schema([])
    return _with_types(corpus.types, own)


def _is_parquet(export: Export) -> bool:
    return export.container == "parquet" or EXPORT_FORMATS[export.format].file == "parquet"


def _with_types(types: Mapping[str, str], own: pa.Schema) -> pa.Schema:
    return pa.schema([*(pa.field(name, pa.type_for_alias(kind)) for name, kind in types.items()), *own])
