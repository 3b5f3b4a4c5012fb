"""
Audits: how many false negatives are left, how sure that is, and which threshold keeps them below a rate.

In:  a `Workspace`
Out: plans with their draws in the log; estimates with intervals; certificates in the round's folder

Knows nothing of pages. A plan draws a stratified random sample over kept and refused candidates; one audit answers for
every policy on the same round.
"""

from mining.audit.certificate import Certificate, certificates, certify, covering
from mining.audit.foresight import Foreseen, foreseen, labels_to_add
from mining.audit.measuring import Band, Curve, Estimate, Numbers, Rate, curve, estimate
from mining.audit.planning import plan, proxy
from mining.audit.reviewers import Reviewers, reviewers
from mining.audit.samples import drawn, plans, waiting

__all__ = [
    "Band",
    "Certificate",
    "Curve",
    "Estimate",
    "Foreseen",
    "Numbers",
    "Rate",
    "Reviewers",
    "certificates",
    "certify",
    "covering",
    "curve",
    "drawn",
    "estimate",
    "foreseen",
    "labels_to_add",
    "plan",
    "plans",
    "proxy",
    "reviewers",
    "waiting",
]
