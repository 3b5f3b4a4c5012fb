"""
The sample: which points are on the map where there is no room for all.

In:  how many queries; the cluster of each document; the pairs that matter most; how much room
Out: rows of queries and documents, and each stratum's size before and after

Every draw is seeded.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.types import AnyInts

QUERIES_AT_MOST = 5  # one fifth of the room, so that the documents they are about find some too


@dataclass(frozen=True)
class MapStratum:
    """One part of what could be drawn."""

    name: str
    of: int
    drawn: int


@dataclass(frozen=True)
class MapSample:
    """Rows on the map, rising, and how they were drawn."""

    queries: AnyInts
    documents: AnyInts
    strata: tuple[MapStratum, ...]

    def facts(self) -> list[dict[str, Any]]:
        """The strata, ready for JSON."""
        return [asdict(stratum) for stratum in self.strata]


def everybody(queries: int, documents: int) -> MapSample:
    """All of them."""
    strata = MapStratum("queries", queries, queries), MapStratum("documents", documents, documents)
    return MapSample(np.arange(queries), np.arange(documents), strata)


def draw(
    queries: int, clusters: npt.NDArray[np.int32], first: Mapping[str, CandidatePairs], room: int, seed: int
) -> MapSample:
    """
    At most `room` points: queries, then the documents of `first` in its order, then of each cluster its share.

    Only pairs of queries that were drawn count, so that the neighbourhood of a query on the map is there too. Where a
    stratum does not fit, a seeded part of it is drawn.
    """
    rng = np.random.default_rng(seed)
    drawn = _part(rng, np.arange(queries), room // QUERIES_AT_MOST)
    strata = [MapStratum("queries", queries, len(drawn))]
    on_map = np.zeros(len(clusters), bool)
    for name, pairs in first.items():
        wanted = np.unique(pairs.document[np.isin(pairs.query, drawn)])
        fresh = wanted[~on_map[wanted]]
        taken = _part(rng, fresh, room - len(drawn) - int(on_map.sum()))
        on_map[taken] = True
        strata.append(MapStratum(name, len(fresh), len(taken)))
    others = np.flatnonzero(~on_map)
    for cluster, share in enumerate(_shares(clusters[others], room - len(drawn) - int(on_map.sum()))):
        members = others[clusters[others] == cluster]
        taken = _part(rng, members, int(share))
        on_map[taken] = True
        strata.append(MapStratum(f"cluster {cluster}", len(members), len(taken)))
    return MapSample(drawn, np.flatnonzero(on_map), tuple(strata))


def _part(rng: np.random.Generator, rows: AnyInts, room: int) -> AnyInts:
    """At most `room` of the rows, rising."""
    return rows if len(rows) <= room else np.sort(rng.choice(rows, room, replace=False))


def _shares(clusters: npt.NDArray[np.int32], room: int) -> AnyInts:
    """How many of each cluster's documents to draw, in proportion, `room` in all: the largest remainders round up."""
    sizes = np.bincount(clusters)
    room = min(room, len(clusters))
    exact = sizes * (room / max(len(clusters), 1))
    shares: AnyInts = np.floor(exact).astype(np.int64)
    shares[np.argsort(shares - exact, kind="stable")[: room - int(shares.sum())]] += 1
    return shares
