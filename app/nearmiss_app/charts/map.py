"""The map, and the strip of true cosines beside it."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from nearmiss.maps import Around, Atlas
from nearmiss_app.charts.map_labels import TopicLabel, Window
from nearmiss_app.charts.map_layers import MANY, OTHERS, Layer
from nearmiss_app.charts.style import INK, SYMBOLS, styled

PAPER = {"light": "#fbfbf9", "dark": "#15181c"}
QUIET = {"light": "#5c6370", "dark": "#a9b1bd"}
WIDTH, LOWEST = 600, 360  # pixels
HIGHEST, HIGHEST_AROUND = 600, 420
BUTTONS = 32  # pixels above the map
SMALL = 5000  # points of a picture that is drawn as SVG, with texts on hover; WebGL draws larger ones
LABEL = 70  # characters
BINS = 40  # of the density, in each direction
ACCENT = {"light": "#2456a6", "dark": "#8ab4f8"}
FOUND = {"light": "#b3430f", "dark": "#f5a26b"}


def map_figure(
    atlas: Atlas,
    drawn: Sequence[Layer],
    around: Around | None,
    read: int | None,
    *,
    dark: bool,
    found: Sequence[int] = (),
    dense: bool = False,
    labels: Sequence[TopicLabel] = (),
) -> go.Figure:
    """
    The whole map, or what lies around one query; `customdata` numbers points.

    The point `read` stands in a ring, those `found` by a search in small ones; `dense` shades where documents crowd,
    and `labels` are written over them.
    """
    mode = "dark" if dark else "light"
    # All traces are of one kind: Plotly draws WebGL over SVG, whatever the order.
    small = sum(len(layer.points) for layer in drawn) <= SMALL
    kind = go.Scatter if small else go.Scattergl
    figure = go.Figure([kind(_trace(atlas, layer, small, dark)) for layer in drawn])
    if dense:
        figure.add_trace(_density(atlas, dark))
        figure.data = (figure.data[-1], *figure.data[:-1])  # below the points
    window = shown_window(atlas, around)
    styled(figure, dark=dark, height=map_height(window, around) + BUTTONS)
    # Not to one scale: a phone's picture is high and narrow, and would be empty above and below.
    figure.update_xaxes(visible=False, range=window[:2])
    figure.update_yaxes(visible=False, range=window[2:])
    if read is not None:
        figure.add_trace(kind(_rings(atlas, [read], 24, INK[mode])))
    if len(found):
        figure.add_trace(kind(_rings(atlas, list(found), 13, FOUND[mode]), name="found"))
    for label in labels:
        _write(figure, label, window, dark)
    figure.update_layout(
        hovermode="closest",
        dragmode="pan",
        # Plotly's own legend would take its room from the map.
        showlegend=False,
        margin={"l": 0, "r": 0, "t": BUTTONS, "b": 0},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": QUIET[mode], "activecolor": INK[mode]},
        # The zoom stays when the colouring changes.
        uirevision=around.query_id if around is not None else "whole",
    )
    return figure


def _rings(atlas: Atlas, points: list[int], size: int, colour: str) -> dict:
    """A ring around each of these points."""
    ring = {"symbol": "circle-open", "size": size, "color": colour, "line": {"width": 2}}
    return {"x": atlas.map.x[points], "y": atlas.map.y[points], "mode": "markers", "marker": ring, "hoverinfo": "skip"}


def legend(drawn: Sequence[Layer], *, dark: bool) -> str:
    """Sign, name and number of points of each layer, the topmost first, as HTML."""
    entries = [
        f"<span style='white-space:nowrap'><span aria-hidden='true' style='color:{layer.look.colour(dark)}'>"
        f"{layer.sign}</span>&nbsp;{html.escape(layer.name)}"
        f" <span style='color:{QUIET['dark' if dark else 'light']}'>{layer.count}</span></span>"
        for layer in reversed(drawn)
    ]
    return (
        "<div style='display:flex;flex-wrap:wrap;gap:2px 18px;font-size:0.875rem;font-variant-numeric:tabular-nums'>"
        f"{''.join(entries)}</div>"
    )


def score_bars(scores: np.ndarray, chosen: np.ndarray, *, dark: bool) -> go.Figure:
    """The documents by their highest score, and the chosen ones among them; both (n,), `chosen` of bool."""
    mode = "dark" if dark else "light"
    known = np.isfinite(scores)
    edges = np.histogram_bin_edges(scores[known], 40) if known.any() else np.array([0.0, 1.0])
    figure = go.Figure()
    for name, rows, colour in (("all", known, OTHERS), ("chosen", known & chosen, None)):
        counts = np.histogram(scores[rows], edges)[0]
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            name=name,
            marker={"color": colour.colour(dark) if colour else ACCENT[mode], "line": {"width": 0}},
            hovertemplate="%{y:,} " + name + "<br>around %{x:.2f}<extra></extra>",
        )
    styled(figure, dark=dark, height=170)
    figure.update_layout(barmode="overlay", bargap=0, dragmode="select", selectdirection="h", showlegend=False)
    figure.update_yaxes(showticklabels=False, showgrid=False, fixedrange=True)
    figure.update_xaxes(title={"text": "highest score of a document", "font": {"size": 13}}, nticks=5)
    return figure


def shown_window(atlas: Atlas, around: Around | None) -> Window:
    """What the picture shows: all points, or those around a query."""
    return around.window if around is not None and around.window is not None else atlas.window


def map_height(window: Window, around: Around | None) -> int:
    """The height of the points' picture in pixels, so that at WIDTH both axes have about one scale."""
    left, right, bottom, top = window
    highest = HIGHEST if around is None else HIGHEST_AROUND
    return int(np.clip(WIDTH * (top - bottom) / (right - left), LOWEST, highest))


