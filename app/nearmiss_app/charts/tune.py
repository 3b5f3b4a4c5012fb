"""
The picture of a policy: every candidate drawn by its two scores, and the limits between kept and refused.

Drawn by Vega-Lite, whose specification stays the same while limits move: only the rows behind it are sent anew, and the
browser draws them into the picture that is there. Plotly's chart would be put up anew each time, which takes longer.
"""

from typing import Any

import pandas as pd

from nearmiss.counts import counted
from nearmiss.selection import STATUSES
from nearmiss.session import tuning
from nearmiss.session.tuning import LimitLine, Picture
from nearmiss.session.tuning.scatter import FEWEST_OF_A_STATUS
from nearmiss.workspace import Workspace
from nearmiss_app import theme
from nearmiss_app.charts.style import GRID, INK, PATHS, SOLID

HEIGHT = 500
COLUMNS, NARROW_COLUMNS, WIDE = 4, 2, 450  # of the legend; the pixels from which on it has all of them
DIGITS = 4
DENSE = "dense score"
SCALES = {
    "share": "teacher over positive, as a share",
    "gap": "teacher over positive",
    "score": "teacher score",
    "probability": "chance of being an answer",
}
# The points that matter most lie on top: the kept, then those too close to the positive.
ON_TOP = ("over_quota", "too_easy", "known_positive", "too_close", "kept")
PLAIN = ("known_positive", "too_close", "kept")
LIMITS = {"ceiling": "too_close", "floor": "too_easy"}  # each in the colour of the status that it gives
HOW = " Shift and wheel: zoom; drag: move; double-click: all again."


def chart(work: Workspace, picture: Picture, present: list[str], *, dark: bool) -> dict[str, Any]:
    """
    The specification, with its rows, for a run that may show the statuses `present`.

    Two pictures of the same scale, statuses and colours differ in `datasets` alone.
    """
    mode = "dark" if dark else "light"
    return {
        "height": HEIGHT,
        "padding": {"left": 0, "top": 4, "right": 4, "bottom": 0},
        "datasets": {"points": points(work, picture), "limits": limits(picture)},
        "layer": [_signs(present, picture.scale, dark=dark), *_lines(picture.scale, dark=dark)],
        "config": {
            "background": "transparent",
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": {
                **dict.fromkeys(("labelColor", "titleColor"), INK[mode]),
                **dict.fromkeys(("gridColor", "domainColor", "tickColor"), GRID[mode]),
                "labelFontSize": 14,
                "titleFontSize": 14,
                "titleFontWeight": "normal",
                "labelFlush": False,
                "labelSeparation": 6,
            },
            "legend": {"labelColor": INK[mode], "labelFontSize": 14, "symbolOpacity": 1, "columnPadding": 10},
        },
    }


def points(work: Workspace, picture: Picture) -> pd.DataFrame:
    """One row for each point within the frame, the topmost last; column names are those shown to the reader."""
    order = {STATUSES.index(status): place for place, status in enumerate(ON_TOP)}
    status = pd.Series(picture.status)
    inside = (picture.height >= picture.frame[0]) & (picture.height <= picture.frame[1])
    drawn = status[inside].map(order).fillna(-1).sort_values(kind="stable").index.to_numpy()
    return pd.DataFrame(
        {
            "pair": [" · ".join(work.pair_at(row)) for row in picture.rows[drawn].tolist()],
            DENSE: picture.dense[drawn].astype("float64").round(DIGITS),
            SCALES[picture.scale]: picture.height[drawn].astype("float64").round(DIGITS),
            "status": [theme.STATUS[STATUSES[code]].word for code in picture.status[drawn].tolist()],
        },
        index=[""] * len(drawn),  # numbers of rows would be shown beside the rest
    )


def limits(picture: Picture) -> pd.DataFrame:
    """One row for each limit: its name, its median, and the range that holds nearly all queries."""
    rows = [(name, line.middle, line.low, line.high, line.is_straight) for name, line in _set(picture)]
    columns = {"limit": str, "middle": "float64", "low": "float64", "high": "float64", "straight": bool}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _set(picture: Picture) -> list[tuple[str, LimitLine]]:
    """The limits in use, with their names."""
    return [(name, line) for name, line in (("ceiling", picture.ceiling), ("floor", picture.floor)) if line is not None]


def possible(*counts: dict[str, int]) -> list[str]:
    """The statuses that any of these counts has or a setting may bring about, so that no legend jumps."""
    return [s for s in STATUSES if s in tuning.MOVED or any(count[s] for count in counts)]


