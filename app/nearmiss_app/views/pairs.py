"""Pairs: every pair in one table, to be sorted, filtered, labelled and downloaded."""

import math
from functools import partial
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nearmiss.counts import counted
from nearmiss.review import JUDGEMENTS
from nearmiss.selection import STATUSES
from nearmiss.session import batch_labels as batches
from nearmiss.session import pair_table as core
from nearmiss.session.pair_table import PairFilter
from nearmiss.types import Ints
from nearmiss.workspace import Workspace
from nearmiss_app import state, theme
from nearmiss_app.batch_labels import WRITTEN, label_all, undo_last
from nearmiss_app.charts.overview_lists import opening
from nearmiss_app.window import is_narrow

ARM = "pairs"
ROWS = 50  # on one page of the table
HEIGHT = 620  # pixels, of the table
# Pixels of a row, and characters of a text that fill it. Streamlit wraps texts in rows above 60 pixels.
THREE_LINES, SIX_LINES = 64, 116
OPENINGS, NARROW_OPENINGS = {"query": 65, "document": 105}, {"query": 55, "document": 70}
BETWEEN = " ▸ "  # the query and its document, in one column
FILTERS = {"status", "verdict", "found", "text", "query", "sort"}  # as they stand in the address
FALLING = "high to low"
HOW = "Choose rows at their left edge to label them together. That is your own choice, never a random draw."
NO_PAIRS = "No pair is like this. Take away a filter above."
WORDS = {
    "query_id": "Query id",
    "query": "Query",
    "doc_id": "Document id",
    "document": "Document",
    "status": "Status",
    "verdict": "Verdict",
    "p_relevant": "p_relevant",
    "margin": "Margin",
    "fused_rank": "Combined rank",
}
VERDICTS = {"": "any", "unjudged": "not judged yet", "judged": "judged"}
VERDICTS |= {name: theme.VERDICT[name].word for name in JUDGEMENTS}


def word(work: Workspace, name: str) -> str:
    """A column's heading."""
    if name == "score":
        return "Teacher" if work.has_teacher else "Cosine"
    source, _, kind = name.rpartition("_")
    return WORDS[name] if name in WORDS else f"{theme.source_word(source)} {kind}"


def filters(work: Workspace) -> PairFilter:
    """The controls that narrow the table; they stand in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="pair_filters"):
        statuses = st.multiselect(
            "Status",
            STATUSES,
            key="status",
            bind="query-params",
            format_func=lambda status: theme.STATUS[status].word,
            placeholder="any",
            width=240,
        )
        verdict = st.selectbox(
            "Your verdict" if state.reviewer() else "Verdict",
            list(VERDICTS),
            key="verdict",
            bind="query-params",
            format_func=VERDICTS.get,
            width=150,
        )
        sources = st.multiselect(
            "Found by",
            work.table.sources,
            key="found",
            bind="query-params",
            format_func=theme.source_word,
            placeholder="any",
            width=160,
        )
        text = st.text_input("Words in query or document", key="text", bind="query-params", width=220)
        query_id = st.text_input("Query id", key="query", bind="query-params", placeholder="all", width=110)
    return PairFilter(tuple(statuses), tuple(sources), verdict, text, query_id.strip())


def order(work: Workspace) -> tuple[str, bool, list[str]]:
    """The column to sort by, whether the highest comes first, and the columns that are shown."""
    every = core.columns(work)
    with st.container(horizontal=True, vertical_alignment="bottom", key="pair_order"):
        sort = st.selectbox(
            "Sort by",
            ["", *every],
            key="sort",
            bind="query-params",
            format_func=lambda name: word(work, name) if name else "query by query",
            width=200,
        )
        falling = FALLING
        if sort:
            falling = st.segmented_control(
                "Order", [FALLING, "low to high"], default=FALLING, required=True, key="falling"
            )
        with st.popover("Columns", icon=":material/view_column:"):
            chosen = st.multiselect(
                "Columns",
                every,
                default=[name for name in every if name in core.SHOWN],
                format_func=lambda name: word(work, name),
                key="columns",
            )
    return sort, falling == FALLING, chosen or ["query", "document"]


def table(work: Workspace, rows: Ints, names: list[str], key: str, *, narrow: bool) -> list[int]:
    """One page of the table; returns the places of the chosen rows in it. Narrow, a pair's two texts share a column."""
    reviewer = state.reviewer()
    frame = core.read(work, rows, names, reviewer)
    for name, looks in (("status", theme.STATUS), ("verdict", theme.VERDICT)):
        if name in frame:
            frame[name] = [f"{looks[one].sign} {looks[one].word}" if one else "" for one in frame[name]]
    frame["open"] = [_address(work, row, reviewer) for row in rows.tolist()]
    config = {name: _column(work, name) for name in names}
    shared = narrow and {"query", "document"} <= set(names)
    for name, most in (NARROW_OPENINGS if shared else OPENINGS).items():
        if name in frame:
            frame[name] = [opening(text, most) for text in frame[name]]
    config["open"] = st.column_config.LinkColumn("", display_text="Rankings", width=90)
    if shared:
        frame.insert(0, "pair", frame.pop("query") + BETWEEN + frame.pop("document"))
        config["pair"] = st.column_config.TextColumn(f"Query{BETWEEN}document", width=195)
    event = st.dataframe(
        frame,
        hide_index=True,
        height=HEIGHT,
        row_height=SIX_LINES if shared else THREE_LINES,
        key=f"{key}_narrow" if narrow else key,
        on_select="rerun",
        selection_mode="multi-row",
        column_config=config,
        alt="Pairs of a query and a candidate",
    )
    return [place for place in event["selection"]["rows"] if place < len(rows)]


