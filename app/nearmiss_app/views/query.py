"""Query: one query's answers beside all its rankings, to be read in full and judged in place."""

from dataclasses import asdict

import streamlit as st

from nearmiss import access
from nearmiss.errors import RecipeError
from nearmiss.review import JUDGEMENTS
from nearmiss.selection import STATUSES
from nearmiss.session import incoming, query_limits, query_picture, query_view, tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.rankings import rankings

KEY = "rankings"
MOST_QUERIES_LISTED = 8
ANSWERS = 5
READ_AHEAD = 4  # kept documents whose texts come with the page
MOST_AT_ONCE = 12


def page(work: Workspace) -> None:
    """The query in the address, or a search."""
    query_id = st.query_params.get("query", "")
    if query_id and not work.has_query(query_id):
        st.warning("This round has no query of that id. Search for another.", icon=":material/search_off:")
        query_id = ""
    if not query_id:
        st.title("Query", anchor=False)
        st.caption(
            "One query whole: its labelled answers beside every ranking of its candidates, to be judged in place."
        )
    toolbar(work, query_id)
    if query_id:
        beside_its_rankings(work, query_id)


def toolbar(work: Workspace, query_id: str) -> None:
    """The search, and links to other pages on this query."""
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.text_input(
            "Find a query",
            key="query_find",
            placeholder="Find a query: words or id",
            width=280,
            label_visibility="collapsed",
        )
        if query_id:
            navigation.link_to("review", "Review its candidates", query=query_id)
            navigation.link_to("map", "On the map", query=query_id)
    found = query_view.find(work, wanted.strip(), MOST_QUERIES_LISTED) if wanted.strip() or not query_id else []
    for one, text in found:
        navigation.link_to("query", navigation.as_text(text), query=one)
    if wanted.strip() and not found:
        st.caption("No query has these words.")


@st.fragment
def beside_its_rankings(work: Workspace, query_id: str) -> None:
    """The rankings: writes what the browser sent, then shows the current state."""
    reviewer = state.reviewer()
    before = st.session_state.get(KEY) or {}
    sent = (before.get("events") or {}).get("events", [])
    can_judge = work.log.can_be_written and access.may("judge")
    problems = query_view.write(work, sent) if can_judge else []
    policy = tried(work, before)
    shown = query_view.view(work, query_id, policy, reviewer)
    answers = [item.doc_id for item in shown.documents if item.is_positive]
    rankings(
        {
            "run": state.outbox(work),
            "reviewer": reviewer,
            "can_judge": can_judge,
            "dark": theme.is_dark(),
            "ack": incoming.dealt_with(sent),
            "problems": problems,
            "view": query_view.plain(shown),
            "picture": picture(work, query_id, policy, reviewer, before),
            "settings": query_limits.movable(work, work.policy),
            "along": slid(work, query_id, policy, reviewer, before),
            "tried": tuning.differences(policy, work.policy),
            "statuses": STATUSES,
            "focus": st.query_params.get("doc", ""),
            "answers": [asdict(query_view.read(work, query_id, one, reviewer)) for one in answers[:ANSWERS]],
            "more_answers": max(0, len(answers) - ANSWERS),
            "readings": {one: asdict(query_view.read(work, query_id, one, reviewer)) for one in to_read(shown, before)},
            "looks": {
                "status": theme.looks(theme.STATUS),
                "verdict": theme.looks({name: theme.VERDICT[name] for name in JUDGEMENTS}),
            },
            "sources": theme.SOURCE_WORDS,
        },
        key=KEY,
    )
    if policy != work.policy:
        what_is_tried(work, policy)


def picture(work: Workspace, query_id: str, policy: Policy, reviewer: str, before: dict) -> dict | None:
    """The picture of the query, once this viewer has asked for one."""
    wanted = (before.get("pictured") or {}).get("shown")
    return asdict(query_picture.picture(work, query_id, policy, reviewer)) if wanted else None


def tried(work: Workspace, before: dict) -> Policy:
    """The policy in force with the one setting that was moved here; nothing is saved."""
    moved = before.get("tries") or {}
    try:
        return query_limits.with_stop(work.policy, moved["name"], moved["stop"]) if moved.get("name") else work.policy
    except RecipeError as mistake:
        st.warning(navigation.as_text(str(mistake)))
        return work.policy


def slid(work: Workspace, query_id: str, policy: Policy, reviewer: str, before: dict) -> dict | None:
    """
    The counts at each stop of the slider; None until asked for, so that the page need not wait.

    Sent once: the browser keeps it, since counting over a million candidates takes longer than writing a verdict.
    """
    asked = before.get("slides") or {}
    wanted, key = asked.get("name"), (asked.get("nonce"), query_id, policy)
    if wanted not in query_limits.movable(work, policy) or st.session_state.get("slid") == key:
        return None
    st.session_state["slid"] = key
    return asdict(query_limits.along(work, query_id, policy, wanted, reviewer))


def what_is_tried(work: Workspace, policy: Policy) -> None:
    """A note that the page shows an unsaved policy, and where it can be saved."""
    names = ", ".join(name.replace("_", " ") for name in tuning.differences(policy, work.policy))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"You are trying another {names}. Nothing is saved: Tune shows what it does to all queries.")
        navigation.link_to("tune", "Open it in Tune", **tuning.as_address(policy))


def to_read(shown: query_view.QueryView, before: dict) -> list[str]:
    """The documents whose texts the browser asked for, sent once; at first, the first few that are kept."""
    wants = before.get("wants") or {}
    if wants.get("query_id") == shown.query_id:
        if st.session_state.get("read") == wants.get("nonce"):
            return []
        st.session_state["read"] = wants.get("nonce")
        known = {item.doc_id for item in shown.documents}
        return [one for one in wants.get("doc_ids", []) if one in known][:MOST_AT_ONCE]
    return [item.doc_id for item in shown.documents if item.status == "kept"][:READ_AHEAD]


page(state.workspace())
