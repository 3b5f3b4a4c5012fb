"""
Certainty: whether one policy's students are better than another's, and how many queries would be needed to tell.

In:  a measure of each question for each seed, of two policies, (n_seeds, n_questions) each
Out: a `Difference` with an interval from the paired bootstrap over questions and seeds
"""

from dataclasses import dataclass

import numpy as np

from nearmiss.types import Floats

VERY_MANY_QUERIES = 1_000_000  # queries beyond which the number only means "very many"
RESAMPLES_AT_ONCE = 256


@dataclass(frozen=True)
class Difference:
    """
    How much higher the first is than the second, with an interval; `queries` are the held-out queries needed
    to tell, at the spread found here; None where it is clear already, or no number would do.
    """

    mean: float
    low: float
    high: float
    queries: int | None = None

    @property
    def verdict(self) -> str:
        """better, worse or "" where no difference was found."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else ""


def difference(first: Floats, second: Floats, level: float, resamples: int, seed: int) -> Difference:
    """The mean of `first - second`, with its interval at `level`; questions whose measure is NaN are left out."""
    gaps = first - second
    gaps = gaps[:, ~np.isnan(gaps).any(axis=0)]
    if not gaps.size:
        return Difference(float("nan"), float("nan"), float("nan"))
    means = _resampled(gaps, resamples, seed)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail]).tolist()
    mean = float(gaps.mean())
    return Difference(mean, low, high, None if low > 0 or high < 0 else _queries(gaps.shape[1], mean, high - low))


def interval(values: Floats, level: float, resamples: int, seed: int) -> tuple[float, float]:
    """The interval of a mean over questions and seeds."""
    low, high = np.quantile(_resampled(values, resamples, seed), [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high


def _resampled(values: Floats, resamples: int, seed: int) -> Floats:
    """The mean of each resample, (resamples,): seeds and questions drawn with replacement, each on its own."""
    random = np.random.default_rng(seed)
    seeds, questions = values.shape
    means = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        count = min(RESAMPLES_AT_ONCE, resamples - start)
        of_questions = random.multinomial(questions, np.full(questions, 1 / questions), count)
        of_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), count)
        means.append(((of_seeds @ values) * of_questions).sum(axis=1) / (seeds * questions))
    return np.concatenate(means)


def _queries(count: int, mean: float, width: float) -> int | None:
    """An interval narrows with the root of the number of queries; it must become narrower than twice the gap."""
    if not mean or not width:
        return None
    needed = count * (width / 2 / abs(mean)) ** 2
    return int(np.ceil(needed)) if needed < VERY_MANY_QUERIES else None
