"""Every page in a real browser: nobody is shut out, nothing is wider than a small window, no other host is asked."""

import pytest

from nearmiss_app.navigation import TITLES
from tests.browser.conftest import elsewhere, graves, still

PATHS = {name: "/" if name == "overview" else f"/{name}" for name in TITLES}

# What the page scrolls is its middle; the window itself never does.
WIDEST = """Math.max(...[document.documentElement, document.querySelector('[data-testid=stMain]')]
  .map((box) => box.scrollWidth))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PATHS)
def test_a_page_shuts_nobody_out_fits_a_small_window_and_asks_no_other_host(look, looked_at, name, scheme):
    asked = []
    page = look(f"{PATHS[name]}?reviewer=ana", scheme=scheme, on_request=asked.append)
    assert graves(page) == {}
    for width in (900, 390):
        page.set_viewport_size({"width": width, "height": 1000})
        still(page)
        assert page.evaluate(WIDEST) <= width
    assert page.locator('[data-testid="stException"]').count() == 0
    assert elsewhere(asked, looked_at) == []
    assert any(request.url.startswith(looked_at.url) for request in asked)


def test_the_overview_has_an_address_of_its_own_too(look):
    page = look("/overview?status=too_close&reviewer=ana")
    page.wait_for_selector("button.step[aria-pressed=true]:has-text('too close')")
    assert "status=too_close" in page.url
    assert "reviewer=ana" in page.url
