"""What the overview lists: rows of candidates, queries that need a person, and queries with too few negatives."""

from urllib.parse import urlencode

from nearmiss.reports.doubts import Doubt
from nearmiss.session.overview import CandidateRow, ShortQuery
from nearmiss_app.charts.nodes import Node, node
from nearmiss_app.theme import STATUS, Look, source_word

OPENING = 160  # characters of a text in a list


def rows(shown: list[CandidateRow], *, has_teacher: bool, reviewer: str, dark: bool) -> Node:
    """A table of candidates, those of one query under its text."""
    if not shown:
        return node("div", "rows", node("p", "empty", "No candidate is like this. Take away a condition above."))
    scores = _scores_of(has_teacher)
    heads = [
        node("th", "", "Candidate", scope="col"),
        node("th", "", "Status", scope="col"),
        *(node("th", "number", name, scope="col") for name in scores),
        node("th", "number", "Ranks", scope="col"),
        node("th", "", node("span", "unseen", "Review"), scope="col"),
    ]
    body: list[Node] = []
    before = None
    for row in shown:
        if row.query_id != before:
            head = node("th", "text", opening(row.query), scope="rowgroup", colspan=str(len(heads)))
            body.append(node("tr", "query", head))
        before = row.query_id
        body.append(_row(row, has_teacher, reviewer, dark))
    return node("div", "rows", node("table", "", node("thead", "", node("tr", "", *heads)), node("tbody", "", *body)))


def _row(row: CandidateRow, has_teacher: bool, reviewer: str, dark: bool) -> Node:
    look = STATUS[row.status]
    numbers = {"Teacher": row.teacher_score, "Positive": row.positive_score, "Cosine": row.dense_score}
    ranks = [
        node("div", "", f"{source_word(source)} {rank:,}" if rank else f"{source_word(source)} –")
        for source, rank in row.ranks.items()
    ]
    return node(
        "tr",
        "row",
        node("td", "text", node("div", "title", opening(row.title)) if row.title.strip() else None, opening(row.text)),
        node("td", "status", sign(look, dark), look.word, title=look.says),
        *(node("td", "number", _score(numbers[name]), data_name=name) for name in _scores_of(has_teacher)),
        node("td", "number quiet ranks", *ranks),
        node(
            "td",
            "ways",
            _link("review", "Review", reviewer, query=row.query_id, doc=row.doc_id),
            node("div", "", _link("query", "Rankings", reviewer, query=row.query_id, doc=row.doc_id)),
        ),
    )


def _scores_of(has_teacher: bool) -> list[str]:
    return ["Teacher", "Positive", "Cosine"] if has_teacher else ["Cosine", "Positive"]


def doubts(shown: list[Doubt], texts: dict[str, str], *, reviewer: str) -> Node:
    """The queries that most need a person, each with its reasons."""
    if not shown:
        return node("p", "empty", "No query stands out. Sample some pairs on the Review page all the same.")
    return node(
        "ol",
        "queries",
        *(_query(texts[doubt.query_id], doubt.query_id, "; ".join(doubt.reasons), reviewer) for doubt in shown),
    )


def short(shown: list[ShortQuery], wanted: int, *, reviewer: str) -> Node:
    """Queries with too few negatives, each with what refused its candidates."""
    return node("ol", "queries", *(_query(s.query, s.query_id, _why_short(s, wanted), reviewer) for s in shown))


def _why_short(short: ShortQuery, wanted: int) -> str:
    refused = listed([f"{count:,} {STATUS[status].word}" for status, count in short.refused[:3]])
    return (
        f"keeps {short.kept} of {wanted}; of its candidates {refused}" if refused else f"keeps {short.kept} of {wanted}"
    )


def _query(text: str, query_id: str, why: str, reviewer: str) -> Node:
    link = _link("review", opening(text) or query_id, reviewer, query=query_id)
    beside = _link("query", "see its rankings", reviewer, query=query_id)
    return node("li", "", node("div", "text", link), node("div", "why", f"{why}; ", beside))


def _link(page: str, label: str, reviewer: str, **address: str) -> Node:
    whole = address | ({"reviewer": reviewer} if reviewer else {})
    return node("a", "", label, href=f"{page}?{urlencode(whole)}", press=address | {"page": page})


def opening(text: str, most: int = OPENING) -> str:
    """The first words of a text, `most` characters of it."""
    whole = " ".join(text[: 2 * most].split())
    if len(whole) <= most and len(text) <= 2 * most:
        return whole
    return f"{whole[:most].rpartition(' ')[0] or whole[:most]}\u00a0…"


def sign(look: Look, dark: bool) -> Node:
    """The sign of a status or verdict in its colour."""
    return node("span", "sign", look.sign, __own=look.colour(dark), aria_hidden="true")


def _score(number: float) -> str:
    return f"{number:.3f}".replace("-", "−")


def listed(words: list[str]) -> str:
    """Words as a list in a sentence."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
