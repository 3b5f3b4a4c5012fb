"""
The rate of answers among a round's unlabelled candidates, before anyone has judged one.

In:  a round's signals, which candidates are labelled answers, which were found by a source
Out: an `AnswerRate`: about how many of the unlabelled candidates are answers, and an interval

Labelled answers that a source found are taken as a random draw of all answers that were found (Elkan and Noto, KDD
2008). Let L(t) be the share of them whose signal is at least t, and U(t) that of the unlabelled candidates.
Unlabelled answers make up rate x L(t) of U(t), so U(t) / L(t) is an upper bound of the rate at every t and for every
signal that knows nothing of the labels. The estimate is the smallest upper limit (one-sided 95%) of that bound, as in
the best bin estimation of Garg et al. (NeurIPS 2021): the limit, and not the ratio itself, so that few labels do not
make it small by luck. Where it is above the rate that the prior expects, from the collections it was fitted on, it
says little: there the estimate is their geometric mean. Where it is below, the expected rate counts as much as
FEW_LABELS labelled answers, on the logarithm's scale: a handful of them may be the plainest answers, and not a random
draw. The signals are the teacher's score, the cosine, the place in each source, and a logistic model of labelled
answers against the other candidates, which scores each query without its own label.

The same model says how far answers stand out here. Its odds are the ratio of both densities, so that rate x ratio is
the probability of an answer by these signals alone (Elkan and Noto's formula). Of the prior, which weighs many more
signals, only intercept and slope are moved until they agree with it on average (Platt's scaling, to soft targets).

Signals that are standardised within a query are left out. A query with many answers hides that they stand out, so the
bound would be too low where answers are many.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.calibration.model import FURTHEST, ROWS_AT_ONCE, Calibration, fit_weights, from_prior
from nearmiss.calibration.signals import Signals, signals
from nearmiss.types import Bools, Floats, Ints

FEWEST = 20  # labelled answers that were found, for an estimate
FROM, TO, THRESHOLDS = 0.3, 0.95, 40  # quantiles of the labelled answers between which t is sought
Z = 1.645  # of a normal distribution: one-sided 95%
MOST = 0.6  # a rate above which labelled answers cannot be told from the other candidates
# Estimates were off by at most this factor on collections with known answers (tests/benchmarks/README.md).
OFF = 2.5
FEW_LABELS = 25  # labelled answers that say as much of the rate as other collections do
SPREAD_OF_SLOPE, SLOPES = 0.5, (0.5, 1.5)  # of the prior's logits: how far from 1, and between which
SCORES = ("teacher_score", "dense_score")
FOLDS = 5
FITTED = 50_000  # unlabelled candidates that the logistic model is fitted to, at most
SPREAD = 1.0  # of its weights, around 0
NOT_A_SOURCE = ("positive_place", "fused_place")


@dataclass(frozen=True)
class AnswerRate:
    """
    The share of the unlabelled candidates that are answers: an estimate between `low` and `high`.

    `labelled` is the number of labelled answers that it rests on.
    """

    estimate: float
    low: float
    high: float
    labelled: int

    def sentence(self) -> str:
        """The estimate in words."""
        return (
            f"Of the candidates without a label about {_percent(self.estimate)} ({_percent(self.low)} to "
            f"{_percent(self.high)}) are answers too: as many score like the {self.labelled:,} labelled answers that "
            "the sources found."
        )


class CandidateLabels(NamedTuple):
    """What the data say of each candidate, (n,) each."""

    query: npt.NDArray[np.int32]  # numbers from 0, in order
    positive: Bools
    labelled: Bools  # answers that a source found
    unlabelled: Bools  # found, and nothing is known about them


def _percent(share: float) -> str:
    return f"{share:.2%}" if share < 0.01 else f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def p_relevant(candidates: pd.DataFrame, calibration: Calibration | None = None) -> npt.NDArray[np.float32]:
    """The probability that each candidate answers its query, (n,); by the prior at the estimated rate by default."""
    found = signals(candidates)
    if calibration is None:
        prior = from_prior(found, candidates["is_positive"].to_numpy(bool))
        calibration = at_rate(prior, found, candidates)
    return calibration.probabilities(calibration.logits(found))


def at_rate(calibration: Calibration, found: Signals, candidates: pd.DataFrame) -> Calibration:
    """
    The calibration with its scale moved, so that the candidates' mean probability is the rate estimated for them.

    `found` are the signals of `candidates`. The order of the candidates stays. Unchanged where too few labelled answers
    were found for an estimate.
    """
    return at_rate_of(calibration, found, labels_of(candidates))


def at_rate_of(calibration: Calibration, found: Signals, known: CandidateLabels) -> Calibration:
    """The same of candidates of which nothing but their labels is there."""
    labelled, unlabelled = known.labelled, known.unlabelled
    logits = calibration.logits(found)[unlabelled].astype(np.float64)
    if not len(logits) or labelled.sum() < FEWEST:
        return calibration
    together = _together(found, known.query, labelled, unlabelled)
    expected = float(calibration.probabilities(logits).mean())
    rate = answer_rate(chain(_signals(found), [together]), labelled, unlabelled, expected)
    slope = _slope(logits, together[unlabelled], rate)
    shift = _shift(slope * logits, rate.estimate)
    return replace(
        calibration,
        weights=tuple(round(slope * weight, 6) for weight in calibration.weights),
        intercept=round(slope * calibration.intercept + shift, 6),
        estimated_rate=(rate.estimate, rate.low, rate.high),
        labelled_found=rate.labelled,
    )


def rate_of(calibration: Calibration) -> AnswerRate | None:
    """The rate that a calibration's intercept rests on; None where it has that of other collections or judgements."""
    if not calibration.estimated_rate or calibration.labels:
        return None
    estimate, low, high = calibration.estimated_rate
    return AnswerRate(estimate, low, high, calibration.labelled_found)


