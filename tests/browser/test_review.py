"""Review in a real browser: no key is lost, none lands on another card, and texts stay texts."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from nearmiss.review import Standing, open_log
from tests.browser.conftest import elsewhere, serve, show

VERDICTS = {"1": "relevant", "3": "not_relevant"}


def logged(folder, reviewer=None):
    """The log; of one reviewer where one is named."""
    log = open_log(folder / "reviews.db")
    entries = log.since(0)
    log.close()
    return [entry for entry in entries if reviewer in (None, entry.event.reviewer)]


@pytest.fixture(scope="module")
def shared(mined, tmp_path_factory):
    """A server for all who look at nobody's judgements but their own."""
    server = serve(Path(shutil.copytree(mined, tmp_path_factory.mktemp("shared") / "sample")))
    yield server
    server.kill()


@pytest.fixture
def begin(shared, chromium):
    """Opens Review in a new browser under a name that nobody else has: `begin("ana")`."""
    contexts = []

    def begun(reviewer):
        contexts.append(chromium.new_context())
        page = show(contexts[-1], f"{shared.url}/review?reviewer={reviewer}")
        page.wait_for_selector(".candidate")
        return page

    yield begun
    for context in contexts:
        context.close()


def wait_for_saved(page, count):
    try:
        page.wait_for_selector(f'.deck[data-waiting="0"][data-saved="{count}"]', timeout=30_000)
    except Exception as late:
        state = page.locator(".deck").evaluate("deck => [deck.dataset.waiting, deck.dataset.saved, deck.innerText]")
        raise AssertionError(f"wanted {count} saved; found {state}") from late


def press(page, count, first=0):
    for number in range(first, first + count):
        page.keyboard.press("13"[number % 2])
        page.wait_for_timeout(20)


def assert_in_order(entries, count):
    assert [e.event.client_seq for e in entries] == list(range(1, count + 1))
    assert [e.event.verdict for e in entries] == [VERDICTS["13"[n % 2]] for n in range(count)]
    assert len({e.pair for e in entries}) == count


def test_a_hundred_fast_keys_are_a_hundred_judgements_in_order(open_in_browser, run):
    page = open_in_browser("/review?reviewer=ana")
    page.wait_for_selector(".candidate")
    press(page, 100)
    wait_for_saved(page, 100)
    assert_in_order(logged(run), 100)


def test_a_server_killed_after_the_fortieth_key_loses_none_and_writes_none_twice(open_in_browser, served, run):
    page = open_in_browser("/review?reviewer=ana")
    page.wait_for_selector(".candidate")
    press(page, 40)
    served.kill()
    press(page, 10, first=40)
    served.start()
    wait_for_saved(page, 50)
    press(page, 50, first=50)
    wait_for_saved(page, 100)
    assert_in_order(logged(run), 100)


def test_two_reviewers_get_no_pair_twice(open_in_browser, run):
    pages = [open_in_browser(f"/review?reviewer={name}") for name in ("ana", "bob")]
    for page in pages:
        page.wait_for_selector(".candidate")
    for _ in range(3):
        for page in pages:
            press(page, 5)
    for page in pages:
        wait_for_saved(page, 15)
    pairs = [entry.pair for entry in logged(run)]
    assert len(pairs) == len(set(pairs)) == 30


def test_undo_goes_back_to_the_card_and_redo_forward_also_after_a_reload(begin, shared):
    page = begin("undoing")
    shown = page.locator(".candidate .text")
    shown.wait_for()
    first = shown.inner_text()
    page.keyboard.press("1")
    page.wait_for_function("text => !document.body.innerText.includes(text)", arg=first)
    page.keyboard.press("z")
    wait_for_saved(page, 2)
    assert shown.inner_text() == first
    page.keyboard.press("y")
    wait_for_saved(page, 3)
    page.reload()
    page.locator(".strip button").first.wait_for()
    page.keyboard.press("z")
    wait_for_saved(page, 1)
    entries = logged(shared.folder, "undoing")
    assert [entry.event.verdict for entry in entries] == ["relevant", "undo", "undo", "undo"]
    standing = Standing()
    standing.absorb(entries)
    assert standing.verdicts() == {}


def test_a_second_key_gives_the_reason_of_the_last_one(begin, shared):
    page = begin("reasoning")
    page.keyboard.press("3")
    page.keyboard.press("e")
    wait_for_saved(page, 2)
    first, second = logged(shared.folder, "reasoning")
    assert first.pair == second.pair
    assert (second.event.verdict, second.event.reason) == ("not_relevant", "too_easy")


def test_keys_typed_into_a_comment_are_a_comment(begin, shared):
    page = begin("commenting")
    page.keyboard.press("m")
    page.keyboard.type("1 of 3, z?")
    page.keyboard.press("Enter")
    wait_for_saved(page, 1)
    [entry] = logged(shared.folder, "commenting")
    assert (entry.event.verdict, entry.event.comment) == ("comment", "1 of 3, z?")


def test_keys_can_be_changed_and_a_taken_one_is_refused(begin, shared):
    page = begin("changing")
    page.keyboard.press("?")
    relevant = page.get_by_label("Relevant: an answer that nobody labelled")
    relevant.fill("z")
    relevant.press("Tab")
    assert "taken" in page.locator(".problem").inner_text()
    relevant.fill("q")
    relevant.press("Tab")
    page.keyboard.press("Escape")
    page.locator(".help").wait_for(state="detached")
    page.locator(".candidate").click()
    page.keyboard.press("q")
    wait_for_saved(page, 1)
    assert [entry.event.verdict for entry in logged(shared.folder, "changing")] == ["relevant"]


def test_hostile_texts_are_text(open_in_browser, served, run):
    hostile = (
        '<script>alert(1)</script><img src="http://example.com/x.png" onerror="alert(2)"> '
        "![i](http://example.com/y.png) [l](javascript:alert(3)) $\\frac{1}{2}$ # heading :red[x] \u202egnihton\u202c "
    )
    documents = run / "dataset" / "documents.parquet"
    frame = pd.read_parquet(documents)
    frame["text"] = hostile
    answer = pd.read_parquet(run / "dataset" / "positives.parquet")["doc_id"].iloc[0]
    frame.loc[frame["doc_id"].eq(answer), "text"] = hostile + "a" * 1_000_000
    frame.to_parquet(documents)
    dialogs, asked = [], []
    page = open_in_browser("/review?reviewer=ana", on_request=asked.append)
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.reload()
    page.wait_for_selector(".candidate")
    page.wait_for_timeout(500)
    assert page.locator(".candidate .text").inner_text().startswith("<script>alert(1)</script><img")
    assert page.locator(".deck script, .deck img, .deck a").count() == 0
    assert dialogs == []
    assert elsewhere(asked, served) == []
