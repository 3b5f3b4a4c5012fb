"""
The window: whether it is too narrow for a table of several columns, which only the browser knows.

A page asks with `is_narrow` and is drawn again when the answer changes. Until a browser has answered, one that calls
itself mobile is taken to be narrow.
"""

import streamlit as st

from nearmiss_app.component import component

KEY = "window"
NARROW = "(max-width: 640px)"  # as style sheets say it

_window = component(__name__)


def is_narrow() -> bool:
    """Whether this viewer's window is as narrow as a telephone's."""
    known = (st.session_state.get(KEY) or {}).get("narrow")
    narrow = "Mobi" in st.context.headers.get("User-Agent", "") if known is None else bool(known)
    with st.container(key="window_width"):
        st.html("<style>.st-key-window_width { position: absolute; visibility: hidden; }</style>")
        _window(key=KEY, data={"asked": NARROW, "narrow": known}, on_narrow_change=lambda: None)
    return narrow
