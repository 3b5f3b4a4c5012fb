"""
Serving: starts the app on a run folder.

In:  a run folder, where its reviews are, the reviewer; where to serve, and who may come in
Out: this process becomes the server; it never returns
"""

import os
import signal
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from nearmiss.access import Login, read_login
from nearmiss.access.login import HERE
from nearmiss.errors import AccessError, require

METRICS_TOKEN = "NEARMISS_METRICS_TOKEN"  # the environment variable's name
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class AppAddress:
    """Where the app is served; `auth` is the file of its login, empty for none."""

    port: int = 8501
    host: str = "127.0.0.1"
    base_path: str = ""
    auth: str = ""
    log_json: bool = False

    @property
    def url(self) -> str:
        """What a browser on this machine opens, or anybody where there is a login."""
        if self.auth:
            login = read_login(Path(self.auth))
            return f"{login.origin}/{login.base_path}".rstrip("/") + "/"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"{self.base_path}/" if self.base_path else "")


def address(port: int, host: str, base_path: str, auth: Path | None, *, is_open: bool) -> AppAddress:
    """
    Where to serve; AccessError where that would show a run to whoever reaches the port.

    Without a login only this machine may reach it, unless somebody says that it is meant (`is_open`).
    """
    base_path = base_path.strip("/")
    if auth is not None:
        require("auth", "authlib", "httpx", "joserfc")
        if is_open:
            raise AccessError("--insecure-open: wanted no login beside it; found --auth")
        return AppAddress(port, host, _below(read_login(auth), base_path), str(auth.absolute()))
    if host not in HERE and not is_open:
        raise AccessError(
            f"--host {host}: wanted a login (--auth FILE), since others can reach this address; found none. "
            "--insecure-open serves it all the same, to anybody"
        )
    return AppAddress(port, host, base_path)


def _below(login: Login, base_path: str) -> str:
    if base_path and base_path != login.base_path:
        raise AccessError(f"--base-path {base_path}: wanted that of redirect_uri, {login.base_path!r}")
    return login.base_path


def serve(run: Path, reviews: str, reviewer: str, where: AppAddress, *, is_one: bool = True) -> None:
    """Become the server of the app, on one run or on a folder of several."""
    require("app", "streamlit", "plotly", "prometheus_client")
    token = os.environ.get(METRICS_TOKEN, "")
    if token and len(token) < SHORTEST_TOKEN:
        raise AccessError(f"{METRICS_TOKEN}: wanted {SHORTEST_TOKEN} characters or more; found {len(token)}")
    os.environ |= {
        "NEARMISS_RUN": str(run.absolute()) if is_one else "",
        "NEARMISS_RUNS": "" if is_one else str(run.absolute()),
        "NEARMISS_REVIEWS": reviews,
        "NEARMISS_REVIEWER": reviewer,
    }
    # Streamlit reads its settings from the folder it is started in.
    app = find_spec("nearmiss_app")
    assert app is not None
    assert app.submodule_search_locations is not None
    os.chdir(app.submodule_search_locations[0])
    sys.stdout.flush()
    command = [sys.executable, "-m", "nearmiss_app.server", "--port", str(where.port), "--host", where.host]
    command += ["--base-path", where.base_path, "--auth", where.auth]
    command += ["--log-json"] if where.log_json else []
    # While Python starts anew, an interrupt would print its traceback: the process that waits ends this one instead.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.execv(sys.executable, command)
