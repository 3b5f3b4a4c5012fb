"""The app served over a small run, and a Chromium to look at it; without one these tests skip and say so."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.app.conftest import mined, run  # noqa: F401  (fixtures)

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
READY = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'


class Served:
    """A server of the app that a test may kill and start again on the same port."""

    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder, port, None
        self.url = f"http://127.0.0.1:{port}"

    def start(self):
        command = [sys.executable, "-m", "mining.cli", "app", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1)
                return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the app did not start within 60 s")

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def served(run):  # noqa: F811
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Served(run, port).start()
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
    """Opens an address of the served app in a browser of its own: `open_in_browser("/review?query=q01")`."""
    contexts = []

    def opened(path="/", scheme="light", width=1440, height=1000):
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.goto(served.url + path)
        page.wait_for_selector(READY, timeout=60_000)
        return page

    yield opened
    for context in contexts:
        context.close()