def labels_of(candidates: pd.DataFrame) -> CandidateLabels:
    """What the data say of each candidate."""
    ranks = [name for name in candidates.columns if name.endswith("_rank") and name != "fused_rank"]
    seen = candidates[ranks].notna().any(axis=1).to_numpy(bool) if ranks else np.ones(len(candidates), bool)
    positive = candidates["is_positive"].to_numpy(bool)
    settled = positive.copy()
    for name in ("is_labelled_negative", "is_the_query"):
        if name in candidates:
            settled |= candidates[name].fillna(False).to_numpy(bool)
    if "duplicate_of" in candidates:
        settled |= candidates["duplicate_of"].notna().to_numpy(bool)
    query = pd.factorize(candidates["query_id"])[0].astype(np.int32)
    return CandidateLabels(query, positive, positive & seen, ~settled & seen)


def _shift(logits: Floats, rate: float) -> float:
    """What to add to these logits, (n,), so that their probabilities have this mean."""
    from scipy.optimize import brentq
    from scipy.special import expit

    return float(brentq(lambda shift: expit(logits + shift).mean() - rate, -40.0, 40.0, xtol=1e-6))


def answer_rate(signals: Iterable[Floats], labelled: Bools, unlabelled: Bools, expected: float) -> AnswerRate:
    """
    The rate among the rows `unlabelled`, (n,), by how they compare with the rows `labelled`.

    Each of `signals` is (n,); `expected` is the rate by other collections. Both kinds of rows are candidates that a
    source found.
    """
    bound = min([*(_limit(signal[unlabelled], signal[labelled]) for signal in signals), MOST])
    count = int(labelled.sum())
    own = count / (count + FEW_LABELS) if bound <= expected else 0.5
    estimate = float(bound**own * expected ** (1 - own))
    return AnswerRate(estimate, estimate / OFF, min(estimate * OFF, 1.0), count)


def _signals(found: Signals) -> Iterator[Floats]:
    """Each signal of its own that bounds the rate, (n,)."""
    for place, name in enumerate(found.names):
        if name in SCORES or (name.endswith("_place") and name not in NOT_A_SOURCE):
            yield found.values[:, place].astype(np.float64)


