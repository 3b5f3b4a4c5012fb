"""Tune: move thresholds, see at once what they keep and refuse, read the borderline pairs, then save."""

import html
import math
import re
from dataclasses import asdict
from typing import Any

import streamlit as st

from nearmiss.errors import RecipeError
from nearmiss.presets import PRESETS
from nearmiss.selection import KEPT
from nearmiss.session import ceiling_risk, tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import ceiling_risk as outlook_chart
from nearmiss_app.charts import tune as charts
from nearmiss_app.tuner import FOLDER, tuner
from nearmiss_app.tuner.pair_cards import card

KEY, WORKBENCH = "tuner", "workbench"
SCALE_WORDS = {
    "share": "Share of the positive",
    "gap": "Gap to the positive",
    "score": "Score",
    "probability": "Probability",
}
READ_WORDS = {"ceiling": "At the ceiling", "floor": "At the floor", "changes": "What changes"}
PAIRS_A_PAGE = 5
OPEN_GROUPS = ("ceiling", "floor")


# ---- what is tried ----


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
        said = f"The address holds no policy that can be used here. {mistake}"
        st.warning(_escaped(said), icon=":material/link_off:")
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


# ---- above: where to start from, save, undo, copy ----


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


def toolbar(work: Workspace, policy: Policy, *, mistaken: bool) -> None:
    """Presets to start from, differences from the saved policy, save, undo and copy."""
    past = tuning.history(work.run)
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
            "Save", key="save", type="primary", disabled=mistaken or not changed, help="Put what you try in force"
        )
        st.button("Discard", key="discard", disabled=not (mistaken or changed), help="Back to the saved policy")
        st.button(
            "Undo save", key="undo", disabled=past.before is None, help=_would("Back to", past.before, work.policy)
        )
        st.button("Redo", key="redo", disabled=past.after is None, help=_would("Forth to", past.after, work.policy))
        copying(work, policy)
    st.text(f"Tried: {_differences_in_words(policy, work.policy)}" if changed else "This is the saved policy.")
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
    return None if saved is None else _escaped(f"{way}: {_differences_in_words(saved.policy, now)}")


def _escaped(text: str) -> str:
    """Text escaped for Markdown: address parameters and source names must stay plain text."""
    return re.sub(r"([^\w\s])", r"\\\1", text)


def _differences_in_words(policy: Policy, base: Policy) -> str:
    before = tuning.spell(base)
    changed = tuning.differences(policy, base).items()
    return ", ".join(f"{_label(name)} {_shown(before[name])} → {_shown(text)}" for name, text in changed)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _shown(text: str | list[str]) -> str:
    if isinstance(text, list):
        return " ".join(text) or "none"
    return "off" if text == "none" else text


# ---- left: the sliders ----


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
    said = "Not possible so: counts and picture stay with the settings before."
    return said if mistaken["names"] else f"{said} {mistaken['sentence']}"


def _group(title: str, settings: list[tuning.PanelSetting]) -> dict[str, Any]:
    shown = [_setting(title, setting) for setting in settings]
    return {"title": title, "says": tuning.GROUP_WORDS[title], "open": title in OPEN_GROUPS, "settings": shown}


def _setting(group: str, setting: tuning.PanelSetting) -> dict[str, Any]:
    along = setting.along
    moving = {} if along is None else {n: c.tolist() for n, c in along.status.items() if c.min() != c.max()}
    return {
        "name": setting.name,
        "label": _label(setting.name),
        "words": setting.words.removeprefix(f"{group}: "),
        "kind": setting.kind,
        "unavailable": setting.unavailable,
        "only_with": setting.only_with,
        "choices": setting.choices,
        "stops": setting.stops,
        "counts": setting.counts,
        "along": along and {"status": moving, "short": along.short.tolist(), "empty": along.empty.tolist()},
    }


# ---- right: the picture, and pairs to read ----


def picture(work: Workspace, policy: Policy) -> None:
    """Teacher score against dense score, with the limits."""
    fitting = tuning.scale_for(policy)
    scale = st.segmented_control(
        "Height of a point",
        tuning.scales(work.table),
        default=fitting,
        required=True,
        format_func=SCALE_WORDS.get,
        key=f"scale-{fitting}",
        label_visibility="collapsed",
    )
    decision = work.decision(policy)
    drawn = tuning.picture(work, policy, decision, scale)
    counts = decision.counts()
    present = charts.possible(counts, work.decision().counts())
    chart = charts.chart(work, drawn, present, dark=theme.is_dark())
    # A description that changes would put the chart up anew; the words that change are beside it.
    st.vega_lite_chart(chart, key="picture", theme=None, width="stretch", alt=charts.title(scale))
    st.html(f'<p class="unseen">{html.escape(charts.in_words(drawn, counts))}</p>')
    st.caption(charts.what_is_drawn(drawn))


