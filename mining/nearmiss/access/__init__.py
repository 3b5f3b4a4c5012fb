"""
Access: who may come in to a run that is served, and who may do what.

In:  a file with the login's settings and a table of roles; what an identity provider says of a person
Out: a `Person`, or an AccessError that says why not; `require` stands where the log is written and where jobs start

Knows nothing of pages or servers. The command line has no login: whoever can write the files may do everything.
"""

from nearmiss.access.acting import OWN_PROCESS, acting, answered_by, may, require, require_own
from nearmiss.access.login import Login, read_login
from nearmiss.access.roles import DEEDS, ROLES, Person, Roles

__all__ = [
    "DEEDS",
    "OWN_PROCESS",
    "ROLES",
    "Login",
    "Person",
    "Roles",
    "acting",
    "answered_by",
    "may",
    "read_login",
    "require",
    "require_own",
]
