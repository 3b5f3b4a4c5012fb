"""
Result: the outcome of a training run, for the model card and the command line.

In:  a result's JSON
Out: `TrainingResult`
"""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from nearmiss.training.evaluation import EvaluationScores
from nearmiss.training.score_scale import ScoreScale

LIBRARIES = ("nearmiss", "sentence-transformers", "torch", "transformers")


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of a training run; `numbers` are of the held-out queries, by what gave the scores."""

    origin: str
    start: str
    start_fingerprint: str
    start_kind: str
    recipe: dict[str, Any]
    number_type: str
    trained_on: dict[str, int]
    held_out: dict[str, int]
    steps: int
    seconds: float
    numbers: dict[str, EvaluationScores]
    scale: ScoreScale  # folded into the head; slope 1 and shift 0 where it did not help
    fingerprint: str
    low_rank: dict[str, Any] | None  # rank, bytes, kept (share of the difference's squares)
    versions: dict[str, str]


def library_versions() -> dict[str, str]:
    """The versions of all that the weights depend on."""
    return {library: version(library) for library in LIBRARIES}


def result_from(content: dict[str, Any]) -> TrainingResult:
    """A result from its JSON form."""
    numbers = {name: EvaluationScores(**of) for name, of in content["numbers"].items()}
    return TrainingResult(**content | {"numbers": numbers, "scale": ScoreScale(**content["scale"])})
