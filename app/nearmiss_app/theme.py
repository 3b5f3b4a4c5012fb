"""
One colour, one sign and one plain word for each status and verdict, wherever it is shown.

Colour is never alone: a sign or the word goes with it. Colours are from Okabe and Ito's palette, which people with any
colour vision tell apart, darkened for light pages and lightened for dark ones until text in them has a contrast of 4.5.
"""

from dataclasses import asdict, dataclass

import streamlit as st


@dataclass(frozen=True)
class Look:
    """How a status is shown."""

    word: str
    sign: str
    light: str
    dark: str
    says: str  # the tooltip

    def colour(self, dark: bool) -> str:
        """Its colour on a dark or a light page."""
        return self.dark if dark else self.light


STATUS: dict[str, Look] = {
    "kept": Look("kept", "●", "#0b6e4f", "#4fd1a5", "a hard negative under this policy"),
    "known_positive": Look("positive", "★", "#2456a6", "#8ab4f8", "labelled as an answer"),
    "reviewed_relevant": Look("judged relevant", "✚", "#8a2f8f", "#e2a3e6", "a reviewer found an unlabelled answer"),
    "reviewed_partial": Look("judged partly", "◐", "#8a2f8f", "#e2a3e6", "masked: neither positive nor negative"),
    "is_the_query": Look("is the query", "≡", "#5c6370", "#a9b1bd", "its text is the query's own"),
    "duplicate": Look("copy of a positive", "≈", "#5c6370", "#a9b1bd", "the positive again, or nearly"),
    "answers_twin_query": Look("answers a twin", "⧉", "#5c6370", "#a9b1bd", "labelled for a query that asks the same"),
    "sibling": Look("same page", "⊓", "#5c6370", "#a9b1bd", "another passage of a positive's page"),
    "skipped_rank": Look("top rank skipped", "↥", "#5c6370", "#a9b1bd", "among the first ranks of a source"),
    "too_deep": Look("ranked too low", "↧", "#5c6370", "#a9b1bd", "below the last rank wanted"),
    "same_cluster": Look("same cluster", "⊙", "#5c6370", "#a9b1bd", "from the cluster of a positive"),
    "unscored": Look("not scored", "·", "#5c6370", "#a9b1bd", "beyond the teacher's depth"),
    "too_close": Look("too close", "▲", "#b3430f", "#f5a26b", "above the ceiling: perhaps an unlabelled answer"),
    "too_easy": Look("too easy", "▽", "#7a6200", "#e3c94f", "below the floor"),
    "skipped_survivor": Look("skipped", "↷", "#5c6370", "#a9b1bd", "among the best that were to be skipped"),
    "overused": Look("used too often", "⟳", "#5c6370", "#a9b1bd", "its document is a negative of others already"),
    "over_quota": Look("not needed", "○", "#5c6370", "#a9b1bd", "no rule refused it; others were preferred"),
    "short_query": Look("query too short of negatives", "∅", "#5c6370", "#a9b1bd", "its whole query was dropped"),
}
# Statuses that only an export gives.
EXPORT: dict[str, Look] = {
    "reviewed_unsure": Look("judged cannot tell", "?", "#5c6370", "#a9b1bd", "nobody could say whether it answers"),
    "wrong_positive": Look("judged no positive", "✕", "#5c6370", "#a9b1bd", "labelled as an answer, judged to be none"),
    "in_evaluation_set": Look("in an evaluation set", "⊗", "#5c6370", "#a9b1bd", "an answer there too: not trained on"),
}
LEFT_OUT = Look("left out", "⊘", "#5c6370", "#a9b1bd", "its whole query is left out, or its row is full")
VERDICT: dict[str, Look] = {
    "relevant": Look("relevant", "✚", "#8a2f8f", "#e2a3e6", "an answer that nobody labelled: a false negative"),
    "partial": Look("partly", "◐", "#9a5b00", "#f0b429", "answers a part, or in passing"),
    "not_relevant": Look("not relevant", "✓", "#0b6e4f", "#4fd1a5", "a true hard negative"),
    "unsure": Look("cannot tell", "?", "#5c6370", "#a9b1bd", "the text does not let one say"),
}
SOURCE_WORDS = {"bm25": "BM25", "dense": "Dense", "sparse": "Sparse", "teacher": "Teacher", "fused": "Combined"}


def is_dark() -> bool:
    """Whether this viewer's page is dark."""
    return st.context.theme.type == "dark"


def colour(look: Look) -> str:
    """The colour of a status or verdict on this viewer's page."""
    return look.colour(is_dark())


def looks(table: dict[str, Look]) -> dict[str, dict]:
    """Signs, words and colours as plain values, for a front end."""
    return {name: asdict(look) for name, look in table.items()}


def source_word(source: str) -> str:
    """A source in plain words."""
    return SOURCE_WORDS.get(source, source)
