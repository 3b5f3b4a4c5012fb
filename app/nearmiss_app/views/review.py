"""Review: one query, its answer and its candidates one by one, judged by keys."""

import json
import time
from dataclasses import asdict

import numpy as np
import streamlit as st

from nearmiss import access
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.counts import counted
from nearmiss.review import JUDGEMENTS, REPEAT
from nearmiss.selection import Decision
from nearmiss.session import cards, guidelines, incoming
from nearmiss.session.queue import agenda, arms, assigned, gold_cards, priority
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.project import in_force
from nearmiss.session.queue.sharing import Sharing
from nearmiss.settings import Policy
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, review_filters, state, theme
from nearmiss_app.deck import deck

KEY = "deck"
AHEAD = 60
BEHIND = 10  # cards that come again behind the one that is shown
MOST_PASSED = 1000  # cards that may be skipped
AUDIT_DONE = "Every draw that is yours is judged. The Overview says what is measured now."
# The card takes the height of the window, and the bar stands at its lower edge.
STYLE = """
.stMainBlockContainer { padding-top: 3.75rem; padding-bottom: 0; }
.stMainBlockContainer > .stVerticalBlock { gap: 0.5rem; }
.st-key-choice .stButton button { min-height: 2rem; padding: 0 0.6rem; }
"""


@st.cache_resource(max_entries=64, show_spinner=False)
def _begun(
    _work: Workspace, run: str, number: int, _policy: Policy, view: View, since: float
) -> tuple[Decision, Decision]:
    """The decision from when the reviewer opened this view, and the same without any verdicts."""
    return _work.decision(_policy), cards.before_verdicts(_work, _policy)


@st.cache_resource(max_entries=64, show_spinner=False)
def _order(
    _work: Workspace,
    run: str,
    number: int,
    view: View,
    since: float,
    generation: int,
    _begun: tuple[Decision, Decision],
) -> np.ndarray:
    """The order from that moment; the priority order is that of the last refit."""
    return agenda.rows(_work, view, *_begun)


def _in_order(work: Workspace, view: View, policy: Policy) -> tuple[Decision, np.ndarray]:
    """The policy's decision without any verdicts, which the cards show; and the order of the view."""
    run, since = str(work.run.folder), _since(view, policy)
    begun = _begun(work, run, work.number, policy, view, since)
    generation = priority.generation(work) if view.order == "priority" else 0
    return begun[1], _order(work, run, work.number, view, since, generation, begun)


def _since(view: View, policy: Policy) -> float:
    """When this reviewer opened this view: its order is kept from then on, so that no card moves while in use."""
    key = repr((view, policy))
    if st.session_state.get("order_of") != key:
        st.session_state["order_of"], st.session_state["order_since"] = key, time.time()
    return st.session_state["order_since"]


@st.fragment
def cards_of(work: Workspace, view: View, sharing: Sharing) -> None:
    """The deck: writes what it sent, then gives it the next cards."""
    reviewer = state.reviewer()
    before = st.session_state.get(KEY) or {}
    from_browser, opened = before.get("events") or {}, before.get("open") or {}
    sent = from_browser.get("events", [])
    problems = incoming.write(work, sent, arms.arms(work) if sent else None)
    priority.learn(work)
    policy = work.policy
    decision, order = _in_order(work, view, policy)
    order = _own_turn(work, view, _only_sent(work, order), reviewer, sharing)
    focus, focus_number = _focus(work, opened)
    # Not tied to this moment: after a restart of the server a page goes on where it was.
    name = json.dumps([asdict(view), reviewer, order.tolist() if "from_map" in st.query_params else []])
    held = from_browser if from_browser.get("view") == name else {}
    picked = _next_cards(work, view, reviewer, order, sharing, focus, held) if reviewer else []
    card_view = cards.CardView(policy, decision, view.blind, view.text)
    training(work, reviewer)
    deck(
        {
            "run": state.outbox(work),
            "view": name,
            "shows_judged": not view.is_to_do and view.order != "audit",
            "deck": held.get("deck") if held.get("have") else None,
            "reviewer": reviewer,
            "dark": theme.is_dark(),
            "blind": view.blind,
            "ack": incoming.dealt_with(sent),
            "problems": problems,
            "cards": [cards.card(work, one, card_view, reviewer) for one in picked],
            "revealed": _revealed(work, sent, card_view, reviewer),
            "queries": {
                q: cards.query(work, q, card_view, reviewer) for q in dict.fromkeys(one.pair[0] for one in picked)
            },
            "focus": focus[0] if focus else None,
            "focus_number": focus_number,
            "history": cards.history(work, reviewer) if reviewer else [],
            "progress": _progress(work, view, order, reviewer, sharing),
            "guidelines": _guidelines(work, before.get("read") or {}, reviewer),
            "looks": {"status": theme.looks(theme.STATUS), "verdict": theme.looks(theme.VERDICT)},
            "sources": theme.SOURCE_WORDS,
        },
        key=KEY,
    )


