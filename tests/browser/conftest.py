"""The app served over a small run, and a Chromium to look at it; without one these tests skip and say so."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nearmiss import maps
from nearmiss.run import open_run

CHROMIUM = os.environ.get("NEARMISS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START = 180  # seconds: a loaded machine takes its time
PATIENCE = 120_000  # milliseconds: a slow machine is no fault of the page
expect.set_options(timeout=PATIENCE)
PAGES = []  # what the test in hand has opened: where it fails, what stood there is told
RUNNING = []  # the servers, for the same
READY = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'


class Served:
    """A server of the app that a test may kill and start again on the same port."""

    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder, port, None
        self.log = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - it lives as long as the server
        self.url = f"http://127.0.0.1:{port}"

    def start(self):
        command = [sys.executable, "-m", "nearmiss.cli", "app", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        RUNNING.append(self)
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1)
                return self
            except OSError:
                assert self.process.poll() is None, f"the app ended as it started: {self.said()}"
                time.sleep(0.1)
        raise AssertionError(f"the app did not start within {START} s: {self.said()}")

    def said(self):
        """The last lines that the server wrote."""
        self.log.seek(0)
        return self.log.read()[-4000:].decode(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()
        if self in RUNNING:
            RUNNING.remove(self)


def serve(folder):
    """A server of its own over a run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Served(folder, port).start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure tells what stood on each page that was open."""
    report = yield
    if call.when == "setup":
        PAGES.clear()
    elif report.failed:
        report.sections += [(f"page {page.url}", _seen(page)) for page in PAGES if not page.is_closed()]
        report.sections += [(f"server {server.url}", server.said()) for server in RUNNING]
    return report


def _seen(page):
    try:
        heard = "\n".join(f"console: {words}" for words in page.heard)
        return page.locator("body").inner_text(timeout=5000) + "\n" + heard
    except Exception as gone:
        return f"(not to be read: {gone})"


@pytest.fixture
def served(run):
    """A server over the test's own run, for a test that changes the run or kills the server."""
    server = serve(run)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def looked_at(mined, tmp_path_factory):
    """A server over a run with a map, for all tests that change nothing: nobody judges, saves or writes here."""
    folder = Path(shutil.copytree(mined, tmp_path_factory.mktemp("looked_at") / "sample"))
    maps.make(open_run(folder))
    server = serve(folder)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine (NEARMISS_CHROMIUM names one)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_in_browser(served, chromium):
    """Opens an address of the test's own server: `open_in_browser("/review?query=q01")`, each in a new browser."""
    contexts = []

    def opened(path="/", scheme="light", **window):
        contexts.append(chromium.new_context(color_scheme=scheme))
        return show(contexts[-1], served.url + path, **window)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def viewers(chromium):
    """A browser that prefers light pages and one that prefers dark ones; each loads the app's scripts once."""
    both = {scheme: chromium.new_context(color_scheme=scheme) for scheme in ("light", "dark")}
    yield both
    for viewer in both.values():
        viewer.close()


@pytest.fixture
def look(looked_at, viewers):
    """The same as `open_in_browser` for a test that changes nothing of the run."""
    pages = []

    def opened(path="/", scheme="light", **window):
        pages.append(show(viewers[scheme], looked_at.url + path, **window))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def show(context, address, width=1440, height=1000, on_request=None):
    """A page of the app, once it is drawn; `on_request` hears of every request from the first."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    PAGES.append(page)
    page.heard = []
    page.on("console", lambda message: page.heard.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: page.heard.append(f"error: {error}"))
    page.set_viewport_size({"width": width, "height": height})
    if on_request:
        # Playwright hangs a mark on what it calls, which a built-in such as `list.append` does not take.
        page.on("request", lambda request: on_request(request))
    page.goto(address)
    page.wait_for_selector(READY)
    return page


def elsewhere(requests, server):
    """The addresses asked that are not the server's."""
    own = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    return [request.url for request in requests if not request.url.startswith(own)]


# True once nothing has been drawn anew, dimmed or on its way for a quarter of a second.
STILL = """() => {
  const moving = document.querySelector('[data-stale="true"]')
    || document.getAnimations().some((one) => one.playState === 'running');
  const now = performance.now();
  if (moving || window.movedAt === undefined) window.movedAt = now;
  return now - window.movedAt > 250;
}"""


def still(page):
    """Waits until nothing moves: half faded in, any text is too pale, and what still grows has no width."""
    page.wait_for_selector(READY)
    page.evaluate("delete window.movedAt")
    page.wait_for_function(STILL)


def graves(page):
    """What axe-core finds serious or critical, by rule, on a page that is still."""
    still(page)
    found = Axe().run(page).response["violations"]
    grave = [v for v in found if v["impact"] in ("serious", "critical")]
    return {v["id"]: [node["html"][:200] for node in v["nodes"]][:3] for v in grave}