def in_words(picture: Picture, counts: dict[str, int]) -> str:
    """The picture as text, for screen readers."""
    shown = ", ".join(f"{counts[status]:,} {theme.STATUS[status].word}" for status in STATUSES if counts[status])
    found = [
        f"{name} at {line.middle:.3g}" if line.is_straight else f"{name} between {line.low:.3g} and {line.high:.3g}"
        for name, line in _set(picture)
    ]
    return f"{title(picture.scale)}. {'; '.join(found) or 'No limit set'}. {shown}."


def title(scale: str) -> str:
    """What kind of picture it is."""
    return f"Scatter of dense score against {SCALES[scale]}"


def what_is_drawn(picture: Picture) -> str:
    """How many candidates the points stand for, and how to look closer."""
    drawn = len(picture.rows)
    if drawn == picture.of:
        sentence = f"All {counted(drawn, 'candidate')}."
    else:
        share = f"of each status its share, at least {FEWEST_OF_A_STATUS}"
        sentence = f"{drawn:,} of {counted(picture.of, 'candidate')}, drawn once: {share}."
    return sentence + (f" {picture.outside:,} of them lie outside the frame." if picture.outside else "") + HOW


def _signs(present: list[str], scale: str, *, dark: bool) -> dict[str, Any]:
    """The points, each with the sign and colour of its status; the legend picks statuses."""
    return {
        "data": {"name": "points"},
        "params": [
            {"name": "chosen", "select": {"type": "point", "fields": ["status"]}, "bind": "legend"},
            {
                "name": "part",
                "select": {"type": "interval", "zoom": "wheel![event.shiftKey]"},
                "bind": "scales",
            },
        ],
        # What hovers is the row as it is: formatting each field would be computed for every point of every drawing.
        "mark": {
            "type": "point",
            "size": 40,
            "strokeWidth": 1.2,
            "clip": True,
            "tooltip": {"content": "data"},
            "invalid": None,
        },
        "encoding": {
            "x": {"field": DENSE, "type": "quantitative", "scale": {"zero": False}},
            "y": _height(SCALES[scale], scale, scale={"zero": False, "nice": False, "padding": 8}),
            **_by_status(present, dark=dark),
        },
    }


def _by_status(present: list[str], *, dark: bool) -> dict[str, Any]:
    """Shape, line, filling and opacity of the points, as encodings by status."""
    looks = [theme.STATUS[status] for status in present]
    words = [look.word for look in looks]
    colours = [theme.STATUS[status].colour(dark) for status in present]
    filled = [colour if look.sign in SOLID else "transparent" for look, colour in zip(looks, colours, strict=True)]
    opacities = [0.8 if status in PLAIN else 0.45 for status in present]
    legend = {"title": None, "orient": "top", "columns": {"expr": f"width < {WIDE} ? {NARROW_COLUMNS} : {COLUMNS}"}}

    def scaled(values: list[Any], kind: str = "nominal") -> dict[str, Any]:
        return {"field": "status", "type": kind, "scale": {"domain": words, "range": values}, "legend": legend}

    return {
        "shape": scaled([PATHS[look.sign] for look in looks]),
        "stroke": scaled(colours),
        "fill": scaled(filled),
        "opacity": {"condition": {"param": "chosen", **scaled(opacities, "ordinal")}, "value": 0.04},
    }


def _lines(scale: str, *, dark: bool) -> list[dict[str, Any]]:
    """The limits: a line, and a band around it where the limit differs by query."""
    ceiling, floor = (theme.STATUS[LIMITS[name]].colour(dark) for name in ("ceiling", "floor"))
    colour = {"condition": {"test": "datum.limit == 'ceiling'", "value": ceiling}, "value": floor}
    ink = INK["dark" if dark else "light"]
    data, middle = {"name": "limits"}, _height("middle", scale)
    dash = {"condition": {"test": "datum.straight", "value": [1, 0]}, "value": [6, 4]}
    return [
        {
            "data": data,
            "mark": {"type": "rect", "opacity": 0.12, "clip": True},
            "encoding": {"y": _height("low", scale), "y2": {"field": "high"}, "fill": colour},
        },
        {
            "data": data,
            "mark": {"type": "rule", "strokeWidth": 2, "clip": True},
            "encoding": {"y": middle, "color": colour, "strokeDash": dash},
        },
        {
            "data": data,
            "mark": {"type": "text", "align": "left", "dx": 6, "clip": False, "fontSize": 14, "color": ink},
            "encoding": {"y": middle, "x": {"value": "width"}, "text": {"field": "limit"}},
        },
    ]


def _height(column: str, of: str, **more: Any) -> dict[str, Any]:
    """A column as height; all layers share one title, since the axis shows every different one."""
    return {"field": column, "type": "quantitative", "title": SCALES[of], **more}
