"""Lists of pairs with their texts, side by side."""

import math
from typing import Any

import streamlit as st

from nearmiss.session import tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation
from nearmiss_app.tuner.pair_cards import card

PAIRS_A_PAGE = 5


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
    pages = math.ceil(len(rows) / PAIRS_A_PAGE)
    start = 0
    if pages > 1:
        start = (st.pagination(pages, key=f"page-{name}-{pages}", max_visible_pages=5) - 1) * PAIRS_A_PAGE
    shown = tuning.read(work, policy, rows[start : start + PAIRS_A_PAGE], work.decision(policy), work.decision(), limit)
    for pair in shown:
        with st.container(border=True, gap="small"):
            st.html(card(pair, limit))
            with st.container(horizontal=True, gap="medium"):
                navigation.link_to("review", "Open in Review", query=pair.query_id, doc=pair.doc_id)
                navigation.link_to("query", "See it in the rankings", query=pair.query_id, doc=pair.doc_id)
