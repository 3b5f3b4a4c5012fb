"""One verdict for many pairs, and its undo: the row of buttons that Map and Pairs share."""

import time
from collections.abc import Sequence

import streamlit as st

from nearmiss import access
from nearmiss.counts import counted
from nearmiss.errors import ReviewError
from nearmiss.review import JUDGEMENTS
from nearmiss.session import batch_labels as batches
from nearmiss.types import Pair
from nearmiss.workspace import Workspace
from nearmiss_app import state, theme
from nearmiss_app.navigation import as_text

PROBLEM, WRITTEN = "batch_problem", "batches_written"  # the last is how many this browser wrote


def label_all(work: Workspace, chosen: Sequence[Pair], arm: str) -> None:
    """A button for each verdict, which labels all chosen pairs as one batch."""
    reviewer = state.reviewer()
    found = batches.plan(work, chosen, reviewer)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"batch_{arm}"):
        st.text(f"Label all {counted(len(found.pairs), 'pair')} as" if len(found.pairs) != 1 else "Label 1 pair as")
        for verdict in JUDGEMENTS:
            look = theme.VERDICT[verdict]
            st.button(
                f"{look.sign} {look.word}",
                key=f"batch_{arm}_{verdict}",
                help=look.says,
                disabled=not (found.pairs and reviewer and work.log.can_be_written and access.may("judge")),
                on_click=_label,
                args=(work, found.pairs, verdict, reviewer, arm),
            )
    notes = []
    if not reviewer:
        notes.append("To label, type your name into the sidebar.")
    if found.judged:
        notes.append(f"{counted(found.judged, 'pair')} that you judged before keep their verdict.")
    if found.full:
        notes.append(f"{counted(found.full, 'pair')} left out: as many people have judged them as the project allows.")
    if found.labelled:
        notes.append(f"{counted(found.labelled, 'labelled answer')} left out.")
    if notes:
        st.caption(" ".join(notes))


def undo_last(work: Workspace, arm: str) -> None:
    """What the last batch of this page did, with its undo; and why one could not be written."""
    if problem := st.session_state.pop(PROBLEM, ""):
        st.error(as_text(problem))
    last = batches.last(work, state.reviewer(), arm) if state.reviewer() else None
    if last is None:
        return
    look = theme.VERDICT[last.verdict]
    with st.container(horizontal=True, vertical_alignment="center", key=f"undo_{arm}"):
        st.text(f"Your last batch: {counted(last.pairs, 'pair')} {look.sign} {look.word}.")
        st.button(
            f"Undo all {last.pairs:,}" if last.pairs > 1 else "Undo",
            key=f"undo_batch_{arm}_{last.seq}",
            icon=":material/undo:",
            on_click=batches.take_back,
            args=(work, last, state.reviewer(), time.time()),
        )


def _label(work: Workspace, pairs: Sequence[Pair], verdict: str, reviewer: str, arm: str) -> None:
    try:
        batches.label(work, pairs, verdict, reviewer, arm, time.time())
        st.session_state[WRITTEN] = st.session_state.get(WRITTEN, 0) + 1
    except ReviewError as mistake:
        st.session_state[PROBLEM] = str(mistake)
