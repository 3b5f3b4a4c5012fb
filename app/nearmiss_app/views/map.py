"""The map: every document and query on a plane, similar ones near each other; and one query's neighbourhood."""

import shlex
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from nearmiss import access, maps
from nearmiss.counts import counted
from nearmiss.maps import Around, Atlas, Grouping
from nearmiss.types import Ints
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import map as charts
from nearmiss_app.charts import map_labels, map_layers
from nearmiss_app.charts import map_words as words
from nearmiss_app.map_documents import (
    candidates_by_cosine,
    look_at,
    neighbours_of,
    queries_of,
    read,
    true_cosines,
)
from nearmiss_app.map_list import PLOT, listed, take
from nearmiss_app.map_narrowing import narrow, search, wanted_points

COLOURS: dict[Grouping, str] = {
    "status": "Status",
    "source": "Source",
    "cluster": "Topic",
    "verdict": "Verdict",
    "score": "Score",
}
SAYS: dict[Grouping, str] = {
    "status": "A document that is a candidate of several queries shows the first of its statuses, in this order.",
    "source": "Which search found a document, for any query.",
    "cluster": "Documents that lie close together, and the words that mark them.",
    "verdict": "What reviewers said of a document, for any query.",
    "score": "The highest score of a document, for any query.",
}
RINGED = 500  # documents that hold the searched words
BUTTONS = [["pan2d", "lasso2d", "select2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]]


def page(work: Workspace) -> None:
    """The map where there is one; else how to make it."""
    st.title("Map", anchor=False)
    making = maps.progress(work.run.round_folder(work.number))
    atlas = maps.open_atlas(work)
    if isinstance(making, maps.MapProgress):
        show_progress(work)
    elif atlas is None:
        no_map(work, making)
    else:
        explore(atlas)


def no_map(work: Workspace, stopped: maps.Stopped | None) -> None:
    """What a map is, and two ways to make one."""
    with st.container(border=True):
        st.subheader("No map yet", anchor=False)
        st.text(
            "A map gives every document and query a place, near where their meanings are alike. "
            "It is made once: in seconds for thousands of texts, in a minute or two for the largest."
        )
        if stopped is not None:
            st.warning("The last try ended before the map was done.", icon=":material/warning:")
            if stopped.said:
                st.code(stopped.said, language=None, wrap_lines=True)
        st.button("Make the map", type="primary", on_click=start, args=(work,), disabled=not access.may("compute"))
        st.caption("Or in a terminal:")
        st.code(f"nearmiss map {shlex.quote(str(work.run.folder))}", language=None, wrap_lines=True)


def start(work: Workspace) -> None:
    """Make the map, in a process of its own."""
    maps.start(work.run.folder, work.number, work.run.round_folder(work.number))


@st.fragment(run_every="1s")
def show_progress(work: Workspace) -> None:
    """The map's progress, until it is done."""
    progress = maps.progress(work.run.round_folder(work.number))
    if not isinstance(progress, maps.MapProgress):
        st.rerun()
    with st.container(border=True):
        st.subheader("The map is being made", anchor=False)
        st.progress(progress.share, text=words.how_far(progress))
        st.caption("It goes on when you leave this page.")


@st.fragment
def explore(atlas: Atlas) -> None:
    """The map, its colouring, and the point that was clicked."""
    query_id = st.query_params.get("query")
    if query_id is not None and not atlas.work.has_query(query_id):
        st.warning("This round has no query of that id. Here is the whole map.", icon=":material/search_off:")
        query_id = None
    by, found = controls(atlas, query_id)
    if query_id is None:
        whole(atlas, by, found)
    else:
        neighbourhood(atlas, by, query_id)
    listed(atlas, query_id)
    say_how_much_it_lies(atlas)


def controls(atlas: Atlas, query_id: str | None) -> tuple[Grouping, list[int]]:
    """What to colour by, and what to search for; returns the documents that hold the searched words."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="map_controls"):
        by = st.segmented_control(
            "Colour by",
            list(COLOURS),
            default="status",
            required=True,
            format_func=COLOURS.__getitem__,
            key="colour",
            bind="query-params",
        )
        wanted = st.text_input("Find queries and documents", key="map_find", placeholder="words or id", width=280)
        if query_id is None:
            st.toggle("Density", value=True, key="map_density", help="shades where documents crowd")
        else:
            st.button("Whole map", icon=":material/zoom_out_map:", on_click=look_at, args=(None,))
    return by, search(atlas, wanted.strip()) if wanted.strip() else []


def whole(atlas: Atlas, by: Grouping, found: Sequence[int]) -> None:
    """All points; beside them the document that was clicked, or what narrows the map."""
    doc_id = st.query_params.get("doc")
    halves = st.grid(3, min_column_width=270, gap="medium")
    with halves.cell(column_span=2):
        place = st.container()
        st.caption(SAYS[by])
    with halves.cell(), st.container(key="map_side"):
        if doc_id is not None and read(atlas, doc_id):
            st.button("Close", icon=":material/close:", on_click=lambda: st.query_params.pop("doc", None))
            neighbours_of(atlas, doc_id)
            queries_of(atlas, doc_id)
        else:
            narrow(atlas)
    with place:
        plot(atlas, by, None, wanted_points(atlas), found)


def neighbourhood(atlas: Atlas, by: Grouping, query_id: str) -> None:
    """A query and its candidates on the map, their true cosines beside it, and the one that was clicked."""
    around = atlas.around(query_id, atlas.work.decision())
    with st.container(border=True):
        st.html(words.query(query_id, atlas.work.query_text(query_id)))
        with st.container(horizontal=True, gap="medium"):
            navigation.link_to("review", "Review this query", query=query_id)
            navigation.link_to("query", "See its rankings", query=query_id)
    halves = st.grid(2, min_column_width=400, gap="medium")
    with halves.cell():
        plot(atlas, by, around)
        candidates_by_cosine(around, atlas.work.texts(around.candidates["doc_id"].tolist()))
    with halves.cell():
        true_cosines(atlas, around)
    doc_id = st.query_params.get("doc")
    positive = around.candidates["doc_id"][around.candidates["status"].eq("known_positive")]
    with halves.cell():
        if doc_id is None or not read(atlas, doc_id, around):
            st.caption("Press a point or a row to read it here.")
    with halves.cell():
        if doc_id is not None and len(positive) and doc_id not in set(positive):
            read(atlas, positive.iat[0], around)


def plot(
    atlas: Atlas,
    by: Grouping,
    around: Around | None,
    narrowed: Ints | None = None,
    found: Sequence[int] = (),
) -> None:
    """The figure; the selection is stored, since a figure that changes forgets it."""
    query_id = None if around is None else around.query_id
    groups = atlas.groups(by, atlas.work.decision(), query_id)
    if around is not None and around.point is None:
        st.caption("This query is not on the map, which shows a sample; its cosines are true all the same.")
    doc_id = st.query_params.get("doc")
    drawn = map_layers.layers(atlas, by, groups, around, narrowed)
    counts = ", ".join(f"{layer.name} {len(layer.points):,}" for layer in reversed(drawn))
    window = charts.shown_window(atlas, around)
    labels = map_labels.topic_labels(atlas, window, charts.map_height(window, around))
    st.plotly_chart(
        charts.map_figure(
            atlas,
            drawn,
            around,
            atlas.point_of_document(doc_id) if doc_id else None,
            dark=theme.is_dark(),
            found=found[:RINGED],
            dense=around is None and st.session_state.get("map_density", True),
            labels=labels,
        ),
        key=PLOT,
        theme=None,
        on_select=lambda: take(atlas),
        selection_mode=("points", "box", "lasso"),
        config={"scrollZoom": True, "displaylogo": False, "displayModeBar": True, "modeBarButtons": BUTTONS},
        alt=f"Map of {counted(len(atlas.map.ids), 'point')} by {COLOURS[by].lower()}: {counts}",
    )
    st.html(charts.legend(drawn, dark=theme.is_dark()) + map_labels.hidden_labels(labels))


def say_how_much_it_lies(atlas: Atlas) -> None:
    """One plain sentence with the measured share, and how the map was made."""
    facts = atlas.map.facts
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words.lie(facts))
        with st.popover("How it was made", type="tertiary"):
            st.text(words.method(facts))
            st.dataframe(
                pd.DataFrame(facts["sample"]["strata"]).rename(
                    columns={"name": "Drawn from", "of": "There are", "drawn": "On the map"}
                ),
                hide_index=True,
                column_config={
                    name: st.column_config.NumberColumn(format="localized") for name in ("There are", "On the map")
                },
            )


page(state.workspace())
