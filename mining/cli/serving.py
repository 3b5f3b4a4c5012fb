"""
Serving: the app started over a run folder, in a process of its own kind.

In:  a run folder, where its reviews are, who looks
Out: this process becomes the server; it never returns
"""

import os
import sys
from pathlib import Path

APP = Path(__file__).parent.parent.parent / "app"


def serve(run: Path, reviews: str, reviewer: str, port: int) -> None:
    """Become the server of the app, on this machine's own address alone."""
    os.environ |= {
        "NEARMISS_RUN": str(run.absolute()),
        "NEARMISS_REVIEWS": reviews,
        "NEARMISS_REVIEWER": reviewer,
    }
    # Streamlit reads its settings from the folder it is started in.
    os.chdir(APP)
    sys.stdout.flush()
    command = [sys.executable, "starting.py", "run", "streamlit_app.py", "--server.port", str(port)]
    os.execv(sys.executable, command)
