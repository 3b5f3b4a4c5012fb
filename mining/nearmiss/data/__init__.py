"""
Data in: queries, documents and judgements, read from any usual format and checked once, at the door.

In:  a folder or file in one of `INPUT_FORMATS`, perhaps with a separate corpus
Out: a `Dataset` whose ids are unique, whose references hold and whose texts have content

What passes these checks is trusted everywhere else.
"""

from nearmiss.data.columns import ColumnNames
from nearmiss.data.dataset import Dataset, Passages, ReadCounts, passages
from nearmiss.data.input_formats import INPUT_FORMATS, InputFormat, format_of
from nearmiss.data.on_disk import fingerprint, load, save
from nearmiss.data.reader import read

__all__ = [
    "INPUT_FORMATS",
    "ColumnNames",
    "Dataset",
    "InputFormat",
    "Passages",
    "ReadCounts",
    "fingerprint",
    "format_of",
    "load",
    "passages",
    "read",
    "save",
]
