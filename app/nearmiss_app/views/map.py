"""The map: every document and query on a plane, similar ones near each other; and one query's neighbourhood."""

import shlex
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from nearmiss import maps
from nearmiss.maps import Around, Atlas, Grouping
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import map as charts
from nearmiss_app.charts import map_words as words

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
LISTED = 500
FOUND = 8
OPENING = 160  # of a text in a list
PLOT, PICKED = "map_plot", "map_picked"
ROW = "single-cell"  # a click anywhere in a row, and the arrow keys
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
        st.button("Make the map", type="primary", on_click=start, args=(work,))
        st.caption("Or in a terminal:")
        st.code(f"nearmiss map {shlex.quote(str(work.run.folder))}", language=None, wrap_lines=True)


def start(work: Workspace) -> None:
    """Make the map, in a process of its own."""
    maps.start(work.run.folder, work.number, work.run.round_folder(work.number))


@st.fragment(run_every="1s")
def show_progress(work: Workspace) -> None:
    """The map's progress, until it is done."""
    told = maps.progress(work.run.round_folder(work.number))
    if not isinstance(told, maps.MapProgress):
        st.rerun()
    with st.container(border=True):
        st.subheader("The map is being made", anchor=False)
        st.progress(told.share, text=words.how_far(told))
        st.caption("It goes on when you leave this page.")


@st.fragment
def explore(atlas: Atlas) -> None:
    """The map, its colouring, and the point that was clicked."""
    query_id = st.query_params.get("query")
    if query_id is not None and not atlas.work.has_query(query_id):
        st.warning("This round has no query of that id. Here is the whole map.", icon=":material/search_off:")
        query_id = None
    by = controls(atlas, query_id)
    if query_id is None:
        whole(atlas, by)
    else:
        neighbourhood(atlas, by, query_id)
    listed(atlas, query_id)
    say_how_much_it_lies(atlas)


def controls(atlas: Atlas, query_id: str | None) -> Grouping:
    """What to colour by, and which query to look at."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "Colour by",
            list(COLOURS),
            default="status",
            required=True,
            format_func=COLOURS.__getitem__,
            key="colour",
            bind="query-params",
        )
        wanted = st.text_input("Find a query", key="map_find", placeholder="words or id", width=280)
        if query_id is not None:
            st.button("Whole map", icon=":material/zoom_out_map:", on_click=look_at, args=(None,))
            if st.button("See its rankings", icon=":material/view_column:"):
                navigation.go_to("query", query=query_id)
            if st.button("Review this query", icon=":material/fact_check:"):
                navigation.go_to("review", query=query_id)
    if wanted.strip():
        key = f"map_matches_{hash(wanted)}"
        found = atlas.find(wanted.strip(), FOUND)
        if found:
            st.dataframe(
                pd.DataFrame(found, columns=["Id", "Query"]),
                hide_index=True,
                key=key,
                selection_mode=ROW,
                on_select=chosen(key, [found_id for found_id, _ in found], look_at),
                column_config={"Id": st.column_config.TextColumn(width=110)},
            )
        else:
            st.caption("No query has these words.")
    return by


def whole(atlas: Atlas, by: Grouping) -> None:
    """All points, and the document that was clicked."""
    doc_id = st.query_params.get("doc")
    halves = st.grid(3, min_column_width=270, gap="medium")
    with halves.cell(column_span=2):
        plot(atlas, by, None)
        st.caption(SAYS[by])
    with halves.cell():
        if doc_id is None or not read(atlas, doc_id):
            st.markdown("**Press a point to read it**")
            st.caption("A query opens its neighbourhood. To list many points, draw around them with the lasso.")
        else:
            queries_of(atlas, doc_id)


def neighbourhood(atlas: Atlas, by: Grouping, query_id: str) -> None:
    """A query and its candidates on the map, their true cosines beside it, and the one that was clicked."""
    around = atlas.around(query_id, atlas.work.decision())
    with st.container(border=True):
        st.html(words.query(query_id, atlas.work.query_text(query_id)))
    halves = st.grid(2, min_column_width=400, gap="medium")
    with halves.cell():
        plot(atlas, by, around)
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


def plot(atlas: Atlas, by: Grouping, around: Around | None) -> None:
    """The figure; the selection is stored, since a figure that changes forgets it."""
    query_id = None if around is None else around.query_id
    groups = atlas.groups(by, atlas.work.decision(), query_id)
    if around is not None and around.point is None:
        st.caption("This query is not on the map, which shows a sample; its cosines are true all the same.")
    doc_id = st.query_params.get("doc")
    drawn = charts.layers(atlas, by, groups, around)
    told = ", ".join(f"{layer.name} {len(layer.points):,}" for layer in reversed(drawn))
    st.plotly_chart(
        charts.map_figure(
            atlas, drawn, around, atlas.point_of_document(doc_id) if doc_id else None, dark=theme.is_dark()
        ),
        key=PLOT,
        theme=None,
        on_select=lambda: take(atlas),
        selection_mode=("points", "box", "lasso"),
        config={"scrollZoom": True, "displaylogo": False, "displayModeBar": True, "modeBarButtons": BUTTONS},
        alt=f"Map of {len(atlas.map.ids):,} points by {COLOURS[by].lower()}: {told}",
    )
    st.html(charts.legend(drawn, dark=theme.is_dark()))


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


def true_cosines(atlas: Atlas, around: Around) -> None:
    """The candidates by cosine: a strip to see at a glance, a table to choose from."""
    if around.asked:
        st.markdown(
            f"**{around.kept} of its {around.asked}** most alike documents are among the {around.asked} nearest here."
        )
    candidates = around.candidates
    texts = atlas.work.texts(candidates["doc_id"].tolist())
    st.plotly_chart(
        charts.strip_figure(around, texts, dark=theme.is_dark()),
        key="map_strip",
        theme=None,
        config={"displayModeBar": False},
        alt="Candidates of the query by cosine, each status in its lane",
    )
    statuses = [theme.STATUS[status] for status in candidates["status"]]
    table = pd.DataFrame(
        {
            "#": candidates["true_place"],
            "Cosine": candidates["cosine"],
            "Status": [f"{look.sign} {look.word}" for look in statuses],
            "On map": candidates["map_place"].where(candidates["map_place"] > 0).astype("Int64"),
            "Document": [charts.shortened(text) for text in texts],
        }
    )
    colours = [f"color: {theme.colour(look)}" for look in statuses]
    key = f"map_candidates_{hash(around.query_id)}"
    st.dataframe(
        table.style.format({"Cosine": "{:.3f}", "On map": "{:,}"}, na_rep="-").apply(
            lambda column: colours, subset=["Status"]
        ),
        key=key,
        hide_index=True,
        height=260,
        selection_mode=ROW,
        on_select=chosen(key, candidates["doc_id"].tolist(), open_document),
        column_config={
            "#": st.column_config.NumberColumn(help="place by cosine, 1 is the most alike", width=40),
            "Cosine": st.column_config.NumberColumn(width=64),
            "Status": st.column_config.TextColumn(width=110),
            "On map": st.column_config.NumberColumn(help="place by distance on the map, 1 is the nearest", width=70),
        },
        alt="Candidates of the query, the most alike first",
    )


def read(atlas: Atlas, doc_id: str, around: Around | None = None) -> bool:
    """A document's text and its standing for the query; False where the run has no such id."""
    found = atlas.document(doc_id)
    if found is None:
        return False
    standing = None if around is None else words.standing(around, doc_id, dark=theme.is_dark())
    st.html(words.document(doc_id, *found, standing))
    if around is not None and around.candidates["doc_id"].eq(doc_id).any():
        navigation.link_to("review", "Review this pair", query=around.query_id, doc=doc_id)
        navigation.link_to("query", "See it in the rankings", query=around.query_id, doc=doc_id)
    return True


