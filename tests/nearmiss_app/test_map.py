"""The map's page: without a map, over one, around one query, and what it does with hostile texts."""

import base64
import json
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nearmiss import maps
from nearmiss.retrieval.vector_store import open_vectors
from nearmiss.run import open_run
from nearmiss.workspace import open_workspace
from nearmiss_app.charts import map as charts
from nearmiss_app.charts import map_labels, map_layers
from nearmiss_app.theme import STATUS, VERDICT

HOSTILE = "<img src=x onerror=alert(1)> **bold** $x^2$ # heading ![i](http://example.org/i.png) \u202eesrever"


@pytest.fixture(scope="module")
def seen(mined, tmp_path_factory):
    """The run with its map, of all tests here that only look."""
    folder = Path(shutil.copytree(mined, tmp_path_factory.mktemp("mapped") / "sample"))
    maps.make(open_run(folder))
    return folder


@pytest.fixture(scope="module")
def atlas(seen):
    return maps.open_atlas(open_workspace(seen))


def said(page):
    """All that a person can read outside of tables and pictures."""
    parts = [page.markdown, page.caption, page.text, page.subheader, page.warning, page.code]
    html = [element.proto.body for element in page.get("html")]
    return "\n".join([*(element.value for part in parts for element in part), *html])


def figure(page, key="map_plot"):
    return json.loads(next(p.proto.spec for p in page.get("plotly_chart") if key in p.proto.id))


def table(page, *columns):
    """The first table with these columns."""
    return next(frame.value for frame in page.dataframe if set(columns) <= set(frame.value.columns))


def points(trace):
    kept = trace.get("customdata")
    if kept is None:
        return []
    return np.frombuffer(base64.b64decode(kept["bdata"]), kept["dtype"]).tolist()


# Without a map


def test_without_a_map_the_page_says_how_to_make_one(open_page, run):
    page = open_page("map")
    assert "No map yet" in said(page)
    assert f"nearmiss map {run}" in said(page)
    assert not page.get("plotly_chart")


def test_a_press_makes_the_map_in_another_process(open_page, run, monkeypatch):
    started = []
    monkeypatch.setattr(maps, "start", lambda *of: started.append(of))
    page = open_page("map")
    page.button[0].click().run()
    assert started == [(run, 1, run / "rounds" / "1")]


def test_while_it_is_made_the_page_says_how_far_it_is(open_page, run, monkeypatch):
    told = maps.MapProgress("map_layout", 500, 125, "rounds", 25.0)
    monkeypatch.setattr(maps, "progress", lambda folder: told)
    page = open_page("map")
    [bar] = page.get("progress")
    assert bar.proto.text == "Laying out the map: 125 of 500 rounds, 25 a second, about 15 s left"
    assert bar.proto.value == 25
    assert not page.button


def test_a_map_that_failed_says_why_and_offers_another_try(open_page, run, monkeypatch):
    monkeypatch.setattr(maps, "progress", lambda folder: maps.Stopped("no space left"))
    page = open_page("map")
    assert "ended before the map was done" in said(page)
    assert "no space left" in said(page)
    assert page.button[0].label == "Make the map"


# The whole map


@pytest.mark.parametrize("by", maps.GROUPINGS)
def test_every_point_is_drawn_once_whatever_it_is_coloured_by(atlas, open_page, by):
    words = {"status": "Status", "source": "Source", "cluster": "Topic", "verdict": "Verdict", "score": "Score"}
    page = open_page("map", colour=words[by])
    drawn = [point for trace in figure(page)["data"] for point in points(trace)]
    assert sorted(drawn) == list(range(len(atlas.map.ids)))
    assert page.segmented_control[0].value == by


def test_the_legend_has_sign_word_and_count_of_each_status(atlas, open_page):
    page = open_page("map")
    groups = atlas.groups("status", atlas.work.decision())
    for name, count in zip(groups.names, groups.counts(), strict=True):
        if count > 1:
            assert f"{STATUS[name].sign}</span>&nbsp;{STATUS[name].word} <span" in said(page)
            assert f"{count:,}</span>" in said(page)


def test_the_page_says_how_much_the_map_lies(atlas, open_page):
    share = atlas.map.facts["kept_neighbours"]["documents"]
    assert f"it shows {share:.0%} among the 15 nearest" in said(open_page("map"))
    assert "All " in said(open_page("map"))