def training(work: Workspace, reviewer: str) -> None:
    """Above the cards, in the training round: what came of the pair that was judged last."""
    left = gold_cards.training_left(work, reviewer) if reviewer else []
    found = gold_cards.training_progress(work, reviewer) if reviewer else None
    if found is None:
        if left:
            pairs = counted(len(left), "pair")
            st.info(f"A training round of {pairs} comes first. After each you are told the known answer.")
        return
    said, known = (theme.VERDICT[verdict].word for verdict in (found.said, found.known.verdict))
    right = found.said == found.known.verdict
    words = f"Right: {known}." if right else f"You said {said}; the known answer is {known}."
    why = f" {navigation.as_text(found.known.why)}" if found.known.why else ""
    done = f"Training round: {found.done:,} of {found.of:,}, {found.right:,} right."
    after = "" if left else " It is done: what you judge from now on counts."
    (st.success if right else st.warning)(f"{words}{why}  \n{done}{after}")
    if not right:
        query_id, doc_id = found.last
        label = f"Look at it again: {navigation.as_text(work.query_text(query_id))}"
        navigation.link_to("query", label, query=query_id, doc=doc_id)


def _next_cards(
    work: Workspace, view: View, reviewer: str, order: np.ndarray, sharing: Sharing, focus: list, held: dict
) -> list[arms.PickedCard]:
    """The cards ahead that the browser does not have: `held` is what it said of this view, {} where it showed none."""
    # Other views are read from end to end, judged or not: earlier cards need not come again.
    behind = 0 if view.is_to_do else max(0, int(held.get("at", 0)) - BEHIND)
    count = AHEAD + min(int(held.get("passed", 0)), MOST_PASSED)
    picked = arms.pick(work, view, reviewer, order[behind:], count, sharing=sharing, first=focus)
    have = {(pair[0], pair[1]) for pair in held.get("have", [])}
    return [one for one in picked if one.pair in focus or one.pair not in have]


def _guidelines(work: Workspace, read: dict, reviewer: str) -> dict:
    """The guidelines, for the deck; that they were opened is written down once for each press."""
    if read and reviewer and read["nonce"] != st.session_state.get("read"):
        st.session_state["read"] = read["nonce"]
        guidelines.note_reading(work, reviewer, time.time())
    found = guidelines.in_force(work)
    return {"version": found.version, "is_usual": found.is_usual, "tree": guidelines.tree(found.text)}


def _revealed(work: Workspace, sent: list, card_view: cards.CardView, reviewer: str) -> list[dict]:
    """The cards just judged, with what was hidden before, or with their new comments."""
    pairs = dict.fromkeys(
        (str(one.get("query_id")), str(one.get("doc_id"))) for one in sent if one.get("arm") != REPEAT
    )
    # Of a pair whose answer is known nothing is revealed: others may have told it.
    shown = [pair for pair in pairs if work.row_of(pair) is not None and not gold_cards.arm_of(work, pair, reviewer)]
    return [cards.card(work, arms.PickedCard(pair), card_view, reviewer) for pair in shown]


