"""The overview in a browser: what is pressed opens its rows, by mouse and by keyboard, and texts stay texts."""

import re

import pytest

from nearmiss import data as dataset
from nearmiss.data import Dataset
from nearmiss.run import open_run
from nearmiss.session import overview
from nearmiss.session.overview import RowFilter
from nearmiss.workspace import open_workspace
from tests.browser.conftest import READY, elsewhere

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> ![i](http://example.org/i.png) \u202e$x$"


def counted(page, count):
    """Waits until the page says that it found so many rows."""
    page.get_by_text(re.compile(f"^{count:,} rows?$")).wait_for()


def in_sight(page, text):
    """Waits until a text has come to rest within the window."""
    page.wait_for_function(
        """text => {
            const found = [...document.querySelectorAll('[class*="st-key-"] *')].flatMap(e => e.shadowRoot ? [...e.shadowRoot.querySelectorAll('h2')] : []);
            const box = found.find(h => h.textContent === text)?.getBoundingClientRect();
            return box && box.top >= 0 && box.bottom <= innerHeight;
        }""",  # noqa: E501
        arg=text,
    )


def test_a_step_of_the_funnel_opens_its_rows(look, looked_at):
    work = open_workspace(looked_at.folder)
    page = look("/")
    page.locator("button.step", has_text="too close").click()
    counted(page, work.decision().counts()["too_close"])
    in_sight(page, "The rows behind it")
    assert page.url.endswith("?status=too_close")
    assert set(page.locator(".rows td.status").all_inner_texts()) == {"▲too close"}
    page.reload()
    counted(page, work.decision().counts()["too_close"])


def test_the_funnel_works_by_keyboard_alone(look, looked_at):
    work = open_workspace(looked_at.folder)
    page = look("/")
    step = page.locator("button.step", has_text="not needed")
    step.focus()
    page.keyboard.press("Enter")
    counted(page, work.decision().counts()["over_quota"])
    page.wait_for_selector("button.step[aria-pressed=true]:has-text('not needed')")
    # Drawn again, the step still has the focus: the next one is a Tab away.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    counted(page, work.decision().counts()["kept"])


def test_a_set_of_sources_opens_its_rows(look, looked_at):
    work = open_workspace(looked_at.folder)
    page = look("/")
    first = overview.overview(work).together[0]
    page.locator("button.set").first.click()
    counted(page, first.found)
    assert f"found={'%2B'.join(first.sources)}" in page.url


def test_a_bar_of_the_scores_opens_its_rows(look, looked_at):
    work = open_workspace(looked_at.folder)
    page = look("/")
    band = page.locator(".st-key-scores_teacher_score .nsewdrag").nth(2)  # the refused
    band.scroll_into_view_if_needed()
    histogram = overview.overview(work).histograms[0]
    counts = histogram.counts["refused"]
    tallest = counts.index(max(counts))
    filled = [bin for bin in range(len(counts)) if any(c[bin] for c in histogram.counts.values())]
    box = band.bounding_box()
    share = (tallest + 0.5 - filled[0]) / (filled[-1] + 1 - filled[0])
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("status=refused&score=teacher_score"))
    low, high = (float(re.search(f"{name}=([^&]*)", page.url)[1]) for name in ("low", "high"))
    wanted = RowFilter("refused", score="teacher_score", low=low, high=high)
    counted(page, len(overview.rows_behind(work.table, work.decision(), wanted)))


def test_a_row_and_a_query_open_on_the_review_page(look, looked_at):
    work = open_workspace(looked_at.folder)
    row = int(overview.rows_behind(work.table, work.decision(), RowFilter("too_close"))[0])
    query_id, doc_id = work.pair_at(row)
    page = look("/?status=too_close")
    page.locator(".rows a").first.click()
    page.wait_for_url(f"**/review?query={query_id}&doc={doc_id}")
    page.wait_for_selector(READY)

    page = look("/")
    doubt = overview.overview(work).doubts[0]
    page.locator(".queries a").first.click()
    page.wait_for_url(f"**/review?query={doubt.query_id}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1440])
def test_nothing_is_cut_or_lies_outside_the_page(look, scheme, width):
    page = look("/", scheme=scheme, width=width)
    page.wait_for_selector(".queries li")
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= page.evaluate("document.querySelector('[data-testid=stMain]').clientWidth")
    cut = page.evaluate(
        """() => [...document.querySelectorAll('[class*="st-key-"] *')]
            .flatMap(e => e.shadowRoot ? [...e.shadowRoot.querySelectorAll('.picture *')] : [])
            .filter(e => !e.closest('.unseen, thead') && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
            .map(e => e.className + ': ' + e.textContent.slice(0, 40))"""
    )
    assert cut == []


def test_texts_of_others_stay_texts(served, open_in_browser, run):
    served.kill()
    data = open_run(run).dataset
    texts = data.documents.assign(text=HOSTILE, title=HOSTILE)
    dataset.save(
        Dataset(data.queries.assign(text=HOSTILE), texts, data.positives, data.negatives, data.counts), run / "dataset"
    )
    served.start()
    asked = []
    page = open_in_browser("/", on_request=asked.append)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.reload()
    page.wait_for_selector(".queries li")
    assert HOSTILE[:20] in page.locator(".queries a").first.inner_text()
    assert not dialogs
    assert elsewhere(asked, served) == []
