"""
The gate: what stands before every path of the server, sockets too.

In:  a request, with the cookie that a sign-in left
Out: the request passed on, or a page to sign in; safe headers on every answer

With a login nothing of the app is served to somebody without an identity: not even its scripts. Streamlit's own routes
do the sign-in (OpenID Connect, by Authlib); their cookie is signed, and is read here before anything else runs.
"""

import asyncio
import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import HTTPConnection
from streamlit.auth_util import encode_provider_token, get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from nearmiss.access import Login
from nearmiss.errors import AccessError
from nearmiss_app import telemetry

SIGN_IN = "/sign-in"
# Streamlit's own: to the provider, back from it, out, and "ok" for a proxy that asks whether the server lives.
OPEN = ("/auth/login", "/oauth2callback", "/auth/logout", "/_stcore/health")
POLICY = "; ".join(
    (
        "default-src 'self'",
        # Streamlit's components are scripts that it makes in the browser, and its charts compile their own code.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>nearmiss: sign in</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}}</style>
<h1>nearmiss</h1><p>{words}</p><p><a href="{sign_in}">Sign in</a></p>{beside}</html>"""


@dataclass(frozen=True)
class SignIn:
    """A sign-in that is good until a moment (seconds since 1970), known by the digest of what its cookie holds."""

    content: str
    until: float
    name: str = ""  # of who signed in


class Gate:
    """Middleware around the whole server; without a login it only adds headers and checks where sockets come from."""

    def __init__(self, app: Any, login: Login | None = None, base_path: str = "") -> None:
        self.app = app
        self.login = login
        self.base = f"/{base_path.strip('/')}".rstrip("/")
        self.signed_out: dict[str, float] = {}  # sign-ins that were ended, and when that may be forgotten

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request or socket."""
        if scope["type"] == "http":
            await self._http(scope, receive, self._safely(send))
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix(self.base)
        with telemetry.request(scope["method"], path) as seen:
            await self._served(scope, path, receive, _watched(send, seen), seen)

    async def _served(self, scope: Any, path: str, receive: Any, send: Any, seen: telemetry.Seen) -> None:
        if path == telemetry.METRICS and await self._by_token(scope, send):
            return
        if self.login is not None and path == SIGN_IN:
            # A token of Streamlit's lives two minutes: made at the press, and not with the page that offers it.
            to = f"{self.base}/auth/login?provider={encode_provider_token('default')}"
            await _answer(send, 302, "", {"location": to})
            return
        if self.login is not None and path not in OPEN:
            try:
                sign_in = self._sign_in(scope)
            except AccessError as refused:
                await _answer(send, 401, self._page(str(refused), scope))
                return
            seen.person = sign_in.name if sign_in else ""
        if path == telemetry.METRICS:
            await _numbers(send)
            return
        if path == "/auth/logout":
            self._sign_out(scope)
        await self.app(scope, receive, send)

    async def _by_token(self, scope: Any, send: Any) -> bool:
        """Whether a request for the numbers is answered: for the token, or refused where nothing else opens them."""
        if telemetry.may_read(HTTPConnection(scope).headers.get("authorization", "")):
            await _numbers(send)
            return True
        if self.login is None and telemetry.needs_token():
            await _answer(send, 401, "Wanted the token of this server; found another, or none.")
            return True
        return False

    async def _socket(self, scope: Any, receive: Any, send: Any) -> None:
        with telemetry.request("SOCKET", scope["path"].removeprefix(self.base)) as seen:
            try:
                self._check_origin(scope)
                sign_in = self._sign_in(scope)
            except AccessError:
                seen.status = 403
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            seen.status, seen.person = 101, sign_in.name if sign_in else ""
            with telemetry.connected(seen.person):
                await self._open(sign_in, scope, receive, send)

    async def _open(self, sign_in: SignIn | None, scope: Any, receive: Any, send: Any) -> None:
        """An open socket, as long as its sign-in lives."""
        is_closed = False

        async def received() -> Any:
            # A sign-in that has ended, or was ended in another window, ends what is open too.
            message = await receive()
            return message if self._lives(sign_in) else {"type": "websocket.disconnect", "code": 1008}

        async def sent(message: Any) -> None:
            nonlocal is_closed
            if is_closed:
                return
            if not self._lives(sign_in):
                is_closed, message = True, {"type": "websocket.close", "code": 1008}
            await send(message)

        await self.app(scope, received, sent)

    def _check_origin(self, scope: Any) -> None:
        """A page of another site cannot open a socket here with its visitor's cookies."""
        headers = HTTPConnection(scope).headers
        origin = headers.get("origin")
        if origin is None and self.login is None:
            return  # no browser
        if self.login is not None and origin == self.login.origin:
            return
        if urlsplit(origin or "").netloc != headers.get("host"):
            raise AccessError("a socket from another site")

    def _sign_in(self, scope: Any) -> SignIn | None:
        """The sign-in that the cookie proves; None where there is no login, AccessError where it lets nobody in."""
        if self.login is None:
            return None
        cookies = HTTPConnection(scope).cookies
        if USER_COOKIE_NAME not in cookies:
            raise AccessError("This run is only shown to people of its project.")
        # The signature is over the whole: nothing of it can be changed outside.
        content = get_cookie_with_chunks(lambda name: self._signed(name, cookies), USER_COOKIE_NAME)
        try:
            claims = json.loads(content or b"")
        except ValueError:
            claims = None
        if not isinstance(claims, dict) or claims.get("origin") != self.login.origin:
            raise AccessError("The sign-in cannot be read. Sign in again.")
        person = self.login.person(claims)
        sign_in = SignIn(hashlib.sha256(content or b"").hexdigest(), self.login.until(claims), person.name)
        if not self._lives(sign_in):
            raise AccessError("You are signed out.")
        return sign_in

    def _signed(self, name: str, cookies: dict[str, str]) -> bytes | None:
        assert self.login is not None
        value = cookies.get(name)
        return decode_signed_value(str(self.login.auth["cookie_secret"]), name, value) if value else None

    def _lives(self, sign_in: SignIn | None) -> bool:
        return sign_in is None or (time.time() < sign_in.until and sign_in.content not in self.signed_out)

    def _sign_out(self, scope: Any) -> None:
        """Let nobody use this cookie again, wherever a copy of it is."""
        now = time.time()
        for content in [content for content, until in self.signed_out.items() if until < now]:
            del self.signed_out[content]
        # One that proves nothing is not kept, so that nobody can fill the memory.
        with suppress(AccessError):
            if (sign_in := self._sign_in(scope)) is not None:
                self.signed_out[sign_in.content] = sign_in.until

    def _page(self, words: str, scope: Any) -> str:
        beside = ""
        if USER_COOKIE_NAME in HTTPConnection(scope).cookies:
            out = escape(f"{self.base}/auth/logout")
            beside = f'<p><a href="{out}">Sign out, to come as somebody else</a></p>'
        return PAGE.format(words=escape(words), sign_in=escape(self.base + SIGN_IN), beside=beside)

    def _safely(self, send: Any) -> Any:
        """The same, with safe headers, and cookies that only go over TLS where browsers come by TLS."""
        is_https = self.login is not None and self.login.is_https

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (name, value + b"; Secure" if is_https and name.lower() == b"set-cookie" else value)
                    for name, value in message.get("headers", [])
                    if name.lower() not in HEADERS
                ]
                message = message | {"headers": [*headers, *HEADERS.items()]}
            await send(message)

        return sent


async def _numbers(send: Any) -> None:
    # The log may lie in a database: others are served meanwhile.
    text = await asyncio.to_thread(telemetry.exposition)
    await _answer(send, 200, text, {"content-type": CONTENT_TYPE_LATEST})


def _watched(send: Any, seen: telemetry.Seen) -> Any:
    """The same, and the answer's status is noted."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.status = message["status"]
        await send(message)

    return sent


async def _answer(send: Any, status: int, page: str, headers: dict[str, str] | None = None) -> None:
    known = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"} | (headers or {})
    raw = [(name.encode(), value.encode("latin-1")) for name, value in known.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": page.encode()})
