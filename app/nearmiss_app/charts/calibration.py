"""Reliability of the probabilities, estimated against judged by bin; and the weight of each signal."""

from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from nearmiss.calibration import Calibration
from nearmiss.calibration.signals import in_words
from nearmiss_app import theme
from nearmiss_app.charts.style import GRID, INK, styled

WIDEST = 28  # characters in a line of a signal's name: on a phone the bars need room too


def reliability(measured: dict[str, Any], *, dark: bool) -> go.Figure:
    """Estimated against judged probability by bin, with 95% intervals; on the diagonal both are equal."""
    mode = "dark" if dark else "light"
    look = theme.STATUS["known_positive"]
    made = go.Figure()
    made.add_trace(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            name="exactly as estimated",
            line={"color": GRID[mode], "width": 2},
            hoverinfo="skip",
        )
    )
    made.add_trace(_judged_by_bin(measured["curve"], look.colour(dark)))
    made.update_xaxes(title="estimated", tickformat=".0%", range=[-0.02, 1.02])
    made.update_yaxes(title="judged answers", tickformat=".0%", range=[-0.02, 1.02])
    made = styled(made, dark=dark, height=380)
    made.update_layout(margin={"t": 32}, font={"color": INK[mode]})
    return made


def _judged_by_bin(bins: list[dict[str, Any]], colour: str) -> go.Scatter:
    """What people judged in each bin, with 95% intervals."""
    return go.Scatter(
        x=[one["estimated"] for one in bins],
        y=[one["judged"] for one in bins],
        error_y={
            "type": "data",
            "array": [one["high"] - one["judged"] for one in bins],
            "arrayminus": [one["judged"] - one["low"] for one in bins],
            "color": colour,
        },
        mode="markers+lines",
        name="judged answers, with 95% interval",
        marker={"color": colour, "size": 9},
        line={"color": colour, "width": 1},
        customdata=[one["labels"] for one in bins],
        hovertemplate="estimated %{x:.1%}, judged answers %{y:.1%} of %{customdata} judgements<extra></extra>",
    )


def in_words_of(measured: dict[str, Any]) -> str:
    """The curve as text, for screen readers."""
    parts = [f"{one['estimated']:.0%} estimated, {one['judged']:.0%} judged answers" for one in measured["curve"]]
    return "Reliability: " + "; ".join(parts) + "."


def weights(calibration: Calibration, *, dark: bool) -> go.Figure:
    """What one standard deviation of each signal adds to the logit, the largest on top."""
    known = sorted(_weighed(calibration), key=lambda one: abs(one[0]))
    look = theme.STATUS["too_close"]
    bars = go.Bar(
        x=[weight for weight, _ in known],
        y=["<br>".join(wrap(words, WIDEST)) for _, words in known],
        orientation="h",
        marker={"color": look.colour(dark)},
        hovertemplate="%{y}: %{x:+.2f}<extra></extra>",
    )
    made = styled(go.Figure(bars), dark=dark, height=60 + 34 * len(known))
    made.update_xaxes(title="log-odds", nticks=5)
    return made


def weights_in_words(calibration: Calibration) -> str:
    """The same as text, for screen readers."""
    return "Weights: " + "; ".join(f"{words} {weight:+.2f}" for weight, words in _weighed(calibration)) + "."


def _weighed(calibration: Calibration) -> list[tuple[float, str]]:
    named = zip(calibration.names, calibration.weights, strict=True)
    return [(weight, in_words(name)) for name, weight in named if weight]
