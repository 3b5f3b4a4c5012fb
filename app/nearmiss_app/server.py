"""
Starts the server and opens the run meanwhile, so that both are ready when the browser has loaded its part.

Reading a million candidates takes as long as a browser takes to load the page's scripts; one after the other, a person
would wait for both. What an address gets to see, the gate decides.
"""

import argparse
import logging
import os
import signal
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from nearmiss.access import Login, read_login
from nearmiss.access.login import HERE
from nearmiss.errors import NearmissError

AUTH, OPEN = "NEARMISS_AUTH", "NEARMISS_OPEN"  # for the pages: the login's file; whether anybody can reach them


def open_early() -> None:
    """Read the run and decide on it. An error here comes up again, with its message, on the page that needs it."""
    with suppress(Exception):
        from nearmiss_app import state

        # Streamlit warns of cached functions that are called outside of a page; here that is the purpose.
        logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
        if state.runs() is None:
            state.workspace().decision()
        # Imports that the next pages need.
        from nearmiss.session import cards, tuning  # noqa: F401
        from nearmiss_app.charts import ceiling_risk, tune  # noqa: F401


def arguments() -> argparse.Namespace:
    """Where to serve and for whom, as `nearmiss app` passes it on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--base-path", default="")
    parser.add_argument("--auth", default="")
    parser.add_argument("--log-json", action="store_true")
    return parser.parse_args()


def settings(asked: argparse.Namespace, login: Login | None) -> dict[str, Any]:
    """What Streamlit is told beside its own file of settings."""
    told: dict[str, Any] = {"server.port": asked.port, "server.address": asked.host}
    told["server.baseUrlPath"] = asked.base_path
    if login is not None:
        told["server.allowedHosts"] = sorted({login.host, *HERE})
        told["browser.serverAddress"] = login.host
    elif asked.host not in HERE:
        told["server.allowedHosts"] = ["*"] if asked.host in ("0.0.0.0", "::") else [asked.host, *HERE]
    # Its greeting names the address without the page that was asked for, and asks other hosts for this machine's own.
    told["logger.hideWelcomeMessage"] = True
    return told


def main() -> None:
    """Become the server."""
    # Until Streamlit takes interrupts itself, one of them ends this process at once and prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asked = arguments()
    login = read_login(Path(asked.auth)) if asked.auth else None
    os.environ |= {AUTH: asked.auth, OPEN: "" if login or asked.host in HERE else "yes"}
    # Before the thread begins: two threads that import the same modules round a circle may each get half of one.
    import streamlit

    from nearmiss_app import json_log

    if asked.log_json:
        json_log.begin()
    from starlette.middleware import Middleware

    from nearmiss_app.gate import Gate

    Thread(target=open_early, daemon=True).start()
    from nearmiss_app import navigation

    def told(error: Exception) -> bool:
        """A user's mistake in a press or a part of a page is a sentence, as it is on a whole page."""
        if isinstance(error, NearmissError):
            streamlit.error(navigation.as_text(str(error)), icon=":material/error:")
        return isinstance(error, NearmissError)

    gate = Middleware(Gate, login=login, base_path=asked.base_path)
    secrets = {"auth": dict(login.auth)} if login else None
    app = streamlit.App("streamlit_app.py", middleware=[gate], secrets=secrets, on_script_error=told)
    app.run(config=settings(asked, login))


if __name__ == "__main__":
    main()
