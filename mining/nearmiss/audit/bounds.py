"""
Bounds: how improbable it is to find so few answers, if there were more than allowed.

In:  what was drawn from parts sampled at different rates, and the answers found in each
Out: a p-value that holds however the answers are spread over the parts and within them, and the upper bound with it

Of two tests the more powerful one is chosen, before any hit is known. One takes all parts together, at
the rate of the most thinly sampled: the exact binomial test, with the bound of Clopper and Pearson (1934). The other
bets on each draw (an e-value, as in Waudby-Smith and Ramdas 2024): a draw of a part that draws one of m multiplies the
stake by 1 - tilt * m where it is an answer. Each answer of the domain then takes away the same share, wherever it lies:
of n draws, with A answers in the domain, the expected product is at most (1 - tilt * A / n)^n, since the geometric mean
is at most the arithmetic; and by Markov's inequality the p-value is that over the product found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearmiss.types import Floats

CONCEDED = 0.1  # of the answers asked about: candidates that may count as answers without being seen
HOPED = 1 / 2  # of the answers asked about: the alternative against which hits are weighed


@dataclass(frozen=True)
class Part:
    """Candidates sampled at one rate: one of every `interval` or more often; `draws` of all, `size` in the domain."""

    draws: int
    interval: float
    size: int
    hits: int
    expected: float = 0.0  # answers in the domain, estimated by the proxy; only the power depends on it


@dataclass(frozen=True)
class Evidence:
    """The parts of a domain; and how much of it is sampled so thinly that all of it is counted as answers."""

    parts: tuple[Part, ...]
    conceded: int  # candidates

    @property
    def size(self) -> int:
        """Candidates of the domain."""
        return sum(part.size for part in self.parts) + self.conceded


def evidence(parts: list[Part], answers: float) -> Evidence:
    """The parts of a domain to test for so many answers. Depends on the draw alone, not on what was found."""
    # A part of which the domain holds nothing can hold no answer of it.
    own = sorted((part for part in parts if part.size), key=lambda part: part.interval)
    conceded = 0
    while len(own) > 1 and conceded + own[-1].size <= CONCEDED * answers:
        conceded += own.pop().size
    return Evidence(tuple(own), conceded)


def p_value(of: Evidence, answers: float, hits: Sequence[float] | None = None) -> float:
    """
    An upper bound of the probability of so few hits, if the domain has so many answers.

    `hits` (n_parts,) stand in the place of those found. 0 where the domain cannot hold so many answers, 1 where it has
    no part.
    """
    parts, answers = list(of.parts), answers - of.conceded
    if answers <= 0 or not parts:
        return 1.0
    if answers > sum(part.size for part in parts):
        return 0.0
    found = np.array([part.hits for part in parts] if hits is None else hits, np.float64)
    hoped = _hoped(parts, answers)
    bets = len(parts) > 1 and _by_bets(parts, answers, hoped) < _together(parts, answers, hoped)
    return _by_bets(parts, answers, found) if bets else _together(parts, answers, found)


def weights(parts: list[Part], answers: float) -> Floats:
    """
    How much a hit in each part weighs as evidence for so many answers, (n_parts,): -log(1 - tilt * interval).

    The tilt is the best one if there were HOPED as many answers, spread as the proxy expects.
    """
    from scipy.optimize import minimize_scalar  # slow to import, and rarely needed to show a page

    interval = np.array([part.interval for part in parts], np.float64)
    hoped, draws = _hoped(parts, answers), sum(part.draws for part in parts)

    def left(tilt: float) -> float:
        return float(draws * np.log1p(-tilt * answers / draws) - hoped @ np.log1p(-tilt * interval))

    most = min(1 / interval.max(), draws / answers) * (1 - 1e-9)
    tilt = minimize_scalar(left, bounds=(0, most), method="bounded", options={"xatol": 1e-6 * most}).x
    weight: Floats = -np.log1p(-tilt * interval)
    return weight


def upper_bound(of: Evidence, confidence: float) -> float:
    """The highest share of answers in the domain that the draws do not reject, at this confidence."""
    low, high = 0.0, float(of.size)
    while high - low > max(0.25, 1e-4 * of.size):
        middle = (low + high) / 2
        low, high = (low, middle) if p_value(of, middle) <= 1 - confidence else (middle, high)
    return min(1.0, high / max(of.size, 1))


def _hoped(parts: list[Part], answers: float) -> Floats:
    """Hits in each part, (n_parts,), if there were HOPED as many answers, spread as the proxy expects."""
    expected = np.array([part.expected + 1e-6 * part.size for part in parts], np.float64)
    interval = np.array([part.interval for part in parts], np.float64)
    return np.asarray(HOPED * answers * expected / expected.sum() / interval)


def _together(parts: list[Part], answers: float, hits: Floats) -> float:
    """The exact binomial test of all parts as one."""
    from scipy.special import bdtr  # slow to import

    draws, interval = sum(part.draws for part in parts), max(part.interval for part in parts)
    found = min(np.floor(hits.sum() + 1e-9), draws)
    return float(bdtr(found, draws, min(1.0, answers / (interval * draws))))


def _by_bets(parts: list[Part], answers: float, hits: Floats) -> float:
    """The stake expected to remain, over the stake that remains after the hits."""
    weight, draws = weights(parts, answers), sum(part.draws for part in parts)
    tilt = -np.expm1(-weight[0]) / parts[0].interval
    return float(min(1.0, np.exp(draws * np.log1p(-tilt * answers / draws) + weight @ hits)))
