"""Calibration: what p_relevant is based on, how accurate it is, and refits: previewed first, undone if need be."""

from typing import Any

import streamlit as st

from nearmiss import access
from nearmiss.calibration import Calibration, stored
from nearmiss.calibration.answer_rate import rate_of
from nearmiss.calibration.fitting import PRIOR_ALONE
from nearmiss.counts import counted
from nearmiss.session import labels, refit, refit_words
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import calibration as charts
from nearmiss_app.charts.overview import heading
from nearmiss_app.pictures import picture

PLOT = {"displaylogo": False, "displayModeBar": False}
LOOKED_AT = "calibration_preview"


def learn(work: Workspace) -> None:
    """The judgements it could be fitted to, what that would change, and the buttons."""
    without, with_audits = (len(labels.labels_of(work, with_audits=one).rows) for one in (False, True))
    also = False
    if with_audits > without:
        also = st.toggle(
            f"Learn from the {with_audits - without:,} audited ones too",
            help="They can then no longer certify this round: what chose the threshold may not also vouch for it",
        )
    count = with_audits if also else without
    words = f"Preview with {counted(count, 'judgement')}" if count else "Preview with judgements"
    with st.container(horizontal=True):
        if st.button(words, type="primary", disabled=not count, help="Shows what would change; writes nothing"):
            st.session_state[LOOKED_AT] = refit.preview(work, with_audits=also), work.version, also
        step_back(work)
    if not count:
        navigation.link_to("review", "Judge some first: with 30 it can be tried, a few hundred change much")
    found, version, asked = st.session_state.get(LOOKED_AT, (None, None, None))
    # A new verdict, calibration or question since then: the preview is out of date.
    if found is not None and (version, asked) == (work.version, also):
        changes(work, found)


def step_back(work: Workspace) -> None:
    """Undo and redo, where possible."""
    can_undo, can_redo = stored.can_step(work.folder)
    for possible, words, step in ((can_undo, "Undo", refit.undo), (can_redo, "Redo", refit.redo)):
        if possible and st.button(words, help="Thresholds on p_relevant then keep and refuse as they did"):
            step(work, state.reviewer())
            st.session_state.pop(LOOKED_AT, None)
            st.rerun()


def changes(work: Workspace, found: refit.Preview) -> None:
    """Before and after side by side; confirmed or dropped."""
    with st.container(border=True, key="calibration_changes"):
        rows = refit_words.rows(found)
        columns = zip(refit_words.HEADINGS, zip(*rows, strict=True), strict=True)
        st.table({name: list(values) for name, values in columns}, border="horizontal", hide_index=True)
        for sentence in refit_words.of_draws(found):
            st.caption(sentence)
        if found.refused:
            st.warning(f"Not offered: {found.refused}.", icon=":material/block:")
            return
        with st.container(horizontal=True):
            may = access.may("calibrate")
            if st.button("Put in force", type="primary", key="put_in_force", disabled=not may):
                refit.put_in_force(work, found, state.reviewer())
                st.session_state.pop(LOOKED_AT, None)
                st.rerun()
            if st.button("Leave it as it is", key="leave"):
                st.session_state.pop(LOOKED_AT, None)
                st.rerun()


def rests_on(calibration: Calibration) -> None:
    """What the probabilities in force are based on, and reasons to doubt them."""
    if calibration.labels:
        st.text(
            f"Fitted to {counted(calibration.labels, 'judgement')} of this run, of which answers: "
            f"{calibration.answers:,}."
        )
    else:
        st.text("Weights that were fitted on other collections; no judgement of this run was used yet.")
    if (rate := rate_of(calibration)) is not None:
        st.text(rate.sentence())
    for doubt in calibration.doubts:
        if doubt == PRIOR_ALONE:
            continue
        st.warning(f"{doubt[0].upper()}{doubt[1:]}.", icon=":material/help:")


def reliability(slices: dict[str, Any]) -> None:
    """Estimated against judged, for all judgements or those of one slice."""
    chosen = st.selectbox("Of which judgements", list(slices))
    drawn = charts.reliability(slices[chosen], dark=theme.is_dark())
    st.plotly_chart(drawn, key="reliability", theme=None, config=PLOT, alt=charts.in_words_of(slices[chosen]))
    st.caption("Each judgement was estimated by a fit that never saw its query.")


def by_slice(slices: dict[str, Any]) -> None:
    """The same in numbers, slice by slice."""
    says = (
        "“Off by” is the mean distance of estimated and judged, less what chance alone would show. AUC is how often an "
        "answer is put above a negative: 0.5 is luck, 1 is always."
    )
    picture(heading("Where it is off", says), key="slices_heading")
    st.table(
        {
            "judgements": list(slices),
            "count": [f"{one['labels']:,}" for one in slices.values()],
            "answers": [f"{one['answers']:,}" for one in slices.values()],
            "off by": [f"{one['error']:.1%}" for one in slices.values()],
            "AUC": ["–" if one["auc"] is None else f"{one['auc']:.2f}" for one in slices.values()],
        },
        border="horizontal",
        hide_index=True,
    )


def weights(calibration: Calibration) -> None:
    """The weight of each signal."""
    says = (
        "One standard deviation more of a signal multiplies the odds to be an answer by this; left of the dashed line "
        "it lowers them."
    )
    picture(heading("What each signal weighs", says), key="weights_heading")
    st.html(charts.weights(calibration, dark=theme.is_dark()))


def page(work: Workspace) -> None:
    """What it is, its basis, its accuracy, and the weight of each signal."""
    st.title("Calibration", anchor=False)
    st.caption("Every signal of a candidate together gives its chance to be an unlabelled answer: p_relevant.")
    calibration, measured = work.run.calibration(work.number), stored.reliability_of(work.folder)
    rests_on(calibration)
    learn(work)
    slices = {} if measured is None or not measured["overall"]["labels"] else _slices(measured)
    with st.container(key="side_by_side_calibration"):
        left, right = st.columns(2, gap="large")
    with left:
        says = "The estimated chance against the share that people judged to be answers."
        picture(heading("Estimated and judged", says), key="truth_heading")
        if slices:
            reliability(slices)
            by_slice(slices)
        else:
            st.info("Nothing to compare yet: once it has learned from judgements, this shows how near it comes.")
    with right:
        weights(calibration)


def _slices(measured: dict[str, Any]) -> dict[str, Any]:
    """The measures of all judgements, and those of each slice by its name."""
    return {"all": measured["overall"]} | {
        f"{name}: {value}": one for name, values in measured["by_slice"].items() for value, one in values.items()
    }


page(state.workspace())
