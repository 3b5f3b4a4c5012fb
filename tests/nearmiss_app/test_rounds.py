"""The rounds page: one round is told what a second is for; two are compared as the core compares them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nearmiss import pipeline
from nearmiss.run import open_run
from nearmiss.session import round_comparison
from nearmiss.session.saturation import cosines, weights
from nearmiss.settings import Mining
from nearmiss.training.round_quality import quality
from nearmiss.workspace import open_workspace
from nearmiss_app.charts import rounds as charts
from tests.nearmiss_app.test_overview import drawn, elements, text
from tests.words import OverlapTeacher, WordEncoder


@pytest.fixture(scope="module")
def twice(mined, tmp_path_factory):
    folder = Path(shutil.copytree(mined, tmp_path_factory.mktemp("twice") / "sample"))
    recipe = Mining(sources=("bm25", "dense"), teacher="overlap")
    pipeline.mine(folder, recipe, encoder=WordEncoder("tuned"), teacher=OverlapTeacher())
    return folder


@pytest.fixture(scope="module")
def seen(twice):
    """The run of all tests here but the first: they only look."""
    return twice


def test_one_round_says_what_a_second_is_for(open_page, run):
    page = open_page("rounds")
    assert "A second one is for the model that you trained" in " ".join(said.value for said in page.markdown)
    assert [code.value for code in page.code] == [
        f"nearmiss rounds {run} --rounds 3 --student adapter",
        f"nearmiss mine {run} --encoder YOUR-CHECKPOINT",
    ]
    assert "kept" in text(drawn(page, "saturation_table_1"))


def test_two_rounds_stand_side_by_side(open_page, twice):
    page = open_page("rounds")
    found = round_comparison.change(open_run(twice), 1, 2)
    assert "other weights of the encoder" in text(drawn(page, "differs"))
    assert f"{len(found.lost):,} are gone; {len(found.gained):,} are new." in page.text[0].value
    assert f"{found.easy:,} of those gone lie below" in page.text[0].value
    heads = [text(element) for element in elements(drawn(page, "sides")) if element["tag"] == "th"]
    assert heads[:2] == ["Round 1", "Round 2"]
    told = text(drawn(page, "sides"))
    for one in round_comparison.side_by_side(open_workspace(twice)):
        assert f"{one.estimated:.1%}" in told


def test_the_scores_of_every_round_are_drawn(twice):
    found = round_comparison.side_by_side(open_workspace(twice))
    three = [*found, replace(found[1], number=3)]
    drawn_boxes = charts.scores(three, "dense_score", dark=False)
    for box, group in zip(drawn_boxes.data, ("positives", "kept", "refused"), strict=True):
        # Plotly draws as many boxes as `y` is long, so `y` is a list of places, one for each round.
        assert len(set(box.y)) == len(box.y) == 3
        assert list(box.median) == [one.scores["dense_score"][group][2] for one in three]
    at = dict(zip(drawn_boxes.layout.yaxis.tickvals, drawn_boxes.layout.yaxis.ticktext, strict=True))
    assert [[at[place] for place in box.y] for box in drawn_boxes.data] == [["round 1", "round 2", "round 3"]] * 3


def test_a_cause_is_named_only_where_the_encoder_alone_differs(twice):
    found = round_comparison.change(open_run(twice), 1, 2)
    assert found.changed == ["other weights of the encoder all-MiniLM-L6-v2 (embedded)"]
    assert charts.headline(found).endswith("only the encoder differs, and they are easier for it.")
    more = replace(found, changed=[*found.changed, "teacher a -> b"])
    assert charts.headline(more).endswith("more than the encoder may differ.")
    less = replace(found, looks_less_far=True)
    assert "nobody can say which became easy" in charts.headline(less)
    assert "easier for it" not in charts.headline(less)


def test_the_encoders_are_measured_on_held_out_queries_and_what_they_saw_is_not_claimed(open_page, twice):
    page = open_page("rounds")
    run = open_run(twice)
    measured = quality(run, run.log_to_read())
    said = " ".join(caption.value for caption in page.caption)
    assert "Round 1: what its encoder all-MiniLM-L6-v2 (embedded) was trained on is not known here." in said
    assert f"{measured.encoders[1].gain.mean:+.4f}".replace("-", "−") in said


def test_the_temperature_changes_every_weight(open_page, twice):
    page = open_page("rounds")
    before = text(drawn(page, "saturation_table_2"))
    page.select_slider(key="temperature").set_value(0.5).run()
    assert not page.exception
    after = text(drawn(page, "saturation_table_2"))
    work = open_workspace(twice)
    kept = next(one for one in weights(cosines(work), 0.5) if one.kind == "kept")
    assert before != after
    assert f"{kept.loss:.3f}" in after


@pytest.mark.parametrize("side", ["gained", "lost"])
def test_every_pair_gained_and_lost_can_be_read(open_page, twice, side):
    page = open_page("rounds")
    frame = getattr(round_comparison.change(open_run(twice), 1, 2), side)
    control = page.segmented_control[0]
    assert f"({len(frame):,})" in " ".join(control.proto.options[place].content for place in range(2))
    page.segmented_control[0].set_value(side).run()
    assert not page.exception
    work = open_workspace(twice)
    first = next(element for element in elements(drawn(page, "pairs")) if element["tag"] == "li")
    pair = frame.iloc[0]
    assert work.query_text(pair.query_id)[:40] in text(first)
    assert f"teacher {pair.teacher_score:.3f}".replace("-", "−") in text(first).replace(" -", " −")
