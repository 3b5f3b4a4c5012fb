"""
Bounds: how improbable so few answers would be, if there were more than allowed.

In:  what was drawn from parts sampled at different rates, and the answers found in each
Out: a p-value that holds however the answers are spread over the parts, and the upper bound that goes with it

With one part this is the exact binomial test, and the bound that of Clopper and Pearson (1934). With more, hits
are weighed (see `weights`) and added up; the chance of so low a sum is computed exactly for a given spread of the
answers over the parts, and the p-value is the highest over all spreads. Within a part each draw is an independent trial
with a chance of its own, counted as a binomial: in the tail of one part that is the least favourable (Hoeffding 1956).
With several parts it is not quite: where the answers of one part lie side by side, so that they fill whole blocks and
draws there are sure to hit, a p-value of 5% may stand for 7% (the worst of 28,000 arrangements of 538 small rounds,
searched for it; one in a thousand of them was above 5%).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from mining.selection.table import Floats

PARTS = 3  # more are put together: the spreads to look at grow with their power
STEPS = 24  # of a spread, in one direction; then once more, around the worst
CONCEDED = 0.1  # of the answers asked about: candidates that may be taken for answers, unseen
HOPED = 1 / 3  # of the answers asked about: the alternative against which hits are weighed


@dataclass(frozen=True)
class Part:
    """Candidates sampled at one rate: one of every `interval` or more often; `draws` of all, `size` in the domain."""

    draws: int
    interval: float
    size: int
    hits: int
    expected: float = 0.0  # answers in the domain, as far as the proxy can tell; only the power hangs on it


@dataclass(frozen=True)
class Evidence:
    """At most PARTS parts of a domain; `conceded` is so thinly sampled that it had better all be taken for answers."""

    parts: tuple[Part, ...]
    conceded: int  # candidates

    @property
    def size(self) -> int:
        """Candidates of the domain."""
        return sum(part.size for part in self.parts) + self.conceded


def evidence(parts: list[Part], answers: float) -> Evidence:
    """
    The parts of a domain, few enough to look at every spread of so many answers over them.

    Those put together have the widest interval among them. Hangs on the draw alone, not on what was found.
    """
    # A part of which the domain holds nothing can hold no answer of it.
    own = sorted((part for part in parts if part.size), key=lambda part: part.interval)
    conceded = 0
    while len(own) > 1 and conceded + own[-1].size <= CONCEDED * answers:
        conceded += own.pop().size
    best: tuple[float, list[list[Part]]] = (np.inf, [own])
    for count in range(min(PARTS, len(own))):
        for cuts in combinations(range(1, len(own)), count):
            groups = [own[first:last] for first, last in zip((0, *cuts), (*cuts, len(own)), strict=True)]
            # What a wider interval than its own costs each candidate.
            cost = sum(part.size * np.log(group[-1].interval / part.interval) for group in groups for part in group)
            best = min(best, (float(cost), groups), key=lambda one: one[0])
    return Evidence(tuple(_united(group) for group in best[1] if group), conceded)


def p_value(of: Evidence, answers: float, hits: Sequence[float] | None = None) -> float:
    """
    The highest chance of hits that speak as little for so many answers in the domain as those found, or less.

    `hits` (n_parts,) stand in the place of those found. 0 where the domain cannot hold so many answers, 1 where it has
    no part.
    """
    parts, answers = list(of.parts), answers - of.conceded
    if answers <= 0:
        return 1.0
    sizes = np.array([part.size for part in parts], np.float64)
    if not parts or answers > sizes.sum():
        return 0.0 if parts else 1.0
    weight = weights(parts, answers)
    found = float(weight @ np.array([part.hits for part in parts] if hits is None else hits))
    spreads = _spreads(sizes, answers, np.zeros(len(parts)), sizes)
    chances = _chances(parts, weight, spreads, found)
    worst = spreads[int(chances.argmax())]
    if len(parts) > 1:
        width = 2 * answers / STEPS
        near = _spreads(sizes, answers, np.maximum(worst - width, 0), np.minimum(worst + width, sizes))
        chances = np.append(chances, _chances(parts, weight, near, found)) if len(near) else chances
    return float(min(1.0, chances.max()))


def weights(parts: list[Part], answers: float) -> Floats:
    """
    How much a hit in each part speaks for so many answers, (n_parts,).

    The logarithm of how much likelier it is under the spread hardest to tell from HOPED as many answers, spread as the
    proxy expects: -log(1 - tilt * interval), with the tilt at which that spread has as many answers as asked. A hit in
    a part that is thinly sampled, where the proxy expects none, so speaks louder than Horvitz and Thompson have it.
    """
    interval = np.array([part.interval for part in parts], np.float64)
    expected = np.array([part.expected for part in parts], np.float64) + 1e-6 * np.array([part.size for part in parts])
    hoped = HOPED * answers * expected / expected.sum()
    low, high = 0.0, 1 / interval.max()
    for _ in range(60):
        tilt = (low + high) / 2
        low, high = (tilt, high) if (hoped / (1 - tilt * interval)).sum() < answers else (low, tilt)
    weight: Floats = -np.log1p(-low * interval)
    return np.asarray(weight / weight.min())


def upper_bound(of: Evidence, confidence: float) -> float:
    """The highest share of answers in the domain that the draws do not speak against, at this confidence."""
    low, high = 0.0, float(of.size)
    while high - low > max(0.25, 1e-4 * of.size):
        middle = (low + high) / 2
        low, high = (low, middle) if p_value(of, middle) <= 1 - confidence else (middle, high)
    return min(1.0, high / max(of.size, 1))


def _united(group: list[Part]) -> Part:
    return Part(
        draws=sum(part.draws for part in group),
        interval=max(part.interval for part in group),
        size=sum(part.size for part in group),
        hits=sum(part.hits for part in group),
        expected=sum(part.expected for part in group),
    )


def _spreads(sizes: Floats, answers: float, low: Floats, high: Floats) -> Floats:
    """Ways to spread the answers over the parts, each between `low` and `high`, (n_spreads, n_parts)."""
    free = [np.linspace(a, min(b, answers), STEPS + 1) for a, b in zip(low[:-1], high[:-1], strict=True)]
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*free, indexing="ij")], axis=1) if free else np.zeros((1, 0))
    rest = answers - grid.sum(axis=1, keepdims=True)
    spreads = np.hstack([grid, rest])
    allowed = (rest[:, 0] >= -1e-9) & (rest[:, 0] <= sizes[-1] + 1e-9)
    if len(sizes) > 1:
        # The corners lie off the grid where a part is smaller than the number of answers.
        spreads, allowed = np.vstack([spreads, _corners(sizes, answers)]), np.append(allowed, np.ones(len(sizes), bool))
    return np.asarray(np.clip(spreads[allowed], 0, sizes))


def _corners(sizes: Floats, answers: float) -> Floats:
    """All answers in one part as far as it holds them, and then in the next."""
    corners = np.zeros((len(sizes), len(sizes)))
    for first in range(len(sizes)):
        left = answers
        for place in np.roll(np.arange(len(sizes)), -first).tolist():
            corners[first, place] = min(left, sizes[place])
            left -= corners[first, place]
    return corners


def _chances(parts: list[Part], weight: Floats, spreads: Floats, found: float) -> npt.NDArray[np.float64]:
    """The chance of hits that weigh at most `found` under each spread, (n_spreads,)."""
    # The lightest last: its outcomes, the most, are summed up by its distribution function.
    order = np.argsort(-weight, kind="stable").tolist()
    rates = [np.minimum(spreads[:, place] / (parts[place].interval * parts[place].draws), 1.0) for place in order]
    outcomes, chances = np.zeros(1), np.ones((len(spreads), 1))
    for place, rate in zip(order[:-1], rates[:-1], strict=True):
        counts = np.arange(min(parts[place].draws, int(found / weight[place] + 1e-9)) + 1)
        chance = binom.pmf(counts[None, :], parts[place].draws, rate[:, None])
        outcomes = (outcomes[:, None] + weight[place] * counts[None, :]).ravel()
        chances = (chances[:, :, None] * chance[:, None, :]).reshape(len(spreads), -1)
        chances, outcomes = chances[:, outcomes <= found + 1e-9], outcomes[outcomes <= found + 1e-9]
    left = np.floor((found - outcomes) / weight[order[-1]] + 1e-9)
    # Few different numbers are left for the last part: its distribution function is asked once for each.
    numbers, where = np.unique(left, return_inverse=True)
    below = binom.cdf(numbers[None, :], parts[order[-1]].draws, rates[-1][:, None])
    return np.asarray((chances * below[:, where]).sum(axis=1))
