"""Reliability of the probabilities, estimated against judged by bin; and the weight of each signal."""

import math
from typing import Any

import plotly.graph_objects as go

from nearmiss.calibration import Calibration
from nearmiss.calibration.signals import in_words
from nearmiss_app import theme
from nearmiss_app.charts.intervals import Row, rows
from nearmiss_app.charts.style import INK, styled


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
            line={"color": INK[mode], "width": 1, "dash": "dash"},
            hoverinfo="skip",
        )
    )
    made.add_trace(_judged_by_bin(measured["curve"], look.colour(dark)))
    ticks = {"tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1], "range": [-0.02, 1.02]}
    made.update_xaxes(title="estimated", **ticks)
    made.update_yaxes(title="judged answers", **ticks)
    made = styled(made, dark=dark, height=380)
    made.update_layout(margin={"t": 32, "r": 24}, font={"color": INK[mode]})
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


def weights(calibration: Calibration, *, dark: bool) -> str:
    """By what one standard deviation more of each signal multiplies the odds, those that matter most on top; HTML."""
    known = sorted(_weighed(calibration), key=lambda one: -abs(one[0]))
    colour = theme.STATUS["known_positive"].colour(dark)
    far = max((abs(weight) for weight, _ in known), default=1.0)
    shown = [
        Row(words, f"× {math.exp(weight):.2f}", "", min(weight, 0.0), weight, max(weight, 0.0), colour)
        for weight, words in known
    ]
    least = min([0.0, *(weight for weight, _ in known)])
    return rows(shown, (least, far), [(0.0, "no effect")], mark=0.0)


def _weighed(calibration: Calibration) -> list[tuple[float, str]]:
    named = zip(calibration.names, calibration.weights, strict=True)
    return [(weight, in_words(name)) for name, weight in named if weight]
