"""
What every page needs: the open run and the reviewer's name.

The workspace is opened once for the whole server; the reviewer's name is kept in the address, so that a reload or a
restarted server still knows.
"""

import os
from pathlib import Path
from threading import Timer
from weakref import WeakSet

import streamlit as st

from nearmiss.review import is_model
from nearmiss.run import open_run
from nearmiss.workspace import Workspace, open_workspace

# Set by `nearmiss app`.
RUN, REVIEWS, REVIEWER = "NEARMISS_RUN", "NEARMISS_REVIEWS", "NEARMISS_REVIEWER"
WARM_AFTER_S = 1.0
READ_ONLY = "Judgements cannot be written beside this run. `nearmiss app RUN --new-reviews FILE` keeps them elsewhere."
_WARMED: WeakSet[Workspace] = WeakSet()


@st.cache_resource(show_spinner="Opening the run ...", max_entries=4)
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


def workspace() -> Workspace:
    """The open run with the reviews so far; it is opened again when there is a new round."""
    folder = os.environ[RUN]
    work = _workspace(folder, os.environ.get(REVIEWS, ""), len(open_run(Path(folder)).rounds))
    work.refresh()
    return work


def reviewer() -> str:
    """The reviewer's name: from the address, else from the command line; empty if not given, or if it is a model's."""
    names = st.query_params.get("reviewer"), st.session_state.get("reviewer"), os.environ.get(REVIEWER)
    return next((name.strip() for name in names if name and name.strip() and not is_model(name.strip())), "")


def remember_reviewer() -> None:
    """
    Keep the reviewer's name both in the address and in the session.

    A link of the sidebar carries no parameters, and a reload forgets the session: each alone would lose the name.
    """
    if name := reviewer():
        set_reviewer(name)


def set_reviewer(name: str) -> None:
    """Remember the reviewer's name."""
    st.session_state["reviewer"] = name
    if st.query_params.get("reviewer", "") != name:
        st.query_params["reviewer"] = name
