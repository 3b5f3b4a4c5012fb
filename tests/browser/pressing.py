"""Keys pressed on Review while its server is killed again and again; shared by a test and a benchmark."""

import time

from nearmiss.review import open_log

APART = 20  # milliseconds from one key to the next
IN_OUTAGE = 4  # keys of each stretch that are pressed while no server runs
KEYS = {"1": "relevant", "3": "not_relevant"}
PATIENCE = 180  # seconds


def press(page, count, first=0):
    """Press `1` and `3` in turn, `count` keys, beginning with the one of number `first`."""
    for number in range(first, first + count):
        page.keyboard.press("13"[number % 2])
        page.wait_for_timeout(APART)


def through_kills(page, server, folder, presses, kills):
    """Press so many keys, with the server killed and started again `kills` times between; returns the log's rows."""
    page.wait_for_selector(".candidate")
    each = presses // kills
    for stretch in range(kills):
        first = stretch * each
        press(page, each - IN_OUTAGE, first)
        server.kill()
        press(page, IN_OUTAGE, first + each - IN_OUTAGE)
        server.start()
        wait_until_written(page, folder, first + each)
    return logged(folder)


def wait_until_written(page, folder, count):
    """Until the log has so many rows and the page knows it; a page that loaded anew has a card to press on again."""
    deadline = time.monotonic() + PATIENCE
    while len(logged(folder)) < count:
        if time.monotonic() > deadline:
            raise AssertionError(f"wanted {count} rows in the log; found {len(logged(folder))}")
        page.wait_for_timeout(100)
    page.wait_for_selector('.deck[data-waiting="0"]', timeout=1000 * PATIENCE)
    page.wait_for_selector(".candidate", timeout=1000 * PATIENCE)


def logged(folder):
    """The rows of a run's log."""
    log = open_log(folder / "reviews.db")
    try:
        return log.since(0)
    finally:
        log.close()


def verdicts_of(count):
    """The verdicts of so many keys, in order."""
    return [KEYS["13"[number % 2]] for number in range(count)]
