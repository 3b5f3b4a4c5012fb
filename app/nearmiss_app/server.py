"""
Starts the server and opens the run meanwhile, so that both are ready when the browser has loaded its part.

Arguments are Streamlit's own: `python -m nearmiss_app.server run streamlit_app.py ...`. Reading a million candidates
takes as long as a browser takes to load the page's scripts; one after the other, a person would wait for both.
"""

import logging
import signal
from contextlib import suppress
from threading import Thread


def open_early() -> None:
    """Read the run and decide on it. An error here comes up again, with its message, on the page that needs it."""
    with suppress(Exception):
        from nearmiss_app import state

        # Streamlit warns of cached functions that are called outside of a page; here that is the purpose.
        logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
        state.workspace().decision()
        # Imports that the next pages need.
        from nearmiss.session import cards, tuning  # noqa: F401
        from nearmiss_app.charts import ceiling_risk, tune  # noqa: F401


def main() -> None:
    """Become the server."""
    # Until Streamlit takes interrupts itself, one of them ends this process at once and prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Before the thread begins: two threads that import the same modules round a circle may each get half of one.
    from streamlit.web import bootstrap, cli, server  # noqa: F401

    Thread(target=open_early, daemon=True).start()
    cli.main()


if __name__ == "__main__":
    main()
