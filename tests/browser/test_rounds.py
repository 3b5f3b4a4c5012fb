"""The rounds page in a browser: it fits, shuts nobody out, and leads to the pairs."""

import pytest

from nearmiss import pipeline
from nearmiss.settings import Mining
from tests.browser.conftest import READY, graves
from tests.words import OverlapTeacher, WordEncoder


@pytest.fixture
def run(run):
    recipe = Mining(sources=("bm25", "dense"), teacher="overlap")
    pipeline.mine(run, recipe, encoder=WordEncoder("tuned"), teacher=OverlapTeacher())
    return run


def test_two_rounds_are_read_by_everyone_at_any_width_and_lead_to_review(open_in_browser):
    for scheme in ("light", "dark"):
        page = open_in_browser("/rounds?reviewer=ana", scheme=scheme)
        for width in (1440, 900):
            page.set_viewport_size({"width": width, "height": 1000})
            page.wait_for_selector(".st-key-scores_dense_score .main-svg")
            page.wait_for_selector(".sheet td")
            assert graves(page) == {}
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            titles = page.locator(".st-key-scores_dense_score .xtitle, .st-key-scores_teacher_score .xtitle")
            frames = page.locator(".st-key-scores_dense_score .main-svg, .st-key-scores_teacher_score .main-svg")
            right = max(box["x"] + box["width"] for box in (f.bounding_box() for f in frames.all()))
            assert all(t.bounding_box()["x"] + t.bounding_box()["width"] <= right for t in titles.all())
    page.locator(".queries a").first.click()
    page.wait_for_url("**/review?*")
    page.wait_for_selector(READY)
    assert "query=" in page.url
    assert "doc=" in page.url
    assert "reviewer=ana" in page.url
