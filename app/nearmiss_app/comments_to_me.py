"""Comments to me: a short list of the comments that name whoever looks at the page, with links to their pairs."""

import streamlit as st

from nearmiss.counts import counted
from nearmiss.session.comments_to_me import CommentToMe, waiting
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state

SHOWN, LONGEST = 5, 200  # comments; characters of one


def listed(work: Workspace) -> None:
    """The list in a frame of its own; nothing where nobody waits."""
    if found := waiting(work, state.reviewer()):
        with st.container(border=True, key="comments_to_me"):
            st.text(f"{_count(found)} you")
            _rows(found)


def behind_a_button(work: Workspace) -> None:
    """The same behind a button, where the page has no room for it."""
    if found := waiting(work, state.reviewer()):
        with st.popover(f"{_count(found)} you", icon=":material/alternate_email:"):
            _rows(found)


def _rows(found: list[CommentToMe]) -> None:
    for one in found[:SHOWN]:
        query = one.query if len(one.query) <= LONGEST else f"{one.query[:LONGEST]}…"
        navigation.link_to("review", navigation.as_text(query), query=one.pair[0], doc=one.pair[1])
        said = one.text if len(one.text) <= LONGEST else f"{one.text[:LONGEST]}…"
        st.text(f"{one.by}: {said}" if said else f"{one.by}; judge the pair to read what is said of it")
    if len(found) > SHOWN:
        st.text(f"and {len(found) - SHOWN:,} more")


def _count(found: list[CommentToMe]) -> str:
    return f"{counted(len(found), 'comment')} {'names' if len(found) == 1 else 'name'}"
