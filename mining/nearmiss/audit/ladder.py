"""
The ladder: the stops of a ceiling at which a certificate is tried, from strict to loose.

In:  an unjudged `Table`, a `Policy`
Out: the ceiling's setting, and values of it that refuse from most to none of the candidates; the policy's is one

Depends on scores alone, so that it is settled before anyone judges.
"""

import numpy as np

from nearmiss.audit.domains import at, ceiling_field, limit_of, population
from nearmiss.selection import RULES, Table
from nearmiss.selection.rules import too_close
from nearmiss.settings import Policy

# Shares of the candidates above the ceiling, from strict to loose.
REFUSING = (0.6, 0.5, 0.4, 0.32, 0.25, 0.2, 0.16, 0.13, 0.1, 0.08, 0.06, 0.045, 0.03, 0.02, 0.01, 0.005)
MARGINS = ("relative_margin", "absolute_margin")


def ladder(table: Table, policy: Policy) -> tuple[str, list[float | None]]:
    """The setting and its stops, strict to loose; the last is None, which turns the setting off."""
    field = ceiling_field(policy)
    if field is None:
        return "", [None]
    among = population(table)
    for rule in RULES[: RULES.index(too_close)]:
        among &= ~rule(table, policy)
    limits = limit_of(table, at(policy, field, None), field)[among]
    if not len(limits):
        return field, [getattr(policy, field), None]
    rising = field in MARGINS  # a wider margin is stricter
    cuts = np.quantile(limits, REFUSING if rising else 1 - np.array(REFUSING))
    stops = {float(f"{cut:.3g}") for cut in cuts.tolist()} | {float(getattr(policy, field))}
    allowed = {stop for stop in stops if stop >= 0} if rising else stops
    return field, [*sorted(allowed, reverse=rising), None]
