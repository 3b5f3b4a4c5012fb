"""The picture of a policy, and what its ceiling leaves in and costs."""

import html

import streamlit as st

from nearmiss.session import ceiling_risk, tuning
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, theme
from nearmiss_app.charts import ceiling_risk as outlook_chart
from nearmiss_app.charts import tune as charts
from nearmiss_app.tuner.trying import WORKBENCH, try_policy

SCALE_WORDS = {
    "share": "Share of the positive",
    "gap": "Gap to the positive",
    "score": "Score",
    "probability": "Probability",
}


def picture(work: Workspace, policy: Policy) -> None:
    """Teacher score against dense score, with the limits."""
    fitting = tuning.scale_for(policy)
    scale = st.segmented_control(
        "Height of a point",
        tuning.scales(work.table),
        default=fitting,
        required=True,
        format_func=SCALE_WORDS.get,
        key=f"scale-{fitting}",
        label_visibility="collapsed",
    )
    decision = work.decision(policy)
    drawn = tuning.picture(work, policy, decision, scale)
    counts = decision.counts()
    present = charts.possible(counts, work.decision().counts())
    chart = charts.chart(work, drawn, present, dark=theme.is_dark())
    # A description that changes would put the chart up anew; the words that change are beside it.
    st.vega_lite_chart(chart, key="picture", theme=None, width="stretch", alt=charts.title(scale))
    st.html(f'<p class="unseen">{html.escape(charts.in_words(drawn, counts))}</p>')
    st.caption(charts.what_is_drawn(drawn))


def risks(work: Workspace, policy: Policy) -> None:
    """How many false negatives this ceiling leaves, and what it costs; a button to what is allowed, a link to more."""
    found = ceiling_risk.outlook(work, policy)
    st.markdown("**What this ceiling leaves in, and what it costs**")
    if found is None:
        st.caption("No ceiling is set: whatever scores highest is kept, and its top is full of unlabelled answers.")
        return
    drawn = outlook_chart.figure(found, dark=theme.is_dark())
    settings = {"displaylogo": False, "displayModeBar": False}
    st.plotly_chart(drawn, key="outlook", theme=None, config=settings, alt=outlook_chart.in_words(found))
    st.text(_risk_in_words(found))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        goal = found.for_target
        known = "measured" if found.measured is not None else "estimated"
        if goal is None:
            st.caption(f"No ceiling here is {known} to leave at most {ceiling_risk.TARGET:.0%}.")
        elif st.button(
            f"Ceiling for at most {ceiling_risk.TARGET:.0%}",
            key="for_target",
            disabled=goal == found.now,
            help=f"The loosest that is {known} to leave at most {ceiling_risk.TARGET:.0%} answers among the kept",
        ):
            try_policy(work, ceiling_risk.with_stop(policy, found, goal))
            st.rerun(WORKBENCH)
        if found.to_judge is None:
            navigation.link_to("review", "Judge a random sample, to measure it", order="audit")
        elif found.to_judge:
            more = f"Judge {found.to_judge:,} more for a band of ±{100 * ceiling_risk.HALF_WIDTH:.0f} points"
            navigation.link_to("review", more, order="audit")


def _risk_in_words(found: ceiling_risk.CeilingRisk) -> str:
    estimated = f"{found.estimated.false_negative_rate[found.now]:.1%} of the kept are estimated to be answers"
    if found.by_models is not None:
        estimated += f", {found.by_models[found.now]:.1%} with what models said of them"
    if found.measured is None:
        return f"{estimated}. Nothing is measured yet."
    band, now = found.measured.false_negative_rate, found.now
    if band.labels[now] == 0:
        return f"{estimated}. Nothing that it keeps was drawn and judged yet."
    measured = f"{band.estimate[now]:.1%} ({band.low[now]:.1%} to {band.high[now]:.1%})"
    return f"{measured} of the kept are answers by {int(band.labels[now]):,} random judgements; {estimated}."
