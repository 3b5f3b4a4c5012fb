"""
Roles: a table of a project, by address, domain or claim, and what each role may do.

In:  the table, the claims of a signed identity
Out: a role, or none
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nearmiss.errors import AccessError

LONGEST_NAME = 254  # characters of whoever acts; an address is never longer
READ = "read"
DEEDS = {
    READ: "read this run",
    "judge": "judge pairs",
    "adjudicate": "decide between reviewers",
    "change policy": "change the policy in force",
    "calibrate": "change the calibration",
    "plan audits": "draw an audit",
    "export": "write exports",
    "compute": "start maps, trials and trainings",
    "import": "write the judgements of others",
    "oversee": "see how far each reviewer is",
}
# The most powerful role first: who is named in several has the first one.
ROLES: dict[str, frozenset[str]] = {
    "owner": frozenset(DEEDS),
    "adjudicator": frozenset({READ, "judge", "adjudicate"}),
    "reviewer": frozenset({READ, "judge"}),
    "reader": frozenset({READ}),
}


@dataclass(frozen=True)
class Person:
    """Who acts. The name is what the log calls the reviewer; nobody checked it where `is_checked` is false."""

    name: str
    role: str
    is_checked: bool = True

    def may(self, deed: str) -> bool:
        """Whether this person's role allows a deed of `DEEDS`."""
        return deed in ROLES[self.role]


@dataclass(frozen=True)
class Roles:
    """
    For each role the entries that have it.

    An entry is an address (`ada@example.org`) or a subject, a domain (`@example.org`), a claim (`groups=annotators`),
    or `*` for everybody whom the provider lets in.
    """

    entries: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Any, where: str) -> "Roles":
        """The roles of a table; AccessError where it names another role, or nobody."""
        if not isinstance(table, dict) or not table:
            raise AccessError(f"{where}: wanted a table [roles] that says who may come in; found none")
        for role, entries in table.items():
            if role not in ROLES:
                raise AccessError(f"{where}: [roles]: wanted {', '.join(ROLES)}; found {role!r}")
            if not isinstance(entries, list) or not all(isinstance(one, str) and one.strip() for one in entries):
                raise AccessError(f"{where}: [roles] {role}: wanted a list of addresses; found {entries!r}")
        return cls({role: tuple(one.strip() for one in entries) for role, entries in table.items()})

    def role_of(self, name: str, claims: Mapping[str, Any]) -> str | None:
        """The role of the person whom the log calls `name`; None for somebody whom no entry names."""
        found = (role for role in ROLES for entry in self.entries.get(role, ()) if _is_meant(entry, name, claims))
        return next(found, None)


def _is_meant(entry: str, name: str, claims: Mapping[str, Any]) -> bool:
    if entry == "*":
        return True
    if entry.startswith("@"):
        # The whole domain: `@example.org` means neither `evil-example.org` nor `sub.example.org`.
        return "@" in name and name.rpartition("@")[2] == entry[1:].lower()
    if entry == name or ("@" in name and entry.lower() == name):
        return True
    claim, equals, wanted = entry.partition("=")
    value = claims.get(claim) if equals else None
    return wanted in value if isinstance(value, list) else value is not None and str(value) == wanted
