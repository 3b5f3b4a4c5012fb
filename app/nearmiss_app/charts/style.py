"""The common style of all figures."""

import plotly.graph_objects as go

INK = {"light": "#1d2228", "dark": "#e6e6e3"}
GRID = {"light": "#e4e4de", "dark": "#2b3138"}
# The signs that Plotly has a symbol for; the others are drawn as text.
SYMBOLS = {
    "●": "circle",
    "○": "circle-open",
    "⊙": "circle-open-dot",
    "★": "star",
    "✚": "cross",
    "✖": "x",
    "▲": "triangle-up",
    "△": "triangle-up-open",
    "▽": "triangle-down-open",
    "□": "square-open",
    "◇": "diamond-open",
    "⬟": "pentagon",
    "↥": "arrow-bar-up-open",
    "↧": "arrow-bar-down-open",
}
# The same signs as outlines between -1 and 1, for Vega, which takes any; those of SOLID are filled.
_RING = "M0,-1A1,1,0,1,1,0,1A1,1,0,1,1,0,-1Z"
PATHS = {
    "●": "circle",
    "★": "M0,-1.2L.28,-.39L1.14,-.37L.46,.15L.71,.97L0,.48L-.71,.97L-.46,.15L-1.14,-.37L-.28,-.39Z",
    "✚": "cross",
    "◐": "M0,-1A1,1,0,0,0,0,1Z M0,-1A1,1,0,0,1,0,1A1,1,0,0,0,0,-1Z",
    "≡": "M-1,-.7L1,-.7M-1,0L1,0M-1,.7L1,.7",
    "≈": "M-1,-.2C-.4,-1,.4,.4,1,-.4M-1,.6C-.4,-.2,.4,1.2,1,.4",
    "⊓": "M-.8,.9L-.8,-.8L.8,-.8L.8,.9",
    "↥": "M0,.6L0,-.9M-.5,-.4L0,-.9L.5,-.4M-.7,.9L.7,.9",
    "↧": "M0,-.6L0,.9M-.5,.4L0,.9L.5,.4M-.7,-.9L.7,-.9",
    "⊙": f"{_RING}M0,-.2A.2,.2,0,1,1,0,.2A.2,.2,0,1,1,0,-.2Z",
    "▲": "triangle-up",
    "▽": "triangle-down",
    "↷": "M-.9,.6C-.9,-.9,.6,-.9,.7,.2M.2,-.3L.7,.3L1.1,-.4",
    "⟳": "M.7,-.7A1,1,0,1,0,1,0M.8,-1.1L.8,-.6L.2,-.6",
    "○": "circle",
    "∅": f"{_RING}M-.9,.9L.9,-.9",
}
SOLID = {"●", "★", "✚", "◐", "▲"}


def styled(figure: go.Figure, *, dark: bool, height: int = 320) -> go.Figure:
    """The figure without ornament, in the page's colours, with room for its labels."""
    mode = "dark" if dark else "light"
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK[mode]},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        hoverlabel={"font": {"size": 13}},
        # Plotly's own titles of axes are larger than everything else.
        template_layout_xaxis_title_font_size=13,
        template_layout_yaxis_title_font_size=13,
    )
    figure.update_xaxes(gridcolor=GRID[mode], zeroline=False, automargin=True, title_standoff=8)
    figure.update_yaxes(gridcolor=GRID[mode], zeroline=False, automargin=True, title_standoff=8)
    return figure
