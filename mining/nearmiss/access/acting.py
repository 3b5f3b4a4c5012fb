"""
Acting: who is doing what this process is asked for, and whether they may.

In:  a function that knows who acts, given once by a server
Out: nothing where it is allowed; an AccessError, and a line in the server's log, where it is not

Without such a function the process is somebody's own, who may do everything: the command line, Python.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable

from nearmiss.access.roles import DEEDS, Person
from nearmiss.errors import AccessError

LOG = logging.getLogger("nearmiss.access")
OWN_PROCESS = Person("", "owner", is_checked=False)
_answers: list[Callable[[], Person | None]] = []


def answered_by(who: Callable[[], Person | None]) -> None:
    """From now on `who` says who acts; None means that nobody knows, and that nothing is allowed."""
    _answers[:] = [who]


def acting() -> Person | None:
    """Who acts; None where a server cannot tell."""
    return _answers[0]() if _answers else OWN_PROCESS


def may(deed: str) -> bool:
    """Whether who acts may do it."""
    person = acting()
    return person is not None and person.may(deed)


def require(deed: str) -> Person:
    """Who acts, if they may do it; AccessError, and a line in the log of denied tries, if not."""
    person = acting()
    if person is None or not person.may(deed):
        raise _denied(person, deed, f"wanted somebody who may {DEEDS[deed]}")
    return person


def require_own(deed: str, names: Iterable[str]) -> None:
    """The same for what is written under names: with a login, only under one's own."""
    person = require(deed)
    if person.is_checked and (others := sorted(set(names) - {person.name})):
        raise _denied(person, deed, f"wanted judgements under your own name; found those of {others[0]!r}")


def _denied(person: Person | None, deed: str, wanted: str) -> AccessError:
    name, role = (person.name, person.role) if person else ("", "")
    LOG.warning(json.dumps({"denied": deed, "person": name, "role": role, "at": round(time.time(), 3)}))
    found = f"found {name or 'somebody'}, {role}" if person else "found nobody who is signed in"
    return AccessError(f"{wanted}; {found}. An owner of the project gives roles")
