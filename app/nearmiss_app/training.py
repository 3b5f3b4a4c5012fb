"""Students trained from a page: a press begins, progress and a stop while they learn, and a way to go on."""

from collections.abc import Callable

import streamlit as st

from nearmiss import access
from nearmiss.errors import NearmissError
from nearmiss.pipeline.own_process import JobProgress, Stopped
from nearmiss.settings import Trial
from nearmiss.training.trials import job, trial_files
from nearmiss.training.trials.policies import Tried
from nearmiss.workspace import Workspace
from nearmiss_app.navigation import as_text

EVERY = "1s"
Asked = Callable[[], tuple[list[Tried], Trial]]


def is_running(work: Workspace) -> bool:
    """Whether students are being trained now."""
    return isinstance(job.progress(work.run.folder), JobProgress)


def found(work: Workspace) -> trial_files.Content | None:
    """What is trained so far by a trial under way or stopped; else the last outcome."""
    folder = work.run.folder
    return trial_files.so_far(folder) or trial_files.latest(folder)


def kept_up_to_date(work: Workspace, drawn: Callable[[], None]) -> None:
    """Draw something again each second while students are trained, and everything once they are done."""
    running = is_running(work)

    def once() -> None:
        if running and not is_running(work):
            st.rerun()
        drawn()

    st.fragment(run_every=EVERY if running else None)(once)()


def controls(work: Workspace, asked: Asked, key: str) -> None:
    """A button that trains; while students are trained, how far they are and a stop."""
    folder = work.run.folder
    state = job.progress(folder)
    if isinstance(state, JobProgress):
        st.progress(state.share, text=how_far(state))
        if st.button("Stop", key=f"{key}_stop", help="What was trained is kept"):
            job.stop(folder)
            st.rerun()
        return
    if isinstance(state, Stopped) and state.said:
        st.warning(as_text(f"The training ended before it was done: {state.said}"), icon=":material/warning:")
    unfinished = trial_files.so_far(folder)
    may = work.run.can_be_written and access.may("compute")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Train students", key=key, type="primary", disabled=not may):
            _begin(work, asked)
        if unfinished and unfinished.get("waiting"):
            left = len(unfinished["waiting"])
            if st.button(f"Go on with the {left} left", key=f"{key}_again", disabled=not may):
                job.again(folder)
                st.rerun()


def _begin(work: Workspace, asked: Asked) -> None:
    try:
        policies, settings = asked()
        job.start(work.run, policies, settings, work.number)
    except NearmissError as mistake:
        st.error(as_text(str(mistake)), icon=":material/error:")
    else:
        st.rerun()


def how_far(state: JobProgress) -> str:
    """Progress in words, with the time left."""
    if not state.total:
        return "Preparing ..."
    words = f"{state.done:,} of {state.total:,} {state.unit}"
    left = state.seconds_left
    if left is None or state.done >= state.total:
        return words
    return f"{words}, about {left:.0f} s left" if left < 90 else f"{words}, about {left / 60:.0f} min left"
