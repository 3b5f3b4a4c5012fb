"""
Strata: where an audit's labels go.

In:  the population's domain, proxy and nearness to the ceiling; how many labels
Out: a stratum for each candidate, and how many labels each stratum gets

Within each domain, one stratum of those nearest to the ceiling, one of the lowest proxies, and between them strata by
the cumulated sqrt(f(1-f)) (Dalenius and Hodges 1959). Labels go 78:22 by Neyman and by size, at least 3 a stratum.
"""

from dataclasses import dataclass

import numpy as np

from nearmiss.types import Bools, Floats, Ints

# The share of the labels that each domain gets.
KEPT, NEXT, REFUSED, OTHERS = "kept", "next", "refused", "others"
SHARES = {KEPT: 0.6, NEXT: 0.1, REFUSED: 0.25, OTHERS: 0.05}
MOST_STRATA = {KEPT: 8, NEXT: 3, REFUSED: 5, OTHERS: 2}
NEYMAN = 0.78
FEWEST = 3  # labels in a stratum
LABELS_PER_STRATUM = 8  # labels a stratum should have on average
LOWEST, NEAREST = 0.25, 0.1  # shares of a domain that its two fixed strata take
OUTSIDE = -1  # stratum of what is not in the population


@dataclass(frozen=True)
class AuditStratum:
    """A stratum of a plan: how many candidates, and how many of them are drawn."""

    domain: str
    size: int
    labels: int
    proxy: float  # mean

    @property
    def interval(self) -> int:
        """One of at most so many candidates is drawn."""
        return -(-self.size // self.labels)


def stratify(domain_of: dict[str, Bools], proxy: Floats, slack: Floats, labels: int) -> tuple[Ints, list[AuditStratum]]:
    """
    The stratum of each candidate, (n,), OUTSIDE where no domain holds it, and the strata.

    `proxy` (n,) are probabilities; `slack` (n,) is how far below the ceiling each lies, in any unit that rises.
    """
    stratum = np.full(len(proxy), OUTSIDE, np.int64)
    domains: list[str] = []
    given = _shared({name: int(rows.sum()) for name, rows in domain_of.items()}, labels)
    for name, rows in domain_of.items():
        if given[name]:
            cut = _cut(
                proxy[rows],
                slack[rows] if name == KEPT else None,
                min(MOST_STRATA[name], max(1, given[name] // LABELS_PER_STRATUM)),
            )
            stratum[rows] = cut + len(domains)
            domains += [name] * (int(cut.max()) + 1)
    sizes = np.bincount(stratum[stratum >= 0], minlength=len(domains))
    own = proxy[stratum >= 0].astype(np.float64)
    mean = np.bincount(stratum[stratum >= 0], own, minlength=len(domains)) / np.maximum(sizes, 1)
    drawn = np.zeros(len(domains), np.int64)
    for name, count in given.items():
        places = np.flatnonzero(np.array(domains, dtype=object) == name)
        if len(places):
            drawn[places] = _allotted(sizes[places], mean[places], count)
    found = zip(domains, sizes.tolist(), drawn.tolist(), mean.tolist(), strict=True)
    return stratum, [AuditStratum(*one) for one in found]


def _shared(sizes: dict[str, int], labels: int) -> dict[str, int]:
    """How many labels each domain gets: its share, but at least 3 and at most as many as there are candidates."""
    given = dict.fromkeys(sizes, 0)
    open_ones = [name for name, size in sizes.items() if size]
    while open_ones:
        left = labels - sum(given.values())
        all_shares = sum(SHARES[name] for name in open_ones)
        wanted = {name: max(FEWEST, round(left * SHARES[name] / all_shares)) for name in open_ones}
        full = [name for name in open_ones if wanted[name] >= sizes[name]]
        if not full:
            given |= wanted
            break
        given |= {name: sizes[name] for name in full}
        open_ones = [name for name in open_ones if name not in full]
    # What rounding and the minimum add is taken from the largest part.
    largest = max(given, key=lambda name: given[name])
    given[largest] = max(0, min(sizes[largest], given[largest] + labels - sum(given.values())))
    return given


def _cut(proxy: Floats, slack: Floats | None, most: int) -> Ints:
    """The stratum of each candidate of one domain, from 0, (n,)."""
    cut = np.zeros(len(proxy), np.int64)
    if most < 2 or len(proxy) < most * FEWEST:
        return cut
    free = np.ones(len(proxy), bool)
    number = 0
    if slack is not None and most >= 4:
        nearest = np.zeros(len(proxy), bool)
        nearest[np.argsort(slack, kind="stable")[: max(1, int(NEAREST * len(proxy)))]] = True
        cut[nearest], free, number = number, free & ~nearest, number + 1
    if most >= 3:
        rows = np.flatnonzero(free)
        lowest = rows[np.argsort(proxy[rows], kind="stable")[: max(1, int(LOWEST * len(proxy)))]]
        cut[lowest], number = number, number + 1
        free[lowest] = False
    rows = np.flatnonzero(free)
    rows = rows[np.argsort(proxy[rows], kind="stable")]
    heights = np.cumsum(np.sqrt(np.maximum(proxy[rows] * (1 - proxy[rows]), 1e-12), dtype=np.float64))
    steps = most - number
    cut[rows] = number + np.minimum((heights / heights[-1] * steps - 1e-9).astype(np.int64), steps - 1)
    return np.unique(cut, return_inverse=True)[1].astype(np.int64)


def _allotted(sizes: Ints, proxy: Floats, labels: int) -> Ints:
    """Labels by stratum, (strata,): 78:22 by sqrt(f(1-f)) and by size, at least 3 and at most all."""
    spread = sizes * np.sqrt(np.clip(proxy * (1 - proxy), 1e-6, None))
    wish = labels * (NEYMAN * spread / spread.sum() + (1 - NEYMAN) * sizes / sizes.sum())
    least = np.minimum(FEWEST, sizes)
    drawn = np.clip(wish, least, sizes)
    while abs(excess := drawn.sum() - labels) > 1e-6:
        movable = (drawn > least + 1e-9) if excess > 0 else (drawn < sizes - 1e-9)
        if not movable.any():
            break
        drawn[movable] -= excess * drawn[movable] / drawn[movable].sum()
        drawn = np.clip(drawn, least, sizes)
    whole = np.floor(drawn + 1e-9).astype(np.int64)
    # What is left over goes where rounding down took most; three rounds, since a full stratum takes no more.
    for place in np.tile(np.argsort(whole - drawn, kind="stable"), 3).tolist():
        if whole.sum() < labels and whole[place] < sizes[place]:
            whole[place] += 1
    return np.asarray(whole, np.int64)
