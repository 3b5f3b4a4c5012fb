"""What opens, moves or is empty on a page shuts nobody out either: dialogs, filters, a moved slider, no results."""

import pytest

from tests.browser.conftest import graves


def dialogs(page):
    """Review's panels, by their keys."""
    page.wait_for_selector(".deck .candidate")
    for key, name in (("?", "help"), ("h", "history"), ("g", "guidelines")):
        page.keyboard.press(key)
        page.wait_for_selector(f".dialog.{name}")
        yield name
        page.keyboard.press("Escape")
        page.wait_for_selector(".dialog", state="detached")


def filters(page):
    """Review blind, with what can be chosen; then with nothing left to see."""
    page.wait_for_selector(".deck .candidate")
    page.get_by_role("button", name="Choose what to see").click()
    words = page.get_by_label("Text in query or candidate")
    words.wait_for()
    yield "filters"
    words.fill("no text holds these words")
    words.press("Enter")
    page.wait_for_selector(".deck .empty")
    yield "nothing to see"


def a_moved_slider(page):
    """Tune with another policy than the one in force, beside that one."""
    slider = page.locator("#range-max_p_relevant[aria-valuetext]")
    slider.focus()
    for _press in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Save", exact=True).and_(page.locator(":enabled")).wait_for()
    yield "another policy"
    page.get_by_text("Two policies side by side").click()
    page.get_by_text("B differs from A").wait_for()
    yield "two policies"


def no_pairs(page):
    """Pairs with the columns' list open, where nothing is found, and in a window that becomes narrow."""
    page.get_by_role("button", name="Columns").click()
    page.locator("[data-testid=stPopoverBody]").wait_for()
    yield "columns"
    page.keyboard.press("Escape")
    words = page.get_by_label("Words in query or document")
    words.fill("no text holds these words")
    words.press("Enter")
    page.get_by_text("No pair is like this").wait_for()
    yield "nothing found"
    page.set_viewport_size({"width": 390, "height": 900})
    page.get_by_text("Filter and sort").wait_for()
    yield "filters on a telephone"


def words(page):
    """The glossary over the overview."""
    page.get_by_role("button", name="Words").click()
    page.locator("[data-testid=stPopoverBody] >> text=temperature").first.wait_for()
    yield "words"


def a_search(page):
    """Query's search: with queries found, and with none."""
    search = page.get_by_label("Find a query")
    yield "queries"
    search.fill("no query holds these words")
    search.press("Enter")
    page.get_by_text("No query has these words.").wait_for()
    yield "no query"


STATES = {
    "dialogs": ("/review?reviewer=ana", dialogs),
    "filters": ("/review?reviewer=ana&blind=1", filters),
    "tune": ("/tune?reviewer=ana", a_moved_slider),
    "pairs": ("/pairs?reviewer=ana", no_pairs),
    "words": ("/?reviewer=ana", words),
    "search": ("/query?reviewer=ana", a_search),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", STATES)
def test_no_state_of_a_page_shuts_anyone_out(look, name, scheme):
    path, states = STATES[name]
    page, found = look(path, scheme=scheme), {}
    for state in states(page):
        found[state] = graves(page)
    assert {state: grave for state, grave in found.items() if grave} == {}
