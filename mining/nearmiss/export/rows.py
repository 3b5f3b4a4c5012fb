"""
A few rows of a frame as plain Python values, without turning the whole frame into objects.

It separates text columns from the user's own, whatever the format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nearmiss.errors import RunError

Own = Mapping[str, Any]
QUERY_FIELDS = ("query_id", "text")
TEXT_FIELDS = ("doc_id", "title", "text")


@dataclass(frozen=True)
class Rows:
    """A frame's text columns as Arrow (quick to read at random), and the user's own as they are."""

    texts: pa.Table
    own: Mapping[str, Any]

    def take(self, numbers: Sequence[int]) -> list[tuple[dict[str, str], Own]]:
        """For each row number, its texts and the user's own values, missing ones as None."""
        texts = self.texts.take(pa.array(numbers, pa.int64())).to_pylist()
        own = ({name: plain(column[number]) for name, column in self.own.items()} for number in numbers)
        return list(zip(texts, own, strict=True))


def rows_of(frame: pd.DataFrame, fields: tuple[str, ...]) -> Rows:
    """Split `frame` into `fields`, which hold text, and the rest."""
    texts = pa.Table.from_pandas(frame[list(fields)], preserve_index=False)
    return Rows(texts, {name: frame[name].array for name in own_names(frame, fields)})


def own_names(frame: pd.DataFrame, fields: tuple[str, ...]) -> list[str]:
    """The user's own columns."""
    return [str(name) for name in frame.columns if name not in fields]


def own_types(frame: pd.DataFrame, fields: tuple[str, ...]) -> pa.Schema:
    """Parquet's types of the user's own columns, from all their values: the first may be missing."""
    return pa.schema([pa.field(name, _type(frame[name])) for name in own_names(frame, fields)])


def _type(column: pd.Series) -> pa.DataType:
    try:
        return pa.array([plain(value) for value in column.array]).type
    except (pa.ArrowInvalid, pa.ArrowTypeError) as refused:
        wanted = "--own-columns with Parquet: wanted one type of value a column"
        raise RunError(f"{wanted}; {column.name!r} holds several: use jsonl") from refused


def plain(value: Any) -> Any:
    """A cell as plain Python: None where missing, lists for arrays."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is pd.NA or value is pd.NaT or value != value else value
