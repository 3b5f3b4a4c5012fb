"""
What a person waits for in the browser over a large run: counts under a dragged slider, the picture after it is let go,
a query beside its rankings, a page of all pairs, the map.

    python -m tests.benchmarks.made_run FOLDER --queries 10000 --candidates 100
    nearmiss map FOLDER
    python -m tests.benchmarks.browsing FOLDER

Chromium without a graphics card draws on the processor that the server uses too. Without a map none is opened.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, READY, serve

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
    folder = parser.parse_args().folder
    if CHROMIUM is None:
        sys.exit("wanted Chromium; found none")
    server = serve(folder)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.goto(f"{server.url}/tune")
            page.wait_for_selector(f"{SLIDER}[aria-valuetext]", timeout=60_000)
            page.wait_for_selector(".stVegaLiteChart canvas", timeout=60_000)
            page.wait_for_timeout(5000)
            show("counts under the dragged slider", page.evaluate(COUNTING, 60))
            show("slider let go, picture drawn", released(page))
            show("query opened beside its rankings", query_opened(page, server.url))
            show("next page of all pairs", pairs_turned(page, server.url))
            opened = [seconds for _ in range(3) if (seconds := map_opened(page, server.url)) is not None]
            if opened:
                show("map opened", opened)
    finally:
        server.kill()


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
    """Milliseconds from the press on a query in the search to its drawn rankings, each time another query."""
    taken = []
    for turn in range(times):
        page.goto(f"{url}/query")
        page.wait_for_selector(READY, timeout=60_000)
        page.wait_for_timeout(1000)
        link = page.locator('[data-testid="stMain"] [data-testid="stPageLink"] a').nth(turn % 8)
        begun = time.perf_counter()
        link.click()
        page.wait_for_selector("[data-ranking] .row", timeout=60_000)
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


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


if __name__ == "__main__":
    main()
