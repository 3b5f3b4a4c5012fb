"""
`write`: plan, write each table's shards, then the records beside them.

In:  a dataset, its candidates with `status` and `slot`, an `Export`, and the record of the run that made them
Out: a folder that is whole or absent, and its `Manifest`
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mining.dataset.tables import Dataset
from mining.errors import RecipeError
from mining.export.card import card
from mining.export.folder import MANIFEST, whole_folder
from mining.export.formats import FORMATS, Format
from mining.export.manifest import Manifest
from mining.export.plan import Plan, plan
from mining.export.rows import QUERY_FIELDS, TEXT_FIELDS, own_names
from mining.export.shards import Layout, Shard, write_shards
from mining.export.tables import Advance, rows_of_corpus, rows_of_table, types_of_corpus, types_of_table
from mining.files import write_json
from mining.recipe import Export
from mining.selection import KEPT

_CARDS = ("card.md", "README.md")


def _quietly(done: int) -> None:
    """Nobody watches."""


def write(
    dataset: Dataset,
    selected: pd.DataFrame,
    out: Path,
    export: Export,
    provenance: Mapping[str, Any],
    advance: Advance = _quietly,
) -> Manifest:
    """
    Write the kept negatives of `selected` to the folder `out`; `advance` hears of each query done.

    `provenance` (recipe, policy, fingerprints, seconds; plain JSON values) goes into the manifest as it is.
    Raises RunError where `out` holds anything but the same export, RecipeError where the format cannot do as asked.
    """
    form = FORMATS[export.format]
    _check(export, form)
    planned = plan(dataset, selected, form.same_number, export.negatives)
    begun = _manifest(dataset, selected, planned, export, provenance)
    with whole_folder(out, begun.as_json()) as folder:
        shards = tuple(_shards(folder, dataset, planned, export, provenance, advance))
        manifest = replace(begun, shards=shards)
        _write_records(folder, form.records(export), manifest)
    return manifest


def _check(export: Export, form: Format) -> None:
    name = export.format
    if export.scores and form.scores == "never":
        raise RecipeError(f"--scores: wanted a format with a place for them; found {name}")
    if export.own_columns and form.own_columns_in is None:
        raise RecipeError(f"--own-columns: wanted a format that can be extended; found {name}")
    if export.container == "parquet" and form.file != "rows":
        raise RecipeError(f"--container parquet: wanted a format of rows; found {name}")
    if export.negatives is not None and not form.same_number:
        raise RecipeError(f"--negatives: wanted n-tuple, margin-mse-list or kl; found {name}, which takes any number")
    if export.prompt and name != "flag":
        raise RecipeError(f"--prompt: wanted flag, which has a field for it; found {name}")


def _manifest(
    dataset: Dataset, selected: pd.DataFrame, planned: Plan, export: Export, provenance: Mapping[str, Any]
) -> Manifest:
    return Manifest(
        format=export.format,
        options=asdict(export),
        provenance=provenance,
        status={
            str(name): int(count) for name, count in selected.status.astype("str").value_counts().sort_index().items()
        },
        exported_queries=planned.exported,
        left_out_queries=planned.left_out,
        exported_negatives=int((planned.selected.status.eq(KEPT)).sum()),
        negatives_beyond_the_row=planned.negatives_beyond_width,
        own_columns=_own_columns(dataset, export),
        shards=(),
        other_files=(*FORMATS[export.format].records(export), *_CARDS, MANIFEST),
    )


def _own_columns(dataset: Dataset, export: Export) -> tuple[str, ...]:
    if not export.own_columns:
        return ()
    documents = own_names(dataset.documents, TEXT_FIELDS) if FORMATS[export.format].corpus else []
    return tuple(dict.fromkeys(own_names(dataset.queries, QUERY_FIELDS) + documents))


def _shards(
    folder: Path,
    dataset: Dataset,
    planned: Plan,
    export: Export,
    provenance: Mapping[str, Any],
    advance: Advance,
) -> Iterator[Shard]:
    form = FORMATS[export.format]
    layout = _layout(form, export, provenance)
    for table in form.tables:
        # Every query is in every table; the first one's pass is the one that counts.
        heard = advance if table is form.tables[0] else _quietly
        rows = rows_of_table(dataset, planned.selected, table, export, heard)
        yield from write_shards(folder, table.stem, rows, layout, types_of_table(dataset, table, export))
    if form.corpus:
        layout = replace(layout, file="parquet") if form.file == "array" else layout
        rows = rows_of_corpus(dataset, planned.selected, form.corpus, export)
        yield from write_shards(folder, form.corpus.stem, rows, layout, types_of_corpus(dataset, export))


def _layout(form: Format, export: Export, provenance: Mapping[str, Any]) -> Layout:
    head, tail = form.frame(provenance)
    compress = export.compress or ("none" if form.opened_plainly else "zst")
    if form.file == "rows":
        return Layout(export.container, compress, export.shard_size)
    return Layout("json" if form.file == "array" else "tsv", compress, export.shard_size, head, tail)


def _write_records(folder: Path, records: Mapping[str, Any], manifest: Manifest) -> None:
    for name, content in records.items():
        write_json(folder / name, content)
    write_json(folder / MANIFEST, manifest.as_json())
    for name in _CARDS:
        # `datasets` and the hub read the front matter from README.md alone.
        (folder / name).write_text(card(manifest), "utf-8")
