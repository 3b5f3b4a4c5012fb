"""The pairs on which reviewers differ, one by one, to be decided."""

import time

import streamlit as st

from nearmiss import access
from nearmiss.agreement import Agreement, disputes
from nearmiss.agreement.disputes import Dispute
from nearmiss.errors import ReviewError
from nearmiss.review import JUDGEMENTS, Entry
from nearmiss.types import Pair
from nearmiss.workspace import Workspace
from nearmiss_app import state, theme
from nearmiss_app.charts import agreement_words as words

KEYS = {"relevant": "1", "partial": "2", "not_relevant": "3", "unsure": "4"}
DECIDED = 5
COMMENT = 10_000


@st.cache_resource(max_entries=8, show_spinner=False)
def _waiting(_work: Workspace, run: str, number: int, last_seq: int, between: tuple[str, str] | None) -> list[Pair]:
    return disputes.waiting(_work, between)


def waiting(work: Workspace, between: tuple[str, str] | None = None) -> list[Pair]:
    """The pairs that wait for a decision, found again only after a new judgement."""
    return _waiting(work, str(work.run.folder), work.number, work.standing.last_seq, between)


def disagreements(work: Workspace, between: tuple[str, str] | None) -> None:
    """The disputed pairs, one by one, to be decided."""
    pairs = waiting(work, between)
    if pairs:
        place = _place(pairs)
        heading(pairs, place)
        decide_on(work, disputes.read(work, pairs[place]), pairs, place)
    else:
        all_settled(work, between)
    decided(work)


def whose(found: Agreement) -> tuple[str, str] | None:
    """Whose disagreements are shown; anyone's by default."""
    options = [("", ""), *((one.first, one.second) for one in found.between if one.differences)]
    if len(options) < 3:
        return None
    chosen = st.selectbox(
        "Between",
        options,
        format_func=lambda two: " and ".join(words.opening(name, 30) for name in two) if two[0] else "anyone",
        key="between",
        width=320,
    )
    return chosen if chosen[0] else None


def _place(pairs: list[Pair]) -> int:
    """The position of the address's pair among those that wait; 0 if it is not there."""
    asked = st.query_params.get("query", ""), st.query_params.get("doc", "")
    if asked in pairs:
        return pairs.index(asked)
    if asked[0]:
        of_query = [place for place, pair in enumerate(pairs) if pair[0] == asked[0] and not asked[1]]
        return of_query[0] if of_query else 0
    return 0


def show(pair: Pair) -> None:
    """Show a pair, and put it in the address."""
    st.query_params["query"], st.query_params["doc"] = pair


def heading(pairs: list[Pair], place: int) -> None:
    """Which pair of how many, with links to the others."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"Disagreement {place + 1:,} of {len(pairs):,}")
        last = len(pairs) - 1
        for label, key, to in (("Back", "k", max(place - 1, 0)), ("Skip", "j", min(place + 1, last))):
            st.button(
                label,
                key=f"{label}:{pairs[place]}",
                shortcut=key,
                on_click=show,
                args=(pairs[to],),
                disabled=to == place,
                type="tertiary",
            )


def decide_on(work: Workspace, dispute: Dispute, pairs: list[Pair], place: int) -> None:
    """A disputed pair with its texts and opinions, and a button for each verdict."""
    adjudicator = state.reviewer() if access.may("adjudicate") else ""
    shown_at = st.session_state.setdefault(f"shown:{dispute.pair}", time.time())
    st.html(words.dispute(dispute, dark=theme.is_dark()))
    _verdict_buttons(work, dispute, adjudicator, shown_at, [*pairs[place + 1 :], *pairs[:place]])
    if not adjudicator:
        typed = "To decide, type your name into the sidebar. Decisions are written down under it."
        says = "An adjudicator or an owner of the project decides." if state.login() else typed
    elif adjudicator in {one.reviewer for one in dispute.opinions}:
        says = "You are one of those who differ here. Your decision outweighs all of them."
    else:
        says = "Your decision outweighs theirs. The keys 1 to 4 decide, J skips, K goes back."
    st.html(words.note(says))


def _verdict_buttons(work: Workspace, dispute: Dispute, adjudicator: str, shown_at: float, others: list[Pair]) -> None:
    """A button for each verdict, and the reason; a press decides and shows the first of the `others`."""
    if problem := st.session_state.pop("decision_problem", ""):
        st.warning(problem, icon=":material/info:")
    why = f"why:{dispute.pair}"

    def press(verdict: str) -> None:
        # All is read before anything is written: Streamlit may stop a callback wherever it touches the session.
        comment = st.session_state.get(why, "")
        following = [pair for pair in others if pair != dispute.pair]
        try:
            disputes.decide(
                work, dispute.pair, verdict, adjudicator, comment=comment, shown_at=shown_at, now=time.time()
            )
        except ReviewError as error:
            st.session_state["decision_problem"] = str(error)
        if following:
            show(following[0])

    st.html(words.button_colours(dark=theme.is_dark()))
    with st.container(horizontal=True, vertical_alignment="bottom", key="verdicts"):
        for verdict in JUDGEMENTS:
            look = theme.VERDICT[verdict]
            st.button(
                f"{look.sign} {look.word}",
                # The pair is in the key: a late press on a card that is gone is dropped, and never hits the next one.
                key=f"{verdict}:{dispute.pair}",
                help=look.says,
                shortcut=KEYS[verdict],
                on_click=press,
                args=(verdict,),
                disabled=not adjudicator,
            )
        st.text_input("Why (optional)", key=why, max_chars=COMMENT, width=320, disabled=not adjudicator)


def all_settled(work: Workspace, between: tuple[str, str] | None) -> None:
    """Nothing waits for a decision."""
    if between:
        st.success("These two differ on no pair that is still open.", icon=":material/check:")
    else:
        st.success("No disagreement waits for a decision.", icon=":material/check:")
    if elsewhere := disputes.elsewhere(work):
        what = "One more concerns a pair" if elsewhere == 1 else f"{elsewhere:,} more concern pairs"
        st.html(words.note(f"{what} outside this round's candidates; nothing depends on it."))


def decided(work: Workspace) -> None:
    """The last decisions; one's own can be taken back."""
    entries = [entry for entry in disputes.decided(work.standing, DECIDED) if work.row_of(entry.pair) is not None]
    if not entries:
        return
    st.html(words.heading("Decided last", "What was decided counts at once; your own decisions can be taken back."))
    own = [entry.seq for entry in entries if entry.event.reviewer == state.reviewer()]
    for entry in entries:
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            [(title, text)] = work.titles([entry.event.doc_id])
            query = work.query_text(entry.event.query_id)
            st.html(words.decision(entry, query, title or text, dark=theme.is_dark()), width="stretch")
            if entry.seq in own:
                st.button(
                    "Take back",
                    key=f"take back:{entry.seq}",
                    shortcut="z" if entry.seq == own[0] else None,
                    on_click=_take_back,
                    args=(work, entry),
                    type="tertiary",
                )


def _take_back(work: Workspace, entry: Entry) -> None:
    disputes.take_back(work, entry, time.time())
    show(entry.pair)
