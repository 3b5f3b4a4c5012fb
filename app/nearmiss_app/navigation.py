"""The pages, and links from one to another."""

from pathlib import Path

import streamlit as st

from nearmiss.storage.markdown import plain

VIEWS = Path(__file__).parent / "views"
TITLES = {
    "overview": ("Overview", ":material/filter_alt:"),
    "tune": ("Tune", ":material/tune:"),
    "trials": ("Trials", ":material/model_training:"),
    "calibration": ("Calibration", ":material/straighten:"),
    "review": ("Review", ":material/fact_check:"),
    "query": ("Query", ":material/view_column:"),
    "pairs": ("Pairs", ":material/table_rows:"),
    "map": ("Map", ":material/scatter_plot:"),
    "rounds": ("Rounds", ":material/repeat:"),
    "agreement": ("Agreement", ":material/group:"),
    "export": ("Export", ":material/output:"),
}


def pages() -> list[st.Page]:
    """Every page, the overview first; its address is `/`, and `/overview` leads there."""
    # The default page's only address is `/`, yet no other page may have the one it is given: so "overview" stays free.
    shown = [
        st.Page(
            VIEWS / f"{name}.py",
            title=title,
            icon=icon,
            url_path="start" if name == "overview" else name,
            default=name == "overview",
        )
        for name, (title, icon) in TITLES.items()
    ]
    return [*shown, st.Page(_to_overview, title="Overview", url_path="overview", visibility="hidden")]


def _to_overview() -> None:
    go_to("overview", **st.query_params.to_dict())


def go_to(page: str, **address: str) -> None:
    """Open another page with these address parameters."""
    st.switch_page(VIEWS / f"{page}.py", query_params=_kept() | address)


def link_to(page: str, label: str, **address: str) -> None:
    """A link to another page with these address parameters."""
    st.page_link(VIEWS / f"{page}.py", label=label, query_params=_kept() | address)


def _kept() -> dict[str, str]:
    """What an address keeps from page to page: the run, where there are several, and who looks at it."""
    return {name: st.query_params[name] for name in ("run", "reviewer") if name in st.query_params}


def as_text(text: str) -> str:
    """Text escaped for a label, where Markdown would read it as links and pictures of other hosts."""
    return plain(text)
