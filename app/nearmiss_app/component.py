"""A front end of its own as a Streamlit component, from the html, css and js of its folder."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import streamlit as st


def component(package: str) -> Callable[..., Any]:
    """The component that a package holds: its html, css and js have the package's own name."""
    name = package.rpartition(".")[2]
    html, css, js = (files(package).joinpath(f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"nearmiss_{name}", html=html, css=css, js=js)
