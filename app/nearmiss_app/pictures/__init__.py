"""
Pictures: pages' own drawings of plain elements, which can be reached and pressed by keyboard as well as by mouse.

They take a tree of nodes (`nearmiss_app.charts.nodes`) and return what was pressed. Texts and ids are other
people's: they are only ever set as text, never read as markup.
"""

from collections.abc import Callable
from typing import Any

from nearmiss_app.charts.nodes import Node
from nearmiss_app.component import component

_picture = component(__name__)


def picture(root: Node, *, key: str, on_press: Callable[[], None] = lambda: None, scroll: int = 0) -> dict[str, Any]:
    """
    Draw; returns what was just pressed, empty if nothing was.

    `on_press` is called first, with `st.session_state[key].pressed` set. When `scroll` rises, the picture moves to the
    top of the window.
    """
    drawn = _picture(key=key, data={"root": root, "scroll": scroll}, on_pressed_change=on_press)
    return drawn.pressed or {}