def queries_of(atlas: Atlas, doc_id: str) -> None:
    """The queries that have a document as candidate; a click on one opens its neighbourhood."""
    point = atlas.point_of_document(doc_id)
    if point is None:
        return
    found = atlas.queries_of(point, atlas.work.decision())
    st.caption(f"Candidate of {len(found):,} {'query' if len(found) == 1 else 'queries'}")
    if found.empty:
        return
    key = f"map_queries_{hash(doc_id)}"
    found = found.head(LISTED)
    looks = [theme.STATUS[status] for status in found["status"]]
    st.dataframe(
        pd.DataFrame(
            {
                "Status": [f"{look.sign} {look.word}" for look in looks],
                "Query": [atlas.work.query_text(query_id)[:OPENING] for query_id in found["query_id"]],
            }
        ),
        key=key,
        hide_index=True,
        height=230,
        selection_mode=ROW,
        on_select=chosen(key, found["query_id"].tolist(), look_at),
        column_config={"Status": st.column_config.TextColumn(width=110)},
        alt="Queries whose candidate the document is",
    )


def listed(atlas: Atlas, query_id: str | None) -> None:
    """The selected points as a list, with a link to review."""
    points: list[int] = [point for point in st.session_state.get(PICKED, ()) if point < len(atlas.map.ids)]
    if not points:
        return
    documents = [point for point in points if atlas.is_document(point)]
    st.subheader(f"Your list: {len(documents):,} {'document' if len(documents) == 1 else 'documents'}", anchor=False)
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
            count = sum(counts[status] for status in wanted)
            if st.button(f"Review {count:,} pairs", type="primary", disabled=not count, key="map_send"):
                st.session_state["review_pairs"] = atlas.pairs(documents, decision, wanted, query_id)
                navigation.go_to("review", from_map="1")
        else:
            st.caption("None of these is a candidate" + (" of this query." if query_id else "."))
        st.button("Forget the list", on_click=lambda: st.session_state.pop(PICKED, None))


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


def chosen(key: str, ids: Sequence[str], then: Callable[[str], None]) -> Callable[[], None]:
    """What to do when a row of the table `key` is pressed: `then` with its id."""

    def press() -> None:
        for row, _ in st.session_state[key]["selection"]["cells"]:
            then(ids[row])

    return press


def look_at(query_id: str | None) -> None:
    """Show the neighbourhood of a query, or the whole map."""
    st.session_state["map_find"] = ""
    for name, value in (("query", query_id), ("doc", None)):
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value


def open_document(doc_id: str) -> None:
    """Show the text of a document."""
    st.query_params["doc"] = doc_id


page(state.workspace())