def test_a_sample_says_from_what_it_was_drawn(run, open_page):
    maps.make(open_run(run), room=300)
    page = open_page("map")
    assert "300 of " in said(page)
    strata = table(page, "Drawn from", "There are", "On the map")
    assert strata["On the map"].sum() == 300
    assert strata["Drawn from"].tolist()[:3] == ["queries", "positives", "kept candidates"]


def test_a_document_is_read_with_the_queries_whose_candidate_it_is(atlas, open_page):
    doc_id = atlas.work.candidates["doc_id"].iloc[0]
    page = open_page("map", doc=doc_id)
    assert f"Document <bdi>{doc_id}</bdi>" in said(page)
    asked = atlas.work.candidates[atlas.work.candidates["doc_id"].eq(doc_id)]
    assert f"Candidate of {len(asked)} " in said(page)
    assert len(table(page, "Status", "Query")) == len(asked)


def test_topics_stand_on_the_map_in_words_whatever_it_is_coloured_by(atlas, open_page):
    words = set(map(map_layers.topic, [atlas] * 20, map_layers.topics(atlas)))
    for colour in ("Status", "Topic"):
        written = [note["text"] for note in figure(open_page("map", colour=colour))["layout"]["annotations"]]
        assert len(written) > 1
        assert set(written) <= words
    assert all(label and not label.isdigit() for label in words)


def test_on_no_page_do_topics_words_cover_each_other_or_hang_over_the_edge(atlas):
    height = 100  # so low that they crowd
    labels = map_labels.topic_labels(atlas, atlas.window, height)
    later = [one.width > min(map_labels.WIDTHS) for one in labels]
    assert later == sorted(later)
    assert set(later) == {False, True}
    for width in map_labels.WIDTHS:
        shown = [one for one in labels if one.width <= width]
        assert all(one.wide / 2 - 1 <= one.x * width <= width - one.wide / 2 + 1 for one in shown)
        assert not [(one, other) for one, other in combinations(shown, 2) if one.covers(other, width, height)]
    hidden = map_labels.hidden_labels(labels)
    assert [f'[data-index="{n}"]' in hidden for n in range(len(labels))] == later


def test_density_lies_below_the_points_and_can_be_left_away(open_page):
    page = open_page("map")
    assert figure(page)["data"][0]["type"] == "histogram2dcontour"
    page.toggle(key="map_density").set_value(False).run()
    assert "histogram2dcontour" not in {trace["type"] for trace in figure(page)["data"]}


def test_the_nearest_documents_are_those_of_a_full_comparison(atlas, open_page):
    doc_id = atlas.work.candidates["doc_id"].iloc[0]
    vectors = open_vectors(atlas.work.folder / "document_vectors")
    ids = atlas.map.ids[: atlas.map.documents]
    every = vectors.take(atlas.work.rows_in_documents(ids)).astype(np.float32)
    cosine = every @ every[ids.index(doc_id)]
    cosine[ids.index(doc_id)] = -2
    shown = table(open_page("map", doc=doc_id), "Cosine", "On map", "Document")
    np.testing.assert_allclose(shown["Cosine"], np.sort(cosine)[::-1][:10], atol=1e-3)
    assert maps.nearest(atlas, "nobody", 3) is None


def test_documents_with_the_searched_words_are_ringed_and_can_be_listed(atlas, open_page):
    page = open_page("map")
    page.text_input(key="map_find").input("ChEEse").run()
    found = [
        point
        for point in range(atlas.map.documents)
        if "cheese" in " ".join(atlas.document(atlas.map.ids[point])).casefold()
        and atlas.map.ids[point] in set(atlas.work.doc_ids)
    ]
    assert f"{len(found)} documents on the map have these words." in said(page)
    [rings] = [trace for trace in figure(page)["data"] if trace.get("name") == "found"]
    assert len(np.frombuffer(base64.b64decode(rings["x"]["bdata"]), rings["x"]["dtype"])) == len(found)
    next(button for button in page.button if button.label == "Make these your list").click().run()
    assert page.session_state["map_picked"] == found


