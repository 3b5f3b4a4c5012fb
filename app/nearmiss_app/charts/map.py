"""The map, and the strip of true cosines beside it."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from nearmiss.maps import SHOWN_FIRST, Around, Atlas, Grouping, Groups
from nearmiss_app.charts.style import INK, SYMBOLS, styled
from nearmiss_app.theme import STATUS, VERDICT, Look, source_word


def _looks(*signs_and_colours: tuple[str, str, str]) -> tuple[Look, ...]:
    """Looks without a name: sign, colour on light, colour on dark."""
    return tuple(Look("", *one, "") for one in signs_and_colours)


# Groups without a look of their own; their signs differ as well as their colours.
CATEGORIES = _looks(
    ("●", "#0072b2", "#56a7e0"),
    ("▲", "#b3430f", "#f5a26b"),
    ("□", "#0b6e4f", "#4fd1a5"),
    ("✚", "#8a2f8f", "#e2a3e6"),
    ("◇", "#7a6200", "#e3c94f"),
    ("⬟", "#a3195b", "#ff8fb8"),
    ("○", "#00707a", "#5fd0da"),
    ("★", "#3c4a9e", "#9fb0ff"),
    ("△", "#8f3b00", "#ffb07a"),
    ("✖", "#4b6b00", "#b4d84a"),
    ("⊙", "#6b3fa0", "#c9a6ff"),
    ("▽", "#5c4633", "#cbb59c"),
)
# From the highest scores to the lowest: larger is more, and further from the page's own colour.
BANDS = _looks(
    ("●", "#08306b", "#e6f1fb"),
    ("●", "#1d5fa3", "#a8cdf0"),
    ("●", "#3f8cc9", "#6ba5da"),
    ("●", "#74aede", "#447db3"),
    ("●", "#a5c9e8", "#2f5d8a"),
)
BAND_SIZES = (1.4, 1.2, 1.0, 0.8, 0.65)
EACH_QUERY = Look("query", "◇", "#1d2228", "#ffffff", "")
QUERY = Look("query", "◆", "#1d2228", "#ffffff", "")
OTHERS = Look("other documents", "●", "#b4b8be", "#4a525c", "")
SMALL = 5000  # points of a picture that is drawn as SVG, with texts on hover; WebGL draws larger ones
MANY = 2000  # points of one look; more are discs or rings, since WebGL is slow with other symbols
BACKDROP = 2000  # other documents around a query
LABEL = 70  # characters
PAPER = {"light": "#fbfbf9", "dark": "#15181c"}
QUIET = {"light": "#5c6370", "dark": "#a9b1bd"}
WIDTH, LOWEST = 600, 360  # pixels
HIGHEST, HIGHEST_AROUND = 600, 420
BUTTONS = 32  # pixels above the map
LANE = 26


@dataclass(frozen=True)
class Layer:
    """Points that look alike: their numbers (n,), how they look, and how large, in pixels."""

    name: str
    points: np.ndarray
    look: Look
    size: float
    opacity: float = 1.0
    note: str = ""  # written at its middle
    of: int = 0  # how many there are, where not all are drawn

    @property
    def sign(self) -> str:
        """The sign as it is drawn."""
        if len(self.points) <= MANY:
            return self.look.sign
        return "○" if SYMBOLS.get(self.look.sign, "").endswith("-open") else "●"

    @property
    def count(self) -> str:
        """How many points, in words; nothing for a single one."""
        drawn = len(self.points)
        return f"{drawn:,} of {self.of:,}" if self.of > drawn else f"{drawn:,}" if drawn > 1 else ""


def layers(atlas: Atlas, by: Grouping, groups: Groups, around: Around | None) -> list[Layer]:
    """Layers from bottom to top: documents of no group, queries, groups from the last to the first."""
    size = 10 if around is not None else _size(len(atlas.map.ids))
    rest = _rest(atlas, by, groups, around, size)
    named = [
        Layer(
            name_of(atlas, by, name),
            np.flatnonzero(groups.of == place),
            look,
            size * factor,
            note=name if by == "cluster" else "",
        )
        for place, name in enumerate(groups.names)
        for look, factor in [_look(by, name, place)]
    ]
    drawn = (
        (rest, _all_queries(atlas), *reversed(named)) if around is None else (rest, *reversed(named), _query(around))
    )
    return [layer for layer in drawn if len(layer.points)]


def map_figure(
    atlas: Atlas, drawn: Sequence[Layer], around: Around | None, read: int | None, *, dark: bool
) -> go.Figure:
    """The whole map, or what lies around one query, the point `read` in a ring; `customdata` numbers points."""
    mode = "dark" if dark else "light"
    # All traces are of one kind: Plotly draws WebGL over SVG, whatever the order.
    small = sum(len(layer.points) for layer in drawn) <= SMALL
    kind = go.Scatter if small else go.Scattergl
    figure = go.Figure([kind(_trace(atlas, layer, small, dark)) for layer in drawn])
    window = around.window if around is not None and around.window is not None else atlas.window
    styled(figure, dark=dark, height=_height(window, HIGHEST if around is None else HIGHEST_AROUND))
    # Both axes to one scale, since a distance has no direction.
    figure.update_xaxes(visible=False, range=window[:2], scaleanchor="y")
    figure.update_yaxes(visible=False, range=window[2:])
    if read is not None:
        ring = {"symbol": "circle-open", "size": 24, "color": INK[mode], "line": {"width": 2}}
        place = {"x": atlas.map.x[[read]], "y": atlas.map.y[[read]]}
        figure.add_trace(kind(**place, mode="markers", marker=ring, hoverinfo="skip"))
    for layer in drawn:
        if layer.note:
            _write(figure, layer.note, atlas.middle(layer.points), dark)
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


def legend(drawn: Sequence[Layer], *, dark: bool) -> str:
    """Sign, name and number of points of each layer, the topmost first, as HTML."""
    entries = [
        f"<span style='white-space:nowrap'><span aria-hidden='true' style='color:{_colour(layer, dark)}'>"
        f"{layer.sign}</span>&nbsp;{html.escape(layer.name)}"
        f" <span style='color:{QUIET['dark' if dark else 'light']}'>{layer.count}</span></span>"
        for layer in reversed(drawn)
    ]
    return (
        "<div style='display:flex;flex-wrap:wrap;gap:2px 18px;font-size:0.875rem;font-variant-numeric:tabular-nums'>"
        f"{''.join(entries)}</div>"
    )


def strip_figure(around: Around, labels: Sequence[str], *, dark: bool) -> go.Figure:
    """The query's candidates by their true cosine, each status in its lane."""
    candidates = around.candidates
    present = [status for status in SHOWN_FIRST if candidates["status"].eq(status).any()]
    figure = go.Figure()
    for lane, status in enumerate(present):
        rows = np.flatnonzero(candidates["status"].eq(status))
        look = STATUS[status]
        layer = Layer(look.word, rows, look, 12 if look.sign == "★" else 8)
        figure.add_scatter(
            x=candidates["cosine"].to_numpy()[rows],
            y=np.full(len(rows), lane),
            **_sign(layer, dark),
            hovertext=[html.escape(shortened(labels[row])) for row in rows],
            hovertemplate="%{x:.3f}  %{hovertext}<extra></extra>",
        )
    styled(figure, dark=dark, height=LANE * len(present) + 48)
    figure.update_yaxes(
        tickvals=list(range(len(present))),
        ticktext=[STATUS[status].word for status in present],
        range=[len(present) - 0.5, -0.5],
        fixedrange=True,
    )
    figure.update_xaxes(title={"text": "cosine to the query", "font": {"size": 13}}, fixedrange=True, nticks=5)
    figure.update_layout(hovermode="closest", dragmode=False, showlegend=False)
    return figure


