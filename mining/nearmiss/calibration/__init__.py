"""
Calibration: the probability that a candidate is an unlabelled answer, from every signal that the run has.

In:  a candidates frame; with judgements, those too
Out: a `Calibration` of the round, and `p_relevant` (n,) of its candidates

Without judgements the weights are the shipped ones, fitted on other collections.
"""

from nearmiss.calibration.model import Calibration, p_relevant

__all__ = ["Calibration", "p_relevant"]
