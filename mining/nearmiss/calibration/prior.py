"""
The prior: weights of the signals that hold before anyone has judged a pair.

In:  the names of the signals that a run knows
Out: a weight for each, and the intercept

They were fitted on other collections (prior.json says on which, how and how well) by `tests/tools/learn_prior.py`.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

FILE = files("nearmiss.calibration") / "prior.json"


def prior_weights(names: Sequence[str]) -> Mapping[str, float]:
    """The weights, by signal and "intercept", for a run with these signals; a signal that was in no fit has none."""
    known: Mapping[str, float] = load()["weights"][kind_of(names)]
    return known


def kind_of(names: Sequence[str]) -> str:
    """The name of the fit that suits these signals: each was made with the signals of one kind of run."""
    parts = ["dense"]
    if "bm25_place" in names:
        parts.append("bm25")
    if "teacher_place" in names:
        parts.append("teacher")
    return "+".join(parts)


@cache
def load() -> dict[str, Any]:
    """The content of prior.json."""
    content: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return content
