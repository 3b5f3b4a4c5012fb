"""
Addresses: which model on which server a name means.

In:  `openai:MODEL@URL`, `openai:MODEL` (OpenAI itself), `rerank:MODEL@URL`, or a vendor: `cohere:MODEL` and its like
Out: an `Address`; None for the name of any other model

An address is written into run folders, so it never holds a key: one with a password or a query is refused.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from nearmiss.errors import ModelError
from nearmiss.models.served.vendors import VENDORS, Vendor
from nearmiss.settings import SERVED_ENCODERS

OPENAI = "https://api.openai.com/v1"
FORM = re.compile(f"(rerank|{'|'.join(SERVED_ENCODERS)}):(.+)", re.DOTALL)
WITH_URL = re.compile("(.+)@(https?://.*)", re.DOTALL | re.IGNORECASE)
ENDPOINTS = ("/embeddings", "/rerank", "/chat/completions")


@dataclass(frozen=True)
class Address:
    """A model of a server."""

    flag: str  # where the user named it
    kind: str  # openai, rerank or a vendor
    model: str
    url: str  # without a slash at the end

    def __str__(self) -> str:
        return f"{self.flag} {self.kind}:{self.model}@{self.url}"

    @property
    def vendor(self) -> Vendor | None:
        """Whose form it wants, where it is not that of many servers."""
        return VENDORS.get(self.kind)

    @property
    def host(self) -> str:
        """The server's name."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine."""
        return _is_loopback(self.host)

    @property
    def warning(self) -> str:
        """What to know before texts and a key are sent there in the clear; empty where nothing is."""
        if urlsplit(self.url).scheme == "https" or self.is_here:
            return ""
        return f"{self}: plain http to another machine; anyone on the way can read the texts and the key. Use https"


def address_of(flag: str, name: str) -> Address | None:
    """The address in a model's name, None where it is no served model; ModelError where it cannot be used."""
    form = FORM.fullmatch(name)
    if form is None:
        return None
    kind, rest = form.groups()
    parts = WITH_URL.fullmatch(rest)
    if parts is None and (kind == "rerank" or "://" in rest):
        raise ModelError(f"{flag}: wanted {kind}:MODEL@URL, with a URL that begins with http:// or https://")
    vendor = VENDORS.get(kind)
    model, url = parts.groups() if parts else (rest, vendor.url if vendor else OPENAI)
    endpoints = (vendor.embed, vendor.rerank) if vendor else ENDPOINTS
    return Address(flag, kind, model, _checked(f"{flag} {kind}:{model}", url, endpoints))


def without_url(name: str) -> str:
    """A model's name without its server's address: the same model elsewhere is the same model."""
    form = FORM.fullmatch(name)
    parts = form and WITH_URL.fullmatch(form[2])
    return f"{form[1]}:{parts[1]}" if form and parts else name


def _checked(place: str, url: str, endpoints: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ModelError(f"{place}: wanted http://HOST:PORT/v1 after the @; found a URL that cannot be read") from None
    if not host:
        raise ModelError(f"{place}: wanted http://HOST:PORT/v1 after the @; found a URL without a host")
    # Its content is not repeated: it may be a key.
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ModelError(
            f"{place}: wanted a URL without password and query, since it is written into the run; found one that has "
            "them. Give the key with NEARMISS_API_KEY or --key-file"
        )
    plain = url.rstrip("/")
    for endpoint in endpoints:
        plain = plain.removesuffix(endpoint)
    return plain


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
