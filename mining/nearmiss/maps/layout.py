"""
The layout: points on a plane, near one another where the vectors are similar.

In:  unit vectors of documents and of queries, a seed
Out: the nearest documents of each by cosine; x and y

UMAP runs on one thread and is given the neighbours: the same seed gives the same bytes.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearmiss.retrieval.dense import SPARE_NEIGHBOURS, rescored
from nearmiss.types import AnyInts, Vectors

Plane = npt.NDArray[np.float32]  # (n, 2)

NEIGHBOURS = 15
MIN_DIST = 0.1
FEWEST = 20  # documents; with fewer, UMAP has no neighbourhoods to keep
POINTS_AT_ONCE = 2048
START_WIDTH = 10.0


@dataclass(frozen=True)
class Points:
    """Unit vectors (n, dimensions), the documents' before the queries'."""

    vectors: Vectors
    documents: int

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class Nearest:
    """The documents most like each point, itself left out, best first: places and cosines, both (n, k)."""

    documents: AnyInts
    cosines: npt.NDArray[np.float32]


def nearest(points: Points, advance: Callable[[int], None] = lambda count: None) -> Nearest:
    """
    The NEIGHBOURS nearest documents of every point, exactly; fewer where there are fewer.

    Queries are nobody's neighbours: encoders put them in a region of their own, and a map of that shows nothing else.
    """
    import faiss

    k = min(NEIGHBOURS, points.documents - 1)
    known = np.ascontiguousarray(points.vectors[: points.documents])
    found = np.empty((len(points), k), np.int64)
    cosines = np.empty((len(points), k), np.float32)
    for start in range(0, len(points), POINTS_AT_ONCE):
        block = np.ascontiguousarray(points.vectors[start : start + POINTS_AT_ONCE])
        asked = min(k + 1 + SPARE_NEIGHBOURS, points.documents)
        _, documents = faiss.knn(block, known, asked, metric=faiss.METRIC_INNER_PRODUCT)
        # Scored pair by pair: a matrix product's rounding, and so the map, depends on the number of threads.
        best = rescored(block, [known], documents, k + 1)
        documents, scores = (best[name].to_numpy().reshape(-1, k + 1) for name in ("document", "score"))
        others = without_self(documents, start)
        found[start : start + POINTS_AT_ONCE] = np.take_along_axis(documents, others, 1)
        cosines[start : start + POINTS_AT_ONCE] = np.take_along_axis(scores, others, 1)
        advance(len(block))
    return Nearest(found, cosines)


def without_self(documents: AnyInts, first: int = 0) -> AnyInts:
    """Where in each row (n, k + 1) of nearest documents the k others stand; row 0 belongs to the point `first`."""
    own = documents == np.arange(first, first + len(documents))[:, None]
    # Among many duplicates a point may miss itself in its own row: then the last one goes.
    return np.argsort(own, axis=1, kind="stable")[:, : documents.shape[1] - 1]


def epochs(points: Points) -> int:
    """How often UMAP goes over the points; its own choice."""
    return 500 if len(points) <= 10_000 else 200


def spread(points: Points, found: Nearest, seed: int, advance: Callable[[int], None] = lambda count: None) -> Plane:
    """Where each point lies, (n, 2), by UMAP; `advance` counts its epochs."""
    import umap

    own = np.arange(len(points))[:, None]
    distances = np.clip(1 - found.cosines, 0, None)
    layout = umap.UMAP(
        n_neighbors=found.documents.shape[1] + 1,
        metric="cosine",
        min_dist=MIN_DIST,
        n_epochs=epochs(points),
        init=_start(points, seed),
        random_state=seed,
        n_jobs=1,
        precomputed_knn=(
            np.hstack([own, found.documents]).astype(np.int32),
            np.hstack([np.zeros_like(distances[:, :1]), distances]),
        ),
        tqdm_kwds={"disable": False, "file": _Listener(advance), "bar_format": "{n}", "mininterval": 0.2},
    )
    with warnings.catch_warnings():
        # The warning that it could not place further points without an index of its own.
        warnings.simplefilter("ignore")
        return turned(np.asarray(layout.fit_transform(points.vectors), np.float32))


def principal(points: Points) -> Plane:
    """The two directions in which the documents differ most, (n, 2): the map of very few, and UMAP's start."""
    return _along(points.vectors, points.vectors[: points.documents])


def turned(plane: Plane) -> Plane:
    """The same map, (n, 2), its middle at 0 and its longest way lying flat, as screens do; no distance changes."""
    return _along(plane, plane)


def _along(rows: npt.NDArray[np.float32], those: npt.NDArray[np.float32]) -> Plane:
    """`rows` seen along the two directions in which `those` differ most, the first one first, (n, 2)."""
    centre = those.mean(axis=0, dtype=np.float64)
    away = those.astype(np.float64) - centre
    _, directions = np.linalg.eigh(away.T @ away)
    axes = directions[:, [-1, -2]]
    # Either sign is right; one has to be chosen.
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1, 1)
    return np.asarray((rows - centre) @ axes, np.float32)


def _start(points: Points, seed: int) -> Plane:
    flat = principal(points)
    # Rounded, since the last digits of a matrix product depend on how many threads made it.
    flat = np.round(flat * (START_WIDTH / max(float(np.abs(flat).max()), 1e-6)), 3)
    # Duplicates need a nudge, or nothing would ever separate them.
    noise = np.random.default_rng(seed).normal(scale=1e-4 * START_WIDTH, size=flat.shape)
    return flat + noise.astype(np.float32)


class _Listener:
    """A text stream that reads tqdm's count: UMAP reports progress in no other way."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self.advance = advance
        self.heard = 0

    def write(self, text: str) -> None:
        # tqdm begins with a 0, which means nothing.
        if text.strip().isdigit() and int(text) > self.heard:
            self.advance(int(text) - self.heard)
            self.heard = int(text)

    def flush(self) -> None:
        pass
