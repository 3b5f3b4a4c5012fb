"""
A thousand keys on Review, 20 ms apart, with the server killed twenty times: a thousand verdicts, in order, each once?

    python -m tests.benchmarks.pressing RUN [--presses 1000] [--kills 20]

Works on a copy of the run. Some keys of each stretch are pressed while no server runs. Ends with an error where a
verdict is missing, is there twice or out of order.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, serve, show
from tests.browser.pressing import through_kills, verdicts_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--presses", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("wanted Chromium; found none")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(shutil.copytree(arguments.run, Path(scratch) / "run"))
        for name in ("reviews.db", "reviews-begun.json"):
            (folder / name).unlink(missing_ok=True)
        server = serve(folder)
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = show(browser.new_context(), f"{server.url}/review?reviewer=ana")
            begun = time.perf_counter()
            rows = through_kills(page, server, folder, arguments.presses, arguments.kills)
        finally:
            server.kill()
    told = [row.event.verdict for row in rows]
    wanted = verdicts_of(arguments.presses)
    named = {(row.event.client_id, row.event.client_seq) for row in rows}
    print(f"keys {arguments.presses:,}, kills {arguments.kills}, seconds {time.perf_counter() - begun:,.0f}")
    print(f"verdicts {len(told):,}, in order {told == wanted}, each once {len(named) == len(told)}")
    if told != wanted or len(named) != len(told):
        sys.exit("wanted every key once and in order")


if __name__ == "__main__":
    main()
