"""
A front end of its own as a Streamlit component, from the html, css and js of its folder.

A component of Streamlit is one script. A folder may hold several modules: each is a module of its own to an editor and
to a test, and all become one script here, those first that others import.
"""

import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import streamlit as st

IMPORT = re.compile(r'^import .*? from "(?:\./)?((?:\.\./\w+/)?[\w.]+)";\n', re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def component(package: str) -> Callable[..., Any]:
    """The component that a package holds: its html, css and main script have the package's own name."""
    name = package.rpartition(".")[2]
    folder = files(package)
    html, css = (folder.joinpath(f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css"))
    return st.components.v2.component(f"nearmiss_{name}", html=html, css=css, js=script_of(package))


def script_of(package: str) -> str:
    """The one script of a component; a module without imports may be another component's, as `../deck/outbox.js`."""
    name, folder = package.rpartition(".")[2], files(package)

    def read(module: str) -> str:
        beside = files(package.rpartition(".")[0]) if module.startswith("../") else folder
        return beside.joinpath(*module.removeprefix("../").split("/")).read_text("utf-8")

    return as_one_script(f"{name}.js", read)


def as_one_script(main: str, read: Callable[[str], str]) -> str:
    """A module and all that it imports; they share one scope, so each name may be defined once."""
    return "\n".join(
        EXPORT.sub("", IMPORT.sub("", read(module))) for module in dict.fromkeys(_in_order(main, read, ()))
    )


def _in_order(module: str, read: Callable[[str], str], above: tuple[str, ...]) -> Iterator[str]:
    for imported in IMPORT.findall(read(module)):
        # Functions may call each other both ways: what is only called later may stand later.
        if imported not in (*above, module):
            yield from _in_order(imported, read, (*above, module))
    yield module
