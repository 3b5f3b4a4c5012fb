"""
Calibration: the probability that a candidate is an unlabelled answer, from every signal that the run has.

In:  a candidates frame; with judgements, those too
Out: a `Calibration` of the round, and `p_relevant` (n,) of its candidates

Without judgements the weights are the shipped ones, fitted on other collections, and the rate of answers is estimated
from the labelled ones.
"""

from nearmiss.calibration.answer_rate import p_relevant
from nearmiss.calibration.model import Calibration

__all__ = ["Calibration", "p_relevant"]
