"""The map page's texts, as words and as HTML in which people's own texts are escaped."""

import html
from typing import Any

from nearmiss.maps import Around, MapProgress
from nearmiss_app.theme import STATUS, VERDICT

STAGES = {"map_neighbours": "Looking for each text's neighbours", "map_layout": "Laying out the map"}
LONGEST = 20_000  # characters of a text
LONGEST_TITLE = 160


def how_far(progress: MapProgress) -> str:
    """The progress of a map that is being made."""
    words = STAGES.get(progress.stage, "Getting ready")
    if progress.done:
        words += f": {progress.done:,} of {progress.total:,} {progress.unit}"
    if progress.seconds_left is not None:
        words += f", {progress.rate:,.0f} a second, about {progress.seconds_left:,.0f} s left"
    return words


def lie(facts: dict[str, Any]) -> str:
    """How far the map distorts, in one sentence with the measured share; Markdown."""
    kept = facts["kept_neighbours"]
    if not kept["neighbours"]:
        return "**A map lies**, and here are too few documents to say how much."
    k = kept["neighbours"]
    return (
        f"**A map lies.** Of the {k} documents most alike to one, it shows {kept['documents']:.0%} among the {k} "
        "nearest. Trust the cosines."
    )


def method(facts: dict[str, Any]) -> str:
    """How the map was made."""
    if facts["umap"] is None:
        made = "Too few documents for neighbourhoods: the two directions in which their vectors differ most."
    else:
        made = f"UMAP over the cosines of the vectors, seed {facts['seed']}: the same seed gives the same map."
    if facts["points"] == facts["of"]:
        return f"{made} All {facts['of']:,} texts are on it."
    return f"{made} {facts['points']:,} of {facts['of']:,} texts are on it, drawn with the same seed from these parts."


def query(query_id: str, text: str) -> str:
    """A query, as HTML."""
    return f"<small>Query <bdi>{html.escape(query_id)}</bdi></small>{_boxed(text, 88, 'Query')}"


def document(doc_id: str, title: str, text: str, standing: str | None) -> str:
    """A document, and its standing for the query where there is one, as HTML."""
    header = f"<small>Document <bdi>{html.escape(doc_id)}</bdi></small>"
    if standing is not None:
        header += f"<div>{standing}</div>"
    if title:
        shown = html.escape(title[:LONGEST_TITLE])
        header += f"<div dir='auto' style='font-weight:600;overflow-wrap:anywhere;unicode-bidi:isolate'>{shown}</div>"
    return header + _boxed(text, 260, "Document")


def standing(around: Around, doc_id: str, *, dark: bool) -> str:
    """A document's standing for the query, as HTML."""
    own = around.candidates[around.candidates["doc_id"].eq(doc_id)]
    if own.empty:
        return "not a candidate of this query"
    row = own.iloc[0]
    look = STATUS[row["status"]]
    words = [f"<b style='color:{look.colour(dark)}'>{look.sign} {look.word}</b>"]
    if row["verdict"]:
        words.append(f"judged {VERDICT[row['verdict']].word}")
    return ", ".join([*words, f"cosine {row['cosine']:.3f}", f"score {row['teacher_score']:.2f}"])


def _boxed(text: str, height: int, name: str) -> str:
    """A text that scrolls where it is long, and can be reached by keyboard."""
    more = f" … ({len(text):,} characters)" if len(text) > LONGEST else ""
    style = (
        f"max-height:{height}px;overflow-y:auto;font-size:0.875rem;white-space:pre-wrap;overflow-wrap:anywhere;"
        "unicode-bidi:isolate"
    )
    return (
        f"<div tabindex='0' role='region' aria-label='{name}' dir='auto' style='{style}'>"
        f"{html.escape(text[:LONGEST])}{more}</div>"
    )
