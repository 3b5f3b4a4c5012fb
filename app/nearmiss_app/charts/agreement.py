"""The agreement page's figures: a dot with whiskers in each row; no Streamlit inside."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from nearmiss.agreement import AC1, ALPHA, COHEN, FLEISS, GOOD, RAW, Agreement, AgreementEstimate, TwoPeople
from nearmiss.counts import counted
from nearmiss_app.charts.agreement_words import NAME, SHORT_NAME, safe, shortened
from nearmiss_app.charts.style import GRID, INK, styled
from nearmiss_app.theme import VERDICT

NAMES = {
    RAW: "Same verdict",
    AC1: "Gwet's AC1",
    ALPHA: "Krippendorff's alpha",
    FLEISS: "Fleiss' kappa",
    COHEN: "Cohen's kappa",
}
ACCENT = {"light": "#2456a6", "dark": "#8ab4f8"}
ROW, FRAME = 34, 56  # pixels: of a row, and of what is above and below them


@dataclass(frozen=True)
class Dot:
    """One row of a picture: its name, its values, and whether it is the one to read."""

    name: str
    estimate: AgreementEstimate
    strong: bool = False
    colour: str = ""


def coefficients(found: Agreement, *, dark: bool) -> go.Figure:
    """Every coefficient with its interval, the one to read first."""
    order = sorted(found.coefficients, key=lambda name: (name != found.to_read, list(NAMES).index(name)))
    dots = [Dot(NAMES[name], found.coefficients[name], name == found.to_read) for name in order]
    return whiskers(dots, dark=dark, number=coefficient, mark=GOOD)


def by_verdict(found: Agreement, words: Callable[[str], str], *, dark: bool) -> go.Figure:
    """For each verdict, how often another person gives the same one."""
    looks = {verdict: VERDICT[verdict] for verdict in found.by_verdict}
    dots = [
        Dot(f"{looks[verdict].sign} {words(verdict)}", one, True, looks[verdict].colour(dark))
        for verdict, one in found.by_verdict.items()
    ]
    return whiskers(dots, dark=dark, number=percent)


def with_themselves(found: Agreement, *, dark: bool) -> go.Figure:
    """How often each person gave the same verdict when a pair was shown again."""
    dots = [Dot(_name(person), one, True) for person, one in found.with_themselves.items()]
    return whiskers(dots, dark=dark, number=percent)


def between(shown: Sequence[TwoPeople], *, dark: bool) -> go.Figure:
    """The kappa of each two people; those who differ most come first."""
    dots = [Dot(f"{_name(one.first, SHORT_NAME)} and {_name(one.second, SHORT_NAME)}", one.kappa) for one in shown]
    return whiskers(dots, dark=dark, number=coefficient)


def whiskers(
    dots: Sequence[Dot], *, dark: bool, number: Callable[[float], str], mark: float | None = None
) -> go.Figure:
    """One row each: a dot, its 95% limits, and both as numbers. `mark` is a value worth reaching."""
    mode = "dark" if dark else "light"
    figure = go.Figure()
    for row, dot in enumerate(dots):
        _add_dot(figure, row, dot, number, mode)
    for row, dot in enumerate(dots):
        figure.add_annotation(
            x=1, xref="paper", y=row, text=_dot_label(dot, number), showarrow=False, xanchor="left", xshift=12
        )
    styled(figure, dark=dark, height=FRAME + ROW * max(len(dots), 1))
    _set_axes(figure, dots, number)
    figure.add_vline(x=0, line={"color": GRID[mode], "width": 2})
    if mark is not None:
        figure.add_vline(x=mark, line={"color": INK[mode], "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=mark, y=1, yref="paper", yanchor="bottom", text=f"good from {mark:g}", showarrow=False, font={"size": 13}
        )
    figure.update_layout(margin={"l": 8, "r": 172, "t": 24 if mark is not None else 8, "b": 8})
    return figure


def _add_dot(figure: go.Figure, row: int, dot: Dot, number: Callable[[float], str], mode: str) -> None:
    """The dot of a row with its limits; none where it cannot be told."""
    one, colour = dot.estimate, dot.colour or (ACCENT[mode] if dot.strong else INK[mode])
    if one.value is None or one.low is None or one.high is None:
        return
    figure.add_scatter(
        x=[one.value],
        y=[row],
        error_x={
            "array": [one.high - one.value],
            "arrayminus": [one.value - one.low],
            "color": colour,
            "thickness": 2 if dot.strong else 1.25,
            "width": 5,
        },
        marker={"color": colour, "size": 11 if dot.strong else 8},
        hovertemplate=f"{number(one.value)}, with 95% certainty {_limits(one, number)}<br>"
        f"{counted(one.pairs, 'pair')}<extra></extra>",
        showlegend=False,
    )


def _set_axes(figure: go.Figure, dots: Sequence[Dot], number: Callable[[float], str]) -> None:
    """Names of the rows, the first on top; values from 0, or from the lowest limit, to 1."""
    names = [f"<b>{dot.name}</b>" if dot.strong and not dot.colour else dot.name for dot in dots]
    figure.update_yaxes(
        tickvals=list(range(len(dots))), ticktext=names, range=[len(dots) - 0.5, -0.5], showgrid=False, fixedrange=True
    )
    left = min([0.0, *(dot.estimate.low for dot in dots if dot.estimate.low is not None)]) - 0.03
    ticks = [tick for tick in (-1.0, -0.5, 0.0, 0.5, 1.0) if tick >= left]
    figure.update_xaxes(range=[left, 1.03], tickvals=ticks, ticktext=[number(tick) for tick in ticks], fixedrange=True)


def coefficient(value: float) -> str:
    """A coefficient with a proper minus sign, and never "-0"."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def percent(value: float) -> str:
    """A share."""
    return f"{value:.0%}"


def in_words(dots: Iterable[tuple[str, AgreementEstimate]], number: Callable[[float], str]) -> str:
    """The same as text, for screen readers."""
    sentences = (
        f"{name} {number(one.value)}, {_limits(one, number)}" if one.value is not None else f"{name} cannot be told"
        for name, one in dots
    )
    return "; ".join(sentences)


def _name(person: str, longest: int = NAME) -> str:
    # Isolated, so that a right-to-left name does not reorder the rest of its line.
    return f"\u2068{safe(shortened(person, longest))}\u2069"


def _dot_label(dot: Dot, number: Callable[[float], str]) -> str:
    if dot.estimate.value is None:
        return "cannot be told"
    value = number(dot.estimate.value)
    return f"{f'<b>{value}</b>' if dot.strong else value}  ({_limits(dot.estimate, number)})"


def _limits(one: AgreementEstimate, number: Callable[[float], str]) -> str:
    return f"{number(one.low or 0.0)} to {number(one.high or 0.0)}"
