"""
Pairs, triplets and labelled documents in named columns, as sentence-transformers uses them: JSON, CSV, TSV or Parquet.

A row is a query with a positive (or a list of them) and perhaps negatives; or, where a column of labels says so, a
query with a document (or a list) that is a positive or a negative. Rows with the same query are merged, so several
positives may also stand on several rows. Every other column is the user's own, and stays with the query.
"""

import re
from collections.abc import Mapping
from typing import Any

from nearmiss.data.checks import (
    Wrong,
    described,
    shortened,
    wanted_grade,
    wanted_id,
    wanted_list,
    wanted_number,
    wanted_text,
)
from nearmiss.data.columns import ColumnPairs, ColumnRoles
from nearmiss.data.example import InputDocument, InputExample

# A list as pandas, numpy or JSON spell it in the cell of a CSV file: ["b", "c"], ['b', 'c'] or ['b' 'c'].
SPELLED_LIST = re.compile(r"""\s*\[\s*(["']).*\1\s*\]\s*""", re.DOTALL)
LABEL_VALUES = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}


def pair_example(row: Mapping[str, Any], layout: ColumnRoles, positive_from: float | None = None) -> InputExample:
    """The content of one row; unless labels are 0 and 1, `positive_from` must say which are positives."""
    query_id = cell(row, layout.query_id)
    query = None if layout.query is None else wanted_text(row[layout.query], layout.query)
    documents = passages_in(row, layout.positives)
    if layout.label is None:
        refuse_zero(row, layout.other_label)
        grades = grades_in(row, layout.grade, len(documents))
        positives = list(zip(documents, grades, strict=True))
        negatives = passages_in(row, layout.negatives)
    else:
        labels = labels_in(row, layout.label, len(documents), positive_from)
        if layout.scored:
            labels = [min(label, 1.0) for label in labels]
        positives = [(found, grade) for found, grade in zip(documents, labels, strict=True) if grade > 0]
        negatives = [found for found, grade in zip(documents, labels, strict=True) if grade == 0]
    return InputExample(
        query_id=None if query_id is None else wanted_id(query_id, str(layout.query_id)),
        query=query,
        positives=positives,
        negatives=negatives,
        own={name: value for name, value in row.items() if name not in layout.named},
        labelled=layout.label is not None,
    )


def refuse_zero(row: Mapping[str, Any], name: str | None) -> None:
    """Wrong where a label beside columns of negatives says 0: it may say that the positive is none."""
    label = cell(row, name)
    spelled = label.strip().lower() if isinstance(label, str) else label
    # A fraction, as the margins that are distilled from, is no label.
    if not isinstance(spelled, float) and spelled in (0, "0", "false"):
        wanted = f"no 0 in {name!r}, beside columns of negatives (--column label= if it is no label of the positive)"
        raise Wrong(wanted, described(label), alike=True)


def refuse_spelled_lists(row: Mapping[str, Any], layout: ColumnRoles) -> None:
    """Wrong where the cell of a CSV file spells out a list of texts: it would be taken for one text."""
    for name in {text for text, _ in (*layout.positives, *layout.negatives)}:
        value = cell(row, name)
        if isinstance(value, str) and SPELLED_LIST.fullmatch(value):
            wanted = (
                f"one text in a cell of {name!r}; a list needs JSON lines or Parquet, as pandas' to_json or to_parquet"
            )
            raise Wrong(wanted, f"a list that is spelled out, {shortened(value)}", alike=True)


def first_is_positive(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of our labeled-list export with scores, whose first document is the positive, with labels instead."""
    labels = [int(position == 0) for position in range(len(listed(row.get("answer"))))]
    return {name: value for name, value in row.items() if name != "scores"} | {"labels": labels}


def cell(row: Mapping[str, Any], name: str | None) -> Any:
    """A value; None where there is no such column."""
    return None if name is None else row.get(name)


def passages_in(row: Mapping[str, Any], pairs: ColumnPairs) -> list[InputDocument]:
    """The passages of cells of texts, of ids, or of both."""
    found = []
    for text_name, id_name in pairs:
        texts, ids = listed(cell(row, text_name)), listed(cell(row, id_name))
        if texts and ids and len(texts) != len(ids):
            raise Wrong(f"an id for each text in {id_name!r}", f"{len(ids)} ids and {len(texts)} texts")
        for position in range(max(len(texts), len(ids))):
            text = wanted_text(texts[position], str(text_name)) if texts else None
            doc_id = wanted_id(ids[position], str(id_name)) if ids else None
            found.append(InputDocument(doc_id, text=text))
    return found


def listed(value: Any) -> list[Any]:
    """A cell's values: none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def labels_in(row: Mapping[str, Any], name: str, count: int, positive_from: float | None) -> list[float]:
    """For each document, its grade as a positive, or 0 for a negative."""
    values = listed(row.get(name))
    if len(values) != count:
        raise Wrong(f"a label for each document in {name!r}", f"{len(values)} for {count}")
    return [grade_of(value, name, positive_from) for value in values]


def grade_of(label: Any, name: str, positive_from: float | None) -> float:
    """1 for a positive and 0 for a negative; whole numbers above 1 are grades, where a threshold is given."""
    if isinstance(label, str):
        known = LABEL_VALUES.get(label.strip().lower())
        label = number(label, name) if known is None else known
    value = wanted_number(float(label) if isinstance(label, bool) else label, name)
    if positive_from is not None:
        if value < positive_from:
            return 0.0
        return value if value >= 1 and value.is_integer() else 1.0
    if value not in (0, 1):
        wanted = f"0 or 1 in {name!r}; for other numbers --positive-from NUMBER, from which on a document is a positive"
        raise Wrong(wanted, described(label), alike=True)
    return value


def grades_in(row: Mapping[str, Any], name: str | None, count: int) -> list[float]:
    """A grade for each positive: 1.0 without a column, one for all, or one for each."""
    value = cell(row, name)
    if isinstance(value, list):
        return [wanted_grade(item, str(name)) for item in wanted_list(value, str(name), count)]
    # A CSV file has no numbers, only their text.
    if isinstance(value, str):
        value = number(value, str(name))
    return [1.0 if value is None else wanted_grade(value, str(name))] * count


def number(text: str, name: str) -> float:
    """A number spelled out."""
    try:
        return float(text)
    except ValueError:
        raise Wrong(f"a number in {name!r}", described(text)) from None
