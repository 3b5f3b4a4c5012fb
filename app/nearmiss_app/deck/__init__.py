"""
The deck: the review card as its own component; with plain buttons, fast keys are lost or hit the wrong card.

It receives the next cards and what is written already; it returns every unacknowledged event as state,
so that none is lost when the page runs again in between.
"""

from typing import Any

from nearmiss_app.component import component

_deck = component(__name__)


def deck(data: dict[str, Any], *, key: str) -> None:
    """
    Show cards.

    `st.session_state[key]` then has `events` ({events: [...]}), `open` ({query_id, doc_id}), and `read` once the
    guidelines were opened.
    """
    _deck(key=key, data=data, on_events_change=_pass, on_open_change=_pass, on_read_change=_pass)


def _pass() -> None:
    """Nothing to do here: the page runs again and reads the state."""
