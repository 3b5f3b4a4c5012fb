"""Export in a real browser: written by keyboard, downloaded as it lies there, calm at every width."""

import zipfile

import pytest

from nearmiss.export.read_back import written
from tests.browser.conftest import READY


def write_by_keyboard(page):
    page.locator(".st-key-write button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Written:")
    page.wait_for_selector(READY)


def test_an_export_is_written_by_keyboard_and_downloaded_as_it_lies_there(open_in_browser, run, tmp_path):
    page = open_in_browser("/export?format=flag")
    page.wait_for_selector(".st-key-write button:enabled")
    write_by_keyboard(page)
    folder = run / "exports" / "flag"
    assert written(folder).rows > 0
    page.get_by_text(str(folder), exact=True).wait_for()
    with page.expect_download() as waiting:
        page.click(".st-key-download button")
    waiting.value.save_as(tmp_path / "flag.zip")
    with zipfile.ZipFile(tmp_path / "flag.zip") as archive:
        for path in folder.iterdir():
            assert archive.read(f"flag/{path.name}") == path.read_bytes()


def test_the_address_leads_back_to_what_was_looked_at(open_in_browser):
    page = open_in_browser("/export?format=trec")
    page.wait_for_selector(".st-key-write button:enabled")
    write_by_keyboard(page)
    assert "format=trec" in page.url
    assert "export=trec" in page.url
    page.reload()
    page.wait_for_selector("text=Format trec.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1440])
def test_the_page_fits_its_window_and_makes_no_mistake(look, scheme, width):
    page = look("/export", scheme=scheme, width=width)
    mistakes = []
    page.on("pageerror", lambda mistake: mistakes.append(str(mistake)))
    page.reload()
    page.wait_for_selector(".st-key-reasons .main-svg")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    button = page.locator(".st-key-write button").bounding_box()
    assert button["x"] + button["width"] <= width
    assert mistakes == []
