"""The picture of a dry run: why candidates are left out; and the table of existing exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from nearmiss.export.read_back import WrittenExport
from nearmiss_app.charts.nodes import Node, node
from nearmiss_app.charts.style import styled

ROW = 30
COUNTS = ("Queries", "Positives", "Negatives", "Rows", "Judgements")


@dataclass(frozen=True)
class Bar:
    """One group of candidates: its name, its size and its tooltip."""

    name: str
    count: int
    colour: str
    says: str


def reasons(bars: list[Bar], *, dark: bool) -> go.Figure:
    """A bar for each reason, in the order given."""
    figure = go.Figure(
        go.Bar(
            x=[bar.count for bar in bars],
            y=[bar.name for bar in bars],
            orientation="h",
            marker_color=[bar.colour for bar in bars],
            text=[f"{bar.count:,}" for bar in bars],
            textposition="outside",
            cliponaxis=False,
            customdata=[bar.says for bar in bars],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    styled(figure, dark=dark, height=ROW * len(bars) + 16)
    figure.update_layout(bargap=0.35, margin_r=72)
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True, ticksuffix="  ")
    return figure


def in_words(bars: list[Bar]) -> str:
    """The same as text, for screen readers."""
    return "Candidates left out, by reason. " + ", ".join(f"{bar.name}: {bar.count:,}" for bar in bars)


def listed(found: Mapping[str, WrittenExport], timezone: str) -> Node:
    """One row for each export, in the order given; on narrow pages its numbers stand below its name."""
    rows = [_listed(name, export, ZoneInfo(timezone)) for name, export in found.items()]
    words, numbers = ("Name", "Written", "Format"), (*COUNTS, "Size")
    heads = [node("th", "", word, scope="col") for word in words]
    heads += [node("th", "number", word, scope="col") for word in numbers]
    body = node("tbody", "", *rows)
    return node("div", "rows few", node("table", "", node("thead", "", node("tr", "", *heads)), body))


def _listed(name: str, export: WrittenExport, zone: ZoneInfo) -> Node:
    manifest = export.manifest
    written = datetime.fromtimestamp(export.written_at, zone)
    counts = (
        *(manifest.get(f"exported_{what}") for what in ("queries", "positives", "negatives")),
        export.rows,
        manifest.get("reviews", {}).get("judgements", 0),
    )
    return node(
        "tr",
        "row",
        node("td", "text title", name),
        node("td", "", f"{written.day} {written:%b %Y, %H:%M}", data_name="Written"),
        node("td", "", manifest["format"], data_name="Format"),
        *(
            node("td", "number", "–" if count is None else f"{count:,}", data_name=title)
            for title, count in zip(COUNTS, counts, strict=True)
        ),
        node("td", "number", _size(export.bytes), data_name="Size"),
    )


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"