def _progress(work: Workspace, view: View, order: np.ndarray, reviewer: str, sharing: Sharing) -> dict:
    """The progress in this view; `shown` is None where cards leave it once they are judged."""
    found = asdict(agenda.progress(work, order, reviewer, time.time(), sharing))
    progress = {
        "shown": None,
        "words": "",
        "done": "",
        "stretch": arms.STRETCH,
        "expected_answers": arms.expected_answers(work, order),
    }
    if view.order == "audit":
        audits = arms.audit_progress(work, reviewer)
        progress |= {"words": f"{audits.judged:,} of {audits.drawn:,} draws judged", "done": AUDIT_DONE}
        found["left"] = audits.waiting
    elif not view.is_to_do:
        progress["shown"] = len(order)
    if (training := gold_cards.training_left(work, reviewer)) and (view.is_to_do or view.order == "audit"):
        progress |= {"words": f"training round, {len(training):,} to go", "done": ""}
        found["left"] = len(training)
    return found | progress


def audit_only(work: Workspace) -> bool:
    """What the audit's draws are for, above them; False where there are none yet."""
    found = arms.audit_progress(work, state.reviewer())
    if not found.drawn:
        st.info("No audit is drawn yet. One measures how many answers are left among the kept; nothing else does.")
        if st.button(f"Draw {LABELS_ASKED} at random to judge", type="primary", disabled=not state.reviewer()):
            arms.begin(work, state.reviewer())
            st.rerun()
        return False
    width = f"±{100 * found.half_width:.1f} points" if found.half_width is not None else "an interval"
    st.caption(
        f"Drawn at random: once all {found.drawn:,} are judged, the share of answers left among the kept is known to "
        f"about {width}, and a certificate can be asked for on the Overview."
    )
    return True


def _only_sent(work: Workspace, order: np.ndarray) -> np.ndarray:
    """The pairs that another page sent here, where it sent some."""
    if "from_map" not in st.query_params:
        return order
    rows = [work.row_of(tuple(pair)) for pair in st.session_state.get("review_pairs", [])]
    return np.array(sorted(row for row in rows if row is not None), np.int64)


def _own_turn(work: Workspace, view: View, order: np.ndarray, reviewer: str, sharing: Sharing) -> np.ndarray:
    """What is assigned to this reviewer or to nobody; all of it where they chose a query, or came with pairs."""
    chosen = "from_map" in st.query_params or view.query_id or not view.is_to_do
    return order if chosen else assigned.turn(work, order, reviewer, sharing)


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


@st.fragment
def plain(work: Workspace, view: View, sharing: Sharing) -> None:
    """The same with Streamlit's own buttons: slower, and nothing is prefetched."""
    reviewer = state.reviewer()
    if not reviewer:
        st.info("Type your name on the left: judgements are written down under it.")
        return
    policy = work.policy
    decision, order = _in_order(work, view, policy)
    order = _own_turn(work, view, _only_sent(work, order), reviewer, sharing)
    picked = arms.pick(work, view, reviewer, order, 1, sharing=sharing)
    if not picked:
        st.success("Nothing left in this view.")
        return
    pair = picked[0].pair
    card_view = cards.CardView(policy, decision, blind=True)
    training(work, reviewer)
    shown = cards.query(work, pair[0], card_view, reviewer)
    st.text(shown["text"])
    left, right = st.columns(2)
    for column, title, texts in (
        (left, "Labelled answer", [positive["pieces"] for positive in shown["positives"]]),
        (right, "Candidate", [cards.card(work, picked[0], card_view, reviewer)["pieces"]]),
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
    incoming.write(work, [event | named], arms.arms(work))
    priority.learn(work)


def page(work: Workspace) -> None:
    """Filters above, the deck below."""
    if not work.log.can_be_written:
        st.info(state.READ_ONLY)
        return
    if not access.may("judge"):
        st.info("You may read this run. Query and Pairs show what is judged; a reviewer judges.")
        return
    asked = st.query_params.get("query", "")
    if asked and not work.has_query(asked):
        st.warning(f"The address names query {asked!r}; this round has no such query.")
    st.html(f"<style>{STYLE}</style>")
    chosen = review_filters.choice(work)
    if "from_map" in st.query_params:
        count = len(st.session_state.get("review_pairs", []))
        left, right = st.columns([4, 1])
        left.info(f"{counted(count, 'pair')} that you chose on the map, whatever the status.")
        if right.button("Back to all", width="stretch"):
            navigation.go_to("review")
    if chosen.view.order == "audit" and not audit_only(work):
        return
    sharing = in_force(work.run.folder, chosen.overlap)
    (plain if st.session_state.get("plain") else cards_of)(work, chosen.view, sharing)


page(state.workspace())
