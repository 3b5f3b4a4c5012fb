"""What the overview draws: trees of elements for clickable pictures, figures for the rest."""

from collections.abc import Iterable
from itertools import pairwise

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nearmiss.counts import counted
from nearmiss.reports.funnel import SourceOverlap
from nearmiss.session.overview import (
    REFUSED,
    FunnelStep,
    Histogram,
    JudgedCounts,
    Overview,
    RowFilter,
    RunSummary,
)
from nearmiss_app.charts.nodes import Node, node
from nearmiss_app.charts.overview_lists import listed, sign
from nearmiss_app.charts.style import GRID, styled
from nearmiss_app.theme import STATUS, VERDICT, Look, source_word

ALL = "all"  # in the place of a status: every row
GROUPS = {"positives": "known_positive", "kept": "kept", "refused": REFUSED}
GROUP_LOOKS = {"positives": STATUS["known_positive"], "kept": STATUS["kept"], "refused": STATUS["over_quota"]}
SETS_SHOWN = 10
TALLEST = 128  # pixels


def heading(title: str, says: str) -> Node:
    """The heading of a part of the page, and what can be done there."""
    return node("div", "part", node("h2", "", title), node("p", "quiet", says))


def about(run: RunSummary, found: Overview, name: str, *, dark: bool) -> Node:
    """What the run is, in a sentence, and the numbers that matter most."""
    short = len(found.short)
    figures = [
        ("candidates found", f"{found.candidates:,}"),
        ("kept as hard negatives", f"{found.kept:,}"),
        ("queries have too few", f"{short:,} of {found.queries:,}"),
        ("pairs judged by people", f"{found.judged.pairs:,}"),
    ]
    return node(
        "div",
        "about",
        node("p", "text", sentence(run, name)),
        node(
            "dl", "figures", *(node("div", "", node("dt", "", term), node("dd", "", value)) for term, value in figures)
        ),
        _judged(found.judged, dark),
    )


def sentence(run: RunSummary, name: str) -> str:
    """A description of the run for someone who sees it for the first time."""
    which = f"round {run.number} of {len(run.rounds)}" if len(run.rounds) > 1 else "one round"
    depths = {depth for _, depth in run.sources}
    each = "" if len(depths) == 1 else " (first {:,})"
    sources = listed([source_word(source) + each.format(depth) for source, depth in run.sources])
    if len(depths) == 1:
        sources = f"the first {depths.pop():,} of {sources}"
    teacher = (
        f"The teacher {run.teacher} scored each of them."
        if run.teacher
        else "No teacher was asked: the encoder's own score stands in for it."
    )
    return (
        f"{name}, {which}: candidates for {counted(run.queries, 'query')} among "
        f"{counted(run.documents, 'document')}, {sources}, "
        f"with the encoder {run.encoder}. {teacher}"
    )


def _judged(judged: JudgedCounts, dark: bool) -> Node | None:
    if not judged.pairs:
        return None
    people = listed([f"{reviewer} {count:,}" for reviewer, count in judged.reviewers])
    verdicts = [
        node("span", "", sign(VERDICT[verdict], dark), f"{count:,} {VERDICT[verdict].word}")
        for verdict, count in judged.verdicts.items()
        if count
    ]
    return node("div", "judged", node("span", "text quiet", f"Judged by {people}:"), *verdicts)


def pictures(found: Overview, wanted: RowFilter, *, dark: bool) -> Node:
    """The funnel beside what the sources found, with the current selection marked."""
    return node("div", "pair", _funnel(found, wanted, dark), _sets(found, wanted, dark))


def _funnel(found: Overview, wanted: RowFilter, dark: bool) -> Node:
    plain = wanted.sources is None and not wanted.score
    asked = (wanted.status or ALL) if plain else ""
    refusing = [step for step in found.funnel if step.refused]
    idle = [STATUS[step.status].word for step in found.funnel if not step.refused]
    heads = node(
        "div",
        "step heads",
        node("span", ""),
        node("span", ""),
        node("span", "number", "refused"),
        node("span", "number", "left"),
        aria_hidden="true",
    )
    rows = [
        _step(FunnelStep(ALL, 0, found.candidates), found.candidates, None, asked, dark),
        *(_step(step, found.candidates, STATUS[step.status], asked, dark) for step in refusing),
        _step(FunnelStep("kept", 0, found.kept), found.candidates, STATUS["kept"], asked, dark),
    ]
    return node(
        "section",
        "part",
        heading("From found to kept", "Each rule refuses some of what is left. Press a step to read its rows."),
        node("div", "steps", heads, *rows),
        node("p", "quiet", f"Refused nothing: {', '.join(idle)}.") if idle else None,
    )


def _step(step: FunnelStep, all_rows: int, look: Look | None, asked: str, dark: bool) -> Node:
    word = look.word if look else "found"
    own = step.left if step.status == "kept" else step.refused
    left = 0 if step.status == "kept" else step.left
    label = f"{word}: {step.refused:,} refused, {step.left:,} left" if step.refused else f"{word}: {step.left:,}"
    return node(
        "button",
        "step last" if step.status == "kept" else "step",
        node("span", "", sign(look, dark) if look else node("span", "sign"), node("span", "", word)),
        node(
            "span",
            "bar",
            node("span", "left", __left=_share(left, all_rows)),
            node("span", "own", __share=_share(own, all_rows), __least="2px" if own else "0"),
            __own=look.colour(dark) if look else "transparent",
        ),
        node("span", "number", f"{step.refused:,}" if step.refused else ""),
        node("span", "number", f"{step.left:,}"),
        press={"status": step.status},
        title=look.says if look else "every candidate that any source found, and every labelled pair",
        aria_label=f"{label}. Show the rows",
        aria_pressed="true" if asked == step.status else "false",
    )


