"""The settings as data for the component: what each is, its stops, and what it comes to at each of them."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import streamlit as st

from nearmiss.selection import KEPT
from nearmiss.session import ceiling_risk, tuning
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
    name = f"{tuning.as_address(policy)} {tuning.as_address(work.policy)} {work.version}"
    sent = st.session_state.get(KEY) or {}
    if tuning.is_small(work) or sent.get("wants") == name:
        for _ in tuning.count_along(work, policy):
            st.session_state.get(KEY)  # stops here if something newer was released
    form = sent.get("form") or {}
    tuner(
        {
            "name": name,
            "ack": st.session_state.get("answered", form.get("seq", 0)),
            "values": mistaken.get("values") or tuning.spell(policy),
            "saved_values": tuning.spell(work.policy),
            "errors": dict.fromkeys(mistaken.get("names", ()), mistaken.get("sentence")),
            "problem": _problem(mistaken),
            "wanted": policy.negatives_per_query,
            "exact": tuning.is_exact(policy),
            "looks": _looks(),
            **_counts(work, policy),
            **_settings(work, policy),
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


def _looks() -> dict[str, Any]:
    return {
        name: {"word": look.word, "sign": look.sign, "says": look.says, "colour": theme.colour(look)}
        for name, look in theme.STATUS.items()
    }


def _counts(work: Workspace, policy: Policy) -> dict[str, Any]:
    """What the tried policy and the one in force come to."""
    now, saved = (
        asdict(tuning.count(work.table, one, work.decision(one))) | {"harm": _harm(work, one)}
        for one in (policy, work.policy)
    )
    reasons = [status for status in charts.possible(now["status"], saved["status"]) if status != KEPT]
    return {"now": now, "saved": saved, "reasons": reasons}


def _harm(work: Workspace, policy: Policy) -> dict[str, Any]:
    found, risk = tuning.harm(work, policy), ceiling_risk.outlook(work, policy)
    measured = None
    if risk is not None and risk.measured is not None:
        band = risk.measured.false_negative_rate
        measured = _bands([(band.estimate[risk.now], band.low[risk.now], band.high[risk.now])])[0]
    return {"estimated": _plain(found.estimated), "others": found.others, "measured": measured}


def _settings(work: Workspace, policy: Policy) -> dict[str, Any]:
    """Every setting in its group, and whether all that can be counted beforehand is."""
    groups = tuning.settings(work, policy)
    every = [setting for settings in groups.values() for setting in settings]
    shown = [
        {
            "title": title,
            "says": tuning.GROUP_WORDS[title],
            "open": title in OPEN_GROUPS,
            "settings": [_setting(work, policy, title, setting) for setting in settings],
        }
        for title, settings in groups.items()
    ]
    return {"groups": shown, "counted": all(setting.along or not setting.counts for setting in every)}


def _setting(work: Workspace, policy: Policy, group: str, setting: tuning.PanelSetting) -> dict[str, Any]:
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
        "rule": setting.rule,
        **_along(work, policy, setting),
    }


def _along(work: Workspace, policy: Policy, setting: tuning.PanelSetting) -> dict[str, Any]:
    """What a slider comes to at each stop; a status that does not move along it is left out."""
    along, harm = setting.along, setting.harm
    if along is None:
        return {"along": None, "harm": None, "measured": None}
    moving = {name: counts.tolist() for name, counts in along.status.items() if counts.min() != counts.max()}
    measured = tuning.measured_along(work, policy, setting.name) if harm is not None else None
    return {
        "along": {"status": moving, "short": along.short.tolist(), "empty": along.empty.tolist()},
        "harm": harm and {"estimated": [_plain(share) for share in harm.estimated], "others": harm.others.tolist()},
        "measured": measured and _bands(measured),
    }


def _bands(bands: Iterable[tuple[float, float, float]]) -> list[list[float] | None]:
    """Estimate, low and high at each stop; None where nothing that is kept there was judged."""
    return [None if math.isnan(band[0]) else [float(number) for number in band] for band in bands]


def _plain(share: float) -> float | None:
    return None if math.isnan(share) else float(share)
