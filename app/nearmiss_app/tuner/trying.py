"""What is tried: the policy of the address, the session or the sliders, and what the buttons do to it."""

from typing import Any

import streamlit as st

from nearmiss.errors import RecipeError
from nearmiss.presets import PRESETS
from nearmiss.session import tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import state
from nearmiss_app.navigation import as_text

KEY, WORKBENCH = "tuner", "workbench"  # of the component, and of the fragment around everything


def tried(work: Workspace) -> tuple[Policy, dict[str, Any]]:
    """
    The policy being tried, and the typed values where they are no valid policy.

    The address holds it, so that a reload loses nothing; on coming back from another page, the session does.
    """
    answered, mistaken = st.session_state.get("answered", 0), st.session_state.get("mistaken", {})
    form = (st.session_state.get(KEY) or {}).get("form") or {}
    try:
        policy = tuning.from_address({name: st.query_params.get_all(name) for name in st.query_params})
        policy = _usable(work, policy or st.session_state.get("tried") or work.policy)
    except RecipeError as mistake:
        sentence = f"The address holds no policy that can be used here. {mistake}"
        st.warning(as_text(sentence), icon=":material/link_off:")
        if not form:
            return work.policy, {}
        policy = work.policy
    if form and form["seq"] > answered:
        answered, mistaken = form["seq"], {}
        try:
            policy = _usable(work, tuning.parse(form["values"]))
        except RecipeError as mistake:
            mistaken = {"values": form["values"], "sentence": str(mistake), "names": tuning.at_fault(mistake)}
    _remember(work, policy, answered, mistaken)
    return policy, mistaken


def _usable(work: Workspace, policy: Policy) -> Policy:
    work.decision(policy)  # raises where this run cannot apply it
    return policy


def _remember(work: Workspace, policy: Policy, seq: int, mistaken: dict[str, Any]) -> None:
    """Keep the tried policy in the session and the address; the address omits it while nothing is tried."""
    st.session_state["tried"] = None if policy == work.policy else policy
    st.session_state["answered"], st.session_state["mistaken"] = seq, mistaken
    others = {n: st.query_params.get_all(n) for n in st.query_params if n not in tuning.ADDRESS_NAMES}
    wanted = others | ({} if policy == work.policy else tuning.as_address(policy))
    if wanted != {name: st.query_params.get_all(name) for name in st.query_params}:
        st.query_params.from_dict(wanted)


def try_policy(work: Workspace, policy: Policy) -> None:
    """Try a policy that did not come from the sliders."""
    form = (st.session_state.get(KEY) or {}).get("form") or {}
    _remember(work, policy, form.get("seq", 0), {})


def deeds(work: Workspace, policy: Policy) -> bool:
    """Handle the buttons before anything is drawn; returns whether another policy is tried now."""
    run, by = work.run, state.reviewer()
    if st.session_state.get("save"):
        tuning.save(run, policy, by)
    elif st.session_state.get("undo"):
        policy = tuning.undo(run, by) or policy
    elif st.session_state.get("redo"):
        policy = tuning.redo(run, by) or policy
    elif st.session_state.get("discard"):
        policy = work.policy
    elif (name := st.session_state.get("preset")) != st.session_state.get("started_from"):
        st.session_state["started_from"] = name
        if name is not None:
            try_policy(work, PRESETS[name].policy)
        return name is not None
    else:
        return False
    st.session_state["preset"] = st.session_state["started_from"] = None
    try_policy(work, policy)
    return True