def _address(work: Workspace, row: int, reviewer: str) -> str:
    query_id, doc_id = work.pair_at(row)
    return f"query?{urlencode({'query': query_id, 'doc': doc_id} | ({'reviewer': reviewer} if reviewer else {}))}"


def _column(work: Workspace, name: str) -> dict:
    label = word(work, name)
    if name in ("query", "document"):
        return st.column_config.TextColumn(label, width=190 if name == "query" else 300)
    if name in ("status", "verdict"):
        return st.column_config.TextColumn(label, width=115)
    if name.endswith("_id"):
        return st.column_config.TextColumn(label, width=110)
    return st.column_config.NumberColumn(label, format="%d" if name.endswith("_rank") else "%.3f", width=90)


@st.fragment(key="pairs")
def pairs(work: Workspace) -> None:
    """The table, with its filters and what can be done with its rows above."""
    work.refresh()
    reviewer = state.reviewer()
    narrow = is_narrow()
    with controls(narrow=narrow):
        wanted = filters(work)
        sort, falling, names = order(work)
    found = core.in_order(work, wanted, sort, falling=falling, reviewer=reviewer)
    pages = max(1, math.ceil(len(found) / ROWS))
    asked = hash((wanted, sort, falling))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(counted(len(found), "pair"))
        page = st.pagination(pages, key=f"page_{asked}") if pages > 1 else 1
    if not len(found):
        st.info(NO_PAIRS, icon=":material/search_off:")
        undo_last(work, ARM)  # what hid the rows may be the batch itself
        return
    shown = found[(page - 1) * ROWS : page * ROWS]
    above = st.container()  # what can be done with the chosen rows, in sight beside them
    # After a batch, or where other rows are shown, nothing is chosen, so no second press hits the wrong rows.
    own = f"{asked}_{st.session_state.get(WRITTEN, 0)}"
    places = table(work, shown, names, f"pairs_{own}_{hash(shown.tobytes())}", narrow=narrow)
    with above:
        label_chosen(work, found, shown, places, f"every_{own}")
    download(work, found, names)


def controls(*, narrow: bool) -> DeltaGenerator:
    """The place of the filters: folded up where they would fill a telephone before the first pair."""
    if not narrow:
        return st.container()
    return st.expander("Filter and sort", icon=":material/filter_list:", expanded=bool(FILTERS & set(st.query_params)))


def label_chosen(work: Workspace, found: Ints, shown: Ints, places: list[int], key: str) -> None:
    """One verdict for the chosen rows, or for all that the filters show; and the undo of the last batch."""
    if not work.log.can_be_written:
        st.info(state.READ_ONLY)
    every = False
    if not places and 0 < len(found) <= batches.MOST:
        every = st.toggle(f"Choose all {len(found):,} that the filters show", key=key)
    chosen = found if every else shown[np.array(places, np.int64)]
    if len(chosen):
        label_all(work, [work.pair_at(row) for row in chosen.tolist()], ARM)
    else:
        st.caption(HOW)
    undo_last(work, ARM)


def download(work: Workspace, found: Ints, names: list[str]) -> None:
    """All rows that the filters show, with whole texts."""
    st.download_button(
        f"Download {counted(len(found), 'row')} as CSV",
        data=partial(core.as_csv, work, found, names, state.reviewer()),
        file_name="pairs.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="download_pairs",
    )


def page(work: Workspace) -> None:
    """The whole page."""
    st.title("Pairs", anchor=False)
    pairs(work)


page(state.workspace())
