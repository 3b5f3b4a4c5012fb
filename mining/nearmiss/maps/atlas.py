"""
The atlas: a map with the statuses and verdicts of its points.

In:  a `Workspace`, the `Map` of its round
Out: groups to colour by, the neighbourhood of a query, the pairs behind a set of points

Points are numbered as in the map: documents first, then queries. A document is a candidate of many queries; unless one
query is asked for, it counts with the first of its statuses in SHOWN_FIRST, and with its highest score.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.maps.making import FACTS_FILE, Map, open_map
from nearmiss.review.current import CAUTION
from nearmiss.selection import STATUSES, VERDICTS, Decision
from nearmiss.session import query_view
from nearmiss.types import Ints
from nearmiss.workspace import Workspace

Grouping = Literal["status", "source", "cluster", "verdict", "score"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

# The most telling status of a document comes first.
SHOWN_FIRST = (
    "known_positive",
    "reviewed_relevant",
    "reviewed_partial",
    "kept",
    "too_close",
    "duplicate",
    "is_the_query",
    "answers_twin_query",
    "sibling",
    "same_cluster",
    "too_easy",
    "skipped_rank",
    "too_deep",
    "unscored",
    "skipped_survivor",
    "overused",
    "short_query",
    "over_quota",
)
FOUND_BY_NONE = "none"
LARGEST_CLUSTERS = 12
BANDS = 5
NOBODY = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Groups:
    """The group of each document on the map: `of` (documents,) holds places in `names`, -1 for none."""

    names: tuple[str, ...]
    of: Ints

    def counts(self) -> list[int]:
        """Documents in each group, in the order of the names."""
        counted: list[int] = np.bincount(self.of[self.of >= 0], minlength=len(self.names)).tolist()
        return counted

    def in_order(self, points: Sequence[int]) -> list[int]:
        """These documents in the order of the names; those of no group come last."""
        own = self.of[np.asarray(points, np.int64)]
        order = np.argsort(np.where(own < 0, NOBODY, own), kind="stable")
        return [points[place] for place in order.tolist()]

    def name(self, point: int) -> str | None:
        """The group of a document."""
        return self.names[self.of[point]] if self.of[point] >= 0 else None


@dataclass(frozen=True)
class Around:
    """
    A query and its candidates, the most alike first.

    `candidates` has doc_id, point (-1 off the map), status, verdict ("" for none), cosine, teacher_score, true_place
    (1 is the most alike) and map_place (1 is the nearest on the map, over all its documents; 0 off the map). `window`
    is the range to show: left, right, bottom, top; `kept` of the `asked` most alike are among as many nearest on it.
    """

    query_id: str
    point: int | None
    candidates: pd.DataFrame
    window: tuple[float, float, float, float] | None
    asked: int
    kept: int


class Atlas:
    """A workspace's map; safe to share between threads."""

    def __init__(self, work: Workspace, drawn: Map) -> None:
        self.work = work
        self.map = drawn

    @cached_property
    def place(self) -> Ints:
        """The point of each candidate's document, (n_candidates,); -1 off the map."""
        known = pd.Index(self.map.ids[: self.map.documents])
        return np.asarray(known.get_indexer(pd.Index(self.work.doc_ids))[self.work.table.document], np.int64)

    @cached_property
    def _point_of_query(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.map.ids) if place >= self.map.documents}

    def point_of(self, query_id: str) -> int | None:
        """The point of a query; None off the map."""
        return self._point_of_query.get(query_id)

    @cached_property
    def _point_of_document(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.map.ids[: self.map.documents])}

    def point_of_document(self, doc_id: str) -> int | None:
        """The point of a document; None off the map."""
        return self._point_of_document.get(doc_id)

    @cached_property
    def window(self) -> tuple[float, float, float, float]:
        """The range that shows every point: left, right, bottom, top."""
        return _framed(self.map.x, self.map.y)

    def is_document(self, point: int) -> bool:
        """Whether a point is a document, and not a query."""
        return point < self.map.documents

    def groups(self, by: Grouping, decision: Decision, query_id: str | None = None) -> Groups:
        """The documents in groups, as candidates of one query or of any."""
        rows = self.work.rows_of(query_id) if query_id is not None else slice(0, len(self.work.table.query))
        if by == "status":
            return self._first_of(SHOWN_FIRST, _order(SHOWN_FIRST, STATUSES)[decision.status[rows]], rows)
        if by == "verdict":
            cautious = tuple(sorted(VERDICTS, key=CAUTION.__getitem__))
            judged = self.work.table.verdicts[rows].astype(np.int64)
            return self._first_of(cautious, np.append(_order(cautious, VERDICTS), NOBODY)[judged - 1], rows)
        if by == "source":
            return self._by_source(rows)
        return self._by_cluster(rows, query_id is None) if by == "cluster" else self._by_score(rows)

    def around(self, query_id: str, decision: Decision) -> Around:
        """A query and its candidates; KeyError where the round does not have it."""
        rows = self.work.rows_of(query_id)
        candidates = self.work.candidates.iloc[rows]
        verdicts = np.array(["", *VERDICTS], object)[self.work.table.verdicts[rows]]
        frame = pd.DataFrame(
            {
                "doc_id": candidates["doc_id"].to_numpy(object),
                "point": self.place[rows],
                "status": np.array(STATUSES, object)[decision.status[rows]],
                "verdict": verdicts,
                "cosine": self.work.table.number("dense_score")[rows],
                "teacher_score": self.work.table.score[rows],
            }
        ).sort_values("cosine", ascending=False, kind="stable", ignore_index=True)
        frame["true_place"] = np.arange(1, len(frame) + 1)
        point = self.point_of(query_id)
        frame["map_place"] = 0 if point is None else self._map_places(point, frame["point"].to_numpy())
        shown = frame[frame["point"] >= 0]
        # Only the source `dense` finds every similar document; without it the true neighbours are not known here.
        k = int(self.map.facts["kept_neighbours"]["neighbours"]) if "dense" in self.work.table.sources else 0
        asked = shown.head(k) if point is not None else shown.head(0)
        kept = int(asked["map_place"].le(k).sum())
        return Around(query_id, point, frame, self._window(point, shown), len(asked), kept)

    def backdrop(self, points: Ints, around: Around, most: int) -> Ints:
        """At most `most` of these points, those in the window first, evenly taken where it holds more."""
        if around.window is None:
            return points[:most]
        left, right, bottom, top = around.window
        x, y = self.map.x[points], self.map.y[points]
        inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        near, far = points[inside], points[~inside]
        if len(near) >= most:
            return near[:: -(-len(near) // most)]
        room = most - len(near)
        return np.concatenate([near, far[:: -(-len(far) // room)] if len(far) else far])

    def queries_of(self, point: int, decision: Decision) -> pd.DataFrame:
        """Queries with a document as candidate: query_id, status, cosine, teacher_score; the most telling first."""
        rows = np.flatnonzero(self.place == point)
        order = np.lexsort((-self.work.table.score[rows], _order(SHOWN_FIRST, STATUSES)[decision.status[rows]]))
        rows = rows[order]
        return pd.DataFrame(
            {
                "query_id": self.work.candidates["query_id"].iloc[rows].to_numpy(object),
                "status": np.array(STATUSES, object)[decision.status[rows]],
                "cosine": self.work.table.number("dense_score")[rows],
                "teacher_score": self.work.table.score[rows],
            }
        )

    def pair_counts(self, points: Sequence[int], decision: Decision, query_id: str | None = None) -> dict[str, int]:
        """How many candidates lie behind a set of points, of one query or of any, by status, those SHOWN_FIRST."""
        statuses = decision.status[self._rows_behind(points, query_id)]
        counts = dict(zip(STATUSES, np.bincount(statuses, minlength=len(STATUSES)).tolist(), strict=True))
        return {status: counts[status] for status in SHOWN_FIRST if counts[status]}

    def pairs(
        self, points: Sequence[int], decision: Decision, statuses: Collection[str], query_id: str | None = None
    ) -> list[tuple[str, str]]:
        """The same candidates with one of the statuses, as ids, in the candidates' order."""
        rows = self._rows_behind(points, query_id)
        rows = rows[np.isin(STATUSES, list(statuses))[decision.status[rows]]]
        found = self.work.candidates[["query_id", "doc_id"]].iloc[rows]
        return list(zip(found["query_id"].tolist(), found["doc_id"].tolist(), strict=True))

    def _rows_behind(self, points: Sequence[int], query_id: str | None) -> Ints:
        wanted = np.zeros(len(self.map.ids) + 1, bool)  # one more, for -1
        wanted[np.asarray(points, np.int64)] = True
        own = self.work.rows_of(query_id) if query_id is not None else slice(0, len(self.place))
        return np.flatnonzero(wanted[self.place[own]]) + own.start

    def texts(self, points: Sequence[int], length: int) -> list[str]:
        """The beginning, `length` characters, of each document's passage and of each query's text."""
        documents = [self.map.ids[point] for point in points if self.is_document(point)]
        passages = iter(self.work.texts(documents))
        found = (
            next(passages) if self.is_document(point) else self.work.query_text(self.map.ids[point]) for point in points
        )
        return [text[:length] for text in found]

    def document(self, doc_id: str) -> tuple[str, str] | None:
        """Title (perhaps empty) and text of a document of the run; None where it has no such id."""
        try:
            return self.work.titles([doc_id])[0]
        except KeyError:
            return None

    def find(self, words: str, limit: int) -> list[tuple[str, str]]:
        """Ids and texts of the first queries with this id, then of those with these words in id or text."""
        return query_view.find(self.work, words, limit)

    def _first_of(self, names: tuple[str, ...], ranks: Ints, rows: slice) -> Groups:
        """Each document in the first group of its rows; `ranks` are places in `names`, or NOBODY."""
        best = self._per_document(np.minimum, NOBODY, ranks, rows)
        return Groups(names, np.where(best == NOBODY, -1, best))

    @cached_property
    def best_scores(self) -> npt.NDArray[np.float32]:
        """The highest teacher score of each document as a candidate of any query, (documents,); NaN for none."""
        return self._per_document(np.fmax, np.nan, self.work.table.score, slice(None))

    def _per_document(self, ufunc: Any, start: Any, values: npt.NDArray[Any], rows: slice) -> npt.NDArray[Any]:
        place = self.place[rows]
        result = np.full(self.map.documents, start, values.dtype)
        ufunc.at(result, place[place >= 0], values[place >= 0])
        return result

    def _is_candidate(self, rows: slice) -> npt.NDArray[np.bool_]:
        place = self.place[rows]
        found = np.zeros(self.map.documents, bool)
        found[place[place >= 0]] = True
        return found

    def _by_source(self, rows: slice) -> Groups:
        sources = self.work.table.sources
        found = np.zeros(len(self.place[rows]), np.int64)
        for bit, source in enumerate(sources):
            found |= self.work.table.found_by(source)[rows].astype(np.int64) << bit
        together = self._per_document(np.bitwise_or, 0, found, rows)
        names = [
            "+".join(source for bit, source in enumerate(sources) if code >> bit & 1) or FOUND_BY_NONE
            for code in range(2 ** len(sources))
        ]
        # By number of sources that found it, most first.
        order = sorted(range(len(names)), key=lambda code: (-code.bit_count(), code))
        rank = np.argsort(order)
        return Groups(tuple(names[code] for code in order), np.where(self._is_candidate(rows), rank[together], -1))

    def _by_cluster(self, rows: slice, everybody: bool) -> Groups:
        own = self.map.cluster[: self.map.documents].astype(np.int64)
        largest = np.argsort(-np.bincount(own), kind="stable")[:LARGEST_CLUSTERS]
        rank = np.full(own.max(initial=0) + 1, -1)
        rank[largest] = np.arange(len(largest))
        of = rank[own]
        if not everybody:
            of = np.where(self._is_candidate(rows), of, -1)
        return Groups(tuple(str(cluster) for cluster in largest.tolist()), of)

    def _by_score(self, rows: slice) -> Groups:
        best = self._per_document(np.maximum, -np.inf, self.work.table.score[rows], rows)
        known = np.isfinite(best)
        if not known.any():
            return Groups((), np.full(len(best), -1))
        edges = np.unique(np.quantile(best[known], np.linspace(0, 1, BANDS + 1)).astype(np.float32))
        band = np.clip(np.searchsorted(edges, best, side="right") - 1, 0, max(len(edges) - 2, 0))
        names = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)] or [f"{edges[0]:.2f}"]
        # The highest band first, as in every list of scores.
        return Groups(tuple(reversed(names)), np.where(known, len(names) - 1 - band, -1))

    def _map_places(self, point: int, candidates: Ints) -> Ints:
        """How many documents of the map lie at most as far from a point as each candidate does; 0 off the map."""
        n = self.map.documents
        away = (self.map.x[:n] - self.map.x[point]) ** 2 + (self.map.y[:n] - self.map.y[point]) ** 2
        nearer = np.searchsorted(np.sort(away), away[candidates], side="left") + 1
        return np.where(candidates >= 0, nearer, 0)

    def _window(self, point: int | None, shown: pd.DataFrame) -> tuple[float, float, float, float] | None:
        """Query, positives, kept ones and the nearer three quarters of the others, with a margin."""
        if shown.empty and point is None:
            return None
        places = shown["point"].to_numpy()
        labelled_or_kept = shown["status"].isin(["known_positive", "kept"]).to_numpy()
        near = (
            shown["map_place"].to_numpy() <= np.quantile(shown["map_place"], 0.75) if len(shown) else labelled_or_kept
        )
        wanted = [*places[labelled_or_kept | near], *([point] if point is not None else [])]
        return _framed(self.map.x[wanted], self.map.y[wanted])


def _framed(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> tuple[float, float, float, float]:
    margin = 0.04 * max(float(np.ptp(x)), float(np.ptp(y)), 1e-3)
    return float(x.min()) - margin, float(x.max()) + margin, float(y.min()) - margin, float(y.max()) + margin


def _order(first: Sequence[str], codes: Sequence[str]) -> Ints:
    """The place in `first` of each of `codes`."""
    return np.array([first.index(name) for name in codes], np.int64)


_opening = Lock()


def open_atlas(work: Workspace) -> Atlas | None:
    """The atlas of a workspace, read once for each map that its round gets; None where it has no map."""
    folder = work.run.round_folder(work.number)
    try:
        stamp = (folder / FACTS_FILE).stat().st_mtime_ns
    except FileNotFoundError:
        return None

    def make() -> Atlas | None:
        drawn = open_map(folder)
        return None if drawn is None else Atlas(work, drawn)

    with _opening:
        return work.cached("atlas", make, stamp, 1)
