"""
The rankings of one query, side by side, as a component of its own: rows light up together and are judged by keys.

It receives the query's view and what is written already; it returns, as state, every event that is not
acknowledged, the documents it wants to read, and the setting that was moved.
"""

from typing import Any

from nearmiss_app.component import component

_rankings = component(__name__, "picture.css")


def rankings(data: dict[str, Any], *, key: str) -> None:
    """
    Show a query. `st.session_state[key]` then has `events` ({events: [...]}), `wants` ({query_id, doc_ids}), `slides`
    ({name}: the setting whose stops are wanted), `tries` ({name, stop}: where its slider was let go) and `pictured`
    ({shown}: whether the picture is looked at; without it none need be sent).
    """
    _rankings(
        key=key,
        data=data,
        on_events_change=lambda: None,
        on_wants_change=lambda: None,
        on_slides_change=lambda: None,
        on_tries_change=lambda: None,
        on_pictured_change=lambda: None,
    )
