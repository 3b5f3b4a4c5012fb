"""
What every page needs: the run that is open, and who is looking.

The workspace is opened once for the whole server; who is looking is kept in the address, so that a reload or a
restarted server still knows.
"""

import os
from pathlib import Path
from threading import Timer
from weakref import WeakSet

import streamlit as st

from nearmiss.run import open_run
from nearmiss.workspace import Workspace, open_workspace

# Set by `nearmiss app`.
RUN, REVIEWS, REVIEWER = "NEARMISS_RUN", "NEARMISS_REVIEWS", "NEARMISS_REVIEWER"
WARM_AFTER_S = 1.0
_WARMED: WeakSet[Workspace] = WeakSet()


@st.cache_resource(show_spinner="Opening the run ...", max_entries=4)
def _workspace(folder: str, reviews: str, finished_rounds: int) -> Workspace:
    return open_workspace(Path(folder), reviews)


def warm(work: Workspace) -> None:
    """
    Make what other pages wait for, once, a moment after a page is drawn.

    Before, it would take the processor from that page; at once, from the browser that draws it, or from the next page.
    """
    if work not in _WARMED:
        _WARMED.add(work)
        warming = Timer(WARM_AFTER_S, _warm, [work])
        warming.daemon = True
        warming.start()


def _warm(work: Workspace) -> None:
    from nearmiss.session import cards  # slow to import, and the first page does without

    cards.warm(work)


def workspace() -> Workspace:
    """The run that is open, with what reviewers wrote since; a new round opens it anew."""
    folder = os.environ[RUN]
    work = _workspace(folder, os.environ.get(REVIEWS, ""), len(open_run(Path(folder)).rounds))
    work.refresh()
    return work


def reviewer() -> str:
    """Who is looking: from the address, else from the command line; empty where nobody said."""
    names = st.query_params.get("reviewer"), st.session_state.get("reviewer"), os.environ.get(REVIEWER)
    return next((name.strip() for name in names if name and name.strip()), "")


def remember_reviewer() -> None:
    """
    Keep who is looking both in the address and in the session.

    A link of the sidebar carries no parameters, and a reload forgets the session: each alone would lose the name.
    """
    if name := reviewer():
        set_reviewer(name)


def set_reviewer(name: str) -> None:
    """Remember who is looking."""
    st.session_state["reviewer"] = name
    if st.query_params.get("reviewer", "") != name:
        st.query_params["reviewer"] = name
