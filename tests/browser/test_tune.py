"""Tune in a real browser: counts follow a slider with the server silent, a release redraws, a reload loses nothing."""

import re

import pytest

from nearmiss import selection
from nearmiss.run import open_run
from nearmiss.session import tuning
from nearmiss.settings import Policy
from nearmiss.workspace import open_workspace
from tests.browser.conftest import READY

SLIDER = "#range-max_p_relevant"


def open_tune(opener, path="/tune", **look):
    page = opener(path, **look)
    page.wait_for_selector(f"{SLIDER}[aria-valuetext]")
    return page


def shown(page):
    """The counts on the page: kept, queries short, queries with none."""
    texts = [page.locator(f".tuner .tile.{name} .number").text_content() for name in ("kept", "short", "empty")]
    return tuple(int(text.replace(",", "")) for text in texts)


def expected(run, policy):
    folder = open_run(run)
    table = selection.prepare(folder.candidates())
    counts = tuning.count(table, policy, selection.decide(table, policy))
    return counts.status["kept"], counts.short, counts.empty


def settle(page):
    page.wait_for_timeout(100)
    page.wait_for_selector(READY)


def value_of(page, slider=SLIDER):
    return page.locator(slider).get_attribute("aria-valuetext")


def drag(page, share):
    """Move the thumb without letting go; returns the value it is at."""
    box = page.locator(SLIDER).bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, y, steps=5)
    page.wait_for_timeout(50)
    return float(value_of(page))


def test_counts_follow_the_hand_without_the_server_and_are_those_of_the_decision(open_in_browser, served, run):
    page = open_tune(open_in_browser)
    assert shown(page) == expected(run, Policy())
    served.kill()
    work = open_workspace(run)
    for share in (0.3, 0.55, 0.9):
        value = drag(page, share)
        policy = Policy(max_p_relevant=value)
        assert shown(page) == expected(run, policy)
        harm = tuning.harm(work, policy)
        assert page.locator(".tile.harm .number").text_content() == f"{harm.estimated:.1%}"
        assert page.locator(".tile.others .number").text_content() == f"{harm.others:,}"
    assert page.locator(".setting[data-name=max_p_relevant] .curve .moved").get_attribute("d")


def test_a_release_redraws_and_a_reload_keeps_what_is_tried(look, looked_at):
    page = open_tune(look)
    value = drag(page, 0.5)
    page.mouse.up()
    page.wait_for_url(re.compile("max_p_relevant="))
    page.get_by_text(f"Tried: max p relevant 0.1 → {value}").wait_for()
    page.reload()
    page.wait_for_selector(f"{SLIDER}[aria-valuetext]")
    page.get_by_text(f"Tried: max p relevant 0.1 → {value}").wait_for()
    assert float(value_of(page)) == value
    assert shown(page) == expected(looked_at.folder, Policy(max_p_relevant=value))
    assert open_run(looked_at.folder).policy == Policy()


LOOK = "marks => marks.toDataURL ? marks.toDataURL() : marks.innerHTML"


def test_the_picture_stays_in_place_and_is_drawn_anew(look, looked_at):
    page = open_tune(look)
    # Streamlit draws many points on a canvas and few as SVG.
    picture = page.locator(".stVegaLiteChart .marks")
    picture.wait_for()
    settle(page)
    picture.evaluate("marks => { marks.dataset.seen = 'yes'; }")
    before = picture.evaluate(LOOK)
    drag(page, 0.3)
    page.mouse.up()
    settle(page)
    page.wait_for_function(f"was => ({LOOK})(document.querySelector('.stVegaLiteChart .marks')) !== was", arg=before)
    assert picture.get_attribute("data-seen") == "yes", "another chart was put up in its place"
    assert "ceiling at" in page.locator(".st-key-sight p.unseen").inner_text()


def test_sliders_work_by_keys_alone_and_say_their_value(look, looked_at):
    page = open_tune(look)
    page.locator(SLIDER).focus()
    assert page.locator(SLIDER).get_attribute("aria-label") == "max p relevant"
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert value_of(page) == "0.120"
    assert shown(page) == expected(looked_at.folder, Policy(max_p_relevant=0.12))
    page.get_by_text("Tried: max p relevant 0.1 → 0.12").wait_for()
    spoken = page.locator(".tuner .spoken")
    assert spoken.get_attribute("aria-live") == "polite"
    spoken.filter(has_text=f"{shown(page)[0]:,} kept").wait_for(state="attached")
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    assert value_of(page) == "off"
    page.get_by_text("Tried: max p relevant 0.1 → off").wait_for()


def test_a_typed_value_is_taken_as_it_is(look, looked_at):
    page = open_tune(look)
    box = page.get_by_label("max p relevant, exact value")
    box.fill("0.1234")
    box.press("Enter")
    page.get_by_text("Tried: max p relevant 0.1 → 0.1234").wait_for()
    assert shown(page) == expected(looked_at.folder, Policy(max_p_relevant=0.1234))


def test_what_cannot_be_is_a_sentence_beside_its_setting(look):
    page = open_tune(look)
    box = page.get_by_label("max p relevant, exact value")
    box.fill("-1")
    box.press("Enter")
    sentence = page.locator("#error-max_p_relevant")
    sentence.get_by_text("wanted 0 to 1").wait_for()
    assert box.get_attribute("aria-invalid") == "true"
    assert page.locator(".tuner .problem").is_visible()
    box.fill("0.2")
    box.press("Enter")
    page.get_by_text("Tried: max p relevant 0.1 → 0.2").wait_for()
    sentence.wait_for(state="hidden")
    page.get_by_role("button", name="Discard").click()
    page.get_by_text("This is the saved policy.").wait_for()
    page.wait_for_selector(f'{SLIDER}[aria-valuetext="0.100"]')


def test_the_way_back_leads_through_what_was_tried(look):
    page = open_tune(look)
    for value in ("0.2", "0.3"):
        box = page.get_by_label("max p relevant, exact value")
        box.fill(value)
        box.press("Enter")
        page.get_by_text(f"Tried: max p relevant 0.1 → {value}").wait_for()
        page.wait_for_url(re.compile(f"max_p_relevant={value}"))
    page.go_back()
    page.get_by_text("Tried: max p relevant 0.1 → 0.2").wait_for()
    page.wait_for_selector(f'{SLIDER}[aria-valuetext="0.200"]')


def test_saves_are_undone_after_a_restart_too(open_in_browser, served, run):
    page = open_tune(open_in_browser, "/tune?policy=default&max_p_relevant=0.2")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("This is the saved policy.").wait_for()
    assert open_run(run).policy == Policy(max_p_relevant=0.2)
    served.kill()
    served.start()
    page.goto(served.url + "/tune")
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Undo save").click()
    page.get_by_role("button", name="Undo save", disabled=True).wait_for()
    assert open_run(run).policy == Policy()


def test_what_is_tried_outlives_a_look_at_another_page(look):
    page = open_tune(look, "/tune?policy=default&max_p_relevant=0.2")
    page.get_by_role("link", name="Open in Review").first.click()
    page.wait_for_url(re.compile("/review.*doc="))
    settle(page)
    page.get_by_role("link", name="Tune").click()
    page.get_by_text("Tried: max p relevant 0.1 → 0.2").wait_for()
    page.wait_for_url(re.compile("max_p_relevant=0.2"))


@pytest.mark.parametrize("width", [900, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_at_either_width(look, width, scheme):
    page = open_tune(look, width=width, scheme=scheme)
    wider = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    assert wider <= 0
    box = page.locator(".tuner").bounding_box()
    assert box["x"] + box["width"] <= width