def shortened(text: str) -> str:
    """The text's beginning, in one line."""
    line = " ".join(text[: 4 * LABEL].split())
    return line if len(line) <= LABEL else line[: LABEL - 1] + "…"


def _trace(atlas: Atlas, layer: Layer, named: bool, dark: bool) -> dict:
    points = layer.points.astype(np.int32)
    shown = {"hovertemplate": f"{html.escape(layer.name)}<extra></extra>"}
    if named:
        texts = [html.escape(shortened(text)) for text in atlas.texts(points.tolist(), 4 * LABEL)]
        shown = {"hovertext": texts, "hovertemplate": "%{hovertext}<extra></extra>"}
    place = {"x": atlas.map.x[points], "y": atlas.map.y[points], "customdata": points}
    return {**place, "name": html.escape(layer.name), **_sign(layer, dark), **shown}


def _sign(layer: Layer, dark: bool) -> dict:
    """What Plotly needs to draw a layer's sign: a symbol, or the sign as text where it has none."""
    if layer.sign in SYMBOLS:
        return {
            "mode": "markers",
            "marker": _marker(layer, dark),
            "selected": {"marker": {"opacity": layer.opacity}},
            "unselected": {"marker": {"opacity": 0.3 * layer.opacity}},
        }
    font = {"size": 1.7 * layer.size, "color": layer.look.colour(dark)}
    unselected = {"textfont": {"color": OTHERS.colour(dark)}}
    return {"mode": "text", "text": layer.sign, "textfont": font, "unselected": unselected}


def _marker(layer: Layer, dark: bool) -> dict:
    symbol = SYMBOLS[layer.sign]
    marker = {"symbol": symbol, "size": layer.size, "color": layer.look.colour(dark), "opacity": layer.opacity}
    if "-open" in symbol or len(layer.points) > MANY or layer.look is OTHERS:
        return marker
    # A rim of the page's colour keeps crowded points apart.
    return marker | {"line": {"width": 0.6, "color": PAPER["dark" if dark else "light"]}}


def _density(atlas: Atlas, dark: bool) -> go.Histogram2dContour:
    """Where documents crowd, as shades of the page's own ink."""
    ink = "230,230,227" if dark else "29,34,40"
    documents = slice(0, atlas.map.documents)
    return go.Histogram2dContour(
        x=atlas.map.x[documents],
        y=atlas.map.y[documents],
        nbinsx=BINS,
        nbinsy=BINS,
        ncontours=8,
        colorscale=[[0, f"rgba({ink},0)"], [1, f"rgba({ink},0.4)"]],
        contours={"coloring": "fill"},
        line={"width": 0, "smoothing": 1.2},
        showscale=False,
        hoverinfo="skip",
        name="density",
    )


def _write(figure: go.Figure, label: TopicLabel, window: Window, dark: bool) -> None:
    left, right, bottom, top = window
    figure.add_annotation(
        x=left + label.x * (right - left),
        y=bottom + label.y * (top - bottom),
        text=html.escape(label.words),
        font={"size": 13, "color": INK["dark" if dark else "light"]},
        showarrow=False,
        bgcolor=PAPER["dark" if dark else "light"],
        opacity=0.8,
        borderpad=0,
    )
