"""Review in a real browser: no key is lost, none lands on another card, and texts stay texts."""

import pytest

from mining.review import open_log

VERDICTS = {"1": "relevant", "3": "not_relevant"}


def logged(folder):
    log = open_log(folder / "reviews.db")
    entries = log.since(0)
    log.close()
    return entries


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
