"""Pairs to read: those at a limit, and those that a policy gains and loses."""

import math
from typing import Any

import streamlit as st

from nearmiss.session import tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation
from nearmiss_app.tuner import FOLDER
from nearmiss_app.tuner.pair_cards import card

READ_WORDS = {"ceiling": "At the ceiling", "floor": "At the floor", "changes": "What changes"}
PAIRS_A_PAGE = 5


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
