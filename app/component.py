"""A front end of its own as a Streamlit component, from the html, css and js of its folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st


def component(folder: Path) -> Callable[..., Any]:
    """The component of `folder`: its files have the folder's name."""
    html, css, js = ((folder / f"{folder.name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"nearmiss_{folder.name}", html=html, css=css, js=js)