def _together(found: Signals, query: npt.NDArray[np.int32], labelled: Bools, unlabelled: Bools) -> Floats:
    """
    The logarithm of how much likelier each row's signals are for a labelled answer than for another candidate, (n,).

    By a model that did not see the row's query.
    """
    apart = (*NOT_A_SOURCE, "teacher_place", "dense_place")  # a score tells more than its place
    names = [name for name in found.names if name in SCORES or (name.endswith("_place") and name not in apart)]
    columns = [found.values[:, found.names.index(name)] for name in names]
    others = np.flatnonzero(unlabelled)
    # Column by column and block by block: all of them as float64 would be the most that a round ever holds.
    moments = [(np.nanmean(own), np.nanstd(own)) for own in (column[others].astype(np.float64) for column in columns)]

    def standardised(rows: Ints | slice) -> Floats:
        parts = [
            (column[rows].astype(np.float64) - center) / (scale if scale > 1e-9 else 1.0)
            for column, (center, scale) in zip(columns, moments, strict=True)
        ]
        clipped: Floats = np.nan_to_num(np.column_stack(parts)).clip(-FURTHEST, FURTHEST)
        return clipped

    fitted = np.concatenate([np.flatnonzero(labelled), others[:: -(-len(others) // FITTED)]])
    values = standardised(fitted)
    answers = labelled[fitted].astype(np.float64)
    weight = np.where(answers > 0, 1.0, answers.sum() / max(len(answers) - answers.sum(), 1))
    mean, spread = np.zeros(len(names) + 1), np.array([SPREAD] * len(names) + [10.0])
    by_fold = []
    for fold in range(FOLDS):
        kept = query[fitted] % FOLDS != fold
        by_fold.append(fit_weights(values[kept], answers[kept], weight[kept], mean, spread))
    scores = np.empty(len(query))
    for start in range(0, len(query), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        weights = np.array(by_fold)[query[block] % FOLDS]
        scores[block] = (standardised(block) * weights[:, :-1]).sum(axis=1) + weights[:, -1]
    return scores


def _slope(logits: Floats, together: Floats, rate: AnswerRate) -> float:
    """By what to multiply the prior's logits, (n,), so that they spread as far as the labelled answers say."""
    chance = np.exp(np.minimum(together - together.max(), 0.0))
    chance = np.minimum(rate.estimate * chance / chance.mean(), 1.0)
    some = slice(None, None, -(-len(logits) // FITTED))
    # All answers together weigh as much as the labelled ones, which are all that is known.
    weight = np.full(len(logits[some]), min(rate.labelled / (rate.estimate * len(logits[some])), 1.0))
    center = np.array([1.0, _shift(logits, rate.estimate)])
    slope, _ = fit_weights(logits[some, None], chance[some], weight, center, np.array([SPREAD_OF_SLOPE, 10.0]))
    return float(np.clip(slope, *SLOPES))


def _limit(unlabelled: Floats, labelled: Floats) -> float:
    """The smallest upper limit of the bound over all thresholds, for one signal, (n,) and (m,)."""
    unlabelled, labelled = (np.sort(rows[np.isfinite(rows)]) for rows in (unlabelled, labelled))
    n, m = len(unlabelled), len(labelled)
    if not n or m < FEWEST:
        return MOST
    thresholds = np.unique(np.quantile(labelled, np.linspace(FROM, TO, THRESHOLDS), method="lower"))
    above = n - np.searchsorted(unlabelled, thresholds)
    # A count of k is at most about k + 1 + z sqrt(k + 1/4); a share is at least Wilson's lower limit.
    most = (above + 1 + Z * np.sqrt(above + 0.25)) / n
    share = (m - np.searchsorted(labelled, thresholds)) / m
    spread = Z * np.sqrt(share * (1 - share) / m + Z**2 / (4 * m**2))
    least = (share + Z**2 / (2 * m) - spread) / (1 + Z**2 / m)
    return float((most / least).min())
