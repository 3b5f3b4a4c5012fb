"""
RocketQA's tab-separated training files, told apart by their number of columns; a title that is absent is `-`.

Cross-encoder: query, title, passage, label (1 or 0). Dual encoder: query, positive's title, positive, negative's
title, negative, and a last column that is always 0.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nearmiss.data.checks import Wrong, any_text, described, wanted_text
from nearmiss.data.delimited import tab_separated
from nearmiss.data.example import InputDocument, InputExample
from nearmiss.data.lines import InputRow
from nearmiss.data.rejects import Ledger

CROSS = ("query", "title", "passage", "label")
DUAL = ("query", "positive_title", "positive", "negative_title", "negative", "label")
COLUMNS_WANTED = "4 columns (query, title, passage, label) or 6 (query, title, positive, title, negative, 0)"


def rocketqa_rows(path: Path, ledger: Ledger) -> Iterator[InputRow]:
    """The lines of a file, with the columns' names."""
    for line, values in tab_separated(path, ledger, COLUMNS_WANTED, (len(CROSS), len(DUAL))):
        yield InputRow(str(path), line, dict(zip(CROSS if len(values) == len(CROSS) else DUAL, values, strict=True)))


def rocketqa_example(row: Mapping[str, Any]) -> InputExample:
    """The content of one line."""
    query = wanted_text(row["query"], "query")
    if "passage" not in row:
        if row["label"] != "0":
            raise Wrong("0 in the last column", described(row["label"]))
        positive = passage(row["positive_title"], row["positive"], "positive")
        negative = passage(row["negative_title"], row["negative"], "negative")
        return InputExample(None, query, [(positive, 1.0)], [negative], {})
    found = passage(row["title"], row["passage"], "passage")
    if row["label"] not in ("0", "1"):
        raise Wrong("0 or 1 in the last column", described(row["label"]))
    is_positive = row["label"] == "1"
    positives, negatives = ([(found, 1.0)], []) if is_positive else ([], [found])
    return InputExample(None, query, positives, negatives, {}, labelled=True)


def passage(title: str, text: str, name: str) -> InputDocument:
    """A passage with its title, where it has one."""
    shown = "" if title.strip() == "-" else title
    has_title = bool(any_text(shown, f"{name}_title").strip())
    return InputDocument(None, shown, any_text(text, name) if has_title else wanted_text(text, name))
