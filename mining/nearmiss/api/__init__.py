"""
What a program calls: mine a dataset, open a run, decide, explain, export.

In:  paths, datasets and models as a program has them, in memory or on disk
Out: an `OpenRun`, with its tables, reports and exports

Everything here is also a command; see `nearmiss --help`. Nothing prints.
"""

from nearmiss.api.mining import mine
from nearmiss.api.runs import OpenRun, Selection, open_run

__all__ = ["OpenRun", "Selection", "mine", "open_run"]
