"""Agreement: how far reviewers agree on the same pair, and the pairs on which somebody must decide."""

import streamlit as st

from nearmiss import access, agreement
from nearmiss.agreement import SCALES, Agreement
from nearmiss.agreement.judges import JudgeAgreement, against_people
from nearmiss.workspace import Workspace
from nearmiss_app import state
from nearmiss_app.agreement_numbers import nobody_yet, numbers, one_opinion, themselves
from nearmiss_app.charts import agreement_words as words
from nearmiss_app.disagreements import disagreements, waiting, whose
from nearmiss_app.models_asked import models_asked
from nearmiss_app.people import overseen

NUMBERS, DISPUTES, PEOPLE = "numbers", "disagreements", "people"
SCALE_WORDS = {"verdicts": "All four verdicts", "answers": "Answer or not"}


@st.cache_resource(max_entries=8, show_spinner="Comparing judgements ...")
def _measured(_work: Workspace, run: str, last_seq: int, scale: str) -> Agreement:
    return agreement.measure(_work.standing, SCALES[scale])


def measured(work: Workspace, scale: str) -> Agreement:
    """The page's numbers, computed again only after a new judgement."""
    return _measured(work, str(work.run.folder), work.standing.last_seq, scale)


def of_models(work: Workspace, scale: str) -> list[JudgeAgreement]:
    """The same of models against people."""
    key = work.standing.last_seq, scale
    return work.cached("models against people", lambda: against_people(work.standing, SCALES[scale]), key, 2)


@st.fragment(key="agreement")
def body(work: Workspace) -> None:
    """Numbers or disagreements, for judgements on the chosen scale."""
    work.refresh()
    count = len(waiting(work))
    views = {NUMBERS: "Numbers", DISPUTES: f"Disagreements ({count:,})"}
    with st.container(horizontal=True, vertical_alignment="bottom", key="dispute_controls"):
        view = _choice("view", "Show", views | ({PEOPLE: "People"} if access.may("oversee") else {}))
        if view == DISPUTES:
            between = whose(measured(work, "verdicts"))
        elif view == NUMBERS:
            scale = _choice("scale", "Compare", SCALE_WORDS)
    if view == DISPUTES:
        disagreements(work, between)
        return
    if view == PEOPLE:
        overseen(work)
        return
    found = measured(work, scale)
    if found.pairs:
        numbers(work, found, scale)
    else:
        one_opinion(work, found)
        if found.with_themselves:
            themselves(found)
    models_asked(work, of_models(work, scale), scale)


def _choice(name: str, label: str, options: dict[str, str]) -> str:
    """One of a few, kept in the address."""
    asked = st.query_params.get(name, "")
    default = (
        asked if asked in options else DISPUTES if name == "view" and "doc" in st.query_params else next(iter(options))
    )

    def keep() -> None:
        st.query_params[name] = st.session_state[f"agreement_{name}"]

    return st.segmented_control(
        label,
        list(options),
        format_func=options.get,
        default=default,
        required=True,
        key=f"agreement_{name}",
        on_change=keep,
    )


def page(work: Workspace) -> None:
    """The whole page."""
    st.html(words.STYLE)
    st.title("Agreement", anchor=False)
    if not measured(work, "verdicts").judged:
        nobody_yet()
        models_asked(work, of_models(work, "verdicts"), "verdicts")
        return
    body(work)


page(state.workspace())
