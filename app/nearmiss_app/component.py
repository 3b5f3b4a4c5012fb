"""A front end of its own as a Streamlit component, from the html, css and js of its folder."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import streamlit as st


def component(package: str, *parts: str) -> Callable[..., Any]:
    """
    The component that a package holds: its html, css and js have the package's own name.

    `parts` are more scripts of the package's folder, read before its own: a component is one script to a browser.
    """
    name, folder = package.rpartition(".")[2], files(package)
    html, css = (folder.joinpath(f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css"))
    js = "\n".join(folder.joinpath(f"{part}.js").read_text("utf-8") for part in (*parts, name))
    return st.components.v2.component(f"nearmiss_{name}", html=html, css=css, js=js)
