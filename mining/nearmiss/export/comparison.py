"""
Two exports compared: which settings differ, how much they hold, and which passages came or went.

In:  two exports that `write` wrote
Out: a `Comparison`
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from nearmiss.export.read_back import WrittenExport, passages_of, query_of, rows_of_first_table

# More would not fit into memory; counts and settings are still compared.
MOST_PASSAGES = 5_000_000
_RECORDS = ("round", "recipe", "policy", "dataset", "encoder", "teacher", "sparse_encoder", "versions")
_COUNTS = ("exported_queries", "exported_positives", "promoted_positives", "exported_negatives")
PassageKey = tuple[str, str, str]  # query, role, passage


@dataclass(frozen=True)
class ChangedSetting:
    """A setting that differs, by its place and name in the manifests."""

    part: str
    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    """
    `counts` has a pair for each count; `changes` a row for each passage that only one of the two names: query, change
    ("gained" by the second, "lost"), role ("positive", "negative", or "passage" where rows do not say) and passage.
    Where passages could not be compared, `changes` is None and `why_not` says why.
    """

    settings: list[ChangedSetting]
    counts: dict[str, tuple[int, int]]
    changes: pd.DataFrame | None
    why_not: str = ""

    @cached_property
    def by_query(self) -> pd.DataFrame:
        """For each query that changed: positives and negatives gained and lost; the most changed first."""
        if self.changes is None:
            return pd.DataFrame()
        kinds = self.changes.role + "s " + self.changes.change
        counts = pd.crosstab(self.changes["query"], kinds).rename_axis(columns=None)
        order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
        return counts.loc[order].reset_index()

    def passages_of(self, query: str) -> list[tuple[str, str, str]]:
        """The changes of a query: change, role and passage of each."""
        if self.changes is None:
            return []
        rows = self.changes[self.changes["query"].eq(query)]
        return list(zip(rows["change"], rows["role"], rows["passage"], strict=True))


def compare(first: WrittenExport, second: WrittenExport) -> Comparison:
    """How the second export differs from the first."""
    why_not = _why_not(first, second)
    changes = None if why_not else _changes(first, second)
    return Comparison(list(_settings(first, second)), _counts(first, second), changes, why_not)


def _settings(first: WrittenExport, second: WrittenExport) -> Iterator[ChangedSetting]:
    parts = {"export": ("options",), "judgements": ("reviews",)} | {name: ("provenance", name) for name in _RECORDS}
    for part, path in parts.items():
        left, right = (_flat(_at(export.manifest, path)) for export in (first, second))
        for name in dict.fromkeys([*left, *right]):
            if left.get(name) != right.get(name):
                yield ChangedSetting(part, name, left.get(name), right.get(name))


def _at(content: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = content
    for name in path:
        found = (found or {}).get(name)
    return found


def _flat(content: Any, name: str = "") -> dict[str, Any]:
    """Nested settings by dotted names."""
    if not isinstance(content, dict):
        return {} if content is None and not name else {name: content}
    inner = {f"{name}.{key}" if name else key: value for key, value in content.items()}
    return {full: value for key, held in inner.items() for full, value in _flat(held, key).items()}


def _counts(first: WrittenExport, second: WrittenExport) -> dict[str, tuple[int, int]]:
    names = {"rows": (first.rows, second.rows)}
    return names | {name: (first.manifest.get(name, 0), second.manifest.get(name, 0)) for name in _COUNTS}


def _why_not(first: WrittenExport, second: WrittenExport) -> str:
    formats = [export.manifest["format"] for export in (first, second)]
    if formats[0] != formats[1]:
        return f"The passages of {formats[0]} and {formats[1]} cannot be compared: they name them in different ways."
    if max(sum(_counts(first, second)[name][side] for name in _COUNTS) for side in (0, 1)) > MOST_PASSAGES:
        return f"With more than {MOST_PASSAGES:,} passages, only counts and settings are compared."
    for export in (first, second):
        for shard in export.manifest["shards"]:
            path = export.folder / shard["name"]
            if not path.is_file() or path.stat().st_size != shard["bytes"]:
                return f"The passages cannot be compared: {path} is missing or was changed."
    return ""


def _changes(first: WrittenExport, second: WrittenExport) -> pd.DataFrame:
    before = {hash(key) for key in _keys(first)}
    after = set()
    changes = []
    for key in _keys(second):
        number = hash(key)
        if number not in before and number not in after:
            changes.append((key[0], "gained", *key[1:]))
        after.add(number)
    lost = dict.fromkeys(key for key in _keys(first) if hash(key) not in after)
    changes += [(query, "lost", role, passage) for query, role, passage in lost]
    return pd.DataFrame(changes, columns=["query", "change", "role", "passage"], dtype="str")


def _keys(export: WrittenExport) -> Iterator[PassageKey]:
    for row in rows_of_first_table(export):
        query = query_of(row)
        for role, passages in passages_of(export.manifest["format"], row).items():
            for passage in passages:
                yield query, role, passage