def risks(work: Workspace, policy: Policy) -> None:
    """How many false negatives this ceiling leaves, and what it costs; a button to what is allowed, a link to more."""
    found = ceiling_risk.outlook(work, policy)
    st.markdown("**What this ceiling leaves in, and what it costs**")
    if found is None:
        st.caption("No ceiling is set: whatever scores highest is kept, and its top is full of unlabelled answers.")
        return
    drawn = outlook_chart.figure(found, dark=theme.is_dark())
    settings = {"displaylogo": False, "displayModeBar": False}
    st.plotly_chart(drawn, key="outlook", theme=None, config=settings, alt=outlook_chart.in_words(found))
    st.text(_risk_in_words(found))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        goal = found.for_target
        known = "measured" if found.measured is not None else "estimated"
        if goal is None:
            st.caption(f"No ceiling here is {known} to leave at most {ceiling_risk.TARGET:.0%}.")
        elif st.button(
            f"Ceiling for at most {ceiling_risk.TARGET:.0%}",
            key="for_target",
            disabled=goal == found.now,
            help=f"The loosest that is {known} to leave at most {ceiling_risk.TARGET:.0%} answers among the kept",
        ):
            try_policy(work, ceiling_risk.with_stop(policy, found, goal))
            st.rerun(WORKBENCH)
        if found.to_judge is None:
            navigation.link_to("review", "Judge a random sample, to measure it", order="audit")
        elif found.to_judge:
            more = f"Judge {found.to_judge:,} more for a band of ±{100 * ceiling_risk.HALF_WIDTH:.0f} points"
            navigation.link_to("review", more, order="audit")


def _risk_in_words(found: ceiling_risk.CeilingRisk) -> str:
    estimated = f"{found.estimated.false_negative_rate[found.now]:.1%} of the kept are estimated to be answers"
    if found.measured is None:
        return f"{estimated}. Nothing is measured yet."
    band, now = found.measured.false_negative_rate, found.now
    if band.labels[now] == 0:
        return f"{estimated}. Nothing that it keeps was drawn and judged yet."
    measured = f"{band.estimate[now]:.1%} ({band.low[now]:.1%} to {band.high[now]:.1%})"
    return f"{measured} of the kept are answers by {int(band.labels[now]):,} random judgements; {estimated}."


def reading(work: Workspace, policy: Policy) -> None:
    """The pairs at the edge, and those that the policy gains and loses."""
    new, old = work.decision(policy), work.decision()
    changes = tuning.changes(work.table, policy, new, old)
    shown = st.segmented_control(
        "Read",
        list(READ_WORDS),
        default="ceiling",
        required=True,
        format_func=lambda name: (
            READ_WORDS[name] + (f" ({len(changes.gained) + len(changes.lost):,})" if name == "changes" else "")
        ),
        key="read",
        label_visibility="collapsed",
    )
    st.html(FOLDER / "pairs.css")
    if shown == "changes":
        columns(
            work,
            policy,
            (f"Gained: {len(changes.gained):,}", changes.gained, "Nothing is kept that was not kept before."),
            (f"Lost: {len(changes.lost):,}", changes.lost, "Nothing is lost that was kept before."),
            None,
        )
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


def columns(work: Workspace, policy: Policy, first: tuple, second: tuple, limit: str | None) -> None:
    """Two lists of pairs, side by side."""
    for place, (title, rows, empty) in zip(st.columns(2, gap="medium"), (first, second), strict=True):
        with place:
            st.markdown(f"**{title}**")
            if not len(rows):
                st.caption(empty)
            else:
                pairs(work, policy, rows, limit, title.partition(":")[0])


def pairs(work: Workspace, policy: Policy, rows: Any, limit: str | None, name: str) -> None:
    """A list of pairs with their texts; page by page where it is long."""
    size = len(rows) if limit else PAIRS_A_PAGE
    pages = math.ceil(len(rows) / size)
    start = 0
    if pages > 1:
        start = (st.pagination(pages, key=f"page-{name}-{pages}", max_visible_pages=5) - 1) * size
    shown = tuning.read(work, policy, rows[start : start + size], work.decision(policy), work.decision(), limit)
    for pair in shown:
        with st.container(border=True, gap="small"):
            st.html(card(pair, limit))
            navigation.link_to("review", "Open in Review", query=pair.query_id, doc=pair.doc_id)
            navigation.link_to("query", "See it in the rankings", query=pair.query_id, doc=pair.doc_id)


# ---- the page ----


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
    with right:
        reading(work, policy)
    with below:
        risks(work, policy)


def page(work: Workspace) -> None:
    """Title, and the workbench."""
    st.title("Tune", anchor=False)
    st.caption(
        "Move a slider: the counts follow. Let go: the picture and the pairs at the edge follow. Save when it is right."
    )
    st.html(FOLDER / "page.css")
    workbench(work)


page(state.workspace())
