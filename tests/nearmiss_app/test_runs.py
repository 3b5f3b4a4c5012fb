"""Several runs in one server: the choice, a window that stays with its run, and rights by run."""

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from nearmiss.cli import serving
from tests.conftest import ROOT
from tests.nearmiss.review.test_chain import call


@pytest.fixture
def open_runs(run, monkeypatch):
    shutil.copytree(run, run.parent / "other")
    monkeypatch.setenv("NEARMISS_RUN", "")
    monkeypatch.setenv("NEARMISS_RUNS", str(run.parent))

    def opened(**address):
        page = AppTest.from_file(str(ROOT / "app" / "nearmiss_app" / "streamlit_app.py"), default_timeout=300)
        for key, value in address.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception, page.exception
        return page

    return opened


def links(page):
    return [one.proto.body for one in page.get("html") if "<a href" in one.proto.body]


def test_a_window_without_a_run_shows_the_choice(open_runs):
    page = open_runs(reviewer="ann")
    assert [title.value for title in page.title] == ["Runs"]
    assert links(page) == [
        '<a href="?run=other&amp;reviewer=ann" target="_self" style="color: inherit">other</a>',
        '<a href="?run=sample&amp;reviewer=ann" target="_self" style="color: inherit">sample</a>',
    ]
    assert [text.value for text in page.text] == ["84 queries, round 1. Nobody has judged a pair yet."] * 2


def test_a_window_stays_with_its_run_whatever_page_it_opens(open_runs):
    page = open_runs(run="other")
    assert page.sidebar.caption[0].value == "other, round 1"
    assert links(page)[0].startswith('<a href="?" target="_self" style="color: inherit">')
    # A link of the sidebar carries no parameters.
    del page.query_params["run"]
    page.switch_page("views/pairs.py").run()
    assert page.sidebar.caption[0].value == "other, round 1"
    assert page.query_params["run"] in ("other", ["other"])


def test_a_name_that_is_no_run_opens_nothing(open_runs):
    page = open_runs(run="../other")
    assert "wanted one of its runs; found '../other'" in page.error[0].value.replace("\\", "")


def test_the_command_serves_a_folder_of_runs_and_the_log_of_each(run, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(serving, "serve", lambda *given, **known: asked.append((*given[:2], known)))
    assert call(capsys, monkeypatch, "app", run.parent)[0] == 0
    assert call(capsys, monkeypatch, "app", run)[0] == 0
    assert asked == [(run.parent, "", {"is_one": False}), (run, "", {"is_one": True})]
    assert call(capsys, monkeypatch, "app", run.parent, "--reviews", "sqlite:///x.db")[0] == 1
