"""The rounds of a run: a table, bars, boxes, and the negatives gained and lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import plotly.graph_objects as go

from nearmiss.reports.funnel import NOT_FOUND
from nearmiss.session.round_comparison import RoundChange, RoundSummary
from nearmiss_app.charts.export import Bar
from nearmiss_app.charts.nodes import Node, node
from nearmiss_app.charts.overview import opening
from nearmiss_app.charts.style import styled
from nearmiss_app.theme import LEFT_OUT, STATUS, Look

LOST = {NOT_FOUND: "not found any more", "over_quota": "easier than those kept", "too_easy": "below the floor now"}
GAINED = {NOT_FOUND: "not found before", "over_quota": "easier than those kept", "too_easy": "below the floor then"}
AXIS = {"teacher_score": "Teacher score", "dense_score": "Cosine of query and document"}
GROUPS = {"positives": STATUS["known_positive"], "kept": STATUS["kept"], "refused": LEFT_OUT}
ROUND = 26  # pixels of a box with its gap


@dataclass(frozen=True)
class ChangedNegative:
    """A negative that one of two rounds keeps, with its texts and the scores of that round."""

    query_id: str
    doc_id: str
    query: str
    title: str
    text: str
    teacher_score: float
    dense_score: float
    elsewhere: str  # its status in the other round
    can_be_judged: bool


def headline(change: RoundChange) -> str:
    """The outcome of the second round, in a sentence or two."""
    lost, kept = len(change.lost), change.in_both + len(change.lost)
    return (
        f"Of the {kept:,} negatives that round {change.first} keeps, {change.in_both:,} are kept by round "
        f"{change.second} too. {lost:,} are gone, {change.easy:,} of them because they became easy; "
        f"{len(change.gained):,} are new."
    )


def sides(found: list[RoundSummary], change: RoundChange) -> Node:
    """A table with a column for each round."""
    gaps = {
        change.first: (change.teacher_gap[0], change.dense_gap[0]),
        change.second: (change.teacher_gap[1], change.dense_gap[1]),
    }
    none = (None, None)
    lines = {
        "Encoder": [one.encoder for one in found],
        "Teacher": [one.teacher for one in found],
        "Negatives kept": [f"{one.kept:,}" for one in found],
        "Queries with too few": [f"{one.short_queries:,}" for one in found],
        "False negatives, estimated": [f"{one.estimated:.1%}" for one in found],
        "False negatives, measured": [_measured(one) for one in found],
        "Positives above the kept, by teacher": [_gap(gaps.get(one.number, none)[0]) for one in found],
        "Positives above the kept, by cosine": [_gap(gaps.get(one.number, none)[1]) for one in found],
    }
    if not any(one.teacher for one in found):
        lines = {name: values for name, values in lines.items() if "eacher" not in name}
    heads = [node("th", "number", f"Round {one.number}", scope="col") for one in found]
    body = [
        node("tr", "", node("th", "", name, scope="row"), *(node("td", "number text", value) for value in values))
        for name, values in lines.items()
    ]
    return node(
        "div",
        "sheet",
        node("table", "", node("thead", "", node("tr", "", node("td", ""), *heads)), node("tbody", "", *body)),
    )


def _measured(one: RoundSummary) -> str:
    rate = one.measured
    if rate is None or rate.estimate is None:
        return "not yet"
    return f"{rate.estimate:.1%} ({rate.low:.1%} to {rate.high:.1%})"


def _gap(gap: float | None) -> str:
    return "–" if gap is None else f"{gap:+.3f}".replace("-", "−")


def bars(counts: Mapping[str, int], words: Mapping[str, str], *, dark: bool) -> list[Bar]:
    """One bar for each status in the other round, most first."""
    looks = {name: STATUS.get(name, LEFT_OUT) for name in counts}
    return [
        Bar(word_of(name, words), count, _colour(looks[name], dark), word_of(name, words))
        for name, count in counts.items()
    ]


def word_of(status: str, words: Mapping[str, str]) -> str:
    """A status in the other round, in plain words."""
    return words.get(status) or STATUS[status].word


def in_words(title: str, shown: list[Bar]) -> str:
    """The bars as text, for screen readers."""
    return f"{title}: " + ", ".join(f"{bar.name} {bar.count:,}" for bar in shown)


def scores(found: list[RoundSummary], score: str, *, dark: bool) -> go.Figure:
    """A box for each group and round, groups side by side by round."""
    figure = go.Figure()
    for group, look in GROUPS.items():
        shown = [(one, one.scores[score][group]) for one in found if group in one.scores[score]]
        quantiles = list(zip(*(five for _, five in shown), strict=True))
        if not quantiles:
            continue
        low, first, middle, third, high = quantiles
        figure.add_trace(
            go.Box(
                y=[[f"{look.sign} {group}"] * len(shown), [f"round {one.number}" for one, _ in shown]],
                lowerfence=low,
                q1=first,
                median=middle,
                q3=third,
                upperfence=high,
                orientation="h",
                marker_color=_colour(look, dark),
                line_width=1.5,
                showlegend=False,
            )
        )
    styled(figure, dark=dark, height=ROUND * len(found) * len(GROUPS) + 72)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True, dividercolor="rgba(0,0,0,0)")
    figure.update_xaxes(title=AXIS[score], fixedrange=True)
    return figure


def scores_in_words(found: list[RoundSummary], score: str) -> str:
    """The medians as text, for screen readers."""
    return f"{AXIS[score]}, medians. " + "; ".join(
        f"round {one.number}: " + ", ".join(f"{group} {five[2]:.2f}" for group, five in one.scores[score].items())
        for one in found
    )


def pairs(shown: list[ChangedNegative], words: Mapping[str, str], *, has_teacher: bool, reviewer: str) -> Node:
    """Negatives with their query, their status in the other round, and their scores."""
    if not shown:
        return node("p", "empty", "None.")
    return node("ol", "queries", *(_pair(pair, words, has_teacher, reviewer) for pair in shown))


def _pair(pair: ChangedNegative, words: Mapping[str, str], has_teacher: bool, reviewer: str) -> Node:
    numbers = [f"teacher {pair.teacher_score:.3f}"] if has_teacher else []
    numbers.append(f"cosine {pair.dense_score:.3f}")
    why = f"In the other round: {word_of(pair.elsewhere, words)}; {', '.join(numbers)}".replace(" -", " −")
    address = {"query": pair.query_id, "doc": pair.doc_id}
    href = f"review?{urlencode(address | ({'reviewer': reviewer} if reviewer else {}))}"
    query = opening(pair.query) or pair.query_id
    return node(
        "li",
        "",
        node("div", "text", node("a", "", query, href=href, press=address) if pair.can_be_judged else query),
        node("div", "text", f"{pair.title}: {opening(pair.text)}" if pair.title.strip() else opening(pair.text)),
        node("div", "why", why),
    )


def _colour(look: Look, dark: bool) -> str:
    return look.dark if dark else look.light
