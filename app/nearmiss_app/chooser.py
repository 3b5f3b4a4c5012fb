"""The page on which a run is chosen, where one server has several."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from nearmiss import access
from nearmiss.counts import counted
from nearmiss.errors import AccessError
from nearmiss.run import runs_in
from nearmiss.session import run_list
from nearmiss.session.run_list import RunInFolder
from nearmiss_app import state

SAME_WINDOW = 'target="_self" style="color: inherit"'  # a browser's own blue cannot be read on the dark theme
EVERY_S = 30  # how long a summary is kept


def page(folder: Path) -> None:
    """A row for each run that whoever looks may read, the one judged last first."""
    st.title("Runs")
    found = [_summary(str(folder), name) for name in runs_in(folder) if _may_read(name)]
    if not found:
        st.text("No run here is open to you. An owner of the project gives roles.")
    for one in sorted(found, key=lambda run: (-(run.activity.last or 0.0), run.name)):
        with st.container(border=True):
            # A link that loads the page anew: nothing that was chosen in one run reaches into another.
            st.html(f'<a href="?{escape(urlencode(_address(one.name)))}" {SAME_WINDOW}>{escape(one.name)}</a>')
            st.text(_words(one))


def leave() -> None:
    """In the sidebar: back to the choice."""
    kept = escape(urlencode({name: value for name, value in _address("").items() if name != "run"}))
    st.html(f'<a href="?{kept}" {SAME_WINDOW}>Other runs</a>')


def _may_read(name: str) -> bool:
    login = state.login()
    if login is None:
        return True
    try:
        return login.person(st.user.to_dict(), run=name).may(access.READ)
    except AccessError:
        return False


def _address(name: str) -> dict[str, str]:
    kept = {"reviewer": st.query_params["reviewer"]} if "reviewer" in st.query_params else {}
    return {"run": name} | kept


def _words(one: RunInFolder) -> str:
    if one.problem:
        return one.problem
    judged = one.activity
    if judged.last is None:
        return f"{counted(one.queries, 'query')}, round {one.round}. Nobody has judged a pair yet."
    last = f"{datetime.fromtimestamp(judged.last, UTC):%Y-%m-%d %H:%M} UTC"
    people = "one person" if judged.people == 1 else f"{judged.people:,} people"
    pairs = counted(judged.pairs, "pair")
    return f"{counted(one.queries, 'query')}, round {one.round}. {pairs} judged by {people}, last on {last}."


@st.cache_data(ttl=EVERY_S, max_entries=500, show_spinner=False)
def _summary(folder: str, name: str) -> RunInFolder:
    return run_list.summary(Path(folder), name)
