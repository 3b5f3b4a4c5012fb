"""Overview: what this run is, what each rule refused, and which queries need review most."""

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from nearmiss import audit
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.counts import counted
from nearmiss.selection import STATUSES
from nearmiss.session import next_step
from nearmiss.session import overview as core
from nearmiss.session.overview import REFUSED, Overview, RowFilter
from nearmiss.workspace import Version, Workspace
from nearmiss_app import comments_to_me, navigation, state, theme
from nearmiss_app.charts import overview as charts
from nearmiss_app.charts import overview_lists as lists
from nearmiss_app.pictures import picture

ROWS, DOUBTS, QUERIES = 8, 6, 10  # on one page of a list
SCORE_WORDS = {"teacher_score": "Teacher", "dense_score": "Cosine"}
AXIS_WORDS = {"teacher_score": "Teacher score", "dense_score": "Cosine of query and document"}
ADDRESS = ("status", "found", "score", "low", "high")
WAYS = (
    ("tune", "Tune", "move the thresholds"),
    ("trials", "Trials", "see which policy trains better"),
    ("review", "Review", "judge what models cannot"),
    ("export", "Export", "write training shards"),
)


@st.cache_data(max_entries=8, show_spinner="Counting ...")
def _overview(_work: Workspace, run: str, number: int, policy: str, version: Version) -> Overview:
    return core.overview(_work)


def overview(work: Workspace) -> Overview:
    """The page's numbers, counted again only when the thresholds or the verdicts change."""
    return _overview(work, str(work.run.folder), work.number, repr(work.policy), work.version)


def asked(work: Workspace, found: Overview) -> RowFilter:
    """The rows that the address asks for; by default the kept ones."""
    address = st.query_params
    status = address.get("status", "kept")
    sets = {charts.found_key(entry.sources): entry.sources for entry in found.together}
    score = address.get("score", "")
    return RowFilter(
        status=status if status in (*STATUSES, REFUSED) else "" if status == charts.ALL else "kept",
        sources=sets.get(address.get("found", "")),
        score=score if score in scores_of(work) else "",
        low=_number(address.get("low"), -math.inf),
        high=_number(address.get("high"), math.inf),
    )


def scores_of(work: Workspace) -> list[str]:
    """The scores of the run; without a teacher both are the same."""
    return list(SCORE_WORDS) if work.has_teacher else ["dense_score"]


def _number(text: str | None, otherwise: float) -> float:
    try:
        number = float(text) if text else otherwise
    except ValueError:
        return otherwise
    return otherwise if math.isnan(number) else number


def ask(**wanted: object) -> None:
    """Put the wanted rows into the address, and show them."""
    address = {name: str(value) for name, value in wanted.items() if value not in (None, "")}
    for name in ADDRESS:
        st.query_params.pop(name, None)
    st.query_params.update(address)
    st.session_state["rows_address"] = address
    st.session_state["rows_asked"] = st.session_state.get("rows_asked", 0) + 1
    st.rerun(["pictures", "rows"])


def show(**wanted: object) -> None:
    """The same, and scroll to the rows."""
    st.session_state["rows_shown"] = st.session_state.get("rows_shown", 0) + 1
    ask(**wanted)


def go_where_pressed(pressed: dict[str, str], work: Workspace) -> None:
    """Open the clicked pair on the review page, or its query's rankings."""
    if work.has_query(pressed.get("query", "")):
        page = "query" if pressed.get("page") == "query" else "review"
        navigation.go_to(page, **{name: pressed[name] for name in ("query", "doc") if name in pressed})


def heading(work: Workspace, found: Overview) -> None:
    """What to do next, what this run is, and who has judged."""
    st.title("Overview")
    what_next(work)
    picture(charts.about(core.about(work), found, work.run.folder.name, dark=theme.is_dark()), key="about")
    for doubt in core.about(work).doubts:
        st.warning(f"Doubt: {doubt}")


