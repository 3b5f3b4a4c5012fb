"""Query: the page finds a query, shows it beside its rankings, and writes what its rows were judged."""

import json

import pandas as pd
import pytest

from nearmiss.review import open_log


@pytest.fixture
def query(open_page):
    return lambda **address: open_page("query", **address)


def shown(page):
    """What the component was handed."""
    [component] = page.get("bidi_component")
    return json.loads(component.proto.json)


def labels(page):
    return [link.proto.label for link in page.get("page_link")]


def first_kept(page):
    return next(item for item in shown(page)["view"]["documents"] if item["status"] == "kept")


def judged(doc_id, verdict, seq=1):
    who = {"client_id": "a browser", "client_seq": seq, "reviewer": "ada", "arm": "query"}
    return who | {"query_id": "q03", "doc_id": doc_id, "verdict": verdict, "shown_at": 1.0, "decided_at": 2.0}


def send(page, **states):
    page.session_state["rankings"] = states
    return page.run()


def test_a_query_stands_beside_its_rankings_with_its_answer(query):
    data = shown(query(query="q03", reviewer="ada"))
    assert data["view"]["query_id"] == "q03"
    assert [ranking["name"] for ranking in data["view"]["rankings"]] == [
        "bm25",
        "dense",
        "teacher",
        "fused",
        "p_relevant",
    ]
    answers = [item["doc_id"] for item in data["view"]["documents"] if item["is_positive"]]
    assert [answer["doc_id"] for answer in data["answers"]] == answers
    assert data["can_judge"]
    assert data["reviewer"] == "ada"


def test_an_unknown_query_is_said_and_a_search_offered(query):
    page = query(query="no such query")
    assert "This round has no query of that id" in page.warning[0].value
    assert page.get("bidi_component") == []
    page.text_input(key="query_find").set_value("q03").run()
    assert labels(page)[0].startswith("boiling point of water")
    page.text_input(key="query_find").set_value("nobody asks this").run()
    assert "No query has these words." in [caption.value for caption in page.caption]


def test_the_texts_that_the_browser_wants_are_sent(query):
    page = query(query="q03")
    doc_id = shown(page)["view"]["documents"][-1]["doc_id"]
    send(page, wants={"nonce": 1, "query_id": "q03", "doc_ids": [doc_id, "no such document"]})
    assert list(shown(page)["readings"]) == [doc_id]
    assert shown(page)["readings"][doc_id]["pieces"]


def test_rows_judged_here_are_written_as_the_readers_own_choice_and_undone(query, run):
    page = query(query="q03", reviewer="ada")
    doc_id = first_kept(page)["doc_id"]
    send(page, events={"nonce": 1, "events": [judged(doc_id, "relevant")]})
    log = open_log(run / "reviews.db")
    [entry] = log.since(0)
    assert (entry.event.arm, entry.event.inclusion_probability, entry.event.scores_visible) == ("query", None, True)
    item = next(item for item in shown(page)["view"]["documents"] if item["doc_id"] == doc_id)
    assert (item["status"], item["verdict"]) == ("reviewed_relevant", "relevant")
    assert shown(page)["ack"] == {"a browser": 1}
    send(page, events={"nonce": 2, "events": [judged(doc_id, "undo", 2)]})
    assert first_kept(page)["doc_id"] == doc_id
    log.close()


def test_a_slider_gets_its_stops_once_and_what_is_tried_is_not_saved(query, run):
    before = (run / "policy.json").read_bytes()
    page = query(query="q03", reviewer="ada")
    assert shown(page)["along"] is None
    slides = {"nonce": 1, "name": "negatives_per_query"}
    send(page, slides=slides)
    along = shown(page)["along"]
    assert along["stops"][along["at"]] == "7"
    assert along["kept"][along["stops"].index("3")] == 3
    send(page, slides=slides)
    assert shown(page)["along"] is None
    send(page, slides=slides, tries={"nonce": 2, "name": "negatives_per_query", "stop": "3"})
    assert shown(page)["tried"] == {"negatives_per_query": "3"}
    assert shown(page)["view"]["kept"] == 3
    assert shown(page)["along"]["at"] == along["stops"].index("3")
    assert "Open it in Tune" in labels(page)
    assert (run / "policy.json").read_bytes() == before


def test_the_picture_comes_once_it_is_looked_at(query):
    page = query(query="q03")
    assert shown(page)["picture"] is None
    drawn = shown(send(page, pictured={"shown": True}))["picture"]
    assert len(drawn["distances"]) == len(drawn["angles"]) == len(drawn["shares"][drawn["usual"]])
    assert drawn["temperatures"][drawn["usual"]] == 0.05


def test_a_text_in_the_search_is_no_markup(open_page, run):
    queries = run / "dataset" / "queries.parquet"
    frame = pd.read_parquet(queries)
    frame.loc[frame["query_id"].eq("q03"), "text"] = "![x](http://example.com/x.png) boiling"
    frame.to_parquet(queries)
    page = open_page("query")
    page.text_input(key="query_find").set_value("q03").run()
    assert r"\!\[x\]\(http\:\/\/example\.com\/x\.png\) boiling" in labels(page)
