"""Review: one query, its answer and one candidate after the other, judged by keys."""

import json
import time
from dataclasses import asdict

import numpy as np
import streamlit as st

from nearmiss.review import JUDGEMENTS
from nearmiss.selection import STATUSES, Decision
from nearmiss.session import cards
from nearmiss.session.queue import agenda, arms, priority
from nearmiss.session.queue.agenda import View
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.deck import deck

KEY = "deck"
AHEAD = 60
ORDERS = {"priority": "What matters most", "queries": "Query by query"}
VERDICT_WORDS = {
    "unjudged": "not judged yet",
    "judged": "judged",
    "disputed": "judged differently",
    "any": "any",
    **{name: look.word for name, look in theme.VERDICT.items()},
}


def filters(work: Workspace) -> tuple[View, int]:
    """What is to be seen, from the controls above the cards; and how many pairs wait for a second voice."""
    asked = st.query_params
    with st.popover("Choose what to see", icon=":material/filter_list:"):
        statuses = st.multiselect(
            "Status",
            [status for status in STATUSES if status != "known_positive"],
            default=[s for s in asked.get_all("status") if s in STATUSES and s != "known_positive"] or ["kept"],
            format_func=lambda status: theme.STATUS[status].word,
        )
        verdict = st.selectbox("Verdict", list(VERDICT_WORDS), format_func=VERDICT_WORDS.get)
        reviewer = st.text_input("Judged by", placeholder="anyone")
        sources = st.multiselect("Found by", work.table.sources, format_func=theme.source_word, placeholder="any")
        lowest, highest = float(work.table.score.min()), float(work.table.score.max())
        low, high = st.slider(
            "Teacher score" if work.has_teacher else "Dense score",
            lowest,
            max(highest, lowest + 1e-6),
            (lowest, highest),
        )
        disagree = st.toggle(
            "Teacher and encoder disagree", help="their ranks differ by half of the query's candidates"
        )
        text = st.text_input("Text in query or candidate")
        order = st.segmented_control(
            "Order",
            list(ORDERS),
            default="queries" if asked.get("query") else "priority",
            format_func=ORDERS.get,
            help="What matters most: likely answers that training would push hardest, and random draws for the audit",
        )
        query_id = st.text_input("Query id", value=asked.get("query", ""), placeholder="all queries")
        blind = st.toggle(
            "Blind", help="Scores, ranks and statuses are hidden until you judge, and the order within a query is drawn"
        )
        overlap = st.number_input(
            "Every n-th pair is judged twice", min_value=0, value=0, help="0 for none; agreement needs some"
        )
        st.toggle(
            "Plain buttons", key="plain", help="Without the card's own keys and speed; for browsers that refuse it"
        )
    view = View(
        statuses=tuple(statuses) or ("kept",),
        sources=tuple(sources),
        verdict=verdict,
        reviewer=reviewer.strip(),
        lowest=low if low > lowest else None,
        highest=high if high < highest else None,
        disagree=disagree,
        text=text,
        query_id=query_id.strip(),
        order=order or "queries",
        blind=blind,
    )
    return view, int(overlap)


@st.cache_resource(max_entries=64, show_spinner=False)
def _begun(_work: Workspace, run: str, number: int, _policy: Policy, view: View, since: float) -> Decision:
    """The decision of the moment when a person began with a view."""
    return _work.decision(_policy)


@st.cache_resource(max_entries=64, show_spinner=False)
def _order(
    _work: Workspace, run: str, number: int, view: View, since: float, generation: int, _decision: Decision
) -> np.ndarray:
    """The order of that moment too; where what matters most comes first, of the last time that verdicts taught it."""
    return agenda.rows(_work, view, _decision)


def _in_order(work: Workspace, view: View, policy: Policy) -> tuple[Decision, np.ndarray]:
    run, since = str(work.run.folder), _since(view, policy)
    decision = _begun(work, run, work.number, policy, view, since)
    generation = priority.generation(work) if view.order == "priority" else 0
    return decision, _order(work, run, work.number, view, since, generation, decision)


def _since(view: View, policy: Policy) -> float:
    """When this viewer began with this view: its order is kept from then on, so that no card moves under a hand."""
    key = repr((view, policy))
    if st.session_state.get("order_of") != key:
        st.session_state["order_of"], st.session_state["order_since"] = key, time.time()
    return st.session_state["order_since"]