def _sets(found: Overview, wanted: RowFilter, dark: bool) -> Node:
    sources = list(found.positives_found)
    shown, rest = found.together[:SETS_SHOWN], found.together[SETS_SHOWN:]
    most = max((entry.found for entry in shown), default=1)
    stripes = [node("div", "stripe", style=f"grid-row: {row}") for row in range(2, len(sources) + 2, 2)]
    names = [
        node(
            "div",
            "source",
            node("span", "text", source_word(source)),
            node("span", "quiet", f"{sum(entry.found for entry in found.together if source in entry.sources):,}"),
            style=f"grid-row: {row}",
        )
        for row, source in enumerate(sources, start=2)
    ]
    columns = [
        _set(entry, sources, column, most, wanted.sources == entry.sources, dark)
        for column, entry in enumerate(shown, start=2)
    ]
    answers = listed([f"{source_word(source)} {share:.1%}" for source, share in found.positives_found.items()])
    return node(
        "section",
        "part",
        heading(
            "Found alone and together", "A bar counts what exactly the dotted sources found; its foot is what was kept."
        ),
        node("div", "sets", *stripes, *names, *columns, __sets=str(len(shown)), __sources=str(len(sources))),
        node("p", "quiet text", f"Of the labelled answers, found by {answers}."),
        node("p", "quiet", f"{len(rest)} rarer combinations are not drawn.") if rest else None,
    )


def _set(entry: SourceOverlap, sources: list[str], column: int, most: int, asked: bool, dark: bool) -> Node:
    kept = _pixels(entry.kept, most)
    own = [row for row, source in enumerate(sources, start=2) if source in entry.sources]
    # The first row of the button is the bar's, the next ones are the sources'.
    thread = node("span", "thread", style=f"grid-row: {own[0]} / {own[-1] + 1}") if len(own) > 1 else None
    dots = [
        node("span", "dot in" if row in own else "dot", style=f"grid-row: {row}") for row in range(2, len(sources) + 2)
    ]
    words = f"only {listed([source_word(source) for source in entry.sources])}" if own else "no source, only a label"
    label = f"Found by {words}: {entry.found:,}, of these {entry.kept:,} kept"
    bar = node(
        "span",
        "column",
        node("span", "", f"{entry.found:,}"),
        node("span", "rest", __rest=f"{_pixels(entry.found, most) - kept}px"),
        node("span", "own", __share=f"{kept}px"),
        __own=STATUS["kept"].colour(dark),
        style="grid-row: 1",
    )
    return node(
        "button",
        "set",
        bar,
        thread,
        *dots,
        style=f"grid-column: {column}; grid-row: 1 / -1",
        press={"found": found_key(entry.sources)},
        title=label,
        aria_label=f"{label}. Show the rows",
        aria_pressed="true" if asked else "false",
    )


def found_key(sources: Iterable[str]) -> str:
    """A set of sources as written in the address and the report: bm25+dense, or none."""
    return "+".join(sources) or "none"


def found_words(sources: tuple[str, ...]) -> str:
    """A set of sources in plain words."""
    return f"only {listed([source_word(source) for source in sources])}" if sources else "no source"


def scores(histogram: Histogram, title: str, *, dark: bool) -> go.Figure:
    """How one score is distributed among positives, kept and refused: one row each over a shared axis."""
    figure = make_subplots(rows=len(GROUPS), shared_xaxes=True, vertical_spacing=0.13)
    edges = histogram.edges
    for row, (group, look) in enumerate(GROUP_LOOKS.items(), start=1):
        counts = histogram.counts[group]
        bars = go.Bar(
            x=edges[:-1],
            y=counts,
            width=edges[1] - edges[0],
            offset=0,
            marker={"color": look.colour(dark), "line": {"width": 0}},
            customdata=[[GROUPS[group], low, high] for low, high in pairwise(edges)],
            text=[f"{low:g} to {high:g}" for low, high in pairwise(edges)],
            textposition="none",
            hovertemplate=f"%{{y:,}} {group}<br>%{{text}}<extra></extra>",
            showlegend=False,
        )
        figure.add_trace(bars, row=row, col=1)
        figure.add_annotation(
            text=f"{look.sign} {group}  {sum(counts):,}",
            font={"color": look.colour(dark)},
            x=0,
            y=1,
            xref="x domain" if row == 1 else f"x{row} domain",
            yref="y domain" if row == 1 else f"y{row} domain",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
        )
    styled(figure, dark=dark, height=340)
    figure.update_layout(margin_t=28)  # for the first label
    mode = "dark" if dark else "light"
    figure.update_yaxes(showticklabels=False, showgrid=False, fixedrange=True)
    figure.update_xaxes(fixedrange=True, showline=True, linecolor=GRID[mode])
    figure.update_xaxes(title_text=title, row=len(GROUPS), col=1)
    figure.update_layout(hovermode="x", bargap=0)
    return figure


def scores_in_words(histogram: Histogram, title: str) -> str:
    """The same as text, for screen readers."""
    return f"{title}: " + "; ".join(
        f"most {group} between {histogram.edges[peak]:g} and {histogram.edges[peak + 1]:g}"
        for group, counts in histogram.counts.items()
        if any(counts)
        for peak in [counts.index(max(counts))]
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.3f}%"


def _pixels(part: int, most: int) -> int:
    # Even the smallest count stays visible.
    return max(round(TALLEST * part / max(most, 1)), 1) if part else 0
