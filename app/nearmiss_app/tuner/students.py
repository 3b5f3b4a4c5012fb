"""What a student reaches along the ceiling: trained by one press, drawn as each policy ends."""

import streamlit as st

from nearmiss.session import ceiling_risk
from nearmiss.session.ceiling_risk import CeilingRisk
from nearmiss.settings import Policy, Trial
from nearmiss.training.trials import policies, trial_files
from nearmiss.training.trials.policies import Tried
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, theme, training
from nearmiss_app.charts import student_line

STOPS = 7


def students(work: Workspace, policy: Policy) -> None:
    """The students' line, kept up to date while they are trained."""
    risk = ceiling_risk.outlook(work, policy)
    st.markdown("**What a student reaches**")
    if risk is None:
        st.caption("Set a ceiling to train students along it; the page Trials compares any policies.")
        navigation.link_to("trials", "Trials of policies")
        return
    training.kept_up_to_date(work, lambda: _line(work, policy, risk))


def _line(work: Workspace, policy: Policy, risk: CeilingRisk) -> None:
    content = training.found(work)
    every = trial_files.points(content) if content else []
    line = trial_files.along(every, policy, risk.field)
    if line:
        drawn = student_line.figure(risk, line, every, dark=theme.is_dark())
        settings = {"displaylogo": False, "displayModeBar": False}
        st.plotly_chart(drawn, key="students", theme=None, config=settings, alt=student_line.in_words(line))
        st.caption(
            f"Each point: {_how_many(content)} ({content['trial']['student']}) trained on what "
            "that ceiling would export, tested on queries they never saw. The band is wide where queries differ much; "
            "differences between policies are surer, and stand on the page Trials."
        )
    elif not training.is_running(work):
        st.caption(
            "Small students are trained on what each ceiling would export, beside no filter, in-batch negatives and "
            "the 95% rule, and tested on queries that they never saw."
            + (" The last trial was of other settings." if every else "")
        )
    training.controls(work, lambda: (_asked(work, policy, risk), Trial()), "train")
    if every:
        navigation.link_to("trials", "All policies, with their differences")


def _how_many(content: trial_files.Content) -> str:
    seeds = content["trial"]["seeds"]
    return "one small student" if seeds == 1 else f"{seeds} small students"


def _asked(work: Workspace, policy: Policy, risk: CeilingRisk) -> list[Tried]:
    """The references, and the policy at some stops of its ceiling, its own among them."""
    stops = [stop for stop in risk.stops if stop is not None]
    places = {round(place * (len(stops) - 1) / (STOPS - 1)) for place in range(STOPS)}
    chosen = {stops[place] for place in places} | ({risk.stops[risk.now]} - {None})
    return policies.around(work.policy, policy, risk.field, sorted(chosen))
