"""The overview page: it says what the run is, and every number opens its rows."""

import json

import pytest

from nearmiss import data as dataset
from nearmiss.data import Dataset
from nearmiss.reports.doubts import Doubt
from nearmiss.reports.funnel import SourceOverlap
from nearmiss.review import Event
from nearmiss.run import open_run
from nearmiss.session import overview
from nearmiss.session.overview import JudgedCounts, Overview, RowFilter, RunSummary
from nearmiss.settings import Policy
from nearmiss.workspace import open_workspace
from nearmiss_app.charts import overview as charts
from nearmiss_app.charts import overview_lists as lists

HOSTILE = "<img src=x onerror=alert(1)> **bold** $x^2$ # heading ![i](http://example.org/i.png)"


def drawn(page, key):
    """The tree that a picture was given."""
    proto = next(element.proto for element in page.get("bidi_component") if element.proto.id.endswith(f"-{key}"))
    return json.loads(proto.json)["root"]


def elements(node):
    """The element and all within it, texts left out."""
    yield node
    for child in node["children"]:
        if isinstance(child, dict):
            yield from elements(child)


def text(node):
    """What a person reads of it."""
    return "".join(child if isinstance(child, str) else text(child) + " " for child in node["children"]).strip()


def of_look(node, look):
    return [element for element in elements(node) if look in element["look"].split()]


def judge(run, count, reviewer="Ann"):
    work = open_workspace(run)
    pairs = [
        work.pair_at(int(row)) for row in overview.rows_behind(work.table, work.decision(), RowFilter("kept"))[:count]
    ]
    work.append(
        [
            Event(
                query_id=q, doc_id=d, verdict="relevant", reviewer=reviewer, client_id="t", client_seq=n, decided_at=n
            )
            for n, (q, d) in enumerate(pairs, start=1)
        ]
    )


def test_the_page_says_what_the_run_is_and_what_to_do_next(open_page, seen):
    page = open_page("overview")
    queries = len(open_run(seen).dataset.queries)
    said = text(drawn(page, "about"))
    assert f"sample, one round: candidates for {queries} queries among" in said
    assert "the first 100 of BM25 and Dense" in said
    assert said.endswith("pairs judged by people 0")
    assert [link.label for link in page.get("page_link")] == [
        "**Tune**: move the thresholds",
        "**Trials**: see which policy trains better",
        "**Review**: judge what models cannot",
        "**Export**: write training shards",
    ]
    assert [button.label for button in page.button] == ["Begin to judge"]
    assert page.text[0].value.startswith("Nobody has judged a pair yet.")


def test_once_someone_has_judged_the_page_says_who(open_page, run):
    judge(run, 3)
    page = open_page("overview")
    said = text(drawn(page, "about"))
    assert "Judged by Ann 3" in said
    assert "3 relevant" in said
    assert [button.label for button in page.button] == ["Draw 200 at random to judge"]
    assert (
        page.text[0].value
        == "How many of the kept are unlabelled answers is not measured yet: a random sample tells, once judged."
    )
    assert "judged relevant" in text(drawn(page, "pictures_drawn"))


def test_a_press_draws_the_audit_and_leads_to_its_first_card(open_page, run):
    judge(run, 3)
    page = open_page("overview", reviewer="Ann")
    page.button(key="next_draw").click().run()
    assert not page.exception
    assert len(open_workspace(run).log.plans()) == 1
    assert page.query_params["order"] in ("audit", ["audit"])


def test_every_step_of_the_funnel_can_be_pressed(open_page, seen):
    counts = open_workspace(seen).decision().counts()
    steps = [step for step in of_look(drawn(open_page("overview"), "pictures_drawn"), "step") if "press" in step]
    pressed = [step["press"]["status"] for step in steps]
    assert pressed == ["all", *(s for s, count in counts.items() if count and s != "kept"), "kept"]
    assert all(step["tag"] == "button" and step["said"]["aria-label"] for step in steps)


@pytest.mark.parametrize("status", ["too_close", "over_quota", "known_positive"])
def test_the_address_says_which_rows_are_shown(open_page, seen, status):
    page = open_page("overview", status=status)
    work = open_workspace(seen)
    count = work.decision().counts()[status]
    assert page.selectbox(key="rows_status").value == status
    assert f"{count:,} rows" in [said.value for said in page.text]
    assert len(of_look(drawn(page, "rows_drawn"), "row")) == min(count, 8)
    [marked] = [
        step for step in of_look(drawn(page, "pictures_drawn"), "step") if step["said"].get("aria-pressed") == "true"
    ]
    assert marked["press"] == {"status": status}


