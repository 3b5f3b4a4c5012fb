"""
What every page needs: the open run and the reviewer's name.

A workspace is opened once for the whole server. Where the server has several runs, a window is of one of them as long
as it lives: its address names it, and another one is another load of the page. Without a login the reviewer's name is
kept in the address, so that a reload or a restarted server still knows; with one it is who signed in, and nothing that
a browser says changes it.
"""

import os
from functools import lru_cache
from pathlib import Path
from threading import Timer
from weakref import WeakSet

import streamlit as st

from nearmiss import access
from nearmiss.access import Login, Person
from nearmiss.errors import AccessError
from nearmiss.review import is_model
from nearmiss.run import open_run
from nearmiss.session import run_list
from nearmiss.workspace import Workspace, open_workspace

# Set by `nearmiss app`.
RUN, REVIEWS, REVIEWER = "NEARMISS_RUN", "NEARMISS_REVIEWS", "NEARMISS_REVIEWER"
RUNS = "NEARMISS_RUNS"  # the folder of several runs, from which each window chooses one
AUTH, OPEN = "NEARMISS_AUTH", "NEARMISS_OPEN"  # set by the server: the login's file; whether anybody can come in
WARM_AFTER_S = 1.0
READ_ONLY = "Judgements cannot be written beside this run. `nearmiss app RUN --new-reviews FILE` keeps them elsewhere."
_WARMED: WeakSet[Workspace] = WeakSet()


@st.cache_resource(show_spinner="Opening the run ...", max_entries=8)
def _workspace(folder: str, reviews: str, finished_rounds: int) -> Workspace:
    return open_workspace(Path(folder), reviews)


def warm(work: Workspace) -> None:
    """
    Prepare what other pages need, once, a moment after a page is drawn.

    Earlier, this would slow that page down; at once, the browser that draws it, or the next page.
    """
    if work not in _WARMED:
        _WARMED.add(work)
        warming = Timer(WARM_AFTER_S, _warm, [work])
        warming.daemon = True
        warming.start()


def _warm(work: Workspace) -> None:
    from nearmiss.session import cards  # slow to import, and not needed by the first page

    cards.warm(work)


def runs() -> Path | None:
    """The folder of the runs from which this server's windows choose; None where it has one run."""
    return Path(os.environ[RUNS]) if os.environ.get(RUNS) else None


def run_name() -> str:
    """The run that this window is of; empty where none is chosen yet."""
    if runs() is None:
        return Path(os.environ[RUN]).name
    # What the session began with holds: its choices, orders and filters are of that run.
    return st.session_state.get("run") or st.query_params.get("run", "")


def run_folder() -> Path:
    """The folder of this window's run; RunError where it names none of the server's runs."""
    folder = runs()
    return Path(os.environ[RUN]) if folder is None else run_list.folder_of(folder, run_name())


def remember_run() -> None:
    """Keep the run both in the address and in the session, as the reviewer's name."""
    if runs() is not None:
        name = run_name()
        st.session_state["run"] = name
        if st.query_params.get("run", "") != name:
            st.query_params["run"] = name


def workspace() -> Workspace:
    """The open run with the reviews so far; it is opened again when there is a new round."""
    folder = str(run_folder())
    work = _workspace(folder, os.environ.get(REVIEWS, ""), len(open_run(Path(folder)).rounds))
    work.refresh()
    return work


@lru_cache(maxsize=1)
def _login(file: str) -> Login:
    return access.read_login(Path(file))


def login() -> Login | None:
    """The login; None where everybody who reaches the pages may use them."""
    return _login(os.environ[AUTH]) if os.environ.get(AUTH) else None


def person() -> Person | None:
    """Who looks at this page: who signed in, else whoever typed a name; None where a login finds nobody."""
    if (found := login()) is None:
        return access.OWN_PROCESS
    try:
        return found.person(st.user.to_dict(), run=run_name() or None)
    except AccessError:
        return None


def know_who_acts() -> None:
    """From now on the core asks here who acts, wherever it writes or starts something."""
    if login() is not None:
        access.answered_by(person)


def outbox(work: Workspace) -> str:
    """The name under which a browser keeps what is not sent: with a login, each person's own."""
    folder = str(work.run.folder)
    return folder if login() is None else f"{folder}#{reviewer()}"


def reviewer() -> str:
    """The reviewer's name: who signed in; else from the address or the command line; empty for none, or a model's."""
    if login() is not None:
        found = person()
        return found.name if found and not is_model(found.name) else ""
    names = st.query_params.get("reviewer"), st.session_state.get("reviewer"), os.environ.get(REVIEWER)
    return next((name.strip() for name in names if name and name.strip() and not is_model(name.strip())), "")


def remember_reviewer() -> None:
    """
    Keep the reviewer's name both in the address and in the session.

    A link of the sidebar carries no parameters, and a reload forgets the session: each alone would lose the name.
    """
    if login() is None and (name := reviewer()):
        set_reviewer(name)


def set_reviewer(name: str) -> None:
    """Remember the reviewer's name."""
    st.session_state["reviewer"] = name
    if st.query_params.get("reviewer", "") != name:
        st.query_params["reviewer"] = name
