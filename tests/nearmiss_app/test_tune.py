"""Tune: what is tried, saved and undone through the page. What sliders count is tested with the core."""

from dataclasses import replace

import numpy as np
import pytest

from nearmiss.presets import PRESETS
from nearmiss.run import open_run
from nearmiss.session import ceiling_risk, tuning
from nearmiss.session.tuning import EdgePair
from nearmiss.settings import Policy
from nearmiss.workspace import open_workspace
from nearmiss_app.charts import ceiling_risk as risk_chart
from nearmiss_app.charts import tune as charts
from nearmiss_app.tuner.pair_cards import card


@pytest.fixture
def tune(open_page):
    return lambda **address: open_page("tune", **address)


def texts(page):
    return "\n".join(element.value for element in [*page.text, *page.caption, *page.markdown])


def release(page, policy, seq=1):
    """What the component sends when a slider is let go."""
    page.session_state["tuner"] = {"form": {"seq": seq, "values": tuning.spell(policy)}}
    return page.run()


def test_the_page_opens_on_the_saved_policy(tune):
    page = tune()
    assert "This is the saved policy." in texts(page)
    assert page.button(key="save").disabled
    assert page.button(key="undo").disabled


def test_what_models_said_is_a_line_of_its_own_where_they_judged_enough(seen):
    work = open_workspace(seen)
    found = ceiling_risk.outlook(work, work.policy)
    work.log.close()
    name = "answers among kept, with models"
    assert name not in [line.name for line in risk_chart.figure(found, dark=False).data]
    by_models = np.linspace(0.1, 0.3, len(found.stops))
    found = replace(found, by_models=by_models)
    [line] = [line for line in risk_chart.figure(found, dark=False).data if line.name == name]
    assert list(line.y) == by_models[: len(line.x)].tolist()
    assert f"with what models said {by_models[found.now]:.1%}" in risk_chart.in_words(found)


def test_a_policy_in_the_address_is_tried_and_saved_by_a_click(tune, run):
    page = tune(policy="default", relative_margin="0.2")
    assert "Tried: relative margin 0.05 → 0.2" in texts(page)
    assert open_run(run).policy == Policy()
    page.button(key="save").click().run()
    assert open_run(run).policy == Policy(relative_margin=0.2)
    assert "policy" not in page.query_params
    page.button(key="undo").click().run()
    assert open_run(run).policy == Policy()
    page.button(key="redo").click().run()
    assert open_run(run).policy == Policy(relative_margin=0.2)


def test_what_is_released_is_tried_and_kept_in_the_address(tune, run):
    page = release(tune(), Policy(relative_margin=0.3, skip_top=2))
    assert page.query_params["policy"] == "default"
    assert page.query_params["relative_margin"] == "0.3"
    assert page.query_params["skip_top"] == "2"
    assert open_run(run).policy == Policy()
    page.button(key="discard").click().run()
    assert "policy" not in page.query_params
    assert "This is the saved policy." in texts(page)


def test_a_preset_is_tried_with_its_source(tune):
    page = tune()
    page.selectbox(key="preset").select("arctic-embed").run()
    assert page.query_params["policy"] == "arctic-embed"
    assert PRESETS["arctic-embed"].source in texts(page)
    assert not page.exception


def test_settings_that_contradict_each_other_are_a_sentence_and_change_nothing(tune, run):
    page = release(tune(), Policy(relative_margin=0.1))
    page.session_state["tuner"] = {
        "form": {"seq": 2, "values": tuning.spell(Policy(relative_margin=0.1)) | {"skip_top": "5", "max_rank": "3"}}
    }
    page.run()
    assert not page.exception
    assert page.session_state["mistaken"]["names"] == ["max_rank"]
    assert "wanted more than --skip-top 5; found 3" in page.session_state["mistaken"]["sentence"]
    assert page.query_params["relative_margin"] == "0.1"
    assert "max_rank" not in page.query_params


@pytest.mark.parametrize(
    "address",
    [
        {"policy": "no-such"},
        {"policy": "default", "relative_margin": "<b>"},
        {"policy": "default", "different_cluster": "on"},  # asks for clusters
        {"policy": "![image](http://elsewhere/image.png)"},
    ],
)
def test_an_address_that_makes_no_policy_is_said_as_text_and_left_aside(tune, address):
    page = tune(**address)
    assert "holds no policy that can be used" in page.warning[0].value
    assert "![" not in page.warning[0].value
    assert "<b>" not in page.warning[0].value
    assert "This is the saved policy." in texts(page)


@pytest.mark.parametrize("name", PRESETS)
def test_the_page_draws_every_preset(tune, name):
    page = tune(policy=name)
    assert not page.exception
    assert not page.error


def test_two_policies_stand_side_by_side_with_the_pairs_that_only_one_keeps(tune, seen):
    page = tune(policy="default", max_p_relevant="none")
    page.session_state["read"] = "changes"
    page.run()
    work = open_workspace(seen)
    found = tuning.compare_two(work, Policy(), Policy(max_p_relevant=None))
    shown = texts(page)
    assert "B differs from A: max p relevant 0.1 → off" in shown
    assert f"**Only A: {len(found.only.lost):,}**" in shown
    assert f"**Only B: {len(found.only.gained):,}**" in shown
    counts, queries = (frame.value for frame in page.dataframe)
    assert counts.iloc[0].to_list()[:3] == ["kept", *(f"{one.counts.status['kept']:,}" for one in (found.a, found.b))]
    assert counts["B"].iloc[1] == f"{found.b.harm.estimated:.1%}"
    assert list(queries["id"]) == [one.query_id for one in found.by_query]
    assert {"review", "query"} <= {link.proto.page.strip("/") for link in page.get("page_link")}
    page.selectbox(key="policy_b").select("in force").run()
    assert "A and B are the same policy." in texts(page)


def test_texts_are_shown_as_texts():
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)> $x$ [a](http://b) \u202e" + "a" * 1_000_000
    pair = EdgePair(
        row=0,
        query_id="q",
        doc_id="d",
        query=hostile,
        title=hostile,
        text=hostile,
        positive_id="p",
        positive_title="",
        positive_text=hostile,
        teacher_score=1.0,
        dense_score=0.5,
        positive_score=2.0,
        distance=0.25,
        limited="teacher_score",
        status="too_close",
        status_before="kept",
    )
    shown = card(pair, "ceiling")
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.index("labelled answer") < shown.index("candidate")  # in the order of Review
    assert "0.2500 above the teacher's ceiling" in shown
    assert "was kept" in shown
    assert len(shown) < 50_000


@pytest.mark.parametrize("scale", ["gap", "probability"])
def test_two_pictures_differ_in_their_rows_alone(run, scale):
    work = open_workspace(run)
    charts_of = []
    for policy in (Policy(), Policy(max_p_relevant=0.4)):
        drawn = tuning.picture(work, policy, work.decision(policy), scale)
        present = charts.possible(work.decision().counts(), work.decision(policy).counts())
        charts_of.append(charts.chart(work, drawn, present, dark=False))
        assert len(charts_of[-1]["datasets"]["points"]) == len(drawn.rows) - drawn.outside
    rows = [chart.pop("datasets") for chart in charts_of]
    assert charts_of[0] == charts_of[1]
    assert not rows[0]["points"].equals(rows[1]["points"])
    assert (rows[0]["points"].dtypes == rows[1]["points"].dtypes).all()
