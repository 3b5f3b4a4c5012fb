"""
Coefficients: how far several people's judgements agree, and how far beyond luck.

In:  patterns (how many voices each verdict got on a pair), and how many pairs show each pattern
Out: raw agreement, Gwet's AC1, Krippendorff's alpha, Fleiss' kappa; Cohen's kappa for two people

Each is 1 minus the observed disagreement over that expected by chance; they differ in how they define chance.
Verdicts are names without an order. Pairs may have different numbers of voices, two or more.
All come for many weightings at once, so that thousands of resamplings cost one matrix product.
"""

from dataclasses import dataclass

import numpy as np

from nearmiss.types import Floats, Ints

RAW, AC1, ALPHA, FLEISS, COHEN = "raw", "ac1", "alpha", "fleiss", "cohen"


@dataclass(frozen=True)
class Disagreement:
    """Disagreement observed and expected by chance, each (n_weightings,)."""

    observed: Floats
    expected: Floats

    @property
    def coefficient(self) -> Floats:
        """1 for full agreement, 0 for that of chance, (n_weightings,); NaN where chance already agrees fully."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.expected > 0, 1 - self.observed / self.expected, np.nan)


def of_patterns(patterns: Ints, weights: Floats) -> dict[str, Disagreement]:
    """
    The coefficients of any number of people.

    `patterns` is (n_patterns, n_verdicts), each row with two voices or more; `weights` (n_weightings, n_patterns) says
    how many pairs show each. Chance is, for Fleiss (1971), two voices drawn from the verdicts' mean shares; for
    Krippendorff (2011, nominal), two drawn from all voices without putting the first back; for Gwet (2008), who grants
    that people guess on few pairs only, the spread of the mean shares over n_verdicts - 1.
    """
    voices = patterns.sum(axis=1, keepdims=True)
    apart = (patterns * (voices - patterns)).sum(axis=1) / (voices * (voices - 1))[:, 0]
    pairs = weights.sum(axis=1)
    shares = weights @ (patterns / voices) / pairs[:, None]
    observed = weights @ apart / pairs
    spread = (shares * (1 - shares)).sum(axis=1)
    return {
        RAW: Disagreement(observed, np.ones_like(observed)),
        AC1: Disagreement(observed, 1 - spread / (patterns.shape[1] - 1)),
        ALPHA: _alpha(patterns, weights, apart * voices[:, 0]),
        FLEISS: Disagreement(observed, spread),
    }


def of_table(table: Ints, weights: Floats) -> dict[str, Disagreement]:
    """
    Raw agreement and Cohen's kappa (1960) of two people; chance uses each one's own shares.

    `table` is (n_cells, 2): the verdicts of the first and the second in each cell; `weights` (n_weightings, n_cells).
    """
    pairs = weights.sum(axis=1)
    observed = weights @ (table[:, 0] != table[:, 1]) / pairs
    first, second = (_shares(table[:, place], weights / pairs[:, None]) for place in (0, 1))
    width = min(first.shape[1], second.shape[1])
    by_luck = 1 - (first[:, :width] * second[:, :width]).sum(axis=1)
    return {RAW: Disagreement(observed, np.ones_like(observed)), COHEN: Disagreement(observed, by_luck)}


def of_each_verdict(patterns: Ints, weights: Floats) -> Floats:
    """The chance that another gives the same verdict too, (n_weightings, n_verdicts); NaN for one that nobody gives."""
    voices = patterns.sum(axis=1, keepdims=True)
    # Each pair counts once, however many people judged it.
    both = weights @ (patterns * (patterns - 1) / (voices * (voices - 1)))
    one = weights @ (patterns / voices)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(one > 0, both / one, np.nan))


def _alpha(patterns: Ints, weights: Floats, apart: Floats) -> Disagreement:
    of_verdict = weights @ patterns
    voices = of_verdict.sum(axis=1)
    by_luck = (voices**2 - (of_verdict**2).sum(axis=1)) / (voices * (voices - 1))
    return Disagreement(weights @ apart / voices, by_luck)


def _shares(verdicts: Ints, weights: Floats) -> Floats:
    """How much weight each verdict has, (n_weightings, n_verdicts)."""
    return np.asarray(weights @ (verdicts[:, None] == np.arange(verdicts.max(initial=0) + 1)))
