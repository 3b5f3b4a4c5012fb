"""
Sample size: how wide an interval will be, and how many labels a wanted width needs, before anyone judges.

In:  a plan's strata, or an estimate
Out: half-widths and numbers of labels

The estimator's own variance with the proxy in the place of the verdicts, inverted.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nearmiss.audit.estimates import Rate
from nearmiss.audit.estimators import Z
from nearmiss.audit.strata import KEPT
from nearmiss.review import AuditPlan
from nearmiss.settings import check_audit
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class ExpectedPrecision:
    """How precisely a plan's labels will measure the kept, if the proxy's estimate of the share of answers holds."""

    rate: float  # that guess
    labels_in_kept: int
    half_width: float
    wanted: float  # half-width
    labels_needed: int  # in all, for the wanted half-width

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def expected_precision(work: Workspace, plan: AuditPlan, wanted: float) -> ExpectedPrecision:
    """The expected precision of a plan before anyone judges; RecipeError if the `wanted` half-width is out of range."""
    check_audit(half_width=wanted)
    strata = [one for one in plan.facts["strata"] if one["domain"] == KEPT and one["labels"]]
    size, labels, proxy = (np.array([one[name] for one in strata], np.float64) for name in ("size", "labels", "proxy"))
    if not len(strata):
        return ExpectedPrecision(0.0, 0, 1.0, wanted, 0)
    share, spread = size / size.sum(), proxy * (1 - proxy)
    rate = float((share * proxy).sum())
    variance = float((share**2 * spread / labels * (1 - labels / size)).sum())
    worth = rate * (1 - rate) / max(variance, 1e-12)  # of as many labels drawn plainly
    need = _plain_labels(rate, wanted) / worth * plan.facts["labels"]
    return ExpectedPrecision(rate, int(labels.sum()), _half_width(rate, worth), wanted, math.ceil(need))


def labels_to_add(rate: Rate, wanted: float) -> int | None:
    """How many more labels would narrow an interval to plus or minus `wanted`; None where nothing is known yet."""
    check_audit(half_width=wanted)
    if rate.estimate is None or rate.low is None or rate.high is None or not rate.labels:
        return None
    now = (rate.high - rate.low) / 2
    if now <= wanted:
        return 0
    # The labels so far are worth as many simple random ones as give this interval.
    middle = min(max(rate.estimate, 0.5 / rate.labels), 1 - 0.5 / rate.labels)
    return math.ceil(rate.labels * (_plain_labels(middle, wanted) / _plain_labels(middle, now) - 1))


def _half_width(rate: float, labels: float) -> float:
    """Of Wilson's interval."""
    return Z / (1 + Z**2 / labels) * math.sqrt(rate * (1 - rate) / labels + Z**2 / (4 * labels**2))


def _plain_labels(rate: float, half_width: float) -> float:
    """Labels drawn plainly whose interval is as wide."""
    fewest, most = 1e-3, 1e9
    for _ in range(100):
        middle = math.sqrt(fewest * most)
        fewest, most = (middle, most) if _half_width(rate, middle) > half_width else (fewest, middle)
    return most
