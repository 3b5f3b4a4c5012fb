"""Documents and queries of the map to read: one with its text, its neighbours and its queries; moves between them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

import pandas as pd
import streamlit as st

from nearmiss import maps
from nearmiss.counts import counted
from nearmiss.maps import Around, Atlas
from nearmiss.session import query_picture, query_view
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import map as charts
from nearmiss_app.charts import map_words as words
from nearmiss_app.distances import distances

LISTED = 500
OPENING = 160  # of a text in a list
NEIGHBOURS = 10
RINGS = "map_rings"
ROW = "single-cell"  # a click anywhere in a row, and the arrow keys


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


def neighbours_of(atlas: Atlas, doc_id: str) -> None:
    """The documents most alike to one in truth, wherever the map put them; a press opens one."""
    found = maps.nearest(atlas, doc_id, NEIGHBOURS)
    if found is None or found.empty:
        return
    st.markdown(f"**Nearest by cosine**, of all {counted(atlas.map.documents, 'document')} on the map")
    ids = found["doc_id"].tolist()
    key = f"map_neighbours_{hash(doc_id)}"
    st.dataframe(
        pd.DataFrame(
            {
                "Cosine": found["cosine"],
                "On map": found["map_place"],
                "Document": [charts.shortened(text) for text in atlas.work.texts(ids)],
            }
        ),
        key=key,
        hide_index=True,
        height=230,
        selection_mode=ROW,
        on_select=chosen(key, ids, open_document),
        column_config={
            "Cosine": st.column_config.NumberColumn(format="%.3f", width=64),
            "On map": st.column_config.NumberColumn(help="place by distance on the map, 1 is the nearest", width=70),
        },
        alt="Documents most alike to this one",
    )


def true_cosines(atlas: Atlas, around: Around) -> None:
    """The query's candidates in a picture with true distances, and how far the map is from them."""
    if around.asked:
        st.markdown(
            f"**{around.kept} of its {around.asked}** most alike documents are among the {around.asked} nearest here."
        )
    work, reviewer = atlas.work, state.reviewer()
    view = query_view.view(work, around.query_id, work.policy, reviewer)
    distances(
        {
            "view": {"documents": query_view.plain(view)["documents"]},
            "picture": asdict(query_picture.picture(work, around.query_id, work.policy, reviewer)),
            "dark": theme.is_dark(),
            "looks": {"status": theme.looks(theme.STATUS)},
            "focus": st.query_params.get("doc", ""),
        },
        key=RINGS,
        on_press=lambda: open_document(st.session_state[RINGS].pressed),
    )


def candidates_by_cosine(around: Around, texts: Sequence[str]) -> None:
    """A table of the candidates; a press opens one."""
    candidates = around.candidates
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
            "Status": st.column_config.TextColumn(width=130),
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
    st.caption(f"Candidate of {counted(len(found), 'query')}")
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
        column_config={"Status": st.column_config.TextColumn(width=130)},
        alt="Queries whose candidate the document is",
    )
