"""Query in a real browser: one document lit in all lists, rows judged by keys, the slider and the picture."""

import pytest
from playwright.sync_api import expect

from nearmiss.review import open_log
from tests.browser.conftest import graves, still

PAGE = ".query-page"


def entries(folder):
    log = open_log(folder / "reviews.db")
    found = log.since(0)
    log.close()
    return [entry.event for entry in found]


def wait_for_saved(page, count):
    page.wait_for_selector(f'{PAGE}[data-waiting="0"][data-saved="{count}"]')


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_and_picture_shut_nobody_out_and_fit_a_phone(look, scheme):
    page = look("/query?query=q03&reviewer=ana", scheme=scheme)
    page.wait_for_selector(".limits input:enabled")
    assert graves(page) == {}
    page.click("[data-half=picture]")
    page.wait_for_selector(".near .point")
    assert graves(page) == {}
    page.set_viewport_size({"width": 390, "height": 900})
    still(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_document_in_focus_is_marked_in_every_list_that_has_it_and_named_absent_in_the_others(look):
    page = look("/query?query=q03&reviewer=ana")
    page.wait_for_selector(".limits input:enabled")
    page.locator("[data-ranking=teacher] .row").nth(60).click()
    said = page.locator(".column .where").all_text_contents()
    here = [column.locator(".row.here").count() for column in page.locator(".column").all()]
    assert here == [0 if words.startswith("not among the first") else 1 for words in said]
    assert said[2].startswith("#61 of ")
    row = page.locator("[data-ranking=teacher] .row.here")
    expect(row).to_be_in_viewport(
        ratio=0.9
    )  # waits: the lists are built anew where the server's answer comes meanwhile
    assert page.locator(".reading").get_attribute("data-doc") == row.get_attribute("data-doc")


def test_rows_are_judged_by_keys_one_and_several_and_undone(open_in_browser, run):
    page = open_in_browser("/query?query=q03&reviewer=ana")
    page.locator("[data-ranking=teacher] .row").nth(40).click()
    page.keyboard.press("3")
    wait_for_saved(page, 1)
    assert page.locator("[data-ranking=teacher] .where").text_content().startswith("#42 of ")
    for key in (" ", "ArrowDown", " ", "1"):
        page.keyboard.press(key)
    wait_for_saved(page, 3)
    page.keyboard.press("z")
    wait_for_saved(page, 5)
    found = entries(run)
    assert [event.verdict for event in found] == ["not_relevant", "relevant", "relevant", "undo", "undo"]
    chosen = {(event.arm, event.inclusion_probability, event.scores_visible) for event in found[:3]}
    assert chosen == {("query", None, True)}
    assert len({event.doc_id for event in found[:3]}) == 3


def test_a_reason_and_a_comment_belong_to_their_row_and_are_undone_one_by_one(open_in_browser, run):
    page = open_in_browser("/query?query=q03&reviewer=ana")
    page.locator("[data-ranking=teacher] .row").nth(40).click()
    doc_id = page.locator(".reading").get_attribute("data-doc")
    page.keyboard.press("m")
    page.keyboard.type("seen ")
    # As where the server's answer comes while somebody types.
    page.evaluate("Object.values(nearmiss_queries)[0].build()")
    page.keyboard.type("twice")
    page.keyboard.press("Enter")
    wait_for_saved(page, 1)
    assert page.locator(".remarks .comments").inner_text() == "ana seen twice"
    page.keyboard.press("3")
    page.keyboard.press("d")
    wait_for_saved(page, 3)
    page.keyboard.press("z")
    wait_for_saved(page, 4)
    found = entries(run)
    assert [event.verdict for event in found] == ["comment", "not_relevant", "not_relevant", "undo"]
    assert {event.doc_id for event in found} == {doc_id}
    assert [(event.comment, event.reason) for event in found[:3]] == [
        ("seen twice", ""),
        ("", ""),
        ("", "duplicate_of_positive"),
    ]


def test_a_moved_slider_repaints_what_is_kept_and_saves_nothing(open_in_browser, run):
    before = (run / "policy.json").read_bytes()
    page = open_in_browser("/query?query=q03&reviewer=ana")
    page.wait_for_selector(".limits input:enabled")
    first = page.locator("[data-ranking=teacher] .row").first
    first.evaluate("(row) => { row.dataset.stays = 'yes'; }")
    page.select_option(".limits select", "negatives_per_query")
    slider = page.wait_for_selector('.limits input[aria-label="negatives per query"]:enabled')
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_selector(".counts b:has-text('1 kept')")
    assert page.locator("[data-ranking=teacher] .row[data-status=kept]").count() == 1
    page.wait_for_selector("text=Nothing is saved")
    assert first.get_attribute("data-stays") == "yes"  # the lists are built once
    assert (run / "policy.json").read_bytes() == before


def test_the_picture_goes_from_near_to_far_by_the_keyboard(look):
    page = look("/query?query=q03&reviewer=ana")
    page.click("[data-half=picture]")
    page.wait_for_selector(".near .point")
    page.locator(".near .point[tabindex='0']").focus()
    heard = []
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
        heard.append(page.locator(".near .point.here").get_attribute("aria-label"))
    distances = [float(words.split("distance ")[1].split(",")[0]) for words in heard]
    assert distances == sorted(distances, reverse=True)
    point = page.locator(".near .point.here")
    assert page.locator(".reading").get_attribute("data-doc") == point.get_attribute("data-doc")


def test_query_and_review_take_turns_on_one_page_and_share_what_waits(open_in_browser, run):
    page = open_in_browser("/query?query=q03&reviewer=ana")
    page.locator("[data-ranking=teacher] .row").nth(40).click()
    page.keyboard.press("3")
    wait_for_saved(page, 1)
    page.get_by_role("link", name="Review its candidates").click()
    page.wait_for_selector(".deck .candidate")
    page.keyboard.press("4")
    page.wait_for_selector('.deck[data-waiting="0"][data-saved="2"]')
    page.go_back()
    page.locator("[data-ranking=teacher] .row").nth(50).click()
    page.keyboard.press("3")
    wait_for_saved(page, 3)
    assert [event.verdict for event in entries(run)] == ["not_relevant", "unsure", "not_relevant"]
