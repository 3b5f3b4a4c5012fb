"""The map: who is on it, where, how far it can be believed, and what is asked of it."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nearmiss import data as dataset
from nearmiss import maps, pipeline
from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.errors import RunError
from nearmiss.maps.atlas import SHOWN_FIRST
from nearmiss.maps.background import alone
from nearmiss.maps.faithfulness import measured, on_map, shares_kept
from nearmiss.maps.layout import Nearest, Points, nearest, principal, spread, turned, without_self
from nearmiss.maps.naming import name_clusters
from nearmiss.maps.sample import draw, everybody
from nearmiss.pipeline.progress import silent
from nearmiss.review import Event
from nearmiss.review.current import CAUTION
from nearmiss.run import open_run
from nearmiss.selection import STATUSES
from nearmiss.settings import Mining, Policy
from nearmiss.storage.files import read_json, write_json, write_parquet
from nearmiss.workspace import open_to_read, open_workspace
from tests.words import OverlapTeacher, WordEncoder

ROOT = Path(__file__).parents[3]
PLACES = ["harbour", "castle", "library", "market", "station", "museum", "bakery", "garden"]


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def bunches(documents, queries, seed=0):
    """Documents, then queries, around four axes; and the axis of each."""
    rng = np.random.default_rng(seed)
    axis = rng.integers(0, 4, documents + queries)
    return Points(unit(np.eye(8)[axis] + rng.normal(0, 0.1, (len(axis), 8))), documents), axis


def mine(folder, texts, queries, recipe=None):
    """A run over these documents; every query's answer is the document of its own number."""
    data = folder.with_name(folder.name + "-data")
    (data / "qrels").mkdir(parents=True)
    rows = [{"_id": f"d{n}", "title": "", "text": text} for n, text in enumerate(texts)]
    asked = [{"_id": f"q{n}", "text": text} for n, text in enumerate(queries)]
    judged = ["query-id\tcorpus-id\tscore", *(f"q{n}\td{n}\t1" for n in range(len(queries)))]
    (data / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (data / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)))
    (data / "qrels" / "train.tsv").write_text("\n".join(judged))
    recipe = recipe or Mining(language="en", teacher="toy")
    return pipeline.mine(folder, recipe, dataset.read(data), encoder=WordEncoder(), teacher=OverlapTeacher())


def town(documents):
    texts = [f"the {PLACES[n % 8]} opens at {n} and room {n * 7} closes early" for n in range(documents)]
    return texts, [f"when does the {place} open" for place in PLACES]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """A mined run of eight places with its map."""
    run = mine(tmp_path_factory.mktemp("map") / "run", *town(64))
    maps.make(run)
    return run


@pytest.fixture
def own_map(mapped, tmp_path):
    """A copy of that run, whose map a test may make again."""
    return open_run(shutil.copytree(mapped.folder, tmp_path / "run"))


@pytest.fixture
def atlas(mapped):
    return maps.open_atlas(open_to_read(mapped.folder))


# Neighbours


def test_a_point_is_left_out_of_its_own_neighbours():
    found = np.array([[0, 2, 1], [2, 1, 0], [0, 1, 3]])
    np.testing.assert_array_equal(np.take_along_axis(found, without_self(found), 1), [[2, 1], [2, 0], [0, 1]])


def test_the_nearest_are_those_of_the_highest_cosine_and_never_queries():
    points, _ = bunches(90, 30)
    found = nearest(points)
    cosines = points.vectors @ points.vectors[:90].T
    cosines[np.arange(90), np.arange(90)] = -np.inf
    expected = np.argsort(-cosines, axis=1)[:, :15]
    np.testing.assert_array_equal(found.documents, expected)
    np.testing.assert_allclose(found.cosines, np.take_along_axis(cosines, expected, 1), atol=1e-5)


def test_blocks_do_not_show(monkeypatch):
    points, _ = bunches(90, 30)
    whole = nearest(points)
    monkeypatch.setattr("nearmiss.maps.layout.POINTS_AT_ONCE", 7)
    heard = []
    np.testing.assert_array_equal(nearest(points, heard.append).documents, whole.documents)
    assert sum(heard) == 120


