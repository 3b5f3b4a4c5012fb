"""The settings as data for the component: what each is, its stops, and what it comes to at each of them."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from nearmiss.selection import KEPT
from nearmiss.session import tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import theme
from nearmiss_app.charts import tune as charts
from nearmiss_app.tuner import tuner
from nearmiss_app.tuner.policy_words import label
from nearmiss_app.tuner.trying import KEY, WORKBENCH

OPEN_GROUPS = ("ceiling", "floor")


@st.fragment
def panel(work: Workspace, policy: Policy, mistaken: dict[str, Any]) -> None:
    """The settings with the counts along each; on large runs the counts come last, and redraw this part only."""
    name = f"{tuning.as_address(policy)} {work.version}"
    sent = st.session_state.get(KEY) or {}
    if tuning.is_small(work) or sent.get("wants") == name:
        for _ in tuning.count_along(work, policy):
            st.session_state.get(KEY)  # stops here if something newer was released
    groups = tuning.settings(work, policy)
    now = tuning.count(work.table, policy, work.decision(policy))
    saved = tuning.count(work.table, work.policy, work.decision())
    form = sent.get("form") or {}
    tuner(
        {
            "name": name,
            "ack": st.session_state.get("answered", form.get("seq", 0)),
            "values": mistaken.get("values") or tuning.spell(policy),
            "saved_values": tuning.spell(work.policy),
            "errors": dict.fromkeys(mistaken.get("names", ()), mistaken.get("sentence")),
            "problem": _problem(mistaken),
            "counted": all(s.along or not s.counts for settings in groups.values() for s in settings),
            "groups": [_group(title, settings) for title, settings in groups.items()],
            "now": asdict(now),
            "saved": asdict(saved),
            "wanted": policy.negatives_per_query,
            "exact": tuning.is_exact(policy),
            "reasons": [s for s in charts.possible(now.status, saved.status) if s != KEPT],
            "looks": {
                name: {"word": look.word, "sign": look.sign, "says": look.says, "colour": theme.colour(look)}
                for name, look in theme.STATUS.items()
            },
        },
        key=KEY,
        on_form=lambda: st.rerun(WORKBENCH),
    )


def _problem(mistaken: dict[str, Any]) -> str:
    """The note above the settings where they are no valid policy; the message itself stands beside its setting."""
    if not mistaken:
        return ""
    sentence = "Not possible so: counts and picture stay with the settings before."
    return sentence if mistaken["names"] else f"{sentence} {mistaken['sentence']}"


def _group(title: str, settings: list[tuning.PanelSetting]) -> dict[str, Any]:
    shown = [_setting(title, setting) for setting in settings]
    return {"title": title, "says": tuning.GROUP_WORDS[title], "open": title in OPEN_GROUPS, "settings": shown}


def _setting(group: str, setting: tuning.PanelSetting) -> dict[str, Any]:
    along = setting.along
    moving = {} if along is None else {n: c.tolist() for n, c in along.status.items() if c.min() != c.max()}
    return {
        "name": setting.name,
        "label": label(setting.name),
        "words": setting.words.removeprefix(f"{group}: "),
        "kind": setting.kind,
        "unavailable": setting.unavailable,
        "only_with": setting.only_with,
        "choices": setting.choices,
        "stops": setting.stops,
        "counts": setting.counts,
        "along": along and {"status": moving, "short": along.short.tolist(), "empty": along.empty.tolist()},
    }
