"""How far reviewers agree: in a sentence, in pictures, in pairs, and each with themselves."""

import shlex

import streamlit as st

from nearmiss import agreement
from nearmiss.agreement import INFORMATIVE, Agreement
from nearmiss.counts import counted
from nearmiss.session.queue.project import FILE, of_project
from nearmiss.workspace import Workspace
from nearmiss_app import navigation, theme
from nearmiss_app.charts import agreement as charts
from nearmiss_app.charts import agreement_words as words

SHOWN = 12  # of two people
WHY_KAPPA = (
    "When nearly all pairs get one verdict, two people would often agree by luck alone. Kappa and alpha subtract that "
    "luck, so they fall towards 0 even where hardly a pair is disputed."
)


def word(category: str, scale: str) -> str:
    """A verdict in plain words."""
    if scale == "answers":
        return "an answer, or partly" if category == "relevant" else "no answer"
    return theme.VERDICT[category].word


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
        sharing = of_project(work.run.folder)
        where = (
            f"The project's {FILE} says: {sharing.in_words()}"
            if sharing.is_of_project
            else "On Review, under <b>Choose what to see</b>, set <b>Every n-th pair is judged twice</b>."
        )
        st.html(
            "<ol style='margin:0;padding-left:1.25rem'><li>A colleague opens this app under another name. "
            f"{where}</li><li>Load judgements that exist already:</li></ol>"
        )
        run = shlex.quote(str(work.run.folder))
        st.code(f"nearmiss review import {run} judgements.tsv --reviewer NAME", language=None, wrap_lines=True)
        navigation.link_to("review", "Go to Review")


def _who(found: Agreement) -> str:
    said = [f"{words.opening(name, 30)} judged {count:,}" for name, count in list(found.judged.items())[:5]]
    return f"{', '.join(said)}; none of these pairs was judged by anyone else."


def numbers(work: Workspace, found: Agreement, scale: str) -> None:
    """How far people agree: in a sentence, in pictures, in pairs, and each with themselves."""
    dark = theme.is_dark()
    headline(found, scale)
    with st.container(key="side_by_side_verdicts"):
        left, right = st.columns(2, gap="large")
    with left:
        says = f"1 is always the same verdict, 0 no better than guessing; {agreement.GOOD:g}, the dashed line, is good."
        st.html(words.heading("Beyond luck", says) + charts.coefficients(found, dark=dark))
    with right:
        says = "Where one person says it, how often another says it too."
        drawn = charts.by_verdict(found, lambda verdict: word(verdict, scale), dark=dark)
        st.html(words.heading("Verdict by verdict", says) + drawn)
    if len(found.judged) > 2:
        people(found)
    with st.container(key="side_by_side_people"):
        left, right = st.columns(2, gap="large")
    with left:
        if said := words.differences(found.between, lambda verdict: word(verdict, scale)):
            st.html(said)
        else:
            themselves(found)
    if said:
        with right:
            themselves(found)


def headline(found: Agreement, scale: str) -> None:
    """A summary of the numbers, and which of them to read."""
    name, one = charts.NAMES[found.to_read], found.coefficients[found.to_read]
    same = found.coefficients[agreement.RAW].value
    st.text(
        f"{counted(found.pairs, 'pair')} {'was' if found.pairs == 1 else 'were'} judged by two people or more; "
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


def people(found: Agreement) -> None:
    """Who differs from whom: how often, and beyond luck."""
    with st.container(key="side_by_side_two"):
        left, right = st.columns(2, gap="large")
    with left:
        says = "How often two people said the same of the pairs that both judged."
        st.html(words.heading("Who differs from whom", says) + words.people(found))
    with right:
        most = found.informative[:SHOWN]
        says = "Cohen's kappa; who surely agrees least, first."
        if len(most) < len(found.between):
            says += f" {len(most)} of {len(found.between)} are shown, with {INFORMATIVE} common pairs or more."
        drawn = charts.between(most, dark=theme.is_dark())
        st.html(words.heading("Two by two, beyond luck", says) + drawn)


def themselves(found: Agreement) -> None:
    """Each person against themselves."""
    says = "How often a person gave the same verdict when a pair came back unannounced."
    if not found.with_themselves:
        says = "No pair has come back to the same person yet. Once some do, their two verdicts are compared here."
    drawn = charts.with_themselves(found, dark=theme.is_dark()) if found.with_themselves else ""
    st.html(words.heading("The same person, asked again", says) + drawn)