def test_twins_are_neighbours_of_one_another_and_not_of_themselves():
    points = Points(unit(np.ones((40, 4))), 40)
    found = nearest(points).documents
    assert not (found == np.arange(40)[:, None]).any()


# Layout


def test_what_is_alike_lies_together_queries_among_the_documents():
    points, axis = bunches(200, 40)
    plane = spread(points, nearest(points), seed=1)
    near = on_map(plane, 200, 5)
    assert (axis[near] == axis[:, None]).mean() > 0.97
    assert plane.shape == (240, 2)


def test_the_same_seed_gives_the_same_places_and_tells_each_round():
    points, _ = bunches(60, 10)
    found, heard = nearest(points), []
    first = spread(points, found, 3, heard.append)
    assert sum(heard) == 500
    assert spread(points, found, 3).tobytes() == first.tobytes()
    assert spread(points, found, 4).tobytes() != first.tobytes()


def test_turning_lays_the_longest_way_flat_and_changes_no_distance():
    rng = np.random.default_rng(0)
    plane = (rng.normal(size=(50, 2)) * [1, 9] + 100).astype(np.float32)
    flat = turned(plane)
    assert np.ptp(flat[:, 0]) > 3 * np.ptp(flat[:, 1])
    apart = [np.linalg.norm(rows[:25] - rows[25:], axis=1) for rows in (plane, flat)]
    np.testing.assert_allclose(*apart, rtol=1e-3)


def test_identical_vectors_are_laid_out_without_a_hole():
    points = Points(unit(np.ones((60, 8))), 50)
    plane = spread(points, nearest(points), seed=0)
    assert np.isfinite(plane).all()
    np.testing.assert_allclose(principal(points), 0, atol=1e-5)


# How much it lies


@pytest.mark.parametrize(
    ("true", "shown", "shares"),
    [
        ([[1, 2]], [[2, 1]], [1.0]),
        ([[1, 2], [0, 3]], [[1, 3], [2, 1]], [0.5, 0.0]),
        ([[1, 2, 3, 4]], [[9, 4, 8, 7]], [0.25]),
    ],
)
def test_the_share_of_neighbours_kept(true, shown, shares):
    np.testing.assert_allclose(shares_kept(np.array(true), np.array(shown)), shares)


def test_the_nearest_on_the_map_leave_out_oneself_and_all_queries():
    # Three documents on a line, and a query beside the last.
    plane = np.array([[0, 0], [1, 0], [3, 0], [3.1, 0]], np.float32)
    np.testing.assert_array_equal(on_map(plane, 3, 2), [[1, 2], [0, 2], [1, 0], [2, 1]])


def test_a_map_that_keeps_everything_is_perfect_and_a_shuffled_one_is_not():
    rng = np.random.default_rng(2)
    angle = np.sort(rng.uniform(0, np.pi / 2, 80))
    points = Points(unit(np.stack([np.cos(angle), np.sin(angle)], axis=1)), 60)
    plane = np.stack([angle, np.zeros(80)], axis=1).astype(np.float32)
    told = measured(points, nearest(points), plane, seed=0)
    assert told == {"neighbours": 15, "documents": 1.0, "queries": 1.0, "trustworthiness": 1.0}
    told = measured(points, nearest(points), rng.permutation(plane), seed=0)
    assert told["documents"] < 0.5
    assert told["trustworthiness"] < 0.8


def test_nobody_can_say_of_one_document():
    points = Points(unit(np.ones((3, 4))), 1)
    told = measured(points, Nearest(np.empty((3, 0), int), np.empty((3, 0))), np.zeros((3, 2), np.float32), 0)
    assert told == {"neighbours": 0, "documents": None, "queries": None, "trustworthiness": None}


# The sample


CLUSTERS = np.repeat([0, 1, 2], [600, 300, 100]).astype(np.int32)
FIRST = {
    "positives": CandidatePairs(np.arange(50), np.arange(50)),
    "kept candidates": CandidatePairs(np.repeat(np.arange(50), 2), np.arange(40, 140)),
}


