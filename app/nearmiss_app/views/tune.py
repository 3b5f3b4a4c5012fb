"""Tune: move thresholds, see at once what they keep and refuse, read the borderline pairs, then save."""

import streamlit as st

from nearmiss.workspace import Workspace
from nearmiss_app import state
from nearmiss_app.tuner import FOLDER
from nearmiss_app.tuner.reading import reading
from nearmiss_app.tuner.sight import picture, risks
from nearmiss_app.tuner.sliders import panel
from nearmiss_app.tuner.students import students
from nearmiss_app.tuner.toolbar import toolbar
from nearmiss_app.tuner.trying import WORKBENCH, deeds, tried


@st.fragment(key=WORKBENCH)
def workbench(work: Workspace) -> None:
    """Everything that depends on the tried policy; the picture first, since people wait for it."""
    policy, mistaken = tried(work)
    if deeds(work, policy):
        policy, mistaken = tried(work)
    top = st.container()
    with st.container(key="workbench"):
        left, right = st.container(key="settings"), st.container(key="sight")
    with right:
        picture(work, policy)
        below = st.container()
    with top:
        toolbar(work, policy, mistaken=bool(mistaken))
    with left:
        panel(work, policy, mistaken)
    # Below both, over the whole width: an answer and its candidate have room side by side.
    reading(work, policy)
    with below:
        risks(work, policy)
        students(work, policy)


def page(work: Workspace) -> None:
    """Title, and the workbench."""
    st.title("Tune", anchor=False)
    st.caption(
        "Move a slider: the counts follow. Let go: the picture and the pairs at the edge follow. Save when it is right."
    )
    st.html(FOLDER / "page.css")
    workbench(work)


page(state.workspace())
