"""
Export: kept negatives as training data, in the form that each training code reads.

In:  a dataset, its candidates with `status` and `slot`, and the record of the run that made them
Out: a folder of shards with `manifest.json` and `card.md`, whole or absent; the same inputs give the same bytes

Knows nothing of models or of the run folder.
"""

from mining.export.examples import Document, Example, Passage, examples
from mining.export.formats import FORMATS
from mining.export.manifest import Manifest
from mining.export.shards import Shard
from mining.export.writing import write
from mining.recipe import Export, FormatName

__all__ = [
    "FORMATS",
    "Document",
    "Example",
    "Export",
    "FormatName",
    "Manifest",
    "Passage",
    "Shard",
    "examples",
    "write",
]
