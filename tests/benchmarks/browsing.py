"""
What a person waits for in the browser over a large run: counts under a dragged slider, the picture after it is let go,
a query beside its rankings, a page of all pairs, the map.

    python -m tests.benchmarks.made_run FOLDER --queries 10000 --candidates 100
    nearmiss map FOLDER
    python -m tests.benchmarks.browsing FOLDER

Chromium without a graphics card draws on the processor that the server uses too. Without a map none is opened.
"""

import argparse
import contextlib
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, READY, serve

SETTLED = 1500  # milliseconds after a press until nothing more is drawn
SLIDER = "#range-max_p_relevant"
COUNTING = """async (steps) => {
  const within = (node) => {
    for (const one of node.querySelectorAll('*')) if (one.shadowRoot) {
      const found = one.shadowRoot.querySelector('.tuner') || within(one.shadowRoot);
      if (found) return found;
    }
    return null;
  };
  const root = document.querySelector('.tuner') || within(document);
  const slider = root.querySelector('#range-max_p_relevant'), taken = [];
  for (let step = 0; step < steps; step++) {
    slider.value = Math.round(slider.max * (0.1 + 0.8 * step / steps));
    const begun = performance.now();
    slider.dispatchEvent(new Event('input'));
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 0)));
    taken.push(performance.now() - begun);
  }
  return taken;
}"""
# Presses the link to a query and waits until another query's rows are drawn than those that stood there.
DRAWN = """(number) => new Promise((done) => {
  const within = (node, wanted) => {
    for (const one of node.querySelectorAll('*')) if (one.shadowRoot) {
      const found = one.shadowRoot.querySelector(wanted) || within(one.shadowRoot, wanted);
      if (found) return found;
    }
    return null;
  };
  let root = within(document, '.query-page');  // a search of the whole page in each frame would itself take time
  const shown = () => {
    if (!root?.isConnected) root = within(document, '.query-page');
    return root?.querySelector('[data-ranking] .row') && root.querySelector('.text-of-query').textContent;
  };
  const links = [...document.querySelectorAll('[data-testid=stMain] [data-testid=stPageLink] a')];
  const stood = shown(), others = links.filter((link) => link.pathname.endsWith('/query') && link.innerText !== stood);
  const begun = performance.now();
  const look = () => {
    const now = shown();
    if (!now || now === stood) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun), 0));
  };
  others[number % others.length].click();
  look();
})"""
# Vega clears its canvas at the start of each drawing; the last one after a release has the new picture.
LISTEN = """() => {
  let released = 0;
  const cleared = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...where) {
    cleared.apply(this, where);
    if (this.canvas.closest('[data-testid=stVegaLiteChart]'))
      setTimeout(() => { window.drawn = performance.now() - released; }, 0);
  };
  window.addEventListener('pointerup', () => { released = performance.now(); window.drawn = null; }, true);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=PAGES, help="one page alone")
    given = parser.parse_args()
    folder = given.folder
    if CHROMIUM is None:
        sys.exit("wanted Chromium; found none")
    server = serve(folder)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            for name in [given.only] if given.only else PAGES:
                PAGES[name](page, server.url)
    finally:
        server.kill()


def tune(page: Page, url: str) -> None:
    """A slider dragged, and let go."""
    page.goto(f"{url}/tune")
    page.wait_for_selector(f"{SLIDER}[aria-valuetext]", timeout=60_000)
    page.wait_for_selector(".stVegaLiteChart canvas", timeout=60_000)
    page.wait_for_timeout(5000)
    show("counts under the dragged slider", page.evaluate(COUNTING, 60))
    show("slider let go, picture drawn", released(page))


def query(page: Page, url: str) -> None:
    """A query opened, and another in its place."""
    show("query opened beside its rankings", query_opened(page, url))
    taken, browser, server = query_changed(page, url)
    show("query in the place of another", taken)
    used = f"{1000 * browser:>7.0f} ms of the browser, {1000 * server:.0f} of the server"
    print(f"{'processor time of it':<34}{used}", flush=True)


def pairs(page: Page, url: str) -> None:
    """Pages of all pairs."""
    show("next page of all pairs", pairs_turned(page, url))


def the_map(page: Page, url: str) -> None:
    """The map, where there is one."""
    opened = [taken for _ in range(3) if (taken := map_opened(page, url)) is not None]
    if opened:
        show("map opened", opened)


def released(page: Page, times: int = 10) -> list[float]:
    """Milliseconds from letting the slider go to the picture, each time."""
    page.evaluate(LISTEN)
    found = []
    for turn in range(times):
        box = page.locator(SLIDER).bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 8 + (box["width"] - 16) * (0.1 + 0.03 * turn), y)
        page.mouse.down()
        page.mouse.move(box["x"] + 10 + (box["width"] - 16) * (0.1 + 0.03 * turn), y)
        page.wait_for_timeout(50)
        page.mouse.up()
        page.wait_for_timeout(4000)
        found.append(page.evaluate("window.drawn"))
    return found


def query_opened(page: Page, url: str, times: int = 10) -> list[float]:
    """Milliseconds from the press on a query of the search to its drawn rankings, where none was drawn before."""
    taken = []
    for turn in range(times):
        page.goto(f"{url}/query")
        page.wait_for_selector(READY, timeout=60_000)
        page.wait_for_timeout(1000)
        taken.append(page.evaluate(DRAWN, turn % 8))
    return taken


def query_changed(page: Page, url: str, times: int = 10) -> tuple[list[float], float, float]:
    """
    Milliseconds from the press on a query to its rankings in the place of another's, each time; and the medians of the
    processor seconds that browser and server spend from the press to SETTLED milliseconds later.
    """
    page.goto(f"{url}/query")
    page.wait_for_selector(READY, timeout=60_000)
    first = page.locator('[data-testid="stMain"] [data-testid="stPageLink"] a').first
    word = first.inner_text().split()[0]
    first.click()
    taken, spent = [], []
    for turn in range(times):
        page.wait_for_selector("[data-ranking] .row", timeout=60_000)
        # Another beginning each time finds other queries, or the same in the list's other places.
        page.get_by_label("Find a query").fill(word[: 2 + turn % 3])
        page.keyboard.press("Enter")
        page.wait_for_timeout(2500)
        before = processor_seconds()
        taken.append(page.evaluate(DRAWN, turn % 8))
        page.wait_for_timeout(SETTLED)
        spent.append(processor_seconds() - before)
    browser, server = np.median(spent, axis=0)
    return taken, browser, server


def processor_seconds() -> np.ndarray:
    """What the browser and the server have used so far; both are processes of this one."""
    spent = np.zeros(2)
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            used, is_server = process.cpu_times(), any("nearmiss" in word for word in process.cmdline())
            spent[int(is_server)] += used.user + used.system
    return spent


def pairs_turned(page: Page, url: str, times: int = 10) -> list[float]:
    """Milliseconds from the press on the next page of the table to its rows."""
    page.goto(f"{url}/pairs?sort=p_relevant")
    page.wait_for_selector('[data-testid="stDataFrame"] canvas', timeout=60_000)
    page.wait_for_timeout(3000)
    taken = []
    for number in range(2, times + 2):
        begun = time.perf_counter()
        page.click(f'[aria-label="Page {number}"]')
        # The page's number is part of the table's key, and so of its class.
        page.wait_for_selector(f'[class*="st-key-pairs_"][class*="_{number}_0"] canvas', timeout=60_000)
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


def map_opened(page: Page, url: str) -> float | None:
    """Milliseconds from another page to the drawn map; None where the run has none."""
    page.goto(f"{url}/rounds")
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_timeout(2000)
    begun = time.perf_counter()
    page.get_by_role("link", name="Map").first.click()
    page.wait_for_selector(".js-plotly-plot .nsewdrag, button:has-text('Make the map')", timeout=60_000)
    taken = 1000 * (time.perf_counter() - begun)
    return None if page.get_by_role("button", name="Make the map").count() else taken


def show(name: str, milliseconds: list[float]) -> None:
    """Median and the slowest, after how many."""
    median, most = np.median(milliseconds), max(milliseconds)
    print(f"{name:<34}{median:>7.0f} ms, at most {most:.0f} of {len(milliseconds)}", flush=True)


PAGES = {"tune": tune, "query": query, "pairs": pairs, "map": the_map}

if __name__ == "__main__":
    main()
