"""Calibration: where p_relevant comes from, how true it came, and a button that lets it learn from judgements."""

from typing import Any

import streamlit as st

from nearmiss.calibration import Calibration, stored
from nearmiss.calibration.fitting import PRIOR_ALONE
from nearmiss.session import refit
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import calibration as charts
from nearmiss_app.charts.overview import heading
from nearmiss_app.pictures import picture

PLOT = {"displaylogo": False, "displayModeBar": False}


def learn(work: Workspace) -> None:
    """The judgements that it could learn from, and the button."""
    without, with_audits = (len(refit.labels_of(work, with_audits=one).rows) for one in (False, True))
    also = False
    if with_audits > without:
        also = st.toggle(
            f"Learn from the {with_audits - without:,} audited ones too",
            help="They can then no longer certify this round: what chose the threshold may not also vouch for it",
        )
    count = with_audits if also else without
    words = f"Learn from {count:,} judgements" if count else "Learn from judgements"
    if st.button(words, type="primary", disabled=not count, help="Thresholds on p_relevant then keep and refuse anew"):
        refit.refit(work, with_audits=also)
        st.rerun()
    if not count:
        navigation.link_to("review", "Judge some first: ten move it a little, a few hundred much")


def rests_on(calibration: Calibration) -> None:
    """What the probabilities in force rest on, and what speaks against them."""
    if calibration.labels:
        st.text(f"Fitted to {calibration.labels:,} judgements of this run, {calibration.answers:,} of them answers.")
    else:
        st.text("Weights that were fitted on other collections; no judgement of this run was used yet.")
    for doubt in calibration.doubts:
        if doubt == PRIOR_ALONE:
            continue
        st.warning(doubt, icon=":material/help:")


def truth(told: dict[str, Any]) -> None:
    """Foretold against judged, for all and for each slice."""
    slices = {"all": told["overall"]} | {
        f"{name}: {value}": one for name, values in told["by_slice"].items() for value, one in values.items()
    }
    chosen = st.selectbox("Of which judgements", list(slices))
    drawn = charts.reliability(slices[chosen], dark=theme.is_dark())
    st.plotly_chart(drawn, key="reliability", theme=None, config=PLOT, alt=charts.in_words_of(slices[chosen]))
    st.caption("Each judgement was foretold by a fit that never saw its query.")
    st.table(
        {
            "": list(slices),
            "judged": [f"{one['labels']:,}" for one in slices.values()],
            "answers": [f"{one['answers']:,}" for one in slices.values()],
            "off by": [f"{one['error']:.1%}" for one in slices.values()],
            "Brier": [f"{one['brier']:.3f}" for one in slices.values()],
            "AUC": ["–" if one["auc"] is None else f"{one['auc']:.2f}" for one in slices.values()],
        }
    )


def page(work: Workspace) -> None:
    """What it is, what it rests on, how true it came, what speaks in it."""
    st.title("Calibration", anchor=False)
    st.caption("Every signal of a candidate together gives its chance to be an unlabelled answer: p_relevant.")
    calibration, told = work.run.calibration(work.number), stored.told_of(work.folder)
    rests_on(calibration)
    learn(work)
    picture(heading("How true it came", "What was foretold against what people judged."), key="truth_heading")
    if told is None or not told["overall"]["labels"]:
        st.info("Nothing to compare yet: once it learned from judgements, this shows how true it came.")
    else:
        truth(told)
    says = "How far one standard deviation of a signal moves the chance; left of 0 it speaks against an answer."
    picture(heading("What speaks in it", says), key="weights_heading")
    drawn = charts.weights(calibration, dark=theme.is_dark())
    st.plotly_chart(drawn, key="weights", theme=None, config=PLOT, alt=charts.weights_in_words(calibration))


page(state.workspace())
