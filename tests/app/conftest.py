"""A small mined run for the pages, and pages run without a browser."""

import shutil
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mining import dataset, pipeline
from mining.recipe import Mining
from tests.words import OverlapTeacher, WordEncoder

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Streamlit puts the page in the place of `__main__` and leaves it there: a process begun later would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def mined(tmp_path_factory):
    """The sample mined once, with toys for models."""
    folder = tmp_path_factory.mktemp("runs") / "sample"
    data = dataset.read(str(ROOT / "sample_data"))
    recipe = Mining(sources=("bm25", "dense"), teacher="overlap")
    pipeline.mine(folder, recipe, data, encoder=WordEncoder(), teacher=OverlapTeacher())
    return folder


@pytest.fixture
def run(mined, tmp_path):
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(mined, tmp_path / "sample"))


@pytest.fixture
def open_page(run, monkeypatch):
    """Opens a page of the app over `run`: `open_page("tune", query="q01")`; the rest are the address's parameters."""

    def opened(name, **address):
        monkeypatch.setenv("NEARMISS_RUN", str(run))
        page = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=60)
        for key, value in address.items():
            page.query_params[key] = value
        page.run()
        if name != "overview":
            page.switch_page(f"views/{name}.py").run()
        assert not page.exception, page.exception
        return page

    return opened
