"""A ceiling's trade-off: false negatives left in, good negatives lost and queries left short, over its stops."""

import plotly.graph_objects as go

from nearmiss.session.ceiling_risk import TARGET, CeilingRisk
from nearmiss_app import theme
from nearmiss_app.charts.style import INK, styled

HEIGHT = 340
LEGEND = {"font": {"size": 14}, "entrywidth": 265}  # pixels, besides the sign: as long as the longest name
AXIS = {
    "max_p_relevant": "ceiling: chance of being an answer at most",
    "relative_margin": "ceiling: share of the positive's score below it",
    "absolute_margin": "ceiling: gap below the positive's score",
    "max_score": "ceiling: teacher score",
}


def figure(found: CeilingRisk, *, dark: bool) -> go.Figure:
    """The curves, over those stops that have a number."""
    made = go.Figure()
    stops = [stop for stop in found.stops if stop is not None]
    count = len(stops)
    answers, good, few = (theme.STATUS[name].colour(dark) for name in ("too_close", "kept", "over_quota"))
    if found.measured is not None:
        band = found.measured.false_negative_rate
        edges = {"x": stops, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        made.add_trace(go.Scatter(y=band.high[:count], **edges))
        made.add_trace(go.Scatter(y=band.low[:count], fill="tonexty", fillcolor=see_through(answers), **edges))
        made.add_trace(_line(stops, band.estimate[:count], "answers among kept, measured", answers, "solid"))
        lost = found.measured.over_filtering
        made.add_trace(_line(stops, lost.estimate[:count], "good ones among refused, measured", good, "solid"))
    estimated = found.estimated
    made.add_trace(_line(stops, estimated.false_negative_rate[:count], "answers among kept, estimated", answers, "dot"))
    if found.by_models is not None:
        made.add_trace(_line(stops, found.by_models[:count], "answers among kept, with models", answers, "dashdot"))
    if found.measured is None:
        made.add_trace(_line(stops, estimated.over_filtering[:count], "good among refused, estimated", good, "dot"))
    made.add_trace(_line(stops, estimated.short[:count] / max(found.queries, 1), "queries left short", few, "dash"))
    now = found.stops[found.now]
    if now is not None:
        made.add_vline(x=now, line={"color": INK["dark" if dark else "light"], "width": 2})
        made.add_annotation(text="now", x=now, y=1, yref="paper", xanchor="left", xshift=4, showarrow=False)
    made.add_hline(y=TARGET, line={"color": answers, "width": 1, "dash": "dash"})
    made.update_xaxes(title=AXIS[found.field], range=list(span(found)))
    made.update_yaxes(tickformat=".0%", rangemode="tozero", range=[0, 1])
    made.update_layout(hovermode="x unified")
    return framed(made, HEIGHT, dark=dark)


def framed(made: go.Figure, height: int, *, dark: bool) -> go.Figure:
    """The chart with its legend above, at the size at which two stand one over the other."""
    made = styled(made, dark=dark, height=height)
    made.update_layout(margin={"t": 84}, legend=LEGEND, font_size=14)
    made.update_xaxes(title_font_size=14)
    made.update_yaxes(title_font_size=14)
    return made


def in_words(found: CeilingRisk) -> str:
    """The curves' values at the ceiling in force as text, for screen readers."""
    estimated = found.estimated
    parts = [f"estimated {estimated.false_negative_rate[found.now]:.1%} answers among the kept"]
    if found.measured is not None:
        band = found.measured.false_negative_rate
        parts.insert(0, f"measured {band.estimate[found.now]:.1%}")
    if found.by_models is not None:
        parts.append(f"with what models said {found.by_models[found.now]:.1%}")
    parts.append(f"{int(estimated.short[found.now]):,} of {found.queries:,} queries left short")
    return "At this ceiling: " + "; ".join(parts) + "."


def _line(x: list[float], y: object, name: str, colour: str, dash: str) -> go.Scatter:
    style = {"color": colour, "width": 2, "dash": dash}
    return go.Scatter(x=x, y=y, name=name, mode="lines", line=style, hovertemplate="%{y:.1%}")


def span(found: CeilingRisk) -> tuple[float, float]:
    """The ends of the axis, strict to loose: the same for every chart along the ceiling."""
    stops = [stop for stop in found.stops if stop is not None]
    room = 0.02 * (stops[-1] - stops[0])
    return stops[0] - room, stops[-1] + room


def see_through(colour: str) -> str:
    """The colour of a band."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
