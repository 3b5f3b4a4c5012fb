"""The app with a login, served by the command, against a provider that really signs its tokens."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import RSAKey
from prometheus_client.parser import text_string_to_metric_families
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from nearmiss.access import Login, Roles
from nearmiss_app.gate import Gate
from tests.conftest import ROOT
from tests.provider import ADA, Provider

START = 180
COOKIE = "_streamlit_user"
WALKED = (
    "/",
    "/review",
    "/review?query=q01",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/stream",
    "/_stcore/script-health-check",
    "/_stcore/bidi-components/nearmiss_deck/x.js",
    "/_stcore/upload_file/a/b",
    "/_stcore/agent/v1",
    "/component/x/index.html",
    "/media/0123456789abcdef.csv",
    "/static/js/index.js",
    "/favicon.png",
    "/app/static/x",
    "//review",
    "/_stcore/health/",
    "/_stcore/health/../host-config",
    "/auth/login/x",
    "/AUTH/LOGIN",
    "/sign-in/",
    "/metrics",
    "/metrics?token=wrong",
    "/metrics/",
)
TOKEN = "a token of the tests"


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def honest(provider):
    provider.be_honest()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of the server's log."""
    return tmp_path_factory.mktemp("log") / "log.jsonl"


@pytest.fixture(scope="module")
def app(mined, provider, written, tmp_path_factory):
    """The address of the app over a run; only people of example.org and one guest have a role."""
    folder = tmp_path_factory.mktemp("login")
    run = Path(shutil.copytree(mined, folder / "secret-run"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "auth.toml").write_text(
        f"""
[auth]
redirect_uri = "http://127.0.0.1:{port}/team/oauth2callback"
cookie_secret = "{"c" * 40}"
client_id = "nearmiss"
client_secret = "not told"
server_metadata_url = "{provider.url}/.well-known/openid-configuration"
[roles]
reviewer = ["@example.org"]
reader = ["guest@other.org"]
"""
    )
    words = [
        "app",
        str(run),
        "--port",
        str(port),
        "--auth",
        str(folder / "auth.toml"),
        "--base-path",
        "/team",
        "--log-json",
    ]
    with written.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nearmiss.cli", *words],
            cwd=ROOT,
            env=os.environ | {"NEARMISS_METRICS_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/team"
    until = time.monotonic() + START
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/_stcore/health").text == "ok":
                break
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    yield url
    os.killpg(process.pid, 9)
    process.wait()


def signed_in(app):
    """A browser that went through the provider, wherever that led it."""
    browser = httpx.Client(follow_redirects=True, timeout=60)
    answer = browser.get(f"{app}/sign-in")
    browser.get(f"{app}/_stcore/health")  # as the page does: it brings the token against forgery
    return browser, answer


def stream(app, browser=None, **headers):
    """A raw socket to the app, as Streamlit's page opens it."""
    host = app.split("/")[2]
    cookies = dict(browser.cookies) if browser else {}
    known = {"Origin": f"http://{host}", "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())} | headers
    return connect(
        f"ws://{host}/team/_stcore/stream",
        additional_headers={k: v for k, v in known.items() if v and k != "Origin"},
        origin=known["Origin"],
        subprotocols=["streamlit", cookies.get("_streamlit_xsrf", "none")],
        max_size=None,
        open_timeout=60,
    )


def seen(socket):
    """What one run of the first page sends."""
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    socket.send(asked.SerializeToString())
    whole = ""
    while True:
        message = ForwardMsg()
        message.ParseFromString(socket.recv(timeout=120))
        whole += str(message)
        if message.WhichOneof("type") == "script_finished":
            return whole


def test_without_an_identity_no_path_shows_anything(app):
    for path in WALKED:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            # By hand: a client would tidy the path.
            answer = raw(app, method, path)
            assert " 401 " in answer.splitlines()[0], (method, path)
            assert "secret-run" not in answer
            assert "frame-ancestors 'none'" in answer
    assert httpx.get(f"{app}/_stcore/health").text == "ok"


def raw(app, method, path):
    host, _, port = app.split("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(f"{method} /team{path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: line.recv(65536), b"")).decode("latin-1")


def test_a_raw_socket_needs_an_identity_and_comes_from_our_own_page(app):
    browser, _ = signed_in(app)
    forged = {"Cookie": f"{COOKIE}=eyJpc3MiOiJ4In0.aaaa.bbbb"}
    for of, headers in (
        (None, {}),
        (None, forged),
        (browser, {"Origin": "https://evil.test"}),
        (browser, {"Origin": None}),
    ):
        with pytest.raises(InvalidStatus, match="403"):
            stream(app, of, **headers)


def test_who_signs_in_is_the_reviewer_and_signing_out_ends_open_windows(app, provider):
    provider.person = ADA | {"email": "Ada@Example.org"}
    browser, answer = signed_in(app)
    assert (answer.status_code, answer.url.path) == (200, "/team/")
    assert answer.headers["x-content-type-options"] == "nosniff"
    copy = httpx.Client(cookies=browser.cookies)
    with stream(app, browser) as socket:
        shown = seen(socket)
        assert "ada@example.org" in shown
        assert "secret-run" in shown
        assert "your name" not in shown  # the field for a typed name
        browser.get(f"{app}/auth/logout")
        with pytest.raises(ConnectionClosed):
            seen(socket)
    # A copy of the cookie is worth nothing either.
    assert copy.get(f"{app}/").status_code == 401


def test_a_socket_without_the_token_against_forgery_shows_nothing_of_the_run(app):
    browser, _ = signed_in(app)
    browser.cookies.delete("_streamlit_xsrf")
    with stream(app, browser) as socket:
        shown = seen(socket)
    assert "secret-run" not in shown
    assert "Sign in again" in shown


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(app):
    browser = httpx.Client(follow_redirects=False, timeout=60)
    at = f"{app}/sign-in"
    for _ in range(4):  # sign-in, to the provider, back, in
        answer = browser.get(at)
        set_now = [one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE)]
        if set_now:
            break
        at = str(answer.next_request.url)
    set_now = [one for one in set_now if "Max-Age=0" not in one]
    assert set_now
    assert [one for one in set_now if not {"HttpOnly", "SameSite=lax", "Path=/team"} <= set(one.split("; "))] == []


def numbers(answer):
    """The samples of a scrape by their names."""
    families = text_string_to_metric_families(answer.text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_the_token_or_a_sign_in_opens_the_numbers_and_nothing_else_does(app):
    browser, _ = signed_in(app)
    before = numbers(browser.get(f"{app}/metrics"))
    assert before["nearmiss_log_readable",] == 1.0
    for token in ("wrong", TOKEN[:-1], f"{TOKEN}x"):
        assert httpx.get(f"{app}/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    with stream(app, browser) as socket:
        seen(socket)
        after = numbers(httpx.get(f"{app}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}))
        assert after["nearmiss_people_connected",] >= 1.0
    assert after["nearmiss_requests_total", "401"] == before.get(("nearmiss_requests_total", "401"), 0.0) + 3
    assert after["nearmiss_request_seconds_count",] > before["nearmiss_request_seconds_count",]
    assert after["nearmiss_page_seconds_count", "overview"] > before.get(("nearmiss_page_seconds_count", "overview"), 0)


def test_the_log_is_lines_of_json_that_name_who_asked_and_hold_no_secret(app, written):
    browser, _ = signed_in(app)
    asked = f"{app}/review?reviewer=eve&text=a-word-of-the-run"
    assert browser.get(asked).status_code == 200
    assert browser.get(f"{app}/what-somebody-typed").status_code == 200
    browser.get(f"{app}/_stcore/health")  # is served after the lines of those before are written
    said = written.read_text()
    lines = [json.loads(line) for line in said.splitlines()]
    requests = [line for line in lines if line["logger"] == "nearmiss.requests"]
    [last, other] = [line for line in requests if line.get("request") in ("GET /review", "GET other")][-2:]
    assert {name: last[name] for name in ("request", "status", "person", "run")} == {
        "request": "GET /review",
        "status": 200,
        "person": "ada@example.org",
        "run": "secret-run",
    }
    assert last["milliseconds"] > 0
    assert other["request"] == "GET other"
    secrets = [TOKEN, "not told", "a-word-of-the-run", "what-somebody-typed", "code=", "eyJ", *browser.cookies.values()]
    assert [secret for secret in secrets if secret in said] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.test"},
        {"aud": "another-app"},
        {"aud": "another-app", "azp": "nearmiss"},
        {"exp": 1_000_000_000},
        {"iat": 1_000_000_000},
        {"iat": 5_000_000_000},
        {"nonce": "of another sign-in"},
        {"email_verified": False},
        {"email_verified": None},
        {"email": "eve@elsewhere.test"},
        {"email": "eve@sub.example.org"},
        {"email": None, "sub": "ada@elsewhere.test"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_lets_nobody_in(app, provider, changes):
    provider.changes = changes
    _, answer = signed_in(app)
    assert (answer.status_code, answer.url.path) == (401, "/team/")
    assert "secret-run" not in answer.text


def test_a_token_signed_by_another_key_lets_nobody_in(app, provider):
    provider.key = RSAKey.generate_key(2048, {"kid": "own"})
    assert signed_in(app)[1].status_code == 401


def test_a_name_in_the_address_changes_nothing(app):
    browser, _ = signed_in(app)
    with stream(app, browser) as socket:
        asked = BackMsg()
        asked.rerun_script.query_string = "reviewer=eve"
        socket.send(asked.SerializeToString())
        assert "ada@example.org" in seen(socket)


def test_behind_tls_cookies_only_go_over_tls():
    login = Login({"redirect_uri": "https://a.test/oauth2callback", "client_id": "x"}, Roles({}), "https://i.test")
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"a=b; HttpOnly")]})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/_stcore/health", "headers": []}
    with ThreadPoolExecutor(1) as another:  # in this one the loop of a browser's test may run
        another.submit(asyncio.run, Gate(app, login)(scope, None, send)).result()
    assert (b"set-cookie", b"a=b; HttpOnly; Secure") in sent[0]["headers"]
