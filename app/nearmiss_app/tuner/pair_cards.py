"""Pairs to read, as HTML with escaped texts: texts are untrusted, and Markdown would load their images."""

from html import escape

from nearmiss.session.tuning import EdgePair
from nearmiss_app import theme

LONGEST = 3_000  # characters shown; Review shows the rest


def card(pair: EdgePair, limit: str | None) -> str:
    """One pair: the query, its scores, the labelled answer, and the candidate beside it."""
    facts = [_status(pair), f"teacher {pair.teacher_score:.3f}"]
    if pair.distance is not None:
        facts.append(_distance(pair.distance, pair.limited, limit))
    facts += [f"positive {pair.positive_score:.3f}", f"dense {pair.dense_score:.3f}"]
    return (
        '<article class="pair">'
        f'<p class="query">{_cut(pair.query)}</p>'
        f'<div class="facts">{"".join(f"<span>{fact}</span>" for fact in facts)}</div>'
        '<div class="texts">'
        f'<div class="positive">{_passage("labelled answer", pair.positive_title, pair.positive_text)}</div>'
        f"<div>{_passage('candidate', pair.title, pair.text)}</div>"
        "</div></article>"
    )


def _distance(beyond: float, limited: str, limit: str | None) -> str:
    """How far, on which side of the limit, and in which score."""
    side = "above" if (beyond > 0) == (limit == "ceiling") else "below"
    far = "less than 0.0001" if abs(beyond) < 0.0001 else f"{abs(beyond):.4f}"
    name = f"{limit} of p_relevant" if limited == "p_relevant" else f"teacher's {limit}"
    return f"{far} {side} the {name}" if beyond else f"on the {name}"


def _status(pair: EdgePair) -> str:
    look = theme.STATUS[pair.status]
    now = f'<span style="color:{theme.colour(look)}">{escape(look.sign)} {escape(look.word)}</span>'
    if pair.status == pair.status_before:
        return now
    return f"{now}, was {escape(theme.STATUS[pair.status_before].word)}"


def _passage(what: str, title: str, text: str) -> str:
    """A title and the first lines of a text; a click or Enter opens the rest."""
    whole = f"{title}. {text}" if title else text
    return (
        f'<details><summary><span class="what">{escape(what)}</span>'
        f'<span class="cut">{_cut(whole)}</span></summary></details>'
    )


def _cut(text: str) -> str:
    more = f" ... and {len(text) - LONGEST:,} characters more" if len(text) > LONGEST else ""
    return _text(text[:LONGEST]) + more


def _text(text: str) -> str:
    return f'<bdi dir="auto">{escape(text)}</bdi>'
