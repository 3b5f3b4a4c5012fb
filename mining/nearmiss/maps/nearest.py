"""
Nearest: what lies near a document in truth, and which points hold some words.

In:  an `Atlas`, a document or words
Out: the documents of the map by true cosine; points
"""

import numpy as np
import pandas as pd

from nearmiss.maps.atlas import Atlas
from nearmiss.retrieval.vector_store import open_vectors
from nearmiss.types import Floats, Vectors

BLOCK = 8192  # rows of vectors at a time


def nearest(atlas: Atlas, doc_id: str, count: int) -> pd.DataFrame | None:
    """
    The `count` documents of the map most alike to one, itself left out: doc_id, cosine and map_place, most alike first.

    `map_place` is 1 for the nearest on the map. None where the round keeps no vectors, or the document is off the map.
    """
    point = atlas.point_of_document(doc_id)
    if point is None or not (atlas.work.folder / "document_vectors").exists():
        return None
    cosine = _cosines(_vectors(atlas), point)
    others = np.delete(np.arange(len(cosine)), point)
    found = others[np.argsort(-cosine[others], kind="stable")[:count]]
    away = (atlas.map.x - atlas.map.x[point]) ** 2 + (atlas.map.y - atlas.map.y[point]) ** 2
    nearer = np.searchsorted(np.sort(away[others]), away[found], side="left") + 1
    ids = [atlas.map.ids[other] for other in found.tolist()]
    return pd.DataFrame({"doc_id": ids, "cosine": cosine[found], "map_place": nearer})


def with_words(atlas: Atlas, words: str) -> list[int]:
    """The documents on the map whose title or text holds these words, in any case; in the map's order."""
    _, documents = atlas.work.with_text(words)
    found = (atlas.point_of_document(atlas.work.doc_ids[number]) for number in np.flatnonzero(documents).tolist())
    return sorted(point for point in found if point is not None)


def _vectors(atlas: Atlas) -> Vectors:
    """Of the map's documents, (documents, dimensions), as they are stored."""

    def take() -> Vectors:
        rows = atlas.work.rows_in_documents(atlas.map.ids[: atlas.map.documents])
        return open_vectors(atlas.work.folder / "document_vectors").take(rows)

    return atlas.work.cached("map vectors", take, id(atlas.map), 1)


def _cosines(vectors: Vectors, point: int) -> Floats:
    own = vectors[point].astype(np.float32)
    blocks = [vectors[at : at + BLOCK].astype(np.float32) @ own for at in range(0, len(vectors), BLOCK)]
    return np.concatenate(blocks)