def _height(window: tuple[float, float, float, float], highest: int) -> int:
    """The figure's height, so that the window fills it."""
    left, right, bottom, top = window
    return int(np.clip(WIDTH * (top - bottom) / (right - left), LOWEST, highest)) + BUTTONS


def name_of(atlas: Atlas, by: Grouping, name: str) -> str:
    """A group's name in plain words."""
    if by == "status":
        return STATUS[name].word
    if by == "verdict":
        return VERDICT[name].word
    if by == "cluster":
        return " ".join([f"{name}.", *atlas.map.facts["clusters"]["words"][int(name)]])
    return _sources(name) if by == "source" else name


def shortened(text: str) -> str:
    """The text's beginning, in one line."""
    line = " ".join(text[: 4 * LABEL].split())
    return line if len(line) <= LABEL else line[: LABEL - 1] + "…"


def _rest(atlas: Atlas, by: Grouping, groups: Groups, around: Around | None, size: float) -> Layer:
    others = np.flatnonzero(groups.of < 0)
    if around is not None:
        name = "unjudged and other documents" if by == "verdict" else "other documents"
        return Layer(name, atlas.backdrop(others, around, BACKDROP), OTHERS, 5, 0.6, of=len(others))
    name = {"verdict": "not judged", "cluster": "smaller topics"}.get(by, "candidate of no query")
    return Layer(name, others, OTHERS, min(size, 5), 0.6)


