"""Every page, light and dark, wide and narrow: for people who use a keyboard or a screen reader, and offline."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.navigation import TITLES

PATHS = {name: "/" if name == "overview" else f"/{name}" for name in TITLES}
GRAVE = ("serious", "critical")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PATHS)
def test_no_page_shuts_anyone_out(open_in_browser, name, scheme):
    page = open_in_browser(f"{PATHS[name]}?reviewer=ana", scheme=scheme)
    page.wait_for_timeout(700)
    found = Axe().run(page).response["violations"]
    grave = {v["id"]: [n["html"][:200] for n in v["nodes"]][:3] for v in found if v["impact"] in GRAVE}
    assert grave == {}


@pytest.mark.parametrize("name", PATHS)
def test_no_page_is_wider_than_a_small_window(open_in_browser, name):
    page = open_in_browser(f"{PATHS[name]}?reviewer=ana", width=900)
    page.wait_for_timeout(700)
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    assert page.locator('[data-testid="stException"]').count() == 0


@pytest.mark.parametrize("name", PATHS)
def test_no_page_asks_another_host(open_in_browser, served, name):
    page = open_in_browser(f"{PATHS[name]}?reviewer=ana")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_timeout(1500)
    assert [
        url for url in asked if not url.startswith((served.url, f"ws://127.0.0.1:{served.port}", "data:", "blob:"))
    ] == []
