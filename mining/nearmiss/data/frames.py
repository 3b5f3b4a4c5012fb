"""
The gathered rows as the four tables.

In:  a `Gathered`
Out: a `Dataset`; the user's own fields as columns of a type that fits every value
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from nearmiss.data.checks import NotText
from nearmiss.data.dataset import Dataset, ReadCounts
from nearmiss.data.gathering import Gathered, Mention
from nearmiss.types import Pair

LARGEST = 2**53  # whole numbers above are no longer exact as floats


def frames(gathered: Gathered, counts: ReadCounts, notes: tuple[str, ...] = ()) -> Dataset:
    """The tables, each in the order of first mention."""
    return Dataset(
        queries=table("query_id", gathered.queries, ("text",)),
        documents=table("doc_id", gathered.documents, ("title", "text")),
        positives=pairs(gathered.grades).assign(grade=pd.Series(gathered.grades.values(), dtype="float64")),
        negatives=pairs(gathered.negatives),
        counts=counts,
        notes=notes,
    )


def pairs(judged: Iterable[Pair]) -> pd.DataFrame:
    """query_id and doc_id of each judgement."""
    columns = list(zip(*judged, strict=True)) or [(), ()]
    return pd.DataFrame({"query_id": texts(columns[0]), "doc_id": texts(columns[1])})


def table(key: str, mentions: dict[str, Mention], fields: tuple[str, ...]) -> pd.DataFrame:
    """Our columns, then the user's."""
    ours = {key: texts(mentions)}
    ours |= {name: texts(getattr(mention, name) for mention in mentions.values()) for name in fields}
    theirs = own_columns([mention.own for mention in mentions.values()])
    reserved = {"doc_id", "title"} if key == "doc_id" else {"query_id"}
    for name, column in theirs.items():
        ours[renamed(name or "unnamed", reserved | {"text", *ours})] = column
    return pd.DataFrame(ours)


def renamed(name: str, taken: set[str]) -> str:
    """A name for one of the user's columns that does not clash with ours."""
    while name in taken:
        name = f"own_{name}"
    return name


def own_columns(mentions: list[list[dict[str, Any]]]) -> dict[str, pd.Series]:
    """
    The user's fields as columns, with one value for each list of mentions.

    Where the mentions of one row differ in a field, its whole column holds lists of the different values.
    """
    names = dict.fromkeys(name for owns in mentions for own in owns for name in own)
    return {name: own_column([different(name, owns) for owns in mentions]) for name in names}


def different(name: str, owns: list[dict[str, Any]]) -> list[Any]:
    """The different values of a field, in order; NaN counts as absent, as it does in a data frame."""
    values: list[Any] = []
    for own in owns:
        value = own.get(name)
        if isinstance(value, NotText):
            value = str(value)
        if value is not None and value == value and value not in values:
            values.append(value)
    return values


def own_column(found: list[list[Any]]) -> pd.Series:
    """Scalars if no row has two values, else lists."""
    if any(len(values) > 1 for values in found):
        return pd.Series(found, dtype="object")
    return typed([values[0] if values else None for values in found])


def typed(values: list[Any]) -> pd.Series:
    """The narrowest type that holds every value as it is; mixed and nested ones stay Python objects."""
    types = {type(value) for value in values if value is not None}
    if types == {str}:
        return texts(values)
    if types == {bool}:
        return pd.Series(values, dtype="boolean")
    small = not types & {int} or all(abs(value) <= LARGEST for value in values if isinstance(value, int))
    if types == {int} and small:
        return pd.Series(values, dtype="Int64")
    if types and types <= {int, float} and small:
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype="object")


def texts(values: Iterable[Any]) -> pd.Series:
    """A column of text, also where it is empty."""
    return pd.Series(list(values), dtype="str")
