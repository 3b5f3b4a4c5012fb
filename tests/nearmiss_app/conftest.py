"""Pages run without a browser."""

import shutil
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Streamlit puts the page in the place of `__main__` and leaves it there: a process begun later would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def seen(mined, tmp_path_factory):
    """The run of all tests that only look: it is opened once."""
    return Path(shutil.copytree(mined, tmp_path_factory.mktemp("seen") / "sample"))


@pytest.fixture
def open_page(request, monkeypatch):
    """
    Opens a page of the app: `open_page("tune", query="q01")`; the rest are the address's parameters.

    It lies over the test's own `run` where the test, or a fixture of it, asks for one; else over the run of all.
    """
    folder = request.getfixturevalue("run" if "run" in request.fixturenames else "seen")

    def opened(name, **address):
        monkeypatch.setenv("NEARMISS_RUN", str(folder))
        page = AppTest.from_file(str(ROOT / "app" / "nearmiss_app" / "streamlit_app.py"), default_timeout=300)
        for key, value in address.items():
            page.query_params[key] = value
        page.run()
        if name != "overview":
            page.switch_page(f"views/{name}.py").run()
        assert not page.exception, page.exception
        return page

    return opened
