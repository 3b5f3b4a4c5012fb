"""Saturation, a part of the page Rounds: what the model of each round still learns from, at any temperature."""

import streamlit as st

from nearmiss.session import saturation as core
from nearmiss.session.query_picture import TEMPERATURES, USUAL
from nearmiss.session.saturation import Cosines
from nearmiss.workspace import Version, Workspace
from nearmiss_app import theme
from nearmiss_app.charts import saturation as charts
from nearmiss_app.charts.overview import heading
from nearmiss_app.pictures import picture

FORMULA = r"\ell=\log\Big(1+\sum_{n}e^{(s_n-s_+)/\tau}\Big),\qquad\frac{\partial\ell}{\partial s_n}=\frac{1}{\tau}\,p_n"


@st.cache_data(max_entries=4, show_spinner="Reading the vectors ...")
def _cosines(_work: Workspace, run: str, rounds: tuple[int, ...], policy: str, version: Version) -> list[Cosines]:
    works = [_work if number == _work.number else Workspace(_work.run, _work.log, number) for number in rounds]
    before = [None, *works[:-1]]
    return [core.cosines(one, earlier) for one, earlier in zip(works, before, strict=True)]


@st.fragment
def saturation(work: Workspace) -> None:
    """Loss and strength of the gradient by kind of negative, for the temperature on the slider."""
    picture(
        heading(
            "Saturation",
            "How much a model still learns from each kind of negative: 0% where it tells them all from the answer, "
            "100% where it tells none. This is why hard negatives are mined.",
        ),
        key="saturation_heading",
    )
    found = _cosines(work, str(work.run.folder), tuple(work.run.rounds), repr(work.policy), work.version)
    temperature = st.select_slider("Temperature", TEMPERATURES, TEMPERATURES[USUAL], key="temperature", width=420)
    for of in found:
        _round(of, temperature)
    looked = f"all {found[-1].of:,} queries"
    if found[-1].queries < found[-1].of:
        looked = f"a seeded sample of {found[-1].queries:,} of {found[-1].of:,} queries"
    st.caption(
        f"Of {looked}: the cosine with the best ranked answer, and up to {core.EACH} negatives of each kind. "
        "BM25 alone and dense alone: found by that source and no "
        "other, neither kept nor refused. Refused ones may be answers, which training on them would push away. In "
        "batch: answers of other queries."
    )
    with st.expander("The formula"):
        st.latex(FORMULA)
        st.markdown(
            "InfoNCE ([van den Oord et al., 2018](https://arxiv.org/abs/1807.03748)) of a query with its answer $s_+$ "
            "and negatives $s_n$, all cosines, at a temperature $\\tau$. The gradient by a negative's cosine is its "
            "softmax weight $p_n$ over the temperature "
            "([Wang and Liu, 2021](https://arxiv.org/abs/2012.09740)). Strength: the sum of $p_n$ with one kind alone; "
            "share: that of one kind where all kinds are in the sum."
        )


def _round(of: Cosines, temperature: float) -> None:
    shown = core.weights(of, temperature)
    st.markdown(f"**Round {of.round}**")
    with st.container(key=f"side_by_side_saturation_{of.round}"):
        drawn, numbers = st.columns(2, gap="large")
    with drawn:
        st.plotly_chart(
            charts.pulls(shown, dark=theme.is_dark()),
            key=f"saturation_{of.round}",
            theme=None,
            config={"displayModeBar": False, "staticPlot": True},
            alt=charts.in_words(of, shown),
        )
    with numbers:
        picture(charts.table(shown), key=f"saturation_table_{of.round}")
