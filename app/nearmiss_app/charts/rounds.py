"""The rounds of a run: a table, bars, boxes, and the negatives gained and lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import plotly.graph_objects as go

from nearmiss.audit import Rate
from nearmiss.counts import counted
from nearmiss.reports.funnel import NOT_FOUND
from nearmiss.session.round_comparison import RoundChange, RoundSummary
from nearmiss.training.round_quality import EncoderQuality, RunQuality
from nearmiss_app.charts.export import Bar
from nearmiss_app.charts.nodes import Node, node
from nearmiss_app.charts.overview import heading
from nearmiss_app.charts.overview_lists import opening
from nearmiss_app.charts.style import styled
from nearmiss_app.theme import LEFT_OUT, STATUS

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


def differs(change: RoundChange) -> Node:
    """What differs between the recipes of two rounds, before anything is said of what came of it."""
    title = f"What differs between rounds {change.first} and {change.second}"
    if not change.changed:
        return node("div", "sheet", heading(title, "Nothing: the recipes and the models are the same."))
    listed = [node("p", "text", one.replace(" -> ", " → ")) for one in change.changed]
    return node("div", "sheet", heading(title, "Settings and models, the first round's before the arrow."), *listed)


def headline(change: RoundChange) -> str:
    """How many negatives are kept by both rounds, by one, and what the second says of the lost: no cause of it."""
    lost, kept = len(change.lost), change.in_both + len(change.lost)
    sentence = (
        f"Of {counted(kept, 'negative')} that round {change.first} keeps, {change.in_both:,} are kept by round "
        f"{change.second} too. {lost:,} are gone; {len(change.gained):,} are new. "
    )
    easy = f"{change.easy:,} of those gone lie below what round {change.second} keeps, or are not found by it"
    if change.looks_less_far:
        return sentence + (
            f"Round {change.second} asks fewer sources, or asks them less deeply, so nobody can say which became easy: "
            f"{change.easy:,} of those gone are still found, and lie below what it keeps."
        )
    if len(change.changed) == 1 and "encoder" in change.changed[0] and "sparse" not in change.changed[0]:
        return sentence + f"{easy}: only the encoder differs, and they are easier for it."
    return sentence + f"{easy}. What made that so cannot be read from this, since more than the encoder may differ."


def ndcg(found: RunQuality, *, dark: bool) -> go.Figure:
    """nDCG@10 of each round's encoder with its interval; hollow where nobody knows what the encoder has seen."""
    names = [round_name(one) for one in found.encoders]
    values = [one.ndcg for one in found.encoders]
    look = STATUS["known_positive"]
    figure = go.Figure(
        go.Scatter(
            x=names,
            y=values,
            mode="lines+markers+text",
            line={"color": look.colour(dark), "width": 1.5, "dash": "dot"},
            marker={"size": 11, "symbol": ["circle" if one.left_out else "circle-open" for one in found.encoders]},
            text=[f"{one.ndcg:.3f}" for one in found.encoders],
            textposition="bottom right",  # beside the line
            cliponaxis=False,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [one.high - one.ndcg for one in found.encoders],
                "arrayminus": [one.ndcg - one.low for one in found.encoders],
                "thickness": 1.5,
            },
            hovertemplate="%{x}: %{y:.4f}<extra></extra>",
        )
    )
    styled(figure, dark=dark, height=260)
    figure.update_layout(margin_r=48)
    figure.update_xaxes(showgrid=False, fixedrange=True, range=[-0.5, len(names) - 0.5])
    figure.update_yaxes(title="nDCG@10", fixedrange=True, range=_from_nought(max(one.high for one in found.encoders)))
    return figure


def _from_nought(highest: float) -> tuple[float, float]:
    """A range that shows a mark at 0 whole, above the names of the rounds."""
    return -0.08 * highest, 1.08 * highest or 1.0


def round_name(one: EncoderQuality) -> str:
    """The round of an encoder in words."""
    return "trained last" if one.number is None else f"round {one.number}"


def ndcg_in_words(found: RunQuality) -> str:
    """The points as text, for screen readers."""
    return "nDCG@10 by round. " + "; ".join(
        f"{round_name(one)}: {one.ndcg:.4f} ({one.low:.4f} to {one.high:.4f})" for one in found.encoders
    )


def gains(found: RunQuality) -> list[str]:
    """What each encoder gained over the one before, and what nobody knows of it, a sentence each."""
    sentences = []
    for one in found.encoders:
        name = round_name(one).capitalize()
        if one.gain is not None:
            gap, words = one.gain, {"better": "better", "worse": "worse", "": "not told apart"}
            sentences.append(
                f"{name} against the one before: {gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}), "
                f"{words[gap.verdict]}.".replace("-", "−")
            )
        if not one.left_out:
            sentences.append(f"{name}: what its encoder {_short(one.encoder)} was trained on is not known here.")
    return sentences


def _short(encoder: str) -> str:
    return encoder.rstrip("/").rpartition("/")[2] or encoder