def test_statuses_and_scores_narrow_the_map_and_the_others_stay_in_grey(atlas, open_page):
    page = open_page("map")
    groups = atlas.groups("status", atlas.work.decision())
    page.session_state["map_statuses"] = ["kept"]
    scores = atlas.best_scores
    low, high = np.quantile(scores[np.isfinite(scores)], [0.3, 0.9])
    page.session_state["map_range"] = (float(low), float(high))
    page.run()
    wanted = {
        point for point in range(atlas.map.documents) if groups.name(point) == "kept" and low <= scores[point] <= high
    }
    traces = {trace["name"]: set(points(trace)) for trace in figure(page)["data"] if "customdata" in trace}
    assert traces["kept"] == wanted != set()
    assert traces["not chosen"] == set(range(atlas.map.documents)) - wanted
    marked = figure(page, "map_scores")["data"][1]["y"]
    assert np.frombuffer(base64.b64decode(marked["bdata"]), marked["dtype"]).sum() == len(wanted)


# Around one query


def test_around_a_query_its_candidates_stand_by_their_true_cosine(atlas, open_page):
    query_id = atlas.work.query_ids[3]
    page = open_page("map", query=query_id)
    around = atlas.around(query_id, atlas.work.decision())
    shown = table(page, "#", "Cosine", "Status", "On map", "Document")
    np.testing.assert_array_equal(shown["Cosine"], around.candidates["cosine"])
    np.testing.assert_array_equal(shown["On map"], around.candidates["map_place"])
    assert shown["Status"].tolist() == [
        f"{STATUS[name].sign} {STATUS[name].word}" for name in around.candidates["status"]
    ]
    assert f"**{around.kept} of its {around.asked}** most alike" in said(page)
    names = {trace["name"]: points(trace) for trace in figure(page)["data"] if "name" in trace}
    assert names["the query"] == [around.point]
    assert list(names).index("the query") < list(names).index("positive")  # which it must not hide
    for status, own in around.candidates.groupby("status"):
        assert sorted(names[STATUS[status].word]) == sorted(own["point"])
    [rings] = [json.loads(one.proto.json) for one in page.get("bidi_component") if "picture" in one.proto.json]
    drawn = {item["doc_id"]: place for place, item in enumerate(rings["view"]["documents"])}
    listed = around.candidates[around.candidates["doc_id"].isin(list(drawn))]
    assert len(listed) == len(drawn)
    places = [drawn[doc_id] for doc_id in listed["doc_id"]]
    np.testing.assert_allclose(np.array(rings["picture"]["distances"])[places], 1 - listed["cosine"], atol=1e-3)
    assert [rings["view"]["documents"][place]["status"] for place in places] == listed["status"].tolist()


def test_a_candidate_is_read_beside_the_positive(atlas, open_page):
    query_id = atlas.work.query_ids[3]
    candidates = atlas.around(query_id, atlas.work.decision()).candidates
    kept = candidates[candidates["status"].eq("kept")].iloc[0]
    positive = candidates[candidates["status"].eq("known_positive")].iloc[0]
    page = open_page("map", query=query_id, doc=kept["doc_id"])
    assert f"● kept</b>, cosine {kept['cosine']:.3f}, score {kept['teacher_score']:.2f}" in said(page)
    assert f"Document <bdi>{positive['doc_id']}</bdi>" in said(page)


def test_an_unknown_query_shows_the_whole_map_and_says_so(open_page):
    page = open_page("map", query="nobody")
    assert "no query of that id" in page.warning[0].value
    assert "the query" not in {trace.get("name") for trace in figure(page)["data"]}


def test_an_unknown_document_is_no_error(atlas, open_page):
    open_page("map", doc="nobody")
    page = open_page("map", doc="nobody", query=atlas.work.query_ids[0])
    assert "Press a point or a row" in said(page)


def test_a_query_off_the_map_has_its_cosines_all_the_same(run, open_page):
    maps.make(open_run(run), room=100)
    atlas = maps.open_atlas(open_workspace(run))
    off = next(query_id for query_id in atlas.work.query_ids if atlas.point_of(query_id) is None)
    page = open_page("map", query=off)
    assert "not on the map" in said(page)
    shown = table(page, "#", "Cosine", "On map")
    assert shown["Cosine"].notna().all()
    assert shown["On map"].isna().all()


def test_a_query_is_found_by_its_words(atlas, open_page):
    page = open_page("map")
    query_id = atlas.work.query_ids[5]
    page.text_input(key="map_find").input(atlas.work.query_text(query_id)).run()
    assert query_id in table(page, "Id", "Query")["Id"].tolist()
    page.text_input(key="map_find").input("no such words anywhere").run()
    assert "No query has these words." in said(page)


# The list