def what_next(work: Workspace) -> None:
    """The one next action, in a sentence with its button; and the ways to all training data."""
    action = next_step.action(work)
    with st.container(border=True, key="next"):
        st.text(action.words)
        if st.button(action.button, type="primary", key=f"next_{action.step}"):
            take(work, action)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            for page, name, purpose in WAYS:
                navigation.link_to(page, f"**{name}**: {purpose}")


def take(work: Workspace, action: next_step.NextAction) -> None:
    """Do what the button says, or open the page where it is done."""
    if action.step == "draw":
        audit.plan(work, LABELS_ASKED, made_by=state.reviewer())
        navigation.go_to("review", order="audit")
    if action.step == "certify":
        audit.certify(work, next_step.MAX_RATE)
        st.rerun()
    navigation.go_to(action.page, **action.address)


@st.fragment(key="pictures")
def pictures(work: Workspace, found: Overview) -> None:
    """The funnel and what the sources found; a click shows the rows behind a number."""

    def press() -> None:
        pressed = st.session_state["pictures_drawn"].pressed
        if "found" in pressed:
            show(status=charts.ALL, found=pressed["found"])
        show(status=pressed["status"])

    picture(charts.pictures(found, asked(work, found), dark=theme.is_dark()), key="pictures_drawn", on_press=press)


@st.fragment(key="rows")
def rows(work: Workspace, found: Overview) -> None:
    """The rows behind the clicked number, a page at a time."""
    picture(
        charts.heading("The rows behind it", "Press Review to judge a pair."),
        key="rows_heading",
        scroll=st.session_state.get("rows_shown", 0),
    )
    wanted = asked(work, found)
    best_first = _conditions(work, found, wanted)
    decision = work.decision()
    behind = core.rows_behind(work.table, decision, wanted, best_first=best_first)
    pages = max(1, math.ceil(len(behind) / ROWS))
    # Above the rows, so that it does not move as their heights change.
    with st.container(horizontal=True, vertical_alignment="center"):
        page = st.pagination(pages, key=f"rows_page_{st.session_state.get('rows_asked', 0)}")
        st.text(counted(len(behind), "row"))
    shown = core.read_rows(work, decision, behind[(page - 1) * ROWS : page * ROWS])
    drawn = lists.rows(shown, has_teacher=work.has_teacher, reviewer=state.reviewer(), dark=theme.is_dark())
    go_where_pressed(picture(drawn, key="rows_drawn"), work)


def _conditions(work: Workspace, found: Overview, wanted: RowFilter) -> bool:
    """The controls above the rows, set to the current filter; returns whether the best score comes first."""
    now = _as_controls(wanted)
    for name, value in now.items():
        st.session_state[f"rows_{name}"] = value

    def changed() -> None:
        ask(**{name: st.session_state.get(f"rows_{name}") for name in now})

    def choose(label: str, name: str, words: Mapping[str, str]) -> None:
        st.selectbox(label, list(words), format_func=words.get, key=f"rows_{name}", on_change=changed, width=165)

    with st.container(horizontal=True, vertical_alignment="bottom", key="conditions"):
        choose("Status", "status", _status_words(found, now["status"]))
        sets = {charts.found_key(entry.sources): charts.found_words(entry.sources) for entry in found.together}
        choose("Found by", "found", {"": "any"} | sets)
        choose("Score", "score", {"": "any"} | {name: SCORE_WORDS[name] for name in scores_of(work)})
        if wanted.score:
            st.number_input("from", value=None, format="%g", key="rows_low", on_change=changed, width=112)
            st.number_input("up to", value=None, format="%g", key="rows_high", on_change=changed, width=112)
        order = st.selectbox("Order", ["query by query", "highest score first"], key="rows_order", width=165)
    return order == "highest score first"


def _as_controls(wanted: RowFilter) -> dict[str, Any]:
    """A filter as the values of its controls."""
    low, high = (None if math.isinf(bound) else bound for bound in (wanted.low, wanted.high))
    return {
        "status": wanted.status or charts.ALL,
        "found": charts.found_key(wanted.sources) if wanted.sources is not None else "",
        "score": wanted.score,
        "low": low,
        "high": high,
    }


