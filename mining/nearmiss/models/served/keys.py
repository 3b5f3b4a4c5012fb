"""
Keys: what proves to a server who asks.

In:  the environment, or a file
Out: a key; texts from which it is removed

A key is held by the client alone. It goes to the host that it was given for, and into no file, message or log.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from nearmiss.errors import ModelError
from nearmiss.models.served.server_address import Address
from nearmiss.models.served.vendors import VENDORS

VARIABLE = "NEARMISS_API_KEY"  # for whatever server the user names
# A vendor's own variable is read for its own host alone, so that a key never reaches another server.
OF_HOST = {urlsplit(vendor.url).hostname: vendor.variables for vendor in VENDORS.values()}
OF_HOST["api.openai.com"] = ("OPENAI_API_KEY",)
HIDDEN = "[key]"


def key_for(address: Address, key_file: str = "") -> str:
    """
    The key for a server; "" where there is none.

    A key file holds one key, or lines of a host and its key. ModelError where it cannot be read or has no key for it.
    """
    if key_file:
        return _from_file(address, Path(key_file).expanduser())
    names = [VARIABLE, *OF_HOST.get(address.host, ())]
    return next((key for name in names if (key := os.environ.get(name, "").strip())), "")


def hidden(text: str, key: str) -> str:
    """The text without the key, which a server may have repeated."""
    return text.replace(key, HIDDEN) if key else text


def _from_file(address: Address, path: Path) -> str:
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or "a file that is not text"
        raise ModelError(f"--key-file {path}: wanted a file with a key; found {found}") from None
    if len(lines) == 1 and len(lines[0]) == 1:
        return lines[0][0]
    keys = {line[0]: line[1] for line in lines if len(line) == 2}
    if address.host not in keys:
        raise ModelError(
            f"--key-file {path}: wanted one key, or a line `{address.host} KEY`; found {len(keys):,} other hosts"
        )
    return keys[address.host]