def test_what_was_drawn_around_is_listed_and_goes_to_review(atlas, open_page):
    page = open_page("map")
    decision = atlas.work.decision()
    picked = [*range(0, 60, 3), len(atlas.map.ids) - 1]  # the last is a query
    page.session_state["map_picked"] = picked
    page.run()
    assert "Your list: 20 documents" in said(page)
    shown = table(page, "Status", "Id", "Document")
    assert sorted(shown["Id"]) == sorted(atlas.map.ids[point] for point in picked[:-1])
    pairs = atlas.pairs(picked, decision, {"kept"})
    button = page.button(key="map_send")
    assert button.label == f"Review {len(pairs):,} pairs"
    button.click().run()
    assert page.session_state["review_pairs"] == pairs
    assert page.query_params["from_map"] == "1"
    assert atlas.work.log.since(0) == []


def test_around_a_query_only_its_own_pairs_go(atlas, open_page):
    query_id = atlas.work.query_ids[2]
    page = open_page("map", query=query_id)
    everybody = list(range(atlas.map.documents))
    page.session_state["map_picked"] = everybody
    page.run()
    kept = atlas.pairs(everybody, atlas.work.decision(), {"kept"}, query_id)
    assert {pair[0] for pair in kept} == {query_id}
    page.button(key="map_send").click().run()
    assert page.session_state["review_pairs"] == kept


def test_a_list_can_be_forgotten(open_page):
    page = open_page("map")
    page.session_state["map_picked"] = [0, 1, 2]
    page.run()
    next(button for button in page.button if button.label == "Forget the list").click().run()
    assert "Your list" not in said(page)


def test_a_list_is_labelled_by_one_press_and_taken_back_by_one(open_page, run, seen):
    for name in ("map.parquet", "map.json"):
        shutil.copy(seen / "rounds" / "1" / name, run / "rounds" / "1" / name)
    page = open_page("map", reviewer="ana")
    work = open_workspace(run)
    atlas = maps.open_atlas(work)
    page.session_state["map_picked"] = list(range(30))
    page.run()
    pairs = atlas.pairs(list(range(30)), work.decision(), {"kept"})
    assert f"Label all {len(pairs)} pairs as" in said(page)
    page.button(key="batch_map_not_relevant").click().run()
    assert not page.exception
    work.refresh()
    events = [entry.event for entry in work.log.since(0)]
    assert {(event.arm, event.inclusion_probability, event.verdict) for event in events} == {
        ("map", None, "not_relevant")
    }
    assert {work.standing.verdict(pair) for pair in pairs} == {"not_relevant"}
    assert f"{len(pairs)} pairs that you judged before keep their verdict." in said(page)
    next(button for button in page.button if button.label == f"Undo all {len(pairs)}").click().run()
    work.refresh()
    assert {work.standing.verdict(pair) for pair in pairs} == {None}


# Hostile texts


def test_a_hostile_text_is_shown_as_text(open_page, run, seen):
    shutil.copytree(seen, run, dirs_exist_ok=True)
    for name, column in (("documents", "text"), ("documents", "title"), ("queries", "text")):
        path = run / "dataset" / f"{name}.parquet"
        pd.read_parquet(path).assign(**{column: HOSTILE}).to_parquet(path)
    work = open_workspace(run)
    doc_id = work.candidates["doc_id"].iloc[0]
    for address in ({"doc": doc_id}, {"doc": doc_id, "query": work.query_ids[0]}):
        page = open_page("map", **address)
        assert "<img" not in said(page)
        assert "&lt;img src=x onerror=alert(1)&gt; **bold** $x^2$" in said(page)
        assert not any("bold" in element.value for part in (page.markdown, page.caption) for element in part)
        hovered = [text for trace in figure(page)["data"] for text in trace.get("hovertext", [])]
        assert hovered
        assert not any("<" in text for text in hovered)


# Looks


def test_every_sign_is_a_symbol_of_plotly_or_written():
    import plotly.graph_objects as go

    for symbol in charts.SYMBOLS.values():
        go.scatter.Marker(symbol=symbol)
    # What the eye must tell apart at once is drawn, not written.
    for look in (
        STATUS["kept"],
        STATUS["known_positive"],
        STATUS["too_close"],
        STATUS["too_easy"],
        STATUS["over_quota"],
    ):
        assert look.sign in charts.SYMBOLS
    assert len({look.sign for look in map_layers.CATEGORIES}) == len(map_layers.CATEGORIES)
    assert all(look.sign in charts.SYMBOLS for look in map_layers.CATEGORIES)
    assert set(VERDICT)
