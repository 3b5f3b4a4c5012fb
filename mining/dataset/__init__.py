"""
Data in: queries, documents and judgements, read from any usual format and checked once, at the door.

In:  a folder or file in one of `FORMATS`, perhaps with a separate corpus
Out: a `Dataset` whose ids are unique, whose references hold and whose texts have content

Knows nothing of models, retrieval or runs. What passes here is trusted everywhere else.
"""

from mining.dataset.pairs import Columns
from mining.dataset.reading import FORMATS, Format, format_of, read
from mining.dataset.storage import fingerprint, load, save
from mining.dataset.tables import Dataset, ReadCounts, passages

__all__ = [
    "FORMATS",
    "Columns",
    "Dataset",
    "Format",
    "ReadCounts",
    "fingerprint",
    "format_of",
    "load",
    "passages",
    "read",
    "save",
]
