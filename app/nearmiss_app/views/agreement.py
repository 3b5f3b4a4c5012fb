"""Agreement: how far reviewers agree on the same pair, and the pairs on which somebody must decide."""

import shlex
import time
from collections.abc import Sequence

import streamlit as st

from nearmiss import agreement
from nearmiss.agreement import INFORMATIVE, SCALES, Agreement, TwoPeople, disputes
from nearmiss.agreement.disputes import Dispute
from nearmiss.errors import ReviewError
from nearmiss.review import JUDGEMENTS, Entry
from nearmiss.types import Pair
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, state, theme
from nearmiss_app.charts import agreement as charts
from nearmiss_app.charts import agreement_words as words

KEYS = {"relevant": "1", "partial": "2", "not_relevant": "3", "unsure": "4"}
NUMBERS, DISPUTES = "numbers", "disagreements"
SCALE_WORDS = {"verdicts": "All four verdicts", "answers": "Answer or not"}
SHOWN = 12  # of two people
DECIDED = 5
COMMENT = 10_000
WHY_KAPPA = (
    "When nearly all pairs get one verdict, two people would often agree by luck alone. Kappa and alpha subtract that "
    "luck, so they fall towards 0 even where hardly a pair is disputed."
)


@st.cache_resource(max_entries=8, show_spinner="Comparing judgements ...")
def _measured(_work: Workspace, run: str, last_seq: int, scale: str) -> Agreement:
    return agreement.measure(_work.standing, SCALES[scale])


def measured(work: Workspace, scale: str) -> Agreement:
    """The page's numbers, computed again only after a new judgement."""
    return _measured(work, str(work.run.folder), work.standing.last_seq, scale)


@st.cache_resource(max_entries=8, show_spinner=False)
def _waiting(_work: Workspace, run: str, number: int, last_seq: int, between: tuple[str, str] | None) -> list[Pair]:
    return disputes.waiting(_work, between)


def waiting(work: Workspace, between: tuple[str, str] | None = None) -> list[Pair]:
    """The pairs that wait for a decision, found again only after a new judgement."""
    return _waiting(work, str(work.run.folder), work.number, work.standing.last_seq, between)


def word(category: str, scale: str) -> str:
    """A verdict in plain words."""
    if scale == "answers":
        return "an answer, or partly" if category == "relevant" else "no answer"
    return theme.VERDICT[category].word


# Nothing to measure yet.


def nobody_yet() -> None:
    """Nobody has judged."""
    with st.container(border=True):
        says = "Agreement shows how far people can be relied upon, once two of them have judged the same pairs."
        st.html(words.heading("Nobody has judged a pair yet", says))
        navigation.link_to("review", "Begin to judge")


def one_opinion(work: Workspace, found: Agreement) -> None:
    """There are judgements, but no pair has two."""
    with st.container(border=True):
        st.html(words.heading("No pair has a second opinion yet", _who(found)))
        st.text("A second opinion shows which verdicts hold. There are two ways to get one:")
        st.html(
            "<ol style='margin:0;padding-left:1.25rem'><li>A colleague opens this app under another name. On Review, "
            "under <b>Choose what to see</b>, set <b>Every n-th pair is judged twice</b>.</li>"
            "<li>Load judgements that exist already:</li></ol>"
        )
        run = shlex.quote(str(work.run.folder))
        st.code(f"nearmiss review import {run} judgements.tsv --reviewer NAME", language=None, wrap_lines=True)
        navigation.link_to("review", "Go to Review")


def _who(found: Agreement) -> str:
    said = [f"{words.opening(name, 30)} judged {count:,}" for name, count in list(found.judged.items())[:5]]
    return f"{', '.join(said)}; none of these pairs was judged by anyone else."


# The numbers.


def numbers(work: Workspace, found: Agreement, scale: str) -> None:
    """How far people agree: in a sentence, in pictures, in pairs, and each with themselves."""
    dark = theme.is_dark()
    headline(found, scale)
    with st.container(key="side_by_side_verdicts"):
        left, right = st.columns(2, gap="large")
    with left:
        st.html(words.heading("Beyond luck", "1 is always the same verdict, 0 no better than guessing."))
        draw(charts.coefficients(found, dark=dark), "coefficients", _coefficients_in_words(found))
    with right:
        st.html(words.heading("Verdict by verdict", "Where one person says it, how often another says it too."))
        figure = charts.by_verdict(found, lambda verdict: word(verdict, scale), dark=dark)
        draw(figure, "by_verdict", _verdicts_in_words(found, scale))
    people(found, scale)
    themselves(found)


def headline(found: Agreement, scale: str) -> None:
    """A summary of the numbers, and which of them to read."""
    name, one = charts.NAMES[found.to_read], found.coefficients[found.to_read]
    same = found.coefficients[agreement.RAW].value
    st.text(
        f"{found.pairs:,} {'pair was' if found.pairs == 1 else 'pairs were'} judged by two people or more; "
        f"they said the same on {same:.0%}. {_verdict_on(found)}"
    )
    share = f"{found.commonest_share:.0%} of the verdicts are “{word(found.commonest, scale)}”. "
    if found.lopsided:
        st.html(words.note(f"{share}{WHY_KAPPA} Read {name}, beside the plain share of same verdicts."))
    elif one.value is not None:
        st.html(words.note(f"The verdicts are mixed, so that the coefficients tell much the same. Read {name}."))


