"""Saturation: the share of the gradient that each kind of negative takes, round by round."""

import plotly.graph_objects as go

from nearmiss.session.saturation import KEPT_BEFORE, REFUSED, Cosines, KindWeight
from nearmiss_app.charts.nodes import Node, node
from nearmiss_app.charts.style import styled
from nearmiss_app.theme import LEFT_OUT, STATUS

LOOKS = {REFUSED: STATUS["too_close"], "kept": STATUS["kept"], KEPT_BEFORE: STATUS["kept"]}
ROW = 30


def pulls(shown: list[KindWeight], *, dark: bool) -> go.Figure:
    """A bar for each kind: how strongly a query that has these negatives alone still pulls."""
    figure = go.Figure(
        go.Bar(
            x=[one.pull for one in shown],
            y=[one.kind for one in shown],
            orientation="h",
            marker={
                "color": [LOOKS.get(one.kind, LEFT_OUT).colour(dark) for one in shown],
                "pattern": {"shape": ["/" if one.kind == KEPT_BEFORE else "" for one in shown]},
            },
            text=[f"{one.pull:.0%}" for one in shown],
            textposition="outside",
            cliponaxis=False,
            customdata=[one.loss for one in shown],
            hovertemplate="%{y}: %{x:.1%} of full strength, loss %{customdata:.3f}<extra></extra>",
        )
    )
    styled(figure, dark=dark, height=ROW * len(shown) + 56)
    figure.update_layout(bargap=0.35, margin_r=56)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", title="Strength of the gradient, alone", fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True, ticksuffix="  ")
    return figure


def table(shown: list[KindWeight]) -> Node:
    """Loss and share of each kind, and how many negatives of it a query has on average."""
    heads = ("A query has", "Loss, alone", "Share, all together")
    rows = [
        node(
            "tr",
            "",
            node("th", "", one.kind, scope="row"),
            *(node("td", "number text", value) for value in (f"{one.negatives:.1f}", *_numbers(one))),
        )
        for one in shown
    ]
    top = node("tr", "", node("td", ""), *(node("th", "number", head, scope="col") for head in heads))
    return node("div", "sheet", node("table", "", node("thead", "", top), node("tbody", "", *rows)))


def in_words(of: Cosines, shown: list[KindWeight]) -> str:
    """The bars as text, for screen readers."""
    return f"Round {of.round}. " + ", ".join(f"{one.kind}: {one.pull:.0%}, loss {one.loss:.3f}" for one in shown)


def _numbers(one: KindWeight) -> tuple[str, ...]:
    share = "–" if one.kind == KEPT_BEFORE else f"{one.share:.1%}"
    return f"{one.loss:.3f}", share