def test_rows_of_one_set_of_sources_and_one_range(open_page, seen):
    work = open_workspace(seen)
    wanted = RowFilter("", ("bm25",), "teacher_score", -4.0, 0.0)
    count = len(overview.rows_behind(work.table, work.decision(), wanted))
    page = open_page("overview", status="all", found="bm25", score="teacher_score", low="-4", high="0")
    assert f"{count:,} rows" in [said.value for said in page.text]
    assert page.number_input(key="rows_low").value == -4


def test_a_condition_goes_into_the_address(open_page):
    page = open_page("overview")
    page.selectbox(key="rows_status").set_value("over_quota").run()
    assert not page.exception
    assert page.query_params["status"] == "over_quota"
    assert "not needed" in text(drawn(page, "rows_drawn"))


@pytest.mark.parametrize(
    "address", [{"status": "nonsense"}, {"score": "nonsense", "low": "x"}, {"score": "dense_score", "low": "nan"}]
)
def test_an_address_that_means_nothing_shows_what_is_kept(open_page, seen, address):
    page = open_page("overview", **address)
    kept = open_workspace(seen).decision().counts()["kept"]
    assert f"{kept:,} rows" in [said.value for said in page.text]


def test_conditions_that_nothing_meets_say_so(open_page):
    page = open_page("overview", score="dense_score", low="7", high="8")
    assert text(drawn(page, "rows_drawn")) == "No candidate is like this. Take away a condition above."


def test_texts_of_others_are_drawn_as_text(open_page, run):
    data = open_run(run).dataset
    hostile = Dataset(
        data.queries.assign(text=HOSTILE),
        data.documents.assign(text=HOSTILE),
        data.positives,
        data.negatives,
        data.counts,
    )
    dataset.save(hostile, run / "dataset")
    page = open_page("overview")
    assert HOSTILE in text(drawn(page, "rows_drawn"))
    assert HOSTILE in text(drawn(page, "doubts"))
    assert not any("onerror" in element.value for element in page.markdown)


def test_queries_with_too_few_negatives_open_on_the_review_page(open_page, run):
    open_run(run).save_policy(Policy(max_p_relevant=0.02, negatives_per_query=60))
    page = open_page("overview")
    links = [element for element in elements(drawn(page, "short")) if element["tag"] == "a"][::2]
    work = open_workspace(run)
    assert len(links) == min(10, len(overview.overview(work).short))
    assert links[0]["said"]["href"] == f"review?query={links[0]['press']['query']}"
    assert "keep fewer than 60" in text(drawn(page, "short_heading"))


def test_a_run_without_short_queries_says_so(open_page, run):
    open_run(run).save_policy(Policy(max_p_relevant=None, relative_margin=None, negatives_per_query=1))
    page = open_page("overview")
    assert text(drawn(page, "short_heading")).startswith("Queries with too few negatives None: each of the")


def test_links_keep_the_reviewer():
    row = lists.doubts([Doubt("q 1&x", ("why",))], {"q 1&x": "a text"}, reviewer="Ann B")
    links = [element for element in elements(row) if element["tag"] == "a"]
    for page, link in zip(("review", "query"), links, strict=True):
        assert link["said"]["href"] == f"{page}?query=q+1%26x&reviewer=Ann+B"
        assert link["press"] == {"query": "q 1&x", "page": page}


def test_the_second_round_and_other_depths_are_named():
    about = RunSummary(2, [1, 2], 10, 1000, 10, [("bm25", 50), ("splade", 100)], "models/new", "")
    assert charts.sentence(about, "demo") == (
        "demo, round 2 of 2: candidates for 10 queries among 1,000 documents, BM25 (first 50) and splade (first 100), "
        "with the encoder models/new. No teacher was asked: the encoder's own score stands in for it."
    )


def test_the_rarest_of_many_combinations_are_counted_not_drawn():
    together = [SourceOverlap((f"s{n}",), 20 - n, 0) for n in range(12)]
    positives_found = {f"s{n}": 0.5 for n in range(12)}
    found = Overview(1, 100, 0, [], together, positives_found, [], [], [], JudgedCounts(0, {}, []))
    picture = charts.pictures(found, RowFilter("kept"), dark=True)
    assert len(of_look(picture, "set")) == 10
    assert "2 rarer combinations are not drawn." in text(picture)


def test_a_long_text_is_opened_at_a_word():
    assert lists.opening("a  short\ntext") == "a short text"
    long = lists.opening("word " * 100_000)
    assert long.endswith("word\u00a0…")
    assert len(long) < 170
    assert len(lists.opening("x" * 1_000_000)) < 170
