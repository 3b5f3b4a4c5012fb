"""The picture of a policy: every candidate drawn by its two scores, and the limits between kept and refused."""

import html

import numpy as np
import plotly.graph_objects as go

from app import theme
from app.charts.style import INK, SYMBOLS, styled
from mining.selection import STATUSES
from mining.tuning import Line, Picture
from mining.tuning.picture import FEWEST_OF_A_STATUS
from mining.workspace import Workspace

HEIGHT = 460
LEGEND = {
    "itemsizing": "constant",
    "traceorder": "reversed",
    "font": {"size": 12},
    "entrywidth": 120,  # pixels, besides the sign: as long as the longest word
}
SCALES = {
    "share": "teacher over positive, as a share",
    "gap": "teacher over positive",
    "score": "teacher score",
    "probability": "chance of being an answer",
}
# What a person looks for lies on top: what is kept, then what is too close to be.
ON_TOP = ("over_quota", "too_easy", "known_positive", "too_close", "kept")
PLAIN = ("known_positive", "too_close", "kept")


def figure(work: Workspace, picture: Picture, *, dark: bool) -> go.Figure:
    """Points by status, the one most looked for on top, and the limits as lines, or bands where queries differ."""
    made = go.Figure()
    present = [STATUSES[code] for code in np.unique(picture.status)]
    for status in sorted(present, key=lambda status: ON_TOP.index(status) if status in ON_TOP else -1):
        made.add_trace(_points(work, picture, status, dark=dark))
        if theme.STATUS[status].sign not in SYMBOLS:
            made.add_trace(_written_in_legend(status))
    for line, status, word in (
        (picture.ceiling, "too_close", "ceiling"),
        (picture.floor, "too_easy", "floor"),
    ):
        if line is not None:
            _add_limit(made, line, _colour(status, dark), word)
    made.update_xaxes(title="dense score")
    made.update_yaxes(title=SCALES[picture.scale], range=list(picture.frame))
    made.update_layout(hovermode="closest", uirevision=picture.scale)
    made = styled(made, dark=dark, height=HEIGHT)
    made.update_layout(margin={"r": 64, "t": 28}, legend=LEGEND)
    made.update_annotations(font={"color": INK["dark" if dark else "light"]})
    return made


def in_words(picture: Picture, counts: dict[str, int]) -> str:
    """What the picture shows, for those who do not see it."""
    shown = ", ".join(f"{counts[status]:,} {theme.STATUS[status].word}" for status in STATUSES if counts[status])
    limits = [
        f"{name} at {line.middle:.3g}" if line.is_straight else f"{name} between {line.low:.3g} and {line.high:.3g}"
        for name, line in (("ceiling", picture.ceiling), ("floor", picture.floor))
        if line is not None
    ]
    return f"Scatter of dense score against {SCALES[picture.scale]}. {'; '.join(limits) or 'No limit set'}. {shown}."


def what_is_drawn(picture: Picture) -> str:
    """How many candidates the points stand for."""
    drawn = len(picture.rows)
    if drawn == picture.of:
        said = f"All {drawn:,} candidates."
    else:
        share = f"of each status its share, at least {FEWEST_OF_A_STATUS}"
        said = f"{drawn:,} of {picture.of:,} candidates, drawn once: {share}."
    return said + (f" {picture.outside:,} of them lie outside the frame." if picture.outside else "")


def _points(work: Workspace, picture: Picture, status: str, *, dark: bool) -> go.Scattergl | go.Scatter:
    look, chosen = theme.STATUS[status], picture.status == STATUSES.index(status)
    colour, opacity = _colour(status, dark), 0.8 if status in PLAIN else 0.45
    shared = {
        "x": picture.dense[chosen],
        "y": picture.height[chosen],
        "name": look.word,
        "legendgroup": status,
        "opacity": opacity,
        "hovertext": [_named(*work.pair_at(row)) for row in picture.rows[chosen].tolist()],
        "hovertemplate": "%{hovertext}<br>dense %{x:.3f}, %{y:.3f}<extra>" + html.escape(look.word) + "</extra>",
    }
    if look.sign not in SYMBOLS:
        return go.Scatter(
            mode="text", text=look.sign, textfont={"color": colour, "size": 11}, showlegend=False, **shared
        )
    symbol = SYMBOLS[look.sign]
    line = {"width": 1 if symbol.endswith("-open") else 0, "color": colour}
    size = 6 if status in PLAIN else 5
    return go.Scattergl(
        mode="markers", marker={"symbol": symbol, "color": colour, "size": size, "line": line}, **shared
    )


def _written_in_legend(status: str) -> go.Scatter:
    """The legend shows no written sign by itself: an empty line of it that has one in its name."""
    look = theme.STATUS[status]
    nothing = {"x": [None], "y": [None], "mode": "markers", "marker": {"color": "rgba(0,0,0,0)"}}
    return go.Scatter(name=f"{look.sign} {look.word}", legendgroup=status, **nothing)


def _add_limit(made: go.Figure, line: Line, colour: str, word: str) -> None:
    if not line.is_straight:
        made.add_hrect(y0=line.low, y1=line.high, fillcolor=colour, opacity=0.12, line_width=0)
    dash = "solid" if line.is_straight else "dash"
    made.add_hline(y=line.middle, line={"color": colour, "width": 2, "dash": dash})
    made.add_annotation(text=word, x=1, xref="paper", y=line.middle, xanchor="left", xshift=6, showarrow=False)


def _named(query_id: str, doc_id: str) -> str:
    return html.escape(f"{query_id} · {doc_id}")


def _colour(status: str, dark: bool) -> str:
    look = theme.STATUS[status]
    return look.dark if dark else look.light
