"""What students reach along a ceiling: nDCG@10 with its band, and what no filter, in-batch and the 95% rule reach."""

from collections.abc import Sequence

import plotly.graph_objects as go

from nearmiss.session.ceiling_risk import CeilingRisk
from nearmiss.training.trials.policies import IN_BATCH, MARGIN, NO_FILTER
from nearmiss.training.trials.trial_files import TrialPoint
from nearmiss_app.charts.ceiling_risk import AXIS, framed, see_through, span
from nearmiss_app.charts.style import INK
from nearmiss_app.theme import STATUS

HEIGHT = 300
DASHES = {IN_BATCH: "dot", NO_FILTER: "dash", MARGIN: "dashdot"}


def figure(risk: CeilingRisk, line: Sequence[tuple[float, TrialPoint]], every: Sequence[TrialPoint], *, dark: bool):
    """The student's line over the ceiling's stops, on the same axis as the chart above it."""
    made = go.Figure()
    look = STATUS["known_positive"]
    colour, ink = look.colour(dark), INK["dark" if dark else "light"]
    for trace in _band(line, colour):
        made.add_trace(trace)
    for name, dash in DASHES.items():
        for point in (one for one in every if one.is_called(name)):
            made.add_trace(
                go.Scatter(
                    x=list(span(risk)),
                    y=[point.ndcg, point.ndcg],
                    name=f"{name} {point.ndcg:.4f}",
                    mode="lines",
                    line={"color": ink, "width": 1.5, "dash": dash},
                    hovertemplate=f"{name} %{{y:.4f}}<extra></extra>",
                )
            )
    now = risk.stops[risk.now]
    if now is not None:
        made.add_vline(x=now, line={"color": ink, "width": 2})
    made.update_xaxes(title=AXIS[risk.field], range=list(span(risk)))
    made.update_yaxes(title="nDCG@10", tickformat=".2f")
    return framed(made, HEIGHT, dark=dark)


def _band(line: Sequence[tuple[float, TrialPoint]], colour: str) -> list[go.Scatter]:
    """The edges of the 95% band, with nothing drawn but what is between them, and the line in it."""
    x, own = [value for value, _ in line], [point for _, point in line]
    edges = {"x": x, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    return [
        go.Scatter(y=[point.high for point in own], **edges),
        go.Scatter(y=[point.low for point in own], fill="tonexty", fillcolor=see_through(colour), **edges),
        go.Scatter(
            x=x,
            y=[point.ndcg for point in own],
            name="along this ceiling, with 95% band",
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 8},
            hovertemplate="%{y:.4f}",
        ),
    ]


def in_words(line: Sequence[tuple[float, TrialPoint]]) -> str:
    """The line as text, for screen readers."""
    parts = [f"{value:g}: {point.ndcg:.4f} ({point.low:.4f} to {point.high:.4f})" for value, point in line]
    return "nDCG@10 of students by ceiling. " + ("; ".join(parts) or "None is trained yet.")
