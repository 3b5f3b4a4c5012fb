"""Rounds: what each round of mining changed, and what a second one is for."""

import math
import shlex

import pandas as pd
import streamlit as st

from nearmiss.errors import RunError
from nearmiss.session import round_comparison as core
from nearmiss.session.round_comparison import RoundChange, RoundSummary
from nearmiss.training.round_quality import RunQuality, quality
from nearmiss.training.round_series import FOLDER, RECORD
from nearmiss.workspace import Version, Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import rounds as charts
from nearmiss_app.charts.export import reasons
from nearmiss_app.charts.overview import heading
from nearmiss_app.pictures import picture
from nearmiss_app.saturation import saturation

PAIRS = 8  # on one page of a list
SIDES = {"gained": "Gained", "lost": "Lost"}


@st.cache_data(max_entries=4, show_spinner="Reading the rounds ...")
def _side_by_side(_work: Workspace, run: str, rounds: int, policy: str, version: Version) -> list[RoundSummary]:
    return core.side_by_side(_work)


@st.cache_data(max_entries=4, show_spinner="Comparing the rounds ...")
def _change(_work: Workspace, run: str, pair: tuple[int, int], policy: str, version: Version) -> RoundChange:
    return core.change(_work.run, *pair)


@st.cache_data(max_entries=4, show_spinner="Measuring the encoders ...")
def _quality(_work: Workspace, run: str, rounds: int, students: float, version: Version) -> RunQuality | str:
    try:
        return quality(_work.run, _work.log)
    except RunError as mistake:
        return str(mistake)


