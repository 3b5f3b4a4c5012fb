"""Models that judged: how far each agrees with people, where to look again, and whether Review shows what they said."""

from collections.abc import Sequence
from itertools import islice

import streamlit as st

from nearmiss import access, judging
from nearmiss.agreement.judges import JudgeAgreement, JudgedApart
from nearmiss.counts import counted
from nearmiss.session import cards, model_opinions
from nearmiss.session.model_opinions import DIFFERS, UNSURE
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.agreement_numbers import word
from nearmiss_app.charts import agreement as charts
from nearmiss_app.charts import agreement_words as words

SHOWN = 12  # pairs on which a model differs
WHEN = {model_opinions.AFTER: "after one's own verdict", model_opinions.NEVER: "never"}


def models_asked(work: Workspace, found: Sequence[JudgeAgreement], scale: str) -> None:
    """Models against people; nothing where no model judged."""
    if not found:
        return
    says = "What a model said beside what people decided. A model counts for no person, here and in every number."
    st.html(words.heading("Judges that are models", says))
    for paid in judging.paid(work):
        st.text(f"{paid[0].upper()}{paid[1:]}, encoders and rerankers among them.")
    costs = judging.costs(work)
    for one in found:
        drawn = charts.of_judge(one, dark=theme.is_dark()) if one.is_known else ""
        cost = _cost_of(costs.get(one.judge))
        st.html(words.judge(one, lambda verdict: word(verdict, scale), drawn, cost, dark=theme.is_dark()))
        shown = list(islice((apart for apart in one.differing if work.row_of(apart.pair) is not None), SHOWN))
        if shown:
            with st.expander(f"Pairs on which it differs from people ({len(one.differing):,})"):
                st.html("".join(_apart(work, apart, scale) for apart in shown))
    _look_again(work)
    _when_shown(work)


def _cost_of(cost: judging.JudgeCost | None) -> str:
    """What a model was asked so far; empty where nothing is known of it."""
    if cost is None:
        return ""
    batches = f", {cost.in_batches:,} of them in batches" if cost.in_batches else ""
    tokens = f"; {cost.read:,} tokens read and {cost.written:,} written" if cost.read + cost.written else ""
    return f"So far {counted(cost.requests, 'request')}{batches}{tokens}."


def _apart(work: Workspace, one: JudgedApart, scale: str) -> str:
    [(title, text)] = work.titles([one.pair[1]])
    said = f"People: {word(one.people, scale)}. The model: {word(one.model, scale)}. {one.reason}"
    return words.apart(work.query_text(one.pair[0]), title or text, said, one.quote)


def _look_again(work: Workspace) -> None:
    """Links to the two queues of Review, where they hold anything."""
    before = cards.before_verdicts(work, work.policy)
    differing, unsure = (
        agenda.rows(work, View(verdict=verdict), work.decision(), before) for verdict in (DIFFERS, UNSURE)
    )
    waiting = agenda.waiting(work, unsure, state.reviewer())
    with st.container(horizontal=True):
        if len(differing):
            label = f"Look again at {counted(len(differing), 'pair')} judged otherwise by a model"
            navigation.link_to("review", label, verdict=DIFFERS)
        if waiting:
            label = f"Judge {counted(waiting, 'pair')} of which a model is unsure"
            navigation.link_to("review", label, verdict=UNSURE)


def _when_shown(work: Workspace) -> None:
    """The project's switch: whether Review shows what models said."""

    def keep() -> None:
        model_opinions.show(work, st.session_state["models_shown"])

    st.segmented_control(
        "Review shows what models said",
        list(WHEN),
        format_func=WHEN.get,
        default=model_opinions.shown(work),
        required=True,
        key="models_shown",
        on_change=keep,
        disabled=not (work.run.can_be_written and access.may("change policy")),
        help="For everybody who reviews this run. Of what an audit drew Review shows it to nobody.",
    )
