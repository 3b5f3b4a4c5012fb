"""
Faithfulness: how much of the true neighbourhoods a map keeps, since every map of many dimensions distorts.

In:  the points, their true nearest documents, their places on the map
Out: shares of neighbours kept, and trustworthiness
"""

from typing import Any

import numpy as np

from nearmiss.maps.layout import Nearest, Plane, Points, without_self
from nearmiss.types import AnyInts

SAMPLE = 2000


def measured(points: Points, found: Nearest, plane: Plane, seed: int) -> dict[str, Any]:
    """
    Of each point's true nearest documents, the share that are among as many nearest on the map; means, on all points.

    `trustworthiness` (Venna and Kaski 2001) asks the reverse, on a seeded sample of documents: are neighbours on the
    map true ones? 1 is perfect, 0.5 is chance. None where there are too few.
    """
    k = found.documents.shape[1]
    if not k:
        return {"neighbours": 0, "documents": None, "queries": None, "trustworthiness": None}
    kept = shares_kept(found.documents, on_map(plane, points.documents, k))
    return {
        "neighbours": k,
        "documents": round(float(kept[: points.documents].mean()), 4),
        "queries": round(float(kept[points.documents :].mean()), 4) if len(points) > points.documents else None,
        "trustworthiness": _trustworthiness(points, plane, k, seed),
    }


def on_map(plane: Plane, documents: int, k: int) -> AnyInts:
    """The `k` nearest documents of each point on the map, itself left out, (n, k); documents come first in `plane`."""
    from scipy.spatial import cKDTree

    _, found = cKDTree(plane[:documents]).query(plane, k + 1)
    return np.take_along_axis(found, without_self(found), 1)


def shares_kept(true: AnyInts, shown: AnyInts) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The share of each row of `true` (n, k) that stands in the same row of `shown` (n, k), (n,)."""
    return np.asarray((true[:, :, None] == shown[:, None, :]).any(axis=2).mean(axis=1))


def _trustworthiness(points: Points, plane: Plane, k: int, seed: int) -> float | None:
    from sklearn.manifold import trustworthiness

    if points.documents <= 2 * k:
        return None
    drawn = np.random.default_rng(seed).choice(points.documents, min(SAMPLE, points.documents), replace=False)
    return round(float(trustworthiness(points.vectors[drawn], plane[drawn], n_neighbors=k, metric="cosine")), 4)
