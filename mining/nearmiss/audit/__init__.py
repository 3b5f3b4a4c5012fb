"""
Audits: how many false negatives are left, how sure that is, and which threshold keeps them below a rate.

In:  a `Workspace`
Out: plans with their draws in the log; estimates with intervals; certificates in the round's folder

A plan draws a stratified random sample over kept and refused candidates; one audit serves every policy on the same
round.
"""

from nearmiss.audit.certificate import Certificate, certificates, certification, covering
from nearmiss.audit.certifying import certify
from nearmiss.audit.estimates import AuditRates, Band, Curve, Estimate, Rate, curve, estimate
from nearmiss.audit.exported import exported, rows_of
from nearmiss.audit.planning import plan
from nearmiss.audit.proxies import proxy
from nearmiss.audit.reviewers import Reviewers, reviewers
from nearmiss.audit.sample_size import ExpectedPrecision, expected_precision, labels_to_add
from nearmiss.audit.samples import drawn, plans, waiting

__all__ = [
    "AuditRates",
    "Band",
    "Certificate",
    "Curve",
    "Estimate",
    "ExpectedPrecision",
    "Rate",
    "Reviewers",
    "certificates",
    "certification",
    "certify",
    "covering",
    "curve",
    "drawn",
    "estimate",
    "expected_precision",
    "exported",
    "labels_to_add",
    "plan",
    "plans",
    "proxy",
    "reviewers",
    "rows_of",
    "waiting",
]