def first_round(work: Workspace) -> None:
    """What a second round is for, and how to mine it."""
    st.markdown(
        "This run has one round. A second one is for the model that you trained on the first: it searches again with "
        "that model, so that what it has learnt to tell apart makes room for what it still confuses. What was scored "
        "already is not scored again, and the first round stays as it is."
    )
    folder = shlex.quote(str(work.run.folder))
    st.markdown("Train, mine again and measure, until a round gains nothing:")
    st.code(f"nearmiss rounds {folder} --rounds 3 --student adapter", language=None, wrap_lines=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        navigation.link_to("export", "Or **Export** this round's negatives")
    st.markdown("Train your own model on them, then mine again with it:")
    st.code(f"nearmiss mine {folder} --encoder YOUR-CHECKPOINT", language=None, wrap_lines=True)
    st.caption(
        "This page then shows what differs between the rounds, how well each encoder finds held-out answers, which "
        "negatives are gone and which are new, and how many false negatives each round leaves."
    )


def progress(work: Workspace, found: list[RoundSummary]) -> None:
    """nDCG@10 and false negatives, round by round."""
    record = work.run.folder / FOLDER / RECORD
    written = record.stat().st_mtime if record.is_file() else 0.0
    measured = _quality(work, str(work.run.folder), len(work.run.rounds), written, work.version)
    with st.container(key="side_by_side_progress"):
        columns = st.columns(2, gap="large")
    with columns[0]:
        if isinstance(measured, str):
            picture(heading("Held-out queries by round", "Not measured."), key="quality_heading")
            st.caption(measured)
        else:
            _ndcg(measured)
    with columns[1]:
        says = "The share of answers among the kept, by the calibrated estimate: read it as a comparison."
        picture(heading("False negatives by round", says), key="answers_heading")
        st.plotly_chart(
            charts.answers(found, dark=theme.is_dark()),
            key="answers_by_round",
            theme=None,
            config={"displayModeBar": False},
            alt=charts.answers_in_words(found),
        )


def _ndcg(measured: RunQuality) -> None:
    where = f"all {measured.documents:,} documents"
    if measured.searched < measured.documents:
        where = f"a sample of {measured.searched:,} of {measured.documents:,} documents"
    says = f"nDCG@10 of each round's encoder on {measured.queries:,} held-out queries, over {where}; 95% intervals."
    picture(heading("Held-out queries by round", says), key="quality_heading")
    st.plotly_chart(
        charts.ndcg(measured, dark=theme.is_dark()),
        key="ndcg_by_round",
        theme=None,
        config={"displayModeBar": False},
        alt=charts.ndcg_in_words(measured),
    )
    st.caption("  \n".join([*charts.gains(measured), *measured.ended]))


def chosen(work: Workspace) -> tuple[int, int]:
    """The two rounds to compare; by default the last two."""
    numbers = work.run.rounds
    pairs = [(first, second) for second in numbers for first in numbers if first < second]
    if len(pairs) == 1:
        return pairs[0]
    return st.selectbox(
        "Compare",
        pairs,
        index=pairs.index((numbers[-2], numbers[-1])),
        format_func=lambda pair: f"round {pair[0]} with round {pair[1]}",
        key="compared",
        width=240,
    )


def changes(change: RoundChange) -> None:
    """The new statuses of the lost negatives, and the former ones of the new."""
    dark = theme.is_dark()
    sides = (
        ("What became of the lost", change.lost_to, charts.LOST, "lost", change.second),
        ("Where the gained come from", change.gained_from, charts.GAINED, "gained", change.first),
    )
    with st.container(key="side_by_side_changes"):
        columns = st.columns(2, gap="large")
    for column, (title, counts, words, key, other) in zip(columns, sides, strict=True):
        with column:
            says = f"What round {other} says of the {sum(counts.values()):,} that it does not keep."
            picture(heading(title, says), key=f"{key}_heading")
            bars = charts.bars(counts, words, dark=dark)
            if bars:
                st.plotly_chart(
                    reasons(bars, dark=dark),
                    key=f"{key}_bars",
                    theme=None,
                    config={"displayModeBar": False, "staticPlot": True},
                    alt=charts.in_words(title, bars),
                )
            else:
                st.caption("None.")


def scores(work: Workspace, found: list[RoundSummary]) -> None:
    """How positives, kept and refused score, round by round."""
    picture(
        heading("Scores by round", "A box holds the middle half, its line the median; whiskers hold 90%."),
        key="scores_heading",
    )
    names = ["teacher_score", "dense_score"] if work.has_teacher else ["dense_score"]
    with st.container(key="side_by_side_scores"):
        columns = st.columns(len(names), gap="large")
    for column, name in zip(columns, names, strict=True):
        with column:
            st.plotly_chart(
                charts.scores(found, name, dark=theme.is_dark()),
                key=f"scores_{name}",
                theme=None,
                config={"displayModeBar": False},
                alt=charts.scores_in_words(found, name),
            )


@st.fragment
def reading(work: Workspace, change: RoundChange) -> None:
    """The negatives gained and lost, one by one."""
    frames = {"gained": change.gained, "lost": change.lost}
    picture(heading("Negatives gained and lost", "The hardest by the teacher first."), key="pairs_heading")
    side = st.segmented_control(
        "Which",
        list(SIDES),
        default="gained",
        required=True,
        format_func=lambda name: f"{SIDES[name]} ({len(frames[name]):,})",
        key="side",
        label_visibility="collapsed",
    )
    frame = frames[side]
    pages = max(1, math.ceil(len(frame) / PAIRS))
    page = st.pagination(pages, key=f"pairs_page_{side}") if pages > 1 else 1
    shown = frame[(page - 1) * PAIRS : page * PAIRS]
    words = charts.LOST if side == "lost" else charts.GAINED
    pressed = picture(
        charts.pairs(_read(work, shown), words, has_teacher=work.has_teacher, reviewer=state.reviewer()), key="pairs"
    )
    if work.has_query(pressed.get("query", "")):
        navigation.go_to("review", **{name: pressed[name] for name in ("query", "doc")})


def _read(work: Workspace, shown: pd.DataFrame) -> list[charts.ChangedNegative]:
    titles = work.titles(shown["doc_id"].tolist())
    return [
        charts.ChangedNegative(
            query_id=row.query_id,
            doc_id=row.doc_id,
            query=work.query_text(row.query_id),
            title=title,
            text=text,
            teacher_score=row.teacher_score,
            dense_score=row.dense_score,
            elsewhere=row.elsewhere,
            can_be_judged=work.row_of((row.query_id, row.doc_id)) is not None,
        )
        for row, (title, text) in zip(shown.itertuples(), titles, strict=True)
    ]


def page(work: Workspace) -> None:
    """The whole page."""
    st.title("Rounds")
    finished = work.run.rounds
    if len(finished) < 2:
        first_round(work)
        saturation(work)
        return
    folder, policy = str(work.run.folder), repr(work.policy)
    found = _side_by_side(work, folder, len(finished), policy, work.version)
    change = _change(work, folder, chosen(work), policy, work.version)
    picture(charts.differs(change), key="differs")
    st.text(charts.headline(change))
    picture(charts.sides(found, change), key="sides")
    progress(work, found)
    saturation(work)
    changes(change)
    scores(work, found)
    reading(work, change)


page(state.workspace())