def _status_words(found: Overview, asked_for: str) -> dict[str, str]:
    """The statuses that rows have, and the one asked for, in words."""
    refused = {step.status: step.refused for step in found.funnel}
    present = [status for status in STATUSES[1:] if refused[status]]
    words = {"kept": theme.STATUS["kept"].word, REFUSED: "any refusal", charts.ALL: "any"}
    return words | {
        status: theme.STATUS[status].word for status in dict.fromkeys([*present, asked_for]) if status not in words
    }


@st.fragment(key="scores")
def scores(work: Workspace, found: Overview) -> None:
    """How positives, kept and refused score; a click on a bar shows its rows."""
    says = "Each group has a height of its own. Press a bar to read its rows, or set a range above them."
    picture(charts.heading("Scores", says), key="scores_heading")
    histograms = [histogram for histogram in found.histograms if histogram.score in scores_of(work)]
    with st.container(key="side_by_side_scores"):
        columns = st.columns(len(histograms), gap="large")
    for column, histogram in zip(columns, histograms, strict=True):
        title, key = AXIS_WORDS[histogram.score], f"scores_{histogram.score}"

        def select(key: str = key, score: str = histogram.score) -> None:
            points = st.session_state[key]["selection"]["points"]
            if points:
                status, low, high = points[0]["customdata"]
                show(status=status, score=score, low=low, high=high)

        with column:
            st.plotly_chart(
                charts.scores(histogram, title, dark=theme.is_dark()),
                key=key,
                theme=None,
                on_select=select,
                selection_mode="points",
                config={"displayModeBar": False},
                alt=charts.scores_in_words(histogram, title),
            )


@st.fragment(key="queries")
def doubtful(work: Workspace, found: Overview) -> None:
    """The queries that most need review, a page at a time."""
    says = "Labels or thresholds are most likely wrong here. Press a query to review it."
    picture(charts.heading("Queries that most need a person", says), key="doubts_heading")
    pages = math.ceil(len(found.doubts) / DOUBTS)
    page = min(st.session_state.get("doubts_page", 1), pages) if pages > 1 else 1
    shown = found.doubts[(page - 1) * DOUBTS : page * DOUBTS]
    texts = {doubt.query_id: work.query_text(doubt.query_id) for doubt in shown}
    go_where_pressed(picture(lists.doubts(shown, texts, reviewer=state.reviewer()), key="doubts"), work)
    if pages > 1:
        st.pagination(pages, key="doubts_page")


@st.fragment(key="short_queries")
def short(work: Workspace, found: Overview) -> None:
    """The queries that keep too few negatives, a page at a time."""
    wanted = work.policy.negatives_per_query
    picture(charts.heading("Queries with too few negatives", _how_short(found, wanted)), key="short_heading")
    if found.short:
        pages = math.ceil(len(found.short) / QUERIES)
        page = min(st.session_state.get("short_page", 1), pages) if pages > 1 else 1
        shown = core.read_short(work, work.decision(), found.short[(page - 1) * QUERIES : page * QUERIES])
        go_where_pressed(picture(lists.short(shown, wanted, reviewer=state.reviewer()), key="short"), work)
        if pages > 1:
            st.pagination(pages, key="short_page")


def _how_short(found: Overview, wanted: int) -> str:
    if not found.short:
        return f"None: each of the {found.queries:,} queries keeps {wanted}."
    return (
        f"{len(found.short):,} of {found.queries:,} keep fewer than {wanted}. A smaller gap below the positive, "
        "a lower floor or a greater depth gives them more."
    )


def page(work: Workspace) -> None:
    """The whole page; on coming back, it shows the rows last asked for."""
    if not any(name in st.query_params for name in ADDRESS):
        st.query_params.update(st.session_state.get("rows_address", {}))
    found = overview(work)
    heading(work, found)
    comments_to_me.listed(work)
    pictures(work, found)
    doubtful(work, found)
    rows(work, found)
    scores(work, found)
    short(work, found)


page(state.workspace())