def test_queries_then_positives_then_kept_ones_then_of_each_cluster_its_share():
    drawn = draw(50, CLUSTERS, FIRST, room=400, seed=0)
    strata = {stratum.name: (stratum.of, stratum.drawn) for stratum in drawn.strata}
    # 400 - 50 queries - 50 positives - 90 kept ones not yet there leaves 210 for the other 860 documents.
    assert strata == {
        "queries": (50, 50),
        "positives": (50, 50),
        "kept candidates": (90, 90),
        "cluster 0": (460, 112),
        "cluster 1": (300, 73),
        "cluster 2": (100, 25),
    }
    assert len(drawn.queries) + len(drawn.documents) == 400
    assert set(range(140)) <= set(drawn.documents.tolist())
    assert (np.diff(drawn.documents) > 0).all()


def test_only_the_neighbourhoods_of_queries_on_the_map_are_wanted():
    drawn = draw(50, CLUSTERS, FIRST, room=100, seed=0)
    assert len(drawn.queries) == 20
    assert len(drawn.queries) + len(drawn.documents) == 100
    # 20 positives and 40 kept ones (fewer where they are positives too) fit; queries off the map want nothing.
    assert set(drawn.queries.tolist()) <= set(drawn.documents.tolist())
    strata = {stratum.name: stratum for stratum in drawn.strata}
    assert strata["positives"].of == strata["positives"].drawn == 20


@pytest.mark.parametrize("room", [10, 37, 123, 500, 1049])
def test_a_sample_fills_its_room_and_counts_add_up(room):
    drawn = draw(50, CLUSTERS, FIRST, room, seed=3)
    assert len(drawn.queries) + len(drawn.documents) == room
    assert sum(stratum.drawn for stratum in drawn.strata) == room
    assert all(stratum.drawn <= stratum.of for stratum in drawn.strata)
    assert sum(stratum.of for stratum in drawn.strata[1:]) == 1000


def test_the_same_seed_draws_the_same():
    one, same, other = (draw(50, CLUSTERS, FIRST, 200, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.documents, same.documents)
    assert one.documents.tolist() != other.documents.tolist()


def test_everybody_is_everybody():
    drawn = everybody(3, 5)
    assert drawn.facts() == [
        {"name": "queries", "of": 3, "drawn": 3},
        {"name": "documents", "of": 5, "drawn": 5},
    ]


def test_a_topic_is_named_by_words_that_stand_there_and_not_elsewhere():
    texts = ["the cat sat with a cat", "a cat and the milk", "the boat and the milk", "a boat with 4711 sails"]
    assert name_clusters(texts, np.array([0, 0, 1, 1], np.int32), "en", count=1) == [["cat"], ["boat"]]
    # Function words of each language that is there are left out, whatever the round's own is.
    german = ["die Katze und die Milch", "eine Katze mit der Milch in dem Haus", "das Haus und die Katze"] * 4
    english = ["the boat and the sea", "a boat is on the sea for you", "you had the boat"] * 4
    named = name_clusters(german + english, np.repeat([0, 1], 12).astype(np.int32), "en")
    assert [set(words) for words in named] == [{"katze", "milch", "haus"}, {"boat", "sea"}]
    # All that there is of a language has nothing else in common; where most texts are in it, its topics have words.
    topics = np.repeat([0, 1, 2], 12).astype(np.int32)
    named = name_clusters(german + english + [text.replace("boat", "train") for text in english], topics, "en", count=1)
    assert named == [["German"], ["boat"], ["train"]]
    # Nothing to say of a cluster of stop words, or of nobody.
    assert name_clusters(["the of and", "x"], np.array([2, 2], np.int32), "en") == [[], [], []]


# Making one


def test_a_map_holds_every_document_and_query_once_in_order(mapped):
    folder = mapped.round_folder()
    points = pd.read_parquet(folder / "map.parquet")
    assert list(points) == ["kind", "id", "x", "y", "cluster"]
    expected = [("document", f"d{n}") for n in range(64)] + [("query", f"q{n}") for n in range(8)]
    assert list(zip(points["kind"], points["id"], strict=True)) == expected
    assert np.isfinite(points[["x", "y"]]).all(axis=None)
    facts = read_json(folder / "map.json")
    assert (facts["method"], facts["seed"], facts["points"], facts["of"]) == ("umap", 42, 72, 72)
    assert facts["sample"] == {"room": 50_000, "strata": everybody(8, 64).facts()}
    assert facts["kept_neighbours"]["neighbours"] == 15
    assert 0 < facts["kept_neighbours"]["documents"] <= 1
    assert len(facts["clusters"]["words"]) == points["cluster"].max() + 1


def test_a_query_has_the_cluster_of_its_nearest_document(mapped):
    points = pd.read_parquet(mapped.round_folder() / "map.parquet").set_index("id")
    candidates = mapped.candidates()
    best = candidates.loc[candidates.groupby("query_id")["dense_score"].idxmax()]
    for row in best.itertuples():
        assert points.at[row.query_id, "cluster"] == points.at[row.doc_id, "cluster"]


def test_the_same_seed_gives_the_same_bytes_and_leaves_nothing_else_behind(own_map):
    folder = own_map.round_folder()
    before = {name: (folder / name).read_bytes() for name in ("map.parquet", "map.json")}
    there = {path.name for path in folder.iterdir()}
    maps.make(own_map)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert {path.name for path in folder.iterdir()} == there
    maps.make(own_map, seed=7)
    assert (folder / "map.parquet").read_bytes() != before["map.parquet"]
    assert read_json(folder / "map.json")["seed"] == 7


def test_another_process_with_another_number_of_threads_makes_the_same_bytes(mapped):
    folder = mapped.round_folder()
    before = (folder / "map.parquet").read_bytes()
    command = [sys.executable, "-m", "nearmiss.cli", "map", str(mapped.folder), "--seed", "42"]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **threads}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "64 documents and 8 queries on the map" in done.stdout
    assert (folder / "map.parquet").read_bytes() == before


