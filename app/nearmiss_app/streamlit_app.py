"""The app: page settings, the sidebar, and the pages over one run folder. Started by `nearmiss app RUN`."""

import os

import streamlit as st

from nearmiss import access, judging
from nearmiss.errors import NearmissError
from nearmiss.review import MODEL, is_model
from nearmiss.workspace import Workspace
from nearmiss_app import chooser, glossary, navigation, state, telemetry, theme

# Streamlit leaves six blank lines above each page and wide margins, and its captions are too pale to read.
# Pictures stand side by side where there is room for their names and numbers, else one above the other.
SIDEBAR = 210  # pixels: as wide as its longest word needs, the rest is the page's
STYLE = """
.stMainBlockContainer { padding: 4.5rem 3rem 3rem; }
@media (max-width: 1150px) { .stMainBlockContainer { padding-inline: 1.5rem; } }
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: inherit; opacity: 0.85; }
[data-testid="stPageLink-NavLink"] * { white-space: normal; }
/* A link within a page looks like one, also where it leads to the same page for another query. */
[data-testid="stMain"] [data-testid="stPageLink-NavLink"] { background: none; padding-inline: 0; margin-inline: 0; }
[data-testid="stMain"] [data-testid="stPageLink-NavLink"] :not(strong) { font-weight: 400; }
[data-testid="stMain"] [data-testid="stPageLink-NavLink"] p { text-decoration: underline; text-underline-offset: 3px; }
/* Buttons of a choice are as high as the fields beside them. */
:is(.st-key-map_controls, .st-key-pair_order, .st-key-dispute_controls) [data-testid="stButtonGroup"] button {
  min-height: 2.5rem;
}
/* What a person reads and judges does not pale while the server writes what was pressed. */
:is(.st-key-deck, .st-key-rankings)[data-stale="true"] { opacity: 1 !important; }
/* Choices never hide behind an edge. */
[data-testid="stButtonGroup"] [role="radiogroup"] { flex-wrap: wrap; }
@media (max-width: 500px) { [data-testid="stButtonGroup"] [role="radiogroup"] button { padding-inline: 0.625rem; } }
@media (max-width: 1200px) { [data-testid="stGridCell"]:has(.st-key-map_side) { grid-column: 1 / -1; } }
.st-key-map_controls .st-key-map_density { display: flex; min-height: 2.5rem; align-items: center; }
[class*="st-key-side_by_side"] [data-testid="stHorizontalBlock"] { row-gap: 0.5rem; }
[class*="st-key-side_by_side"] [data-testid="stColumn"] { min-width: min(26rem, 100%); }
"""


def sidebar(work: Workspace) -> None:
    """The open run, and who looks at it."""
    with st.sidebar:
        st.markdown("**nearmiss**")
        st.caption(f"{work.run.folder.name}, round {work.number}")
        if state.runs() is not None:
            chooser.leave()
        for cost in judging.spent(work):
            st.caption(navigation.as_text(f"{cost[0].upper()}{cost[1:]}"))
        if not work.run.can_be_written:
            st.info("This run can only be read: policies, calibrations and maps cannot be kept. Exports go elsewhere.")
        if state.login() is None:
            typed_name()
        elif found := state.person():
            st.text(f"{found.name}\n{found.role}")
            st.button("Sign out", on_click=st.logout)
        with st.popover("Words", icon=":material/menu_book:", help="What the words on the pages mean"):
            st.html(glossary.as_html())


def typed_name() -> None:
    """The field for the reviewer's name, where there is no login."""
    name = st.text_input(
        "Reviewer",
        value=state.reviewer(),
        max_chars=100,
        placeholder="your name",
        help="Your judgements are written down under this name. It is no login: anyone can type any name.",
    )
    if is_model(name.strip()):
        st.error(f"Names that begin with {MODEL} are those of judges, which count for no person. Choose another.")
    elif name.strip() != state.reviewer():
        state.set_reviewer(name.strip())


def main() -> None:
    """Draw the requested page; an error becomes a message."""
    st.set_page_config(page_title="nearmiss", page_icon="◎", layout="wide", initial_sidebar_state=SIDEBAR)
    st.html(f"<style>{STYLE}</style>")
    if theme.is_dark():
        # White on the dark theme's light blue has a contrast of 2.
        on_blue = "[data-testid='stBaseButton-primary']:enabled, [data-testid='stMultiSelect'] [data-tag] *"
        st.html(f"<style>{on_blue} {{ color: #15181c; }}</style>")
    page = st.navigation(navigation.pages())
    state.know_who_acts()
    if not access.may("read"):
        # The gate lets nobody come this far; whoever does sees nothing.
        st.error("This run is only shown to people of its project. Sign in again.", icon=":material/error:")
        st.stop()
    if os.environ.get(state.OPEN):
        st.warning(
            "Open to everybody who reaches this address: no login, and names are only typed (`--insecure-open`).",
            icon=":material/lock_open:",
        )
    if (folder := state.runs()) is not None and not state.run_name():
        chooser.page(folder)
        st.stop()
    try:
        work = state.workspace()
        state.remember_run()
        state.remember_reviewer()
        sidebar(work)
        with telemetry.page(page.url_path, state.reviewer(), state.run_name()):
            page.run()
        state.warm(work)
    except NearmissError as mistake:
        st.error(navigation.as_text(str(mistake)), icon=":material/error:")


main()