@st.fragment
def cards_of(work: Workspace, view: View, overlap: int) -> None:
    """The deck: writes what it sent, then hands it the next cards."""
    reviewer = state.reviewer()
    before = st.session_state.get(KEY) or {}
    told, opened = before.get("events") or {}, before.get("open") or {}
    sent = told.get("events", [])
    if view.order == "priority":
        arms.begin(work, reviewer)
    problems = cards.write(work, sent, arms.arms(work) if sent else None)
    priority.learn(work)
    policy = work.policy
    decision, order = _in_order(work, view, policy)
    order = _only_sent(work, order)
    focus, focus_number = _focus(work, opened)
    picked = arms.pick(work, view, reviewer, order, AHEAD, overlap=overlap, first=focus) if reviewer else []
    name = json.dumps([asdict(view), reviewer, len(order)])
    have = {(pair[0], pair[1]) for pair in told.get("have", [])} if told.get("view") == name else set()
    picked = [one for one in picked if one.pair in focus or one.pair not in have]
    card_view = cards.CardView(policy, decision, view.blind)
    deck(
        {
            "run": str(work.run.folder),
            "view": name,
            "deck": told.get("deck") if have else None,
            "reviewer": reviewer,
            "dark": theme.is_dark(),
            "ack": cards.dealt_with(sent),
            "problems": problems,
            "cards": [cards.card(work, one, card_view, reviewer) for one in picked],
            "queries": {q: cards.query(work, q, card_view) for q in dict.fromkeys(one.pair[0] for one in picked)},
            "focus": focus[0] if focus else None,
            "focus_number": focus_number,
            "strip": cards.strip(work, reviewer) if reviewer else [],
            "progress": asdict(agenda.progress(work, order, reviewer, time.time()))
            | {"expected_answers": arms.expected_answers(work, order), "stretch": arms.STRETCH},
            "looks": {"status": _looks(theme.STATUS), "verdict": _looks(theme.VERDICT)},
            "sources": theme.SOURCE_WORDS,
        },
        key=KEY,
    )


def _only_sent(work: Workspace, order: np.ndarray) -> np.ndarray:
    """The pairs that another page sent here, where it sent some."""
    if "from_map" not in st.query_params:
        return order
    rows = [work.row_of(tuple(pair)) for pair in st.session_state.get("review_pairs", [])]
    return np.array(sorted(row for row in rows if row is not None), np.int64)


def _focus(work: Workspace, opened: dict) -> tuple[list, float]:
    """The pair to show at once: the one clicked in a ranking, or the one that the address names."""
    if opened and opened["nonce"] != st.session_state.get("opened"):
        st.session_state["opened"] = opened["nonce"]
        pair = (opened["query_id"], opened["doc_id"])
        if work.row_of(pair) is not None:
            return [pair], opened["nonce"]
    asked = (st.query_params.get("query", ""), st.query_params.get("doc", ""))
    if all(asked) and st.session_state.get("asked") != asked:
        st.session_state["asked"] = asked
        if work.row_of(asked) is not None:
            return [asked], 1.0
        st.toast(f"The address names {asked[1]!r} for query {asked[0]!r}; this round has no such candidate.")
    return [], 0.0


def _looks(table: dict) -> dict:
    return {name: asdict(look) for name, look in table.items()}


@st.fragment
def plain(work: Workspace, view: View, overlap: int) -> None:
    """The same with native buttons: slower, and nothing is prefetched."""
    reviewer = state.reviewer()
    if not reviewer:
        st.info("Type your name on the left: judgements are written down under it.")
        return
    policy = work.policy
    decision, order = _in_order(work, view, policy)
    picked = arms.pick(work, view, reviewer, _only_sent(work, order), 1, overlap=overlap)
    if not picked:
        st.success("Nothing left in this view.")
        return
    pair = picked[0].pair
    shown = cards.query(work, pair[0], cards.CardView(policy, decision, blind=True))
    st.text(shown["text"])
    left, right = st.columns(2)
    for column, title, texts in (
        (left, "Labelled answer", [positive["pieces"] for positive in shown["positives"]]),
        (right, "Candidate", [cards.card(work, picked[0], cards.CardView(policy, decision, True), reviewer)["pieces"]]),
    ):
        with column.container(border=True):
            st.caption(title)
            for pieces in texts:
                st.text("".join(piece for piece, _ in pieces))
    for number, (column, verdict) in enumerate(zip(st.columns(len(JUDGEMENTS)), JUDGEMENTS, strict=True), 1):
        # The pair is in the key: a late press meets a button that is gone, and never the next pair.
        column.button(
            theme.VERDICT[verdict].word.capitalize(),
            key=f"{verdict}:{pair[0]}:{pair[1]}",
            shortcut=str(number),
            width="stretch",
            on_click=_judge_plainly,
            args=(work, picked[0], verdict, reviewer, time.time()),
        )


def _judge_plainly(work: Workspace, one: arms.PickedCard, verdict: str, reviewer: str, shown_at: float) -> None:
    now = time.time()
    event = {"query_id": one.pair[0], "doc_id": one.pair[1], "verdict": verdict, "reviewer": reviewer}
    event |= {"shown_at": shown_at, "arm": one.arm, "inclusion_probability": one.chance}
    named = {"client_id": f"plain:{reviewer}:{now}", "client_seq": 1, "decided_at": now, "scores_visible": False}
    cards.write(work, [event | named], arms.arms(work))
    priority.learn(work)


def page(work: Workspace) -> None:
    """Filters above, the deck below."""
    if not work.log.can_be_written:
        st.info(
            "Judgements cannot be written beside this run. `nearmiss app RUN --new-reviews FILE` keeps them elsewhere."
        )
        return
    asked = st.query_params.get("query", "")
    if asked and not work.has_query(asked):
        st.warning(f"The address names query {asked!r}; this round has no such query.")
    view, overlap = filters(work)
    if "from_map" in st.query_params:
        count = len(st.session_state.get("review_pairs", []))
        left, right = st.columns([4, 1])
        left.info(f"{count:,} pairs that you chose on the map, whatever their status.")
        if right.button("Back to all", width="stretch"):
            navigation.go_to("review")
    (plain if st.session_state.get("plain") else cards_of)(work, view, overlap)


page(state.workspace())