def test_a_recipe_s_own_clusters_are_the_map_s(tmp_path):
    run = mine(tmp_path / "run", *town(40), recipe=Mining(language="en", teacher="toy", clusters=5))
    facts = maps.make(run)
    assert facts["clusters"]["from"] == "the round's recipe"
    own = pd.read_parquet(run.round_folder() / "map.parquet").set_index("id")["cluster"]
    candidates = run.candidates()
    assert own[candidates["doc_id"]].tolist() == candidates["cluster"].tolist()


@pytest.mark.parametrize("documents", [1, 2, 3, 8, 19])
def test_a_handful_of_documents_has_a_map_too(tmp_path, documents):
    run = mine(tmp_path / "run", *(part[:documents] for part in town(documents)))
    facts = maps.make(run)
    assert facts["method"] == "principal components"
    assert facts["umap"] is None
    assert facts["kept_neighbours"]["neighbours"] == min(documents - 1, 15)
    points = pd.read_parquet(run.round_folder() / "map.parquet")
    assert np.isfinite(points[["x", "y"]]).all(axis=None)
    atlas = maps.open_atlas(open_workspace(run.folder))
    around = atlas.around("q0", atlas.work.decision())
    assert around.window is not None
    assert around.asked == min(documents - 1, 15)
    for by in maps.GROUPINGS:
        assert sum(atlas.groups(by, atlas.work.decision()).counts()) <= documents


def test_documents_of_one_text_have_a_map(tmp_path):
    run = mine(tmp_path / "run", ["all the same words"] * 30, ["all the same words"])
    facts = maps.make(run)
    assert facts["method"] == "umap"
    assert np.isfinite(pd.read_parquet(run.round_folder() / "map.parquet")[["x", "y"]]).all(axis=None)


def test_a_sample_says_what_it_left_out(own_map):
    facts = maps.make(own_map, room=40)
    assert (facts["points"], facts["of"], facts["documents"], facts["queries"]) == (40, 72, 32, 8)
    names = [stratum["name"] for stratum in facts["sample"]["strata"]]
    assert names[:3] == ["queries", "positives", "kept candidates"]
    atlas = maps.open_atlas(open_to_read(own_map.folder))
    positives = own_map.dataset.positives["doc_id"]
    assert all(atlas.point_of_document(doc_id) is not None for doc_id in positives)
    around = atlas.around("q0", atlas.work.decision())
    off = around.candidates["point"].eq(-1)
    assert off.any()
    assert around.candidates.loc[off, "map_place"].eq(0).all()
    assert around.candidates.loc[~off, "map_place"].ge(1).all()


