"""
Making a round's map: its vectors laid out once, here and never in a page.

In:  a run with a finished round, a seed, how many points at most
Out: map.parquet (kind, id, x, y, cluster: documents by row, then queries by row) and map.json, which says how it was
made and how far it can be trusted
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss import selection
from nearmiss.candidates import clusters
from nearmiss.candidates.pooling import pairs_of
from nearmiss.data import Dataset, passages
from nearmiss.errors import require
from nearmiss.maps.background import alone
from nearmiss.maps.faithfulness import measured
from nearmiss.maps.layout import FEWEST, MIN_DIST, Nearest, Plane, Points, epochs, nearest, principal, spread
from nearmiss.maps.naming import name_clusters
from nearmiss.maps.sample import MapSample, draw, everybody
from nearmiss.pipeline.progress import Watch, silent
from nearmiss.retrieval.vector_store import open_vectors
from nearmiss.retrieval.vectors import Shards, count
from nearmiss.run import Run
from nearmiss.settings import Mining
from nearmiss.storage.files import read_json, read_table, write_json, write_parquet

MAP_FILE, FACTS_FILE = "map.parquet", "map.json"
MOST_POINTS = 50_000
CLUSTERS = 12
DOCUMENTS_PER_CLUSTER = 25


@dataclass(frozen=True)
class Map:
    """A round's points in the order of the file, documents first; the arrays are (n,)."""

    ids: list[str]
    documents: int
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    cluster: npt.NDArray[np.int32]
    facts: dict[str, Any]


def open_map(folder: Path) -> Map | None:
    """The map in a round's folder; None where none was made."""
    # The facts are written last: once they exist, the map is whole.
    if not (folder / FACTS_FILE).is_file() or not (folder / MAP_FILE).is_file():
        return None
    points = read_table(folder / MAP_FILE).to_pandas()
    return Map(
        ids=points["id"].tolist(),
        documents=int(points["kind"].eq("document").sum()),
        x=points["x"].to_numpy(np.float32),
        y=points["y"].to_numpy(np.float32),
        cluster=points["cluster"].to_numpy(np.int32),
        facts=read_json(folder / FACTS_FILE),
    )


def make(
    run: Run, number: int | None = None, *, seed: int | None = None, room: int = MOST_POINTS, watch: Watch = silent
) -> dict[str, Any]:
    """
    Lay out a round (by default the latest), replacing any earlier map; returns what map.json holds.

    The seed is by default the round's own. Raises RunError where the same map is being made already.
    """
    require("map", "umap")
    folder = run.round_folder(number)
    recipe = run.mining(number)
    seed = recipe.seed if seed is None else seed
    with alone(folder, watch) as record:
        shards = open_vectors(folder / "document_vectors").shards()
        asked = open_vectors(folder / "query_vectors")
        of_document = _clusters(shards, recipe, seed)
        drawn = _drawn(run, number, count(shards), count(asked.shards()), of_document, room, seed)
        vectors = open_vectors(folder / "document_vectors").take(drawn.documents), asked.take(drawn.queries)
        points = Points(np.concatenate(vectors), len(drawn.documents))
        with record("map_neighbours", len(points), "texts") as advance:
            found = nearest(points, advance)
        plane = _plane(points, found, seed, record)
        own = of_document[drawn.documents]
        facts = _facts(run, number, recipe, seed, room, drawn, points, own) | {
            "kept_neighbours": measured(points, found, plane, seed)
        }
        (folder / FACTS_FILE).unlink(missing_ok=True)
        write_parquet(folder / MAP_FILE, _frame(run.dataset, drawn, plane, own, found))
        write_json(folder / FACTS_FILE, facts)
    return facts


def _clusters(shards: Shards, recipe: Mining, seed: int) -> npt.NDArray[np.int32]:
    """The cluster of each document: the recipe's own, or a few where it has none."""
    if recipe.clusters:
        return clusters.cluster(shards, recipe.clusters, recipe.seed)
    return clusters.cluster(shards, min(CLUSTERS, max(1, count(shards) // DOCUMENTS_PER_CLUSTER)), seed)


def _drawn(
    run: Run,
    number: int | None,
    documents: int,
    queries: int,
    of_document: npt.NDArray[np.int32],
    room: int,
    seed: int,
) -> MapSample:
    if queries + documents <= room:
        return everybody(queries, documents)
    judged = run.selected(number)
    first = {
        "positives": pairs_of(run.dataset, run.dataset.positives),
        "kept candidates": pairs_of(run.dataset, judged[judged["status"].eq(selection.KEPT)]),
    }
    return draw(queries, of_document, first, room, seed)


def _plane(points: Points, found: Nearest, seed: int, watch: Watch) -> Plane:
    if points.documents < FEWEST:
        return principal(points)
    with watch("map_layout", epochs(points), "rounds") as advance:
        return spread(points, found, seed, advance)


def _frame(
    data: Dataset, drawn: MapSample, plane: Plane, clusters: npt.NDArray[np.int32], found: Nearest
) -> pd.DataFrame:
    ids = data.documents["doc_id"].take(drawn.documents), data.queries["query_id"].take(drawn.queries)
    # A query belongs where its nearest document does.
    of_query = (
        clusters[found.documents[len(clusters) :, 0]] if found.documents.shape[1] else np.zeros(len(drawn.queries), int)
    )
    return pd.DataFrame(
        {
            "kind": np.repeat(["document", "query"], [len(drawn.documents), len(drawn.queries)]),
            "id": pd.concat(ids, ignore_index=True),
            "x": plane[:, 0],
            "y": plane[:, 1],
            "cluster": np.concatenate([clusters, of_query]).astype(np.int32),
        }
    )


def _facts(
    run: Run,
    number: int | None,
    recipe: Mining,
    seed: int,
    room: int,
    drawn: MapSample,
    points: Points,
    clusters: npt.NDArray[np.int32],
) -> dict[str, Any]:
    data = run.dataset
    with_umap = points.documents >= FEWEST
    language = run.round_facts(number).get("language") or "und"
    texts = passages(data.documents.iloc[drawn.documents])
    return {
        "method": "umap" if with_umap else "principal components",
        "seed": seed,
        "umap": {"metric": "cosine", "min_dist": MIN_DIST, "epochs": epochs(points)} if with_umap else None,
        "points": len(points),
        "of": len(data.documents) + len(data.queries),
        "documents": len(drawn.documents),
        "queries": len(drawn.queries),
        "sample": {"room": room, "strata": drawn.facts()},
        "clusters": {
            "from": "the round's recipe" if recipe.clusters else "the map",
            "words": name_clusters(texts, clusters, language),
        },
        "versions": {library: version(library) for library in ("faiss-cpu", "numba", "numpy", "umap-learn")},
    }
