"""
Agreement: how far people's judgements can be trusted, measured by comparing them.

In:  the judgements that stand in the log
Out: coefficients with intervals, for all together, for each verdict, for each two people, for each with themselves;
     the disagreements that wait for a decision
"""

from dataclasses import dataclass

import numpy as np

from nearmiss.agreement.coefficients import AC1, ALPHA, COHEN, FLEISS, RAW, of_each_verdict, of_patterns, of_table
from nearmiss.agreement.intervals import AgreementEstimate, draws, estimate, share, unseen_cells, unseen_patterns
from nearmiss.agreement.opinions import NO_OPINION, SCALES, Opinions, VerdictScale, opinions, repeats
from nearmiss.review import Standing
from nearmiss.types import Ints

__all__ = [
    "AC1",
    "ALPHA",
    "COHEN",
    "FLEISS",
    "GOOD",
    "INFORMATIVE",
    "RAW",
    "SCALES",
    "Agreement",
    "AgreementEstimate",
    "TwoPeople",
    "VerdictScale",
    "coefficients_of",
    "compared",
    "measure",
]

# Above this share of one verdict, chance agreement is so high that kappa and alpha mean little.
LOPSIDED = 0.75
# What Krippendorff asks of judgements that others are to rely on.
GOOD = 0.8
DIFFERENCES = 3  # kinds of difference listed for two people
INFORMATIVE = 10  # common pairs that a kappa of two people needs to mean something


@dataclass(frozen=True)
class TwoPeople:
    """Two people: how often they agree, and how they differ (verdict of the first, of the second, how often)."""

    first: str
    second: str
    raw: AgreementEstimate
    kappa: AgreementEstimate
    differences: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Agreement:
    """How far opinions agree. `judged` counts them by person; `between` begins with the two who agree least."""

    judged: dict[str, int]
    pairs: int  # with two opinions or more
    commonest: str
    commonest_share: float  # of the voices on those pairs
    coefficients: dict[str, AgreementEstimate]
    by_verdict: dict[str, AgreementEstimate]
    between: tuple[TwoPeople, ...]
    with_themselves: dict[str, AgreementEstimate]

    @property
    def lopsided(self) -> bool:
        """Whether nearly everything got the same verdict."""
        return self.commonest_share >= LOPSIDED

    @property
    def to_read(self) -> str:
        """The coefficient to go by."""
        return AC1 if self.lopsided else ALPHA

    @property
    def informative(self) -> tuple[TwoPeople, ...]:
        """Entries of two people with enough pairs in common; all entries where none has enough."""
        return tuple(one for one in self.between if one.raw.pairs >= INFORMATIVE) or self.between

    @property
    def is_good(self) -> bool | None:
        """Whether the coefficient to go by is surely good enough, or surely not; None where that takes more pairs."""
        found = self.coefficients.get(self.to_read)
        if found is None or found.low is None or found.high is None:
            return None
        return True if found.low >= GOOD else False if found.high < GOOD else None


def measure(standing: Standing, scale: VerdictScale, seed: int = 42) -> Agreement:
    """Measure all opinions that stand; the same log gives the same numbers."""
    held = opinions(standing, scale)
    shared = held.shared()
    votes = np.stack([(shared == place).sum(axis=1) for place in range(len(scale.categories))], axis=1)
    voices = votes.sum(axis=0)
    commonest = int(voices.argmax())
    between = tuple(compared(held, a, b, seed) for b in range(len(held.people)) for a in range(b))
    of_all, by_verdict = coefficients_of(votes, scale, seed) if len(shared) else ({}, {})
    if len(held.people) == 2 and len(shared):
        of_all[COHEN] = between[0].kappa  # the only two
    return Agreement(
        judged=dict(zip(held.people, (held.verdicts != NO_OPINION).sum(axis=0).tolist(), strict=True)),
        pairs=len(shared),
        commonest=scale.categories[commonest],
        commonest_share=float(voices[commonest] / voices.sum()) if len(shared) else 0.0,
        coefficients=of_all,
        by_verdict=by_verdict,
        between=tuple(sorted((one for one in between if one.raw.pairs), key=_likeness)),
        with_themselves=_with_themselves(standing, scale),
    )


def coefficients_of(
    votes: Ints, scale: VerdictScale, seed: int
) -> tuple[dict[str, AgreementEstimate], dict[str, AgreementEstimate]]:
    """The coefficients, and the agreement on each verdict that somebody gave."""
    patterns, counts = np.unique(votes, axis=0, return_counts=True)
    unseen, weights = unseen_patterns(len(scale.categories))
    every = np.concatenate([patterns, unseen])
    seen, drawn = counts[None].astype(np.float64), draws(np.concatenate([counts, weights]), len(votes), seed)
    values, spread = of_patterns(patterns, seen), of_patterns(every, drawn)
    of_all = {
        name: estimate(float(value.coefficient[0]), spread[name].coefficient, len(votes))
        for name, value in values.items()
    }
    each, each_drawn = of_each_verdict(patterns, seen)[0], of_each_verdict(every, drawn)
    by_verdict = {
        verdict: estimate(float(each[place]), each_drawn[:, place], int((votes[:, place] > 0).sum()))
        for place, verdict in enumerate(scale.categories)
        if votes[:, place].any()
    }
    return of_all, by_verdict


def compared(held: Opinions, first: int, second: int, seed: int) -> TwoPeople:
    """Two columns of a table of opinions, against each other."""
    one, other = held.verdicts[:, first], held.verdicts[:, second]
    both = (one != NO_OPINION) & (other != NO_OPINION)
    names, words, pairs = (held.people[first], held.people[second]), held.scale.categories, int(both.sum())
    if not pairs:
        none = AgreementEstimate(None, None, None, 0)
        return TwoPeople(*names, none, none, ())
    cells, unseen = unseen_cells(len(words))
    # Cells stand row by row, so that a pair's cell is a number of two digits.
    counts = np.bincount(one[both].astype(np.int64) * len(words) + other[both], minlength=len(cells))
    seen = of_table(cells, counts[None].astype(np.float64))[COHEN].coefficient
    drawn = of_table(cells, draws(counts + unseen, pairs, seed))[COHEN].coefficient
    agreed = int(counts[cells[:, 0] == cells[:, 1]].sum())
    apart = [(words[a], words[b], int(n)) for (a, b), n in zip(cells, counts, strict=True) if n and a != b]
    most = sorted(apart, key=lambda kind: -kind[2])[:DIFFERENCES]
    return TwoPeople(*names, share(agreed, pairs), estimate(float(seen[0]), drawn, pairs), tuple(most))


def _likeness(both: TwoPeople) -> tuple[bool, float]:
    """Sorts by the upper limit, so that a low kappa of only three pairs does not come first."""
    return both.kappa.high is None, both.kappa.high or 0.0


def _with_themselves(standing: Standing, scale: VerdictScale) -> dict[str, AgreementEstimate]:
    shown_twice = sorted(repeats(standing, scale).items())
    return {name: share(sum(a == b for a, b in both), len(both)) for name, both in shown_twice}
