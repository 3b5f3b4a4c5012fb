"""
The picture of one query with true distances, as a component of its own, for pages that have no rankings.

It draws what Query draws, and returns which document was pressed.
"""

from collections.abc import Callable
from typing import Any

from nearmiss_app.component import component

_distances = component(__name__, "../rankings/picture.css")


def distances(data: dict[str, Any], *, key: str, on_press: Callable[[], None]) -> None:
    """Draw; `on_press` is called with `st.session_state[key].pressed` set to the id of a document."""
    _distances(key=key, data=data, on_pressed_change=on_press)