def test_a_round_that_does_not_exist_is_refused(mapped):
    with pytest.raises(RunError, match=r"wanted one of the rounds \[1\]; found 3"):
        maps.make(mapped, 3)


# Progress


def test_two_processes_do_not_make_the_same_map(tmp_path):
    with (
        alone(tmp_path, silent),
        pytest.raises(RunError, match=rf"its map; found process {os.getpid()} on .* writing since"),
        alone(tmp_path, silent),
    ):
        pass
    with alone(tmp_path, silent):
        pass


def test_whoever_looks_sees_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("nearmiss.pipeline.own_process.EVERY_S", 0)
    assert maps.progress(tmp_path) is None
    with alone(tmp_path, silent) as told:
        assert maps.progress(tmp_path) == maps.MapProgress()
        with told("map_layout", 10, "rounds") as advance:
            assert maps.progress(tmp_path) == maps.MapProgress("map_layout", 10, 0, "rounds")
            advance(4)
            now = maps.progress(tmp_path)
            assert (now.done, now.share, now.seconds_left) == (4, 0.4, None)
            time.sleep(0.02)
            advance(2)
            now = maps.progress(tmp_path)
            # Two more in 20 ms; what came before the first four does not count.
            assert 0 < now.rate <= 100
            assert now.seconds_left == pytest.approx(4 / now.rate)
    assert maps.progress(tmp_path) is None


def test_a_map_that_failed_says_so_until_it_is_made(tmp_path):
    def fails():
        with alone(tmp_path, silent) as told, told("map_layout", 10, "rounds"):
            raise MemoryError

    with pytest.raises(MemoryError):
        fails()
    assert maps.progress(tmp_path) == maps.Stopped("")
    (tmp_path / "map.log").write_text("map_layout: 3 of 10\nerror: no space left\n\n")
    assert maps.progress(tmp_path) == maps.Stopped("no space left")
    with alone(tmp_path, silent):
        pass
    assert maps.progress(tmp_path) is None


def test_a_process_of_its_own_makes_the_map(own_map):
    folder = own_map.round_folder()
    (folder / "map.json").unlink()
    maps.start(own_map.folder, 1, folder)
    assert isinstance(maps.progress(folder), maps.MapProgress)
    maps.start(own_map.folder, 1, folder)  # it is being made: nothing more begins
    deadline = time.monotonic() + 240
    while isinstance(maps.progress(folder), maps.MapProgress) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert maps.progress(folder) is None
    assert (folder / "map.json").exists()
    assert not (folder / "map.progress.json").exists()


def test_a_process_that_cannot_says_why(tmp_path):
    maps.start(tmp_path / "nowhere", 1, tmp_path)
    deadline = time.monotonic() + 120
    while isinstance(maps.progress(tmp_path), maps.MapProgress) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "wanted a run folder" in maps.progress(tmp_path).said


# The atlas


def test_every_status_has_its_place():
    assert sorted(SHOWN_FIRST) == sorted(STATUSES)


def strongest(atlas, column, order, query_id=None):
    """Each document's first of `order`, the slow way."""
    candidates = atlas.work.candidates.assign(value=column)
    if query_id is not None:
        candidates = candidates[candidates["query_id"].eq(query_id)]
    found = {}
    for doc_id, own in candidates.groupby("doc_id"):
        known = [value for value in own["value"] if value in order]
        if known:
            found[doc_id] = min(known, key=order.index)
    return found


def told(atlas, groups):
    return {atlas.map.ids[point]: groups.names[place] for point, place in enumerate(groups.of.tolist()) if place >= 0}


@pytest.mark.parametrize("query_id", [None, "q3"])
def test_a_document_counts_with_the_first_of_its_statuses(atlas, query_id):
    decision = atlas.work.decision(Policy(negatives_per_query=2))
    statuses = np.array(STATUSES)[decision.status]
    groups = atlas.groups("status", decision, query_id)
    assert told(atlas, groups) == strongest(atlas, statuses, SHOWN_FIRST, query_id)
    assert {"known_positive", "kept"} <= set(told(atlas, groups).values())
    assert sum(groups.counts()) == len(told(atlas, groups))


