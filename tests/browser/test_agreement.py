"""Disagreements in a real browser: decided by keys, each press on its own pair, and texts stay texts."""

import pytest

from nearmiss.review import ADJUDICATION
from nearmiss.workspace import open_workspace
from tests.browser.conftest import elsewhere, still
from tests.nearmiss.review.test_review import judged

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script> ![x](http://x.test/y.png) $\\pi$ \u202etxt"
PAIRS = 12


@pytest.fixture
def disputed(run):
    """Pairs on which two people differ, in the order of the queue; whatever they wrote is hostile."""
    work = open_workspace(run)
    chosen = {}
    for row in range(len(work.table.query)):
        if not work.table.positive[row]:
            chosen.setdefault(int(work.table.query[row]), work.pair_at(row))
    pairs = list(chosen.values())[:PAIRS]
    for who, verdict in (("ann", "relevant"), (f"{HOSTILE[:60]}", "not_relevant")):
        first = work.standing.last_seq + 1
        work.append(
            [
                judged(n, verdict, query_id=q, doc_id=d, reviewer=who, client_id=who, comment=HOSTILE)
                for n, (q, d) in enumerate(pairs, first)
            ]
        )
    work.log.close()
    return pairs


def decisions(run):
    work = open_workspace(run)
    entries = [entry for entry in work.log.since(0) if entry.event.arm == ADJUDICATION]
    work.log.close()
    return entries


def wait_for(page, text):
    page.wait_for_selector(f'[data-testid="stText"]:has-text("{text}")')
    still(page)


def test_keys_decide_one_pair_after_another_and_take_the_last_one_back(open_in_browser, disputed, run):
    page = open_in_browser("/agreement?view=disagreements&reviewer=zoe")
    wait_for(page, f"Disagreement 1 of {PAIRS}")
    page.keyboard.press("j")
    wait_for(page, f"Disagreement 2 of {PAIRS}")
    page.keyboard.press("k")
    wait_for(page, f"Disagreement 1 of {PAIRS}")
    page.keyboard.press("3")
    wait_for(page, f"Disagreement 1 of {PAIRS - 1}")
    page.keyboard.press("1")
    wait_for(page, f"Disagreement 1 of {PAIRS - 2}")
    assert [(e.pair, e.event.verdict) for e in decisions(run)] == [
        (disputed[0], "not_relevant"),
        (disputed[1], "relevant"),
    ]
    page.keyboard.press("z")
    wait_for(page, f"Disagreement 1 of {PAIRS - 1}")
    assert f"doc={disputed[1][1]}" in page.url


def test_fast_presses_never_decide_a_pair_that_was_not_in_sight(open_in_browser, disputed, run):
    page = open_in_browser("/agreement?view=disagreements&reviewer=zoe")
    wait_for(page, f"Disagreement 1 of {PAIRS}")
    for _ in range(10):
        page.keyboard.press("3")
        page.wait_for_timeout(20)
    page.wait_for_function("all => !document.body.innerText.includes(all)", arg=f"Disagreement 1 of {PAIRS}")
    still(page)
    made = decisions(run)
    # Presses may be merged, but each is one decision, on the next pair in order, and none is on a pair twice.
    assert [entry.pair for entry in made] == disputed[: len(made)]
    assert 1 <= len(made) <= 10


def test_texts_of_people_stay_texts_and_nothing_is_wider_than_the_window(open_in_browser, served, disputed):
    asked, dialogs = [], []
    page = open_in_browser("/agreement?view=disagreements&reviewer=zoe", on_request=asked.append)
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    wait_for(page, "Disagreement 1")
    assert HOSTILE[:30] in page.inner_text(".agreement .opinions")
    page.goto(page.url.partition("?")[0])
    page.wait_for_selector('.agreement h2:has-text("Beyond luck")')
    still(page)
    assert dialogs == []
    assert elsewhere(asked, served) == []
    for path in ("/agreement", "/agreement?view=disagreements"):
        page.goto(served.url + path)
        page.wait_for_selector(".agreement")
        for width in (900, 1440):
            page.set_viewport_size({"width": width, "height": 1000})
            still(page)
            assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth") <= 0
