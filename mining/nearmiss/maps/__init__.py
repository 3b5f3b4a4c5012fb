"""
Maps: a round's documents and queries on a plane, laid out once, and what the app shows of it.

In:  the vectors of a finished round; then the statuses and verdicts of its candidates
Out: map.parquet and map.json in the round's folder; the points' statuses, scores and neighbourhoods

Every map distorts; how much is measured and stored with it.
"""

from nearmiss.maps.atlas import GROUPINGS, SHOWN_FIRST, Around, Atlas, Grouping, Groups, open_atlas
from nearmiss.maps.background import MapProgress, progress, start
from nearmiss.maps.making import MOST_POINTS, Map, make, open_map
from nearmiss.maps.nearest import nearest, with_words
from nearmiss.pipeline.own_process import Stopped

__all__ = [
    "GROUPINGS",
    "MOST_POINTS",
    "SHOWN_FIRST",
    "Around",
    "Atlas",
    "Grouping",
    "Groups",
    "Map",
    "MapProgress",
    "Stopped",
    "make",
    "nearest",
    "open_atlas",
    "open_map",
    "progress",
    "start",
    "with_words",
]
