"""
The login: its settings from a file, and the person whom a signed identity names.

In:  a TOML file with `[auth]` as Streamlit's own secrets have it, `[roles]`, and perhaps `[nearmiss]`, `[runs.NAME]`
Out: a `Login`; a `Person` from the claims of a token whose signature was checked

OpenID Connect Core 1.0, section 3.1.3.7, says what must be checked of a token; the library checks signature and times,
and what it leaves out in some cases (issuer, audience, a verified address, age) is checked here.
"""

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nearmiss.access.roles import LONGEST_NAME, ROLES, Person, Roles
from nearmiss.errors import AccessError

CALLBACK = "/oauth2callback"
WELL_KNOWN = "/.well-known/openid-configuration"
NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
KNOWN = (*NEEDED, "client_kwargs")
IDENTITIES = ("email", "subject")
SHORTEST_SECRET = 32
HERE = ("localhost", "127.0.0.1", "::1")
LEEWAY_S = 120.0  # between two clocks


@dataclass(frozen=True)
class Login:
    """What is needed to let people in. `hours` is how long a sign-in lasts."""

    auth: Mapping[str, Any] = field(repr=False)  # holds secrets
    roles: Roles
    issuer: str
    identity: str = "email"
    hours: float = 12.0
    of_runs: Mapping[str, Roles] = field(default_factory=dict)  # in place of `roles` for the run of a name

    @property
    def origin(self) -> str:
        """Scheme, host and port under which browsers reach the app."""
        parts = urlsplit(str(self.auth["redirect_uri"]))
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """The host of that address, without its port."""
        return urlsplit(self.origin).hostname or ""

    @property
    def base_path(self) -> str:
        """The path below which the app lies, without slashes at its ends; empty at the root."""
        return urlsplit(str(self.auth["redirect_uri"])).path.removesuffix(CALLBACK).strip("/")

    @property
    def is_https(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.origin.startswith("https:")

    def person(self, claims: Mapping[str, Any], now: float | None = None, run: str | None = None) -> Person:
        """
        Whom the claims of a token name, with their role in a run; AccessError where they may not come in.

        Without a run it is the most powerful of the roles that they have anywhere.
        """
        # Some providers end theirs with a slash, which the address of their metadata then does not show.
        if str(claims.get("iss", "")).rstrip("/") != self.issuer.rstrip("/"):
            raise AccessError(f"sign-in: wanted the issuer {self.issuer}; found {claims.get('iss')!r}")
        audience = claims.get("aud")
        if self.auth["client_id"] not in (audience if isinstance(audience, list) else [audience]):
            raise AccessError("sign-in: wanted a token for this app; found one for another")
        self._check_age(claims, time.time() if now is None else now)
        name = self._name(claims)
        tables = [self.roles, *self.of_runs.values()] if run is None else [self.of_runs.get(run, self.roles)]
        roles = {table.role_of(name, claims) for table in tables}
        role = next((one for one in ROLES if one in roles), None)
        if role is None:
            where = "this project" if run is None else f"the run {run!r}"
            raise AccessError(f"{name} has no role in {where}. An owner of the project gives roles")
        return Person(name, role)

    def until(self, claims: Mapping[str, Any]) -> float:
        """When the sign-in of these claims ends, in seconds since 1970."""
        return float(claims["iat"]) + 3600 * self.hours

    def _check_age(self, claims: Mapping[str, Any], now: float) -> None:
        begun = claims.get("iat")
        if not isinstance(begun, (int, float)) or begun > now + LEEWAY_S:
            raise AccessError("sign-in: wanted a token that says when it was made; found none, or a time to come")
        if now > self.until(claims):
            raise AccessError(f"sign-in: it lasts {self.hours:g} hours. Sign in again")

    def _name(self, claims: Mapping[str, Any]) -> str:
        address = claims.get("email") if self.identity == "email" else None
        if address and claims.get("email_verified") not in (True, "true"):
            raise AccessError(
                f"sign-in: wanted a verified address; the provider does not say that {address!r} is. "
                'Where it never does, identity = "subject" under [nearmiss] names people by their subject'
            )
        name = str(address).strip().lower() if address else str(claims.get("sub") or "").strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise AccessError("sign-in: wanted an address or a subject as a name; found none that can be one")
        return name


def read_login(path: Path) -> Login:
    """The login that a file sets up; AccessError names what is missing or wrong."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AccessError(f"--auth {path}: wanted a TOML file; found {error}") from error
    auth, own, where = content.get("auth"), content.get("nearmiss", {}), f"--auth {path}"
    if not isinstance(auth, dict) or not isinstance(own, dict):
        raise AccessError(f"{where}: wanted a table [auth] with {', '.join(NEEDED)}; found none")
    if missing := [name for name in NEEDED if not isinstance(auth.get(name), str) or not auth[name].strip()]:
        raise AccessError(f"{where}: [auth]: missing {', '.join(missing)}")
    if unknown := sorted(set(auth) - set(KNOWN)):
        raise AccessError(f"{where}: [auth]: wanted one provider, with {', '.join(KNOWN)}; found {unknown[0]!r}")
    if unknown := sorted(set(own) - {"issuer", "identity", "hours"}):
        raise AccessError(f"{where}: [nearmiss]: wanted issuer, identity and hours; found {unknown[0]!r}")
    _check_addresses(auth, where)
    metadata, hours = auth["server_metadata_url"], own.get("hours", 12.0)
    identity = own.get("identity", "email")
    if identity not in IDENTITIES:
        raise AccessError(f"{where}: identity: wanted {' or '.join(IDENTITIES)}; found {identity!r}")
    if isinstance(hours, bool) or not isinstance(hours, (int, float)) or not 0 < hours <= 720:
        raise AccessError(f"{where}: hours: wanted a number above 0, at most 720; found {hours!r}")
    issuer = own.get("issuer") or metadata.removesuffix(WELL_KNOWN)
    roles, of_runs = Roles.of(content.get("roles"), where), _of_runs(content.get("runs", {}), where)
    return Login(auth, roles, str(issuer), identity, float(hours), of_runs)


def _of_runs(tables: Any, where: str) -> dict[str, Roles]:
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise AccessError(f"{where}: wanted a table [runs.NAME] for each run with roles of its own; found {tables!r}")
    return {name: Roles.of(table, f"{where}: [runs.{name}]") for name, table in tables.items()}


def _check_addresses(auth: Mapping[str, Any], where: str) -> None:
    for name in ("redirect_uri", "server_metadata_url"):
        parts = urlsplit(auth[name])
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
            raise AccessError(f"{where}: {name}: wanted https, or http on this machine alone; found {auth[name]!r}")
    if not auth["redirect_uri"].endswith(CALLBACK):
        raise AccessError(f"{where}: redirect_uri: wanted an address that ends in {CALLBACK}")
    if len(auth["cookie_secret"]) < SHORTEST_SECRET:
        raise AccessError(
            f"{where}: cookie_secret: wanted {SHORTEST_SECRET} characters or more. "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one"
        )
