"""
Serving: starts the app on a run folder.

In:  a run folder, where its reviews are, the reviewer
Out: this process becomes the server; it never returns
"""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

from nearmiss.errors import require


def serve(run: Path, reviews: str, reviewer: str, port: int) -> None:
    """Become the server of the app, on the local address only."""
    require("app", "streamlit", "plotly")
    os.environ |= {
        "NEARMISS_RUN": str(run.absolute()),
        "NEARMISS_REVIEWS": reviews,
        "NEARMISS_REVIEWER": reviewer,
    }
    # Streamlit reads its settings from the folder it is started in.
    app = find_spec("nearmiss_app")
    assert app is not None
    assert app.submodule_search_locations is not None
    os.chdir(app.submodule_search_locations[0])
    sys.stdout.flush()
    command = [sys.executable, "-m", "nearmiss_app.server", "run", "streamlit_app.py", "--server.port", str(port)]
    # While Python starts anew, an interrupt would print its traceback: the process that waits ends this one instead.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.execv(sys.executable, command)
