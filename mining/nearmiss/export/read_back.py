"""
Exports read back: their manifests, the rows of their shards, and what each row trains on.

In:  folders that `write` wrote
Out: `WrittenExport`, rows as mappings, and the positives and negatives that a row names
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from nearmiss.data.exported_rows import MANIFEST
from nearmiss.data.opening import UNREADABLE, opened, reason
from nearmiss.errors import RunError
from nearmiss.export.formats import EXPORT_FORMATS
from nearmiss.settings import FormatName
from nearmiss.storage.files import read_json
from nearmiss.types import Row

Passages = dict[str, list[str]]  # by role: positive, negative, or passage where the row does not say which
_GROUP = 1000


@dataclass(frozen=True)
class WrittenExport:
    """An export that lies in a folder; `written_at` is in seconds since 1970, `bytes` of all its files."""

    folder: Path
    manifest: Mapping[str, Any]
    written_at: float
    bytes: int

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def rows(self) -> int:
        """Rows of all its tables."""
        return sum(shard["rows"] for shard in self.manifest["shards"])


def written(folder: Path) -> WrittenExport:
    """The export in a folder; raises RunError where there is none."""
    try:
        manifest = read_json(folder / MANIFEST)
        names = [shard["name"] for shard in manifest["shards"]] + list(manifest["other_files"])
        present = [folder / name for name in names if (folder / name).is_file()]
        if manifest["format"] not in EXPORT_FORMATS:
            raise KeyError(manifest["format"])
        size = sum(path.stat().st_size for path in present)
        return WrittenExport(folder, manifest, (folder / MANIFEST).stat().st_mtime, size)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RunError(f"{folder}: wanted an export with a {MANIFEST} of this release; found {error!r}") from error


def written_below(folder: Path) -> list[WrittenExport]:
    """The exports in a folder's folders, the newest first; other folders are skipped."""
    found = []
    for path in sorted(folder.glob("[!.]*")) if folder.is_dir() else []:
        if (path / MANIFEST).is_file():
            try:
                found.append(written(path))
            except RunError:
                continue
    return sorted(found, key=lambda export: -export.written_at)


def rows_of_first_table(export: WrittenExport) -> Iterator[Row]:
    """The rows that training reads, one at a time, with the columns' names."""
    form = EXPORT_FORMATS[export.manifest["format"]]
    table = form.tables[0]
    for shard in export.manifest["shards"]:
        if shard["name"].startswith(table.stem + "-"):
            path = export.folder / shard["name"]
            if path.suffix == ".parquet":
                yield from _parquet(path)
            elif form.file == "array":
                yield from _array(path, form.field)
            elif form.file == "tsv":
                yield from (dict(zip(table.columns, line.split("\t"), strict=True)) for line in _lines(path))
            else:
                yield from map(json.loads, _lines(path))


def query_of(row: Row) -> str:
    """What names the row's query: its id where the format has one, else its text. Every format begins with it."""
    first = next(iter(row.values()))
    return str(first[-1]["content"] if isinstance(first, list) else first)


def _parquet(path: Path) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_GROUP):
            yield from batch.to_pylist()


def _array(path: Path, field: str) -> Iterator[Row]:
    content = json.loads("".join(_lines(path)))
    yield from content[field] if field else content


def _lines(path: Path) -> Iterator[str]:
    try:
        # Texts hold other line breaks, such as U+2028.
        with opened(path) as packed, io.TextIOWrapper(packed, "utf-8", newline="\n") as content:
            for line in content:
                yield line.removesuffix("\n")
    except UNREADABLE as error:
        raise RunError(f"{path}: wanted a whole, readable shard; found {reason(error)}") from error


def passages_of(name: FormatName, row: Row) -> Passages:
    """The texts or ids of the passages that a row trains on, by role."""
    return _PASSAGES[name](row)


def _named(positive: str, negative: str, key: str = "") -> Callable[[Row], Passages]:
    """From two columns, of one passage or of several, which may be mappings with their id under `key`."""

    def read(row: Row) -> Passages:
        return {"positive": _several(row[positive], key), "negative": _several(row[negative], key)}

    return read


def _several(value: Any, key: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(item[key] if key else item) for item in values]


def _numbered(positive: str) -> Callable[[Row], Passages]:
    def read(row: Row) -> Passages:
        return {"positive": [row[positive]], "negative": [row[name] for name in row if name.startswith("negative_")]}

    return read


def _said(row: Row) -> Passages:
    """From conversations, whose last message is the passage."""
    named = {"positive": "positive_messages", "negative": "negative_messages"}
    return {role: [messages[-1]["content"] for messages in row[column]] for role, column in named.items()}


def _first_is_positive(column: str) -> Callable[[Row], Passages]:
    def read(row: Row) -> Passages:
        return {"positive": row[column][:1], "negative": row[column][1:]}

    return read


def _labelled(passage: str, label: str) -> Callable[[Row], Passages]:
    def read(row: Row) -> Passages:
        if label not in row:
            return {"passage": [row[passage]]}
        return {"positive" if float(row[label]) > 0 else "negative": [row[passage]]}

    return read


_PASSAGES: dict[FormatName, Callable[[Row], Passages]] = {
    "triplet": _named("answer", "negative"),
    "n-tuple": _numbered("answer"),
    "labeled-pair": _labelled("answer", "label"),
    "labeled-list": _first_is_positive("answer"),
    "margin-mse": _named("positive", "negative"),
    "margin-mse-list": _numbered("positive"),
    "kl": _numbered("positive"),
    "flag": _named("pos", "neg"),
    "tevatron": _named("positive_passages", "negative_passages", "docid"),
    "tevatron-ids": _named("positive_document_ids", "negative_document_ids"),
    "dpr": _named("positive_ctxs", "hard_negative_ctxs", "passage_id"),
    "pylate": _first_is_positive("document_ids"),
    "nemo": _named("pos_doc", "neg_doc", "id"),
    "rocketqa-ce": _labelled("passage", "label"),
    "rocketqa-de": _named("positive", "negative"),
    "swift": _said,
    "swift-reranker": _said,
    "arctic": _labelled("doc_id", "RELEVANCE"),
    "trec": _labelled("doc_id", "grade"),
}