def _verdict_on(found: Agreement) -> str:
    return {
        True: "That is good: for most pairs one person's verdict will do.",
        False: "That is not enough to rely on one person: settle the disagreements, and write down what they teach.",
        None: "Whether that is good is not sure yet: judge more pairs twice.",
    }[found.is_good]


def people(found: Agreement, scale: str) -> None:
    """Who differs from whom, and in what."""
    said = words.differences(found.between, lambda verdict: word(verdict, scale))
    if len(found.judged) == 2:
        if said:
            st.html(said)
        return
    says = "How often two people said the same of the pairs that both judged."
    st.html(words.heading("Who differs from whom", says) + words.people(found))
    with st.container(key="side_by_side_people"):
        left, right = st.columns(2, gap="large")
    with left:
        most = found.informative[:SHOWN]
        says = "Cohen's kappa; who surely agrees least, first."
        if len(most) < len(found.between):
            says += f" {len(most)} of {len(found.between)} are shown, with {INFORMATIVE} common pairs or more."
        st.html(words.heading("Two by two, beyond luck", says))
        draw(charts.between(most, dark=theme.is_dark()), "between", _between_in_words(most))
    if said:
        with right:
            st.html(said)


def themselves(found: Agreement) -> None:
    """Each person against themselves."""
    says = "How often a person gave the same verdict when a pair came back unannounced."
    if not found.with_themselves:
        says = "No pair has come back to the same person yet. Once some do, their two verdicts are compared here."
    st.html(words.heading("The same person, asked again", says))
    if found.with_themselves:
        figure = charts.with_themselves(found, dark=theme.is_dark())
        with st.container(width=640):
            draw(figure, "themselves", charts.in_words(found.with_themselves.items(), charts.percent))


def draw(figure: object, key: str, alt: str) -> None:
    """A figure with its text for screen readers."""
    st.plotly_chart(figure, key=key, theme=None, config={"displayModeBar": False}, alt=alt)


def _coefficients_in_words(found: Agreement) -> str:
    return charts.in_words(((charts.NAMES[name], one) for name, one in found.coefficients.items()), charts.coefficient)


def _verdicts_in_words(found: Agreement, scale: str) -> str:
    return charts.in_words(((word(name, scale), one) for name, one in found.by_verdict.items()), charts.percent)


def _between_in_words(shown: Sequence[TwoPeople]) -> str:
    return charts.in_words(((f"{one.first} and {one.second}", one.kappa) for one in shown), charts.coefficient)


# The disagreements.


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


def _between(found: Agreement) -> tuple[str, str] | None:
    """Whose disagreements are shown; anyone's by default."""
    options = [("", ""), *((one.first, one.second) for one in found.between if one.differences)]
    if len(options) < 3:
        return None
    chosen = st.selectbox(
        "TwoPeople",
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
    adjudicator = state.reviewer()
    shown_at = st.session_state.setdefault(f"shown:{dispute.pair}", time.time())
    st.html(words.dispute(dispute, dark=theme.is_dark()))
    if problem := st.session_state.pop("decision_problem", ""):
        st.warning(problem, icon=":material/info:")
    why = f"why:{dispute.pair}"

    def press(verdict: str) -> None:
        # All is read before anything is written: Streamlit may stop a callback wherever it touches the session.
        comment = st.session_state.get(why, "")
        following = [pair for pair in pairs[place + 1 :] + pairs[:place] if pair != dispute.pair]
        try:
            disputes.decide(
                work, dispute.pair, verdict, adjudicator, comment=comment, shown_at=shown_at, now=time.time()
            )
        except ReviewError as error:
            st.session_state["decision_problem"] = str(error)
        if following:
            show(following[0])

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
    if not adjudicator:
        says = "To decide, type your name into the sidebar. Decisions are written down under it."
    elif adjudicator in {one.reviewer for one in dispute.opinions}:
        says = "You are one of those who differ here. Your decision outweighs all of them."
    else:
        says = "Your decision outweighs theirs. The keys 1 to 4 decide, J skips, K goes back."
    st.html(words.note(says))


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


# The page.


@st.fragment(key="agreement")
def body(work: Workspace) -> None:
    """Numbers or disagreements, for judgements on the chosen scale."""
    work.refresh()
    count = len(waiting(work))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = _choice("view", "Show", {NUMBERS: "Numbers", DISPUTES: f"Disagreements ({count:,})"})
        if view == DISPUTES:
            between = _between(measured(work, "verdicts"))
        else:
            scale = _choice("scale", "Compare", SCALE_WORDS)
    if view == DISPUTES:
        disagreements(work, between)
        return
    found = measured(work, scale)
    if found.pairs:
        numbers(work, found, scale)
    else:
        one_opinion(work, found)
        if found.with_themselves:
            themselves(found)


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
        return
    body(work)


page(state.workspace())
