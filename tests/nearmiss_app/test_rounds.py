"""The rounds page: one round is told what a second is for; two are compared as the core compares them."""

import shutil
from pathlib import Path

import pytest

from nearmiss import pipeline
from nearmiss.run import open_run
from nearmiss.session import round_comparison
from nearmiss.settings import Mining
from nearmiss.workspace import open_workspace
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
    assert page.code[0].value == f"nearmiss mine {run} --encoder YOUR-CHECKPOINT"


def test_two_rounds_stand_side_by_side(open_page, twice):
    page = open_page("rounds")
    found = round_comparison.change(open_run(twice), 1, 2)
    assert f"{len(found.lost):,} are gone, {found.easy:,} of them because they became easy" in page.text[0].value
    heads = [text(element) for element in elements(drawn(page, "sides")) if element["tag"] == "th"]
    assert heads[:2] == ["Round 1", "Round 2"]
    told = text(drawn(page, "sides"))
    for one in round_comparison.side_by_side(open_workspace(twice)):
        assert f"{one.estimated:.1%}" in told


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
