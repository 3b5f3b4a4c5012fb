"""
What the Review page shows: controls, chips, and the matching address.

The address is what counts: a reload, a link or another page's press sets the controls, and each change of a control
is written to it. Coming back from another page, where the address says nothing, the last choice is restored.
"""

import streamlit as st

from nearmiss.counts import counted
from nearmiss.session.model_opinions import DIFFERS, UNSURE
from nearmiss.session.queue import address, assigned
from nearmiss.session.queue.address import STATUSES_OFFERED, Choice
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.project import FILE, of_project
from nearmiss.workspace import Workspace
from nearmiss_app import comments_to_me, navigation, state, theme

ORDERS = {"priority": "What matters most", "queries": "Query by query", "audit": "Audit only"}
VERDICT_WORDS = {
    "unjudged": "not judged yet",
    "judged": "judged",
    "disputed": "judged differently",
    DIFFERS: "judged otherwise by a model",
    UNSURE: "a model is unsure",
    "any": "any",
    **{name: look.word for name, look in theme.VERDICT.items()},
}
LAST, WRITTEN = "review_choice", "review_address"


def choice(work: Workspace) -> Choice:
    """The chosen view, from the controls above the cards; controls and address follow each other."""
    _take_from_address(work)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="choice"):
        with st.popover("Choose what to see", icon=":material/filter_list:"):
            _controls(work)
        comments_to_me.behind_a_button(work)
        chosen = _chosen(work)
        for name, words in _chips(work, chosen):
            st.button(f"{words}  ✕", key=f"chip_{name}", on_click=_take_away, args=(work, name))
    _write(address.of_choice(chosen))
    return chosen


def _take_from_address(work: Workspace) -> None:
    """Set the controls from the address, where it is not what they last wrote."""
    named = _named()
    if not named and LAST in st.session_state and "see_order" not in st.session_state:
        named = st.session_state[LAST]
    if "see_order" in st.session_state and named == st.session_state.get(WRITTEN):
        return
    found, problems = address.to_choice(named, work.table.sources)
    for problem in problems:
        st.toast(problem)
    _set_controls(work, found)


def _named() -> address.Address:
    return {name: values for name in address.NAMES if (values := st.query_params.get_all(name))}


def _write(named: address.Address) -> None:
    if _named() != named:
        for name in address.NAMES:
            if name in named:
                st.query_params[name] = named[name]
            elif name in st.query_params:
                del st.query_params[name]
    st.session_state[LAST] = st.session_state[WRITTEN] = named


def _set_controls(work: Workspace, found: Choice) -> None:
    view, (lowest, highest) = found.view, _scores(work)
    low = lowest if view.lowest is None else min(max(view.lowest, lowest), highest)
    high = highest if view.highest is None else min(max(view.highest, low), highest)
    st.session_state.update(
        see_status=list(view.statuses),
        see_verdict=view.verdict,
        see_by=view.reviewer,
        see_source=list(view.sources),
        see_scores=(low, high),
        see_disagree=view.disagree,
        see_text=view.text,
        see_order=view.order,
        see_query=view.query_id,
        see_blind=view.blind,
        see_twice=found.overlap,
    )


def _scores(work: Workspace) -> tuple[float, float]:
    lowest, highest = float(work.table.score.min()), float(work.table.score.max())
    return lowest, max(highest, lowest + 1e-6)


def _controls(work: Workspace) -> None:
    st.segmented_control(
        "Order",
        list(ORDERS),
        key="see_order",
        format_func=ORDERS.get,
        help="What matters most: likely answers that training would push hardest, with the audit's random draws "
        "between them where one was drawn. Audit only: nothing but those draws.",
    )
    st.multiselect("Status", STATUSES_OFFERED, key="see_status", format_func=lambda status: theme.STATUS[status].word)
    st.selectbox(
        "Verdict",
        list(VERDICT_WORDS),
        key="see_verdict",
        format_func=VERDICT_WORDS.get,
        help="Judged otherwise by a model: people said answer and it said none, or the reverse. A model is unsure "
        "where it says partly, or two models differ. What an audit drew is in neither.",
    )
    st.text_input("Judged by", key="see_by", placeholder="anyone")
    st.multiselect("Found by", work.table.sources, key="see_source", format_func=theme.source_word, placeholder="any")
    st.slider("Teacher score" if work.has_teacher else "Dense score", *_scores(work), key="see_scores")
    st.toggle(
        "Teacher and encoder disagree", key="see_disagree", help="their ranks differ by half of the query's candidates"
    )
    st.text_input("Text in query or candidate", key="see_text")
    st.text_input("Query id", key="see_query", placeholder="all queries")
    st.toggle(
        "Blind",
        key="see_blind",
        help="Scores, ranks and statuses are hidden until you judge, and the order within a query is drawn. What "
        "others said is hidden until then in any case.",
    )
    if (sharing := of_project(work.run.folder)).is_of_project:
        st.text(sharing.in_words(), help=f"Set for everybody, in {FILE} of the run's folder")
    else:
        st.number_input(
            "Every n-th pair is judged twice", min_value=0, key="see_twice", help="0 for none; agreement needs some"
        )
    if (queries := assigned.queries(work, state.reviewer())) is not None:
        rest = (
            "Then come those that are assigned to nobody." if queries else "You get those that are assigned to nobody."
        )
        st.text(f"{counted(queries, 'query')} assigned to you. {rest}", help=f"Set in {FILE}")
    st.toggle("Plain buttons", key="plain", help="Without the card's own keys and speed; for browsers that refuse it")


def _chosen(work: Workspace) -> Choice:
    typed, (lowest, highest) = st.session_state, _scores(work)
    low, high = typed["see_scores"]
    view = View(
        statuses=tuple(typed["see_status"]) or ("kept",),
        sources=tuple(typed["see_source"]),
        verdict=typed["see_verdict"],
        reviewer=typed["see_by"].strip(),
        lowest=low if low > lowest else None,
        highest=high if high < highest else None,
        disagree=typed["see_disagree"],
        text=typed["see_text"].strip(),
        query_id=typed["see_query"].strip(),
        order=typed["see_order"] or "queries",
        blind=typed["see_blind"],
    )
    # Where the project sets it, there is no control, and Streamlit forgets its value.
    twice = 0 if of_project(work.run.folder).is_of_project else int(typed.get("see_twice", 0))
    return Choice(view, twice)


def _chips(work: Workspace, chosen: Choice) -> list[tuple[str, str]]:
    """What differs from the default view: the parameter's name and its label."""
    view = chosen.view
    score = "Teacher" if work.has_teacher else "Dense"
    words = {
        "order": ORDERS[view.order],
        "status": " or ".join(theme.STATUS[status].word for status in view.statuses),
        "verdict": VERDICT_WORDS[view.verdict],
        "by": f"by {view.reviewer}",
        "source": " or ".join(theme.source_word(source) for source in view.sources),
        "low": f"{score} ≥ {view.lowest:.3g}" if view.lowest is not None else "",
        "high": f"{score} ≤ {view.highest:.3g}" if view.highest is not None else "",
        "disagree": "models disagree",
        "text": f"“{view.text}”",
        "query": f"query {view.query_id}",
        "blind": "blind",
        "twice": f"every {chosen.overlap}. pair twice",
    }
    # Typed text must stay plain text on a button's label, which is Markdown.
    return [(name, navigation.as_text(words[name])) for name in address.of_choice(chosen)]


def _take_away(work: Workspace, name: str) -> None:
    left = {other: values for other, values in address.of_choice(_chosen(work)).items() if other != name}
    _set_controls(work, address.to_choice(left, work.table.sources)[0])