def test_a_document_counts_with_every_source_that_found_it(atlas):
    groups = atlas.groups("source", atlas.work.decision())
    candidates = atlas.work.candidates
    for doc_id, name in told(atlas, groups).items():
        own = candidates[candidates["doc_id"].eq(doc_id)]
        found = [source for source in ("bm25", "dense") if own[f"{source}_rank"].notna().any()]
        assert name == ("+".join(found) or "none")


def test_bands_of_scores_hold_each_document_s_highest(atlas):
    groups = atlas.groups("score", atlas.work.decision())
    highest = atlas.work.candidates.groupby("doc_id")["teacher_score"].max()
    for doc_id, name in told(atlas, groups).items():
        low, high = map(float, name.split(" to "))
        assert low - 0.01 <= highest[doc_id] <= high + 0.01
    lows = [float(name.split(" to ")[0]) for name in groups.names]
    assert lows == sorted(lows, reverse=True)


def test_clusters_are_everybody_s_and_around_a_query_its_candidates_alone(atlas):
    decision = atlas.work.decision()
    everywhere, around = (atlas.groups("cluster", decision, query_id) for query_id in (None, "q0"))
    assert told(atlas, everywhere) == {
        doc_id: str(cluster) for doc_id, cluster in zip(atlas.map.ids[:64], atlas.map.cluster[:64], strict=True)
    }
    own = atlas.work.candidates[atlas.work.candidates["query_id"].eq("q0")]["doc_id"]
    assert set(told(atlas, around)) == set(own)


def test_verdicts_are_shown_the_most_cautious_first(mapped, tmp_path):
    work = open_workspace(mapped.folder, f"sqlite:///{tmp_path / 'reviews.db'}")
    atlas = maps.open_atlas(work)
    assert told(atlas, atlas.groups("verdict", work.decision())) == {}
    candidates = work.candidates[~work.candidates["is_positive"]]
    shared = candidates["doc_id"].value_counts().index[0]
    asked = candidates[candidates["doc_id"].eq(shared)]["query_id"].tolist()[:2]
    for n, (query_id, verdict) in enumerate(zip(asked, ["not_relevant", "partial"], strict=True), start=1):
        event = {"doc_id": shared, "reviewer": "ana", "client_id": "c", "client_seq": n, "decided_at": 0.0}
        work.append([Event(query_id=query_id, verdict=verdict, **event)])
    assert told(atlas, atlas.groups("verdict", work.decision())) == {shared: "partial"}
    assert told(atlas, atlas.groups("verdict", work.decision(), asked[0])) == {shared: "not_relevant"}
    assert CAUTION["partial"] < CAUTION["not_relevant"]
    around = atlas.around(asked[0], work.decision())
    judged = around.candidates.set_index("doc_id")["verdict"]
    assert judged[shared] == "not_relevant"
    assert judged.drop(shared).eq("").all()


def test_around_a_query_true_places_stand_beside_those_on_the_map(atlas):
    around = atlas.around("q2", atlas.work.decision())
    own = atlas.work.candidates[atlas.work.candidates["query_id"].eq("q2")].set_index("doc_id")
    frame = around.candidates
    assert frame["cosine"].is_monotonic_decreasing
    assert frame["true_place"].tolist() == list(range(1, len(own) + 1))
    np.testing.assert_array_equal(frame["cosine"], own["dense_score"][frame["doc_id"]])
    np.testing.assert_array_equal(frame["teacher_score"], own["teacher_score"][frame["doc_id"]])
    xy = np.stack([atlas.map.x, atlas.map.y], axis=1)
    away = np.linalg.norm(xy[:64] - xy[around.point], axis=1)
    for row in frame.itertuples():
        assert atlas.map.ids[row.point] == row.doc_id
        assert row.map_place == (away < away[row.point]).sum() + 1
    assert around.asked == 15
    assert around.kept == (frame["map_place"].head(15) <= 15).sum()


def test_the_window_holds_the_query_its_positives_and_kept_ones(atlas):
    around = atlas.around("q5", atlas.work.decision())
    left, right, bottom, top = around.window
    telling = around.candidates[around.candidates["status"].isin(["known_positive", "kept"])]["point"]
    for point in [around.point, *telling]:
        assert left < atlas.map.x[point] < right
        assert bottom < atlas.map.y[point] < top