def answers(found: list[RoundSummary], *, dark: bool) -> go.Figure:
    """The share of answers among the kept, estimated by p_relevant, and where an audit was made its interval."""
    look = STATUS["too_close"]
    names = [f"round {one.number}" for one in found]
    figure = go.Figure(
        go.Scatter(
            x=names,
            y=[one.estimated for one in found],
            mode="markers+text",
            name="estimated",
            marker={"size": 11, "symbol": "diamond", "color": look.colour(dark)},
            text=[f"{one.estimated:.1%}" for one in found],
            textposition="middle right",
            cliponaxis=False,
            hovertemplate="%{x}, estimated: %{y:.1%}<extra></extra>",
        )
    )
    audited = [
        (f"round {one.number}", one.measured) for one in found if one.measured and one.measured.estimate is not None
    ]
    if audited:
        figure.add_trace(_measured_rates(audited, dark=dark))
    styled(figure, dark=dark, height=260)
    figure.update_layout(margin_r=48, showlegend=bool(audited))
    figure.update_xaxes(showgrid=False, fixedrange=True, range=[-0.5, len(names) - 0.5])
    highest = max([one.estimated for one in found] + [rate.high for _, rate in audited])
    figure.update_yaxes(title="Answers among the kept", tickformat=".0%", fixedrange=True, range=_from_nought(highest))
    return figure


def _measured_rates(audited: list[tuple[str, Rate]], *, dark: bool) -> go.Scatter:
    """What audits measured, by the name of the round, with 95% intervals."""
    return go.Scatter(
        x=[name for name, _ in audited],
        y=[rate.estimate for _, rate in audited],
        mode="markers",
        name="measured by an audit",
        marker={"size": 11, "symbol": "cross", "color": STATUS["reviewed_relevant"].colour(dark)},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [rate.high - rate.estimate for _, rate in audited],
            "arrayminus": [rate.estimate - rate.low for _, rate in audited],
        },
        hovertemplate="%{x}, measured: %{y:.1%}<extra></extra>",
    )


def answers_in_words(found: list[RoundSummary]) -> str:
    """The points as text, for screen readers."""
    return "False negatives by round. " + "; ".join(
        f"round {one.number}: {one.estimated:.1%} estimated, measured {_measured(one)}" for one in found
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
        "Teacher": [one.teacher or "none (cosine)" for one in found],
        "Negatives kept": [f"{one.kept:,}" for one in found],
        "Queries with too few": [f"{one.short_queries:,}" for one in found],
        "False negatives, estimated": [f"{one.estimated:.1%}" for one in found],
        "False negatives, measured": [_measured(one) for one in found],
        "Positives above the kept, by teacher": [
            _gap(gaps.get(one.number, none)[0] if one.teacher else None) for one in found
        ],
        "Positives above the kept, by cosine": [_gap(gaps.get(one.number, none)[1]) for one in found],
    }
    if not any(one.teacher for one in found):
        lines = {name: values for name, values in lines.items() if "eacher" not in name}
    # Only two rounds are compared, so a gap may be known of none.
    lines = {name: values for name, values in lines.items() if any(value != "–" for value in values)}
    heads = [node("th", "number", f"Round {one.number}", scope="col") for one in found]
    body = [
        node("tr", "", node("th", "", name, scope="row"), *(node("td", "number text", value) for value in values))
        for name, values in lines.items()
    ]
    return node(
        "div",
        "sheet sides",
        node("table", "", node("thead", "", node("tr", "", node("td", ""), *heads)), node("tbody", "", *body)),
        __rounds=str(len(found)),
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
        Bar(word_of(name, words), count, looks[name].colour(dark), word_of(name, words))
        for name, count in counts.items()
    ]


def word_of(status: str, words: Mapping[str, str]) -> str:
    """A status in the other round, in plain words."""
    return words.get(status) or STATUS[status].word


def in_words(title: str, shown: list[Bar]) -> str:
    """The bars as text, for screen readers."""
    return f"{title}: " + ", ".join(f"{bar.name} {bar.count:,}" for bar in shown)


def scores(found: list[RoundSummary], score: str, *, dark: bool) -> go.Figure:
    """A box for each round, one below the other, under the name of their group."""
    figure = go.Figure()
    every, each = [one.number for one in found], len(found) + 1
    for place, (group, look) in enumerate(GROUPS.items()):
        figure.add_annotation(
            text=f"{look.sign} {group}",
            font={"color": look.colour(dark)},
            x=0,
            xref="paper",
            xanchor="left",
            y=place * each,
            showarrow=False,
        )
        shown = [(one, one.scores[score][group]) for one in found if group in one.scores[score]]
        quantiles = list(zip(*(five for _, five in shown), strict=True))
        if not quantiles:
            continue
        low, first, middle, third, high = quantiles
        figure.add_trace(
            go.Box(
                y=[place * each + 1 + every.index(one.number) for one, _ in shown],
                lowerfence=low,
                q1=first,
                median=middle,
                q3=third,
                upperfence=high,
                orientation="h",
                marker_color=look.colour(dark),
                line_width=1.5,
                width=0.6,
                showlegend=False,
            )
        )
    rows = [
        (place * each + 1 + row, f"round {one.number}") for place in range(len(GROUPS)) for row, one in enumerate(found)
    ]
    styled(figure, dark=dark, height=ROUND * each * len(GROUPS) + 56)
    figure.update_yaxes(
        range=[each * len(GROUPS) - 0.5, -0.5],
        tickvals=[at for at, _ in rows],
        ticktext=[name for _, name in rows],
        showgrid=False,
        fixedrange=True,
    )
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
