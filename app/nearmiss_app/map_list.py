"""The map's list: what was drawn around or found, as pairs to review or to label together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from nearmiss.counts import counted
from nearmiss.maps import Atlas
from nearmiss_app import navigation, theme
from nearmiss_app.batch_labels import label_all, undo_last
from nearmiss_app.map_documents import LISTED, OPENING, ROW, chosen, look_at, open_document

ARM = "map"
PLOT, PICKED = "map_plot", "map_picked"


def take(atlas: Atlas) -> None:
    """Store the selection; an empty answer only means that the figure changed."""
    event = st.session_state[PLOT]["selection"]
    # The ring around the open document is no point.
    points = [int(np.ravel(point["customdata"])[0]) for point in event["points"] if "customdata" in point]
    if len(points) > 1 or event["box"] or event["lasso"]:
        st.session_state[PICKED] = points or st.session_state.get(PICKED, [])
    elif points and atlas.is_document(points[0]):
        open_document(atlas.map.ids[points[0]])
    elif points:
        look_at(atlas.map.ids[points[0]])


def picked(atlas: Atlas, query_id: str | None) -> list[int]:
    """The documents of the list; around a query, its labelled answers are no candidates and left out."""
    points = [point for point in st.session_state.get(PICKED, ()) if point < len(atlas.map.ids)]
    documents = [point for point in points if atlas.is_document(point)]
    if query_id is None:
        return documents
    groups = atlas.groups("status", atlas.work.decision(), query_id)
    return [point for point in documents if groups.name(point) != "known_positive"]


def listed(atlas: Atlas, query_id: str | None) -> None:
    """The selected points as a list, to be reviewed or labelled."""
    undo_last(atlas.work, ARM)
    if not st.session_state.get(PICKED):
        return
    documents = picked(atlas, query_id)
    st.subheader(f"Your list: {counted(len(documents), 'document')}", anchor=False)
    if not documents:
        return
    groups = atlas.groups("status", atlas.work.decision(), query_id)
    shown = groups.in_order(documents)[:LISTED]
    key = f"map_listed_{hash(tuple(shown))}"
    names = [groups.name(point) for point in shown]
    st.dataframe(
        pd.DataFrame(
            {
                "Status": [f"{theme.STATUS[name].sign} {theme.STATUS[name].word}" if name else "-" for name in names],
                "Id": [atlas.map.ids[point] for point in shown],
                "Document": atlas.texts(shown, OPENING),
            }
        ),
        key=key,
        hide_index=True,
        height=280,
        selection_mode=ROW,
        on_select=chosen(key, [atlas.map.ids[point] for point in shown], open_document),
        column_config={"Status": st.column_config.TextColumn(width=130), "Id": st.column_config.TextColumn(width=110)},
        alt="Documents of your list",
    )
    if len(documents) > LISTED:
        st.caption(f"The first {LISTED} of {len(documents):,} are listed; all of them count below.")
    send_to_review(atlas, documents, query_id)


def send_to_review(atlas: Atlas, documents: Sequence[int], query_id: str | None) -> None:
    """Choose which pairs of these documents to judge on the review page."""
    decision = atlas.work.decision()
    counts = atlas.pair_counts(documents, decision, query_id)
    counts.pop("known_positive", None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if counts:
            wanted = st.pills(
                "Pairs of a query and one of these",
                list(counts),
                selection_mode="multi",
                default=["kept"] if "kept" in counts else list(counts),
                format_func=lambda status: (
                    f"{theme.STATUS[status].sign} {theme.STATUS[status].word} {counts[status]:,}"
                ),
            )
            pairs = atlas.pairs(documents, decision, wanted, query_id)
            if st.button(f"Review {counted(len(pairs), 'pair')}", type="primary", disabled=not pairs, key="map_send"):
                st.session_state["review_pairs"] = pairs
                navigation.go_to("review", from_map="1")
        else:
            pairs = []
            st.caption("None of these is a candidate" + (" of this query." if query_id else "."))
        st.button("Forget the list", on_click=lambda: st.session_state.pop(PICKED, None))
    if pairs:
        label_all(atlas.work, pairs, ARM)
