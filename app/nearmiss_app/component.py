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


def component(package: str, *styles: str) -> Callable[..., Any]:
    """
    The component that a package holds: its html, css and main script have the package's own name.

    `styles` are further style sheets, which may be another component's, as `../rankings/picture.css`.
    """
    name, read = package.rpartition(".")[2], reader_of(package)
    css = "\n".join(read(style) for style in (*styles, f"{name}.css"))
    return st.components.v2.component(f"nearmiss_{name}", html=read(f"{name}.html"), css=css, js=script_of(package))


def script_of(package: str) -> str:
    """The one script of a component; a module may be another component's, as `../deck/outbox.js`."""
    return as_one_script(f"{package.rpartition('.')[2]}.js", reader_of(package))


def reader_of(package: str) -> Callable[[str], str]:
    """What reads a file of a component's folder, or of a folder beside it."""

    def read(name: str) -> str:
        folder = files(package.rpartition(".")[0]) if name.startswith("../") else files(package)
        return folder.joinpath(*name.removeprefix("../").split("/")).read_text("utf-8")

    return read


def as_one_script(main: str, read: Callable[[str], str]) -> str:
    """A module and all that it imports; they share one scope, so each name may be defined once."""
    return "\n".join(
        EXPORT.sub("", IMPORT.sub("", read(module))) for module in dict.fromkeys(_in_order(main, read, ()))
    )


def _in_order(module: str, read: Callable[[str], str], above: tuple[str, ...]) -> Iterator[str]:
    for name in IMPORT.findall(read(module)):
        # What another component's module imports lies beside that module.
        imported = name if name.startswith("../") or "/" not in module else f"{module.rpartition('/')[0]}/{name}"
        # Functions may call each other both ways: what is only called later may stand later.
        if imported not in (*above, module):
            yield from _in_order(imported, read, (*above, module))
    yield module
