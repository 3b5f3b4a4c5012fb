"""
The tuner: every setting of a policy as a component of its own, since plain sliders ask the server for each count.

It is handed, for every slider, what would be counted at each of its stops; it hands back, as state, what was released.
"""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from nearmiss_app.component import component

FOLDER = files(__name__)

_tuner = component(__name__)


def tuner(data: dict[str, Any], *, key: str, on_form: Callable[[], None]) -> None:
    """
    Show the settings. `st.session_state[key]` then has `form` ({seq, values}), what was released last, and `wants`.

    `wants` is the `name` of the data whose counts the component misses. `on_form` is called after a release.
    """
    _tuner(key=key, data=data, on_form_change=on_form, on_wants_change=lambda: None)
