"""The app's frame: every page opens over a run, and its settings are honoured."""

import re
import tomllib

import pytest
from streamlit import config

from nearmiss.review import JUDGEMENTS
from nearmiss.selection import STATUSES
from nearmiss_app import glossary, server, state
from nearmiss_app.navigation import TITLES
from nearmiss_app.theme import STATUS, VERDICT
from tests.conftest import ROOT


@pytest.mark.parametrize("name", TITLES)
def test_every_page_opens(open_page, name):
    page = open_page(name)
    assert not page.error


def test_what_other_pages_wait_for_is_made_once(open_page, monkeypatch):
    warmed = []

    class Timer:
        def __init__(self, _, warm, works):
            self.start = lambda: warmed.append((warm, *works))

    monkeypatch.setattr(state, "_WARMED", set())
    monkeypatch.setattr(state, "Timer", Timer)
    open_page("overview").run()
    assert [warm for warm, _ in warmed] == [state._warm]


def test_every_status_and_verdict_has_a_look_of_its_own():
    assert set(STATUS) == set(STATUSES)
    assert set(VERDICT) == set(JUDGEMENTS)
    assert len({look.word for look in STATUS.values()}) == len(STATUS)


def test_the_settings_are_known_to_this_release(monkeypatch):
    # postScriptGC is hidden and may vanish: it makes a rerun take five times as long.
    monkeypatch.chdir(ROOT / "app" / "nearmiss_app")
    options = config.get_config_options(force_reparse=True)
    assert options["runner.postScriptGC"].value is False
    assert options["server.address"].value == "127.0.0.1"
    assert options["client.showErrorDetails"].value == "none"
    assert options["server.enableXsrfProtection"].value is True
    assert options["browser.gatherUsageStats"].value is False


def test_the_manual_and_the_sidebar_explain_the_same_words(open_page):
    manual = (ROOT / "app" / "README.md").read_text("utf-8").partition("## What the words mean")[2]
    rows = [line.strip("|").split("|") for line in manual.splitlines() if line.startswith("|")][2:]
    assert {word.strip(): meaning.strip() for word, meaning in rows} == glossary.WORDS
    shown = " ".join(element.proto.body for element in open_page("overview").get("html"))
    assert "<b>false negative</b></dt><dd>a kept negative that does answer the query</dd>" in shown


def test_every_heading_of_a_table_and_every_page_is_explained():
    told = " ".join([*glossary.WORDS, *glossary.WORDS.values()]).lower()
    assert [look.word for look in VERDICT.values() if look.word not in told] == []
    assert [word for word in ("combined", "p_relevant", "topic", "batch", "policy", "round") if word not in told] == []


def test_texts_have_four_sizes_and_headings_one_scale():
    found = set()
    for path in (ROOT / "app" / "nearmiss_app").rglob("*"):
        if path.suffix in (".css", ".py", ".js"):
            found |= set(re.findall(r"font-size:\s*([\d.]+(?:px|r?em))", path.read_text("utf-8")))
    assert found <= {"0.875rem", "1rem", "1.375rem"}
    # The fourth is the page's title; headings inside a page are as large as those of its own drawings.
    options = tomllib.loads((ROOT / "app" / "nearmiss_app" / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
    assert options["headingFontSizes"][:3] == ["1.75rem", "1.375rem", "1rem"]


@pytest.mark.parametrize("asked", [[], ["--host", "0.0.0.0"], ["--log-json"]])
def test_the_command_s_own_line_is_the_only_address_that_is_printed(monkeypatch, asked):
    # Streamlit's greeting comes last and names no page: who opened that one would miss where the demo leads to.
    monkeypatch.setattr("sys.argv", ["server", *asked])
    assert server.settings(server.arguments(), None)["logger.hideWelcomeMessage"] is True


def test_nobody_takes_the_name_of_a_model(open_page, monkeypatch):
    monkeypatch.delenv("NEARMISS_REVIEWER", raising=False)
    page = open_page("overview", reviewer="model:m")  # as in an address that somebody sent
    [name] = [field for field in page.text_input if field.label == "Reviewer"]
    assert name.value == ""
    name.set_value("model:m").run()
    assert "Names that begin with model: are those of judges" in page.error[0].value
    [name] = [field for field in page.text_input if field.label == "Reviewer"]
    name.set_value("ann").run()
    assert not page.error
    assert page.query_params["reviewer"] in ("ann", ["ann"])
