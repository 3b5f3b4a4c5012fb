"""What to read: the pairs at a limit, or two policies side by side."""

import streamlit as st

from nearmiss.session import tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app.tuner import FOLDER
from nearmiss_app.tuner.pair_lists import columns
from nearmiss_app.tuner.two_policies import two_policies

READ_WORDS = {"ceiling": "At the ceiling", "floor": "At the floor", "changes": "Two policies side by side"}


def reading(work: Workspace, policy: Policy) -> None:
    """The pairs at the edge; or two policies with the pairs that only one of them keeps."""
    st.markdown("**Pairs to read**")
    new, old = work.decision(policy), work.decision()
    others = int(((new.slot > 0) != (old.slot > 0)).sum())
    shown = st.segmented_control(
        "Read",
        list(READ_WORDS),
        default="ceiling",
        required=True,
        format_func=lambda name: (
            READ_WORDS[name] + (f" ({others:,} pairs changed)" if name == "changes" and others else "")
        ),
        key="read",
        label_visibility="collapsed",
    )
    st.html(FOLDER / "pairs.css")
    if shown == "changes":
        two_policies(work, policy)
        return
    refused, passed = tuning.nearest(work.table, policy, new, shown)
    if not len(refused) and not len(passed):
        st.info(f"No {shown} is set. Move one of its sliders.", icon=":material/tune:")
        return
    side = (
        ("Just above: refused", "Just below: let pass")
        if shown == "ceiling"
        else ("Just below: refused", "Just above: let pass")
    )
    columns(
        work,
        policy,
        (side[0], refused, f"Nothing is refused by the {shown}."),
        (side[1], passed, f"Nothing passes the {shown}."),
        shown,
    )