def _all_queries(atlas: Atlas) -> Layer:
    points = np.arange(atlas.map.documents, len(atlas.map.ids))
    return Layer("query", points, EACH_QUERY, 1.5 * _size(len(atlas.map.ids)))


def _query(around: Around) -> Layer:
    return Layer("the query", np.array([] if around.point is None else [around.point], np.int64), QUERY, 18)


def _size(points: int) -> float:
    """A point's size on the whole map, in pixels: the more points, the smaller."""
    return next((size for most, size in ((500, 8), (3000, 6.5), (20_000, 5), (50_000, 3.5)) if points <= most), 2.5)


def _look(by: Grouping, name: str, place: int) -> tuple[Look, float]:
    """How a group looks, and how large beside the others."""
    if by == "status":
        return STATUS[name], 1.4 if name == "known_positive" else 1.0
    if by == "verdict":
        return VERDICT[name], 1.3
    if by == "score":
        return BANDS[place], BAND_SIZES[place]
    return CATEGORIES[place % len(CATEGORIES)], 1.0


def _sources(name: str) -> str:
    if name == "none":
        return "found by none"
    words = [source_word(source) for source in name.split("+")]
    return f"{words[0]} alone" if len(words) == 1 else " and ".join(words)


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
    font = {"size": 1.7 * layer.size, "color": _colour(layer, dark)}
    unselected = {"textfont": {"color": OTHERS.dark if dark else OTHERS.light}}
    return {"mode": "text", "text": layer.sign, "textfont": font, "unselected": unselected}


def _marker(layer: Layer, dark: bool) -> dict:
    symbol = SYMBOLS[layer.sign]
    marker = {"symbol": symbol, "size": layer.size, "color": _colour(layer, dark), "opacity": layer.opacity}
    if "-open" in symbol or len(layer.points) > MANY or layer.look is OTHERS:
        return marker
    # A rim of the page's colour keeps crowded points apart.
    return marker | {"line": {"width": 0.6, "color": PAPER["dark" if dark else "light"]}}


def _colour(layer: Layer, dark: bool) -> str:
    return layer.look.dark if dark else layer.look.light


def _write(figure: go.Figure, words: str, where: tuple[float, float], dark: bool) -> None:
    figure.add_annotation(
        x=where[0],
        y=where[1],
        text=f"<b>{html.escape(words)}</b>",
        showarrow=False,
        bgcolor=PAPER["dark" if dark else "light"],
        opacity=0.9,
        borderpad=2,
    )
