"""The map in a browser: pressed, drawn around, searched; hostile texts, small windows, no other host."""

import contextlib
import shutil

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import TimeoutError

from nearmiss import maps
from nearmiss.workspace import open_workspace
from tests.browser.conftest import READY, elsewhere, graves, still

HOSTILE = (
    "<script>alert(1)</script><img src=http://example.org/x.png onerror=alert(1)> ![i](http://example.org/i.png) $x$"
)
PLOT = ".st-key-map_plot .js-plotly-plot"
WHERE = """([plot, point]) => {
    const drawn = document.querySelector(plot), layout = drawn._fullLayout, box = drawn.getBoundingClientRect();
    for (const trace of drawn._fullData) {
        const at = trace.customdata ? [...trace.customdata].indexOf(point) : -1;
        if (at >= 0) return [
            box.left + layout.xaxis._offset + layout.xaxis.l2p(trace.x[at]),
            box.top + layout.yaxis._offset + layout.yaxis.l2p(trace.y[at]),
        ];
    }
}"""


@pytest.fixture
def atlas(looked_at):
    return maps.open_atlas(open_workspace(looked_at.folder))


def drawn(page):
    page.wait_for_selector(f"{PLOT} .nsewdrag")
    still(page)
    return page


def press_first_row(page, table, address):
    """A table is painted, not made of elements: pressed until the address says that it took the press."""
    for _ in range(6):
        still(page)
        table.click(position={"x": 300, "y": 52}, force=True)
        with contextlib.suppress(TimeoutError):
            return page.wait_for_url(address, timeout=10_000)
    raise AssertionError(f"no press led to {address}: {page.url}")


def lonely(atlas):
    """A document with nobody near, which a press cannot miss."""
    x, y = atlas.map.x, atlas.map.y
    n = atlas.map.documents
    apart = np.hypot(x[:n, None] - x, y[:n, None] - y)
    apart[np.arange(n), np.arange(n)] = np.inf
    return int(apart.min(axis=1).argmax())


def test_a_press_on_a_point_reads_it_and_the_address_names_it(atlas, look):
    page = drawn(look("/map"))
    point = lonely(atlas)
    page.mouse.click(*page.evaluate(WHERE, [PLOT, point]))
    page.wait_for_url(f"**doc={atlas.map.ids[point]}*")
    text = atlas.texts([point], 10_000)[0]
    page.get_by_role("region", name="Document", exact=True).get_by_text(text[-60:].strip()).wait_for()
    page.reload()
    page.wait_for_selector(READY)
    page.get_by_role("region", name="Document", exact=True).wait_for()


def test_what_is_drawn_around_is_listed_survives_a_new_colour_and_goes_to_review(atlas, look):
    page = drawn(look("/map"))
    page.locator('.modebar-btn[data-title="Box Select"]').click()
    box = page.locator(f"{PLOT} .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 5, steps=8)
    page.mouse.up()
    heading = page.get_by_role("heading", name="Your list")
    heading.wait_for()
    said = heading.inner_text()
    page.get_by_role("button", name="Topic").or_(page.get_by_role("radio", name="Topic")).first.click()
    page.wait_for_url("**colour=Topic*")
    still(page)
    assert heading.inner_text() == said
    button = page.get_by_role("button", name="Review ").last
    count = int(button.inner_text().split()[1].replace(",", ""))
    assert count > 0
    button.click()
    page.wait_for_url("**/review?*from_map=1*")
    page.get_by_text(f"{count:,} pairs that you chose on the map").wait_for()
    # Nothing is judged until a person does.
    assert atlas.work.log.since(0) == []


def test_a_query_is_found_and_its_candidates_are_read_by_keys(atlas, look):
    query_id = atlas.work.query_ids[4]
    page = drawn(look("/map"))
    page.get_by_label("Find queries and documents").fill(query_id)
    page.keyboard.press("Enter")
    matches = page.locator('[class*="st-key-map_matches"] canvas').first
    matches.wait_for()
    press_first_row(page, matches, f"**query={query_id}*")
    table = page.locator('[class*="st-key-map_candidates"] canvas').first
    table.wait_for()
    candidates = atlas.around(query_id, atlas.work.decision()).candidates
    press_first_row(page, table, f"**doc={candidates['doc_id'][0]}*")
    page.keyboard.press("ArrowDown")
    page.wait_for_url(f"**doc={candidates['doc_id'][1]}*")
    page.get_by_role("button", name="Whole map").click()
    page.wait_for_function("!location.search.includes('query=')")


def test_the_rings_around_a_query_are_walked_by_keys_and_enter_reads_one(atlas, look):
    query_id = atlas.work.query_ids[4]
    page = look(f"/map?query={query_id}")
    page.wait_for_selector(".distances .point")
    still(page)
    page.locator(".distances .point[tabindex='0']").focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    point = page.locator(".distances .point.here")
    doc_id, words = point.get_attribute("data-doc"), point.get_attribute("aria-label")
    candidates = atlas.around(query_id, atlas.work.decision()).candidates.set_index("doc_id")
    assert f"distance {1 - candidates.loc[doc_id, 'cosine']:.2f}" in words
    assert "doc=" not in page.url
    page.keyboard.press("Enter")
    page.wait_for_url(f"**doc={doc_id}*")
    page.get_by_role("region", name="Document", exact=True).first.wait_for()


def test_a_hostile_text_runs_nothing_and_asks_nobody(looked_at, atlas, run, open_in_browser, served):
    shutil.copytree(looked_at.folder / "rounds", run / "rounds", dirs_exist_ok=True)
    for name, column in (("documents", "text"), ("documents", "title"), ("queries", "text")):
        path = run / "dataset" / f"{name}.parquet"
        pd.read_parquet(path).assign(**{column: HOSTILE}).to_parquet(path)
    query_id = atlas.work.query_ids[0]
    doc_id = atlas.work.candidates["doc_id"].iloc[0]
    asked, dialogs = [], []
    page = open_in_browser("/review?reviewer=ana", on_request=asked.append)
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"{served.url}/map?query={query_id}&doc={doc_id}")
    drawn(page)
    point = atlas.point_of_document(doc_id)
    page.mouse.move(*page.evaluate(WHERE, [PLOT, point]))
    still(page)
    assert (
        page.get_by_role("region", name="Document", exact=True)
        .first.inner_text()
        .startswith("<script>alert(1)</script><img")
    )
    assert dialogs == []
    assert elsewhere(asked, served) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_map_and_a_neighbourhood_shut_nobody_out(atlas, look, scheme):
    query_id = atlas.work.query_ids[0]
    doc_id = atlas.around(query_id, atlas.work.decision()).candidates["doc_id"][3]
    for path in (f"/map?doc={doc_id}", f"/map?query={query_id}&doc={doc_id}"):
        page = drawn(look(path, scheme=scheme, width=900))
        assert page.evaluate("document.documentElement.scrollWidth") <= 900
        assert graves(page) == {}


def test_a_map_is_made_from_the_page_and_a_reload_does_not_lose_sight_of_it(open_in_browser):
    page = open_in_browser("/map", width=900)
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    assert graves(page) == {}
    page.get_by_role("button", name="Make the map").click()
    page.get_by_text("The map is being made").wait_for()
    page.reload()
    page.wait_for_selector(f"{PLOT} .nsewdrag", timeout=240_000)
