"""
The tuner: all settings of a policy as its own component, since plain sliders ask the server for each count.

It receives the counts at each stop of every slider; it returns, as state, the values that were released.
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
