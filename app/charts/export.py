"""The picture of a dry run: why candidates are left out."""

from dataclasses import dataclass

import plotly.graph_objects as go

from app.charts.style import styled

ROW = 30


@dataclass(frozen=True)
class Bar:
    """Some of the candidates: what they are called, how many they are, what the tooltip says."""

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
    """The same for those who do not see it."""
    return "Candidates left out, by reason. " + ", ".join(f"{bar.name}: {bar.count:,}" for bar in bars)
