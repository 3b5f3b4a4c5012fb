"""How every figure looks, so that no page invents its own."""

import plotly.graph_objects as go

INK = {"light": "#1d2228", "dark": "#e6e6e3"}
GRID = {"light": "#e4e4de", "dark": "#2b3138"}
# The signs that Plotly has a symbol for; the others are written.
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
    "◆": "diamond",
    "◇": "diamond-open",
    "⬟": "pentagon",
    "↥": "arrow-bar-up-open",
    "↧": "arrow-bar-down-open",
}


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
    )
    figure.update_xaxes(gridcolor=GRID[mode], zeroline=False, automargin=True, title_standoff=8)
    figure.update_yaxes(gridcolor=GRID[mode], zeroline=False, automargin=True, title_standoff=8)
    return figure
