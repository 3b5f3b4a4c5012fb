"""
Export: kept negatives as training data, in the form that each training library reads.

In:  a dataset, its candidates with `status` and `slot`, the record of the run that made them, and what people judged
Out: a folder of shards with `manifest.json` and `card.md`, whole or absent; the same inputs give the same bytes
"""

from nearmiss.export.dry_run import DryRun, dry_run
from nearmiss.export.examples import Document, ScoredPassage, TrainingExample, examples
from nearmiss.export.format_tables import own_columns
from nearmiss.export.formats import EXPORT_FORMATS
from nearmiss.export.judgements import ExportReviews, judge
from nearmiss.export.manifest import Manifest
from nearmiss.export.shards import Shard
from nearmiss.export.writing import write
from nearmiss.settings import Export, FormatName

__all__ = [
    "EXPORT_FORMATS",
    "Document",
    "DryRun",
    "Export",
    "ExportReviews",
    "FormatName",
    "Manifest",
    "ScoredPassage",
    "Shard",
    "TrainingExample",
    "dry_run",
    "examples",
    "judge",
    "own_columns",
    "write",
]
