"""Above: where to start from, save, discard, undo, redo, and the policy to copy."""

import streamlit as st

from nearmiss import access
from nearmiss.presets import PRESETS
from nearmiss.session import tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app.navigation import as_text
from nearmiss_app.tuner.policy_words import differences_in_words


def toolbar(work: Workspace, policy: Policy, *, mistaken: bool) -> None:
    """Presets to start from, differences from the saved policy, save, undo and copy."""
    past = tuning.history(work.run)
    may = access.may("change policy")
    changed = tuning.differences(policy, work.policy)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Start from",
            list(PRESETS),
            index=None,
            key="preset",
            placeholder="a published recipe",
            width=250,
        )
        st.button(
            "Save",
            key="save",
            type="primary",
            disabled=mistaken or not changed or not may,
            help="Put what you try in force",
        )
        st.button("Discard", key="discard", disabled=not (mistaken or changed), help="Back to the saved policy")
        st.button(
            "Undo save",
            key="undo",
            disabled=past.before is None or not may,
            help=_would("Back to", past.before, work.policy),
        )
        st.button(
            "Redo", key="redo", disabled=past.after is None or not may, help=_would("Forth to", past.after, work.policy)
        )
        copying(work, policy)
    st.text(f"Tried: {differences_in_words(policy, work.policy)}" if changed else "This is the saved policy.")
    if name := st.session_state.get("preset"):
        about_preset(name)


def about_preset(name: str) -> None:
    """Where a preset comes from, and how it differs here."""
    preset = PRESETS[name]
    with st.container(border=True, gap="small"):
        st.text(f"{name}: {preset.summary}\n{preset.source}")
        words = [f"Otherwise here: {line}" for line in preset.deviations]
        words += [f"Not verified: {line}" for line in preset.unverified]
        st.caption(
            "Its thresholds alone are tried: its models and depths ask for `nearmiss mine --preset " + name + "`."
        )
        if words:
            with st.expander("What is otherwise, and what nobody verified"):
                st.text("\n".join(words))


def copying(work: Workspace, policy: Policy) -> None:
    """The policy as a command and as sentence-transformers' call."""
    with st.popover("Copy", icon=":material/content_copy:"):
        st.markdown("**As a command**, which puts it in force whatever was before")
        st.code(tuning.as_command(work.run.folder, policy), language="bash", wrap_lines=True)
        call = tuning.as_call(work.run.mining(work.number), policy)
        st.markdown("**For sentence-transformers**, as near as its function comes")
        st.code(call.code, language="python", wrap_lines=True)
        st.caption("What that call does otherwise:")
        st.text("\n".join(f"• {line}" for line in call.leaves_out))


def _would(way: str, saved: tuning.SavedPolicy | None, now: Policy) -> str | None:
    return None if saved is None else as_text(f"{way}: {differences_in_words(saved.policy, now)}")