@pytest.mark.parametrize("most", [5, 20, 60])
def test_the_backdrop_is_what_lies_in_the_window_first(atlas, most):
    around = atlas.around("q5", atlas.work.decision())
    left, right, bottom, top = around.window
    points = np.arange(64)
    drawn = atlas.backdrop(points, around, most)
    x, y = atlas.map.x[:64], atlas.map.y[:64]
    inside = set(np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top)).tolist())
    assert most / 2 <= len(drawn) <= most
    assert len(set(drawn.tolist())) == len(drawn)
    if len(inside) < most:
        assert inside <= set(drawn.tolist())
    else:
        assert set(drawn.tolist()) <= inside


def test_without_the_source_dense_nobody_knows_the_nearest(tmp_path):
    run = mine(tmp_path / "run", *town(24), recipe=Mining(sources=("bm25",), language="en", teacher="toy"))
    maps.make(run)
    atlas = maps.open_atlas(open_workspace(run.folder))
    assert atlas.around("q0", atlas.work.decision()).asked == 0


def test_the_pairs_behind_points_are_those_of_any_query_or_of_one(atlas):
    decision = atlas.work.decision()
    points = [3, 9, 40, 70]  # the last is a query
    wanted = {f"d{point}" for point in points[:3]}
    candidates = atlas.work.candidates.assign(status=np.array(STATUSES)[decision.status])
    for query_id in (None, "q1"):
        own = candidates[candidates["doc_id"].isin(wanted)]
        own = own[own["query_id"].eq(query_id)] if query_id else own
        counts = own["status"].value_counts().to_dict()
        assert atlas.pair_counts(points, decision, query_id) == counts
        for statuses in ({"kept"}, set(counts)):
            chosen = own[own["status"].isin(statuses)]
            expected = list(zip(chosen["query_id"], chosen["doc_id"], strict=True))
            assert atlas.pairs(points, decision, statuses, query_id) == expected


def test_the_queries_of_a_document_come_the_most_telling_first(atlas):
    decision = atlas.work.decision()
    found = atlas.queries_of(4, decision)
    own = atlas.work.candidates[atlas.work.candidates["doc_id"].eq("d4")]
    assert sorted(found["query_id"]) == sorted(own["query_id"])
    places = found["status"].map(SHOWN_FIRST.index)
    assert places.is_monotonic_increasing
    assert found.loc[0, "status"] == "known_positive"


def test_a_query_is_found_by_id_and_by_words(atlas):
    assert atlas.find("q3", 5)[0] == ("q3", "when does the market open")
    assert [query_id for query_id, _ in atlas.find("MUSEUM", 5)] == ["q5"]
    assert len(atlas.find("when does", 3)) == 3
    assert atlas.find("(*", 5) == []


def test_documents_in_order_those_of_no_group_last(atlas):
    groups = atlas.groups("status", atlas.work.decision(), "q0")
    ordered = groups.in_order(range(64))
    names = [groups.name(point) for point in ordered]
    assert names[0] == "known_positive"
    assert sorted(ordered) == list(range(64))
    known = [name for name in names if name]
    assert names == known + [None] * (64 - len(known))
    assert [SHOWN_FIRST.index(name) for name in known] == sorted(SHOWN_FIRST.index(name) for name in known)


def test_texts_and_documents_are_read_by_number_and_by_id(atlas):
    assert atlas.texts([1, 65], 10) == ["the castle", "when does "]
    assert atlas.document("d1")[1].startswith("the castle opens")
    assert atlas.document("nobody") is None
    assert atlas.point_of("q1") == 65
    assert atlas.point_of("d1") is None


def test_an_atlas_is_read_again_when_its_map_is_made_again(own_map):
    work = open_workspace(own_map.folder)
    first = maps.open_atlas(work)
    assert maps.open_atlas(work) is first
    maps.make(own_map)
    assert maps.open_atlas(work) is not first


def test_a_half_written_map_is_none(tmp_path):
    points = pd.DataFrame({"kind": ["document"], "id": ["a"], "x": [0.0], "y": [0.0], "cluster": [0]})
    write_parquet(tmp_path / "map.parquet", points)
    assert maps.open_map(tmp_path) is None
    write_json(tmp_path / "map.json", {})
    assert maps.open_map(tmp_path).ids == ["a"]
