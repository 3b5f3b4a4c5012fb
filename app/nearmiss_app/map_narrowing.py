"""What narrows the map: a search for words, and statuses, topics and scores beside their chart."""

import numpy as np
import pandas as pd
import streamlit as st

from nearmiss import maps
from nearmiss.counts import counted
from nearmiss.maps import Atlas
from nearmiss.types import Ints
from nearmiss_app import theme
from nearmiss_app.charts import map as charts
from nearmiss_app.charts import map_layers
from nearmiss_app.map_documents import ROW, chosen, look_at
from nearmiss_app.map_list import PICKED, picked

FOUND = 8  # queries
RANGE = "map_range"  # in the session: the scores that are chosen


def search(atlas: Atlas, wanted: str) -> list[int]:
    """The queries with these words as a list to choose from; returns the documents with them."""
    documents = maps.with_words(atlas, wanted)
    queries = atlas.find(wanted, FOUND)
    with st.container(horizontal=True, vertical_alignment="center"):
        have = "has" if len(documents) == 1 else "have"
        st.text(f"{counted(len(documents), 'document')} on the map {have} these words.")
        if documents:
            st.button("Make these your list", on_click=lambda: st.session_state.update({PICKED: documents}))
    if queries:
        key = f"map_matches_{hash(wanted)}"
        st.dataframe(
            pd.DataFrame(queries, columns=["Id", "Query"]),
            hide_index=True,
            key=key,
            selection_mode=ROW,
            on_select=chosen(key, [found_id for found_id, _ in queries], look_at),
            column_config={"Id": st.column_config.TextColumn(width=110)},
            alt="Queries with these words",
        )
    else:
        st.caption("No query has these words.")
    return documents


def narrow(atlas: Atlas) -> None:
    """Topics, statuses and scores that narrow the map; the bars show which documents are left or listed."""
    st.caption("Press a point to read it; a query opens its neighbourhood. The lasso makes a list of many points.")
    groups = atlas.groups("status", atlas.work.decision())
    counts = dict(zip(groups.names, groups.counts(), strict=True))
    st.pills(
        "Show only these statuses",
        [name for name, count in counts.items() if count],
        selection_mode="multi",
        key="map_statuses",
        format_func=lambda name: f"{theme.STATUS[name].sign} {theme.STATUS[name].word}",
        persist_state="page",
        wrap=True,
    )
    topics = map_layers.topics(atlas)
    st.multiselect(
        "Show only these topics",
        list(topics),
        key="map_topics",
        format_func=lambda cluster: f"{map_layers.topic(atlas, cluster)} ({len(topics[cluster]):,})",
        placeholder="any",
        persist_state="page",
    )
    bars(atlas)


def bars(atlas: Atlas) -> None:
    """Documents by their highest score, the listed or the shown ones marked; a range drawn across narrows the map."""
    scores, wanted = atlas.best_scores, wanted_points(atlas)
    marked = np.zeros(len(scores), bool)
    if listed := picked(atlas, None):
        marked[listed] = True
    else:
        marked[slice(None) if wanted is None else wanted] = True
    st.plotly_chart(
        charts.score_bars(scores, marked, dark=theme.is_dark()),
        key="map_scores",
        theme=None,
        on_select=take_range,
        selection_mode="box",
        config={"displayModeBar": False},
        alt=f"Documents by their highest score; {int(marked.sum()):,} of {len(scores):,} are marked",
    )
    if RANGE in st.session_state:
        low, high = st.session_state[RANGE]
        st.button(f"Score {low:.2f} to {high:.2f}  ✕", key="map_any_score", on_click=forget_range)
    else:
        st.caption("Draw across the bars to show only documents with these scores.")


def wanted_points(atlas: Atlas) -> Ints | None:
    """The documents of the chosen statuses, topics and scores; None where nothing is chosen."""
    statuses, topics = st.session_state.get("map_statuses"), st.session_state.get("map_topics")
    if not statuses and not topics and RANGE not in st.session_state:
        return None
    shown = np.ones(atlas.map.documents, bool)
    if statuses:
        groups = atlas.groups("status", atlas.work.decision())
        shown &= np.isin(groups.of, [groups.names.index(name) for name in statuses])
    if topics:
        shown &= np.isin(atlas.map.cluster[: atlas.map.documents], topics)
    if RANGE in st.session_state:
        low, high = st.session_state[RANGE]
        scores = atlas.best_scores
        shown &= (scores >= low) & (scores <= high)
    return np.flatnonzero(shown)


def take_range() -> None:
    """Store the range that was drawn across the bars."""
    boxes = st.session_state["map_scores"]["selection"]["box"]
    if boxes:
        low, high = sorted(float(edge) for edge in boxes[0]["x"])
        st.session_state[RANGE] = (low, high)


def forget_range() -> None:
    """Show documents of any score."""
    st.session_state.pop(RANGE, None)
