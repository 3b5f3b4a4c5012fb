"""People: how far each reviewer is, for whoever may oversee them: a table, and the week's report as a file."""

import time

import streamlit as st

from nearmiss.agreement import people, people_report
from nearmiss.agreement.people import PersonProgress, Week
from nearmiss.session.queue import gold_cards
from nearmiss.workspace import Workspace
from nearmiss_app.charts import agreement_words as words

EVERY_S = 60.0  # how long the numbers are kept while nobody judges


def overseen(work: Workspace) -> None:
    """Everybody's progress, and a button that writes this week's report."""
    now = time.time()
    found = _measured(work, now)
    week = Week.of(now)
    says = "Pairs count once; days and weeks are those of UTC. Nothing that was imported or labelled as a batch counts."
    st.html(words.heading("Progress by person", says))
    if not found:
        st.text("Nobody has judged a pair or holds one.")
        return
    st.html(words.progress(found))
    st.download_button(
        f"Download the report of {week.name}",
        data=_report(work, week, now),
        file_name=f"reviews-{week.name}.csv",
        mime="text/csv",
        icon=":material/download:",
    )


def _measured(work: Workspace, now: float) -> list[PersonProgress]:
    key = work.standing.last_seq, int(now // EVERY_S)
    known = gold_cards.verdicts(work.run.folder, work.standing)
    return work.cached("people", lambda: people.measure(work.standing, work.log.held(now), now, known=known), key, 1)


def _report(work: Workspace, week: Week, now: float) -> bytes:
    def make() -> bytes:
        entries = list(work.standing.entries.values())
        known = gold_cards.verdicts(work.run.folder, work.standing)
        return people_report.as_csv(people.of_week(entries, work.log.held(now), week, now, known), week).encode()

    return work.cached("people of the week", make, (work.standing.last_seq, int(now // EVERY_S)), 1)
