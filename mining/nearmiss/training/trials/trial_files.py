"""
Trial files: what a trial has found, on disk, while its students are trained and afterwards.

In:  each policy as its students finish; the whole outcome
Out: RUN/trials/so_far.json, until the trial ends; then RUN/trials/latest.json, and for each exported set what was
     trained on it; and the points of a picture, read back from either file
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nearmiss.errors import FileError
from nearmiss.export import trained
from nearmiss.run import policy_from
from nearmiss.settings import Policy, Trial
from nearmiss.storage.files import read_object, write_json
from nearmiss.training.trials.certainty import interval
from nearmiss.training.trials.outcome import CONFIDENCE, Outcome, Reached
from nearmiss.training.trials.policies import AND, Tried

SO_FAR, LATEST = "so_far.json", "latest.json"
_WANTED = ("trial", "policies")
Content = dict[str, Any]


class SoFar:
    """The file of a trial that is under way; a trial that was stopped leaves it."""

    def __init__(self, run: Path, trial: Trial, policies: Sequence[Tried]) -> None:
        self.path = run / trained.FOLDER / SO_FAR
        self.trial = trial
        self.waiting = [one.name for one in policies]
        self.policies: list[Content] = []
        self._write()

    def add(self, one: Reached) -> None:
        """Note the results of one policy."""
        values, trial = one.measures["ndcg"], self.trial
        found = interval(values, CONFIDENCE, trial.resamples, trial.seed)
        self.policies.append(one.tried.as_json() | {"ndcg": one.mean("ndcg"), "ndcg_interval": found})
        self.waiting.remove(one.tried.name)
        self._write()

    def done(self) -> None:
        """Remove the file: the outcome is written."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        write_json(self.path, {"trial": asdict(self.trial), "waiting": self.waiting, "policies": self.policies})


@dataclass(frozen=True)
class TrialPoint:
    """What the students of one policy reach: the mean nDCG@10 and its interval; the policy is None for in-batch."""

    name: str
    policy: Policy | None
    ndcg: float
    low: float
    high: float

    def is_called(self, name: str) -> bool:
        """Whether this is one of its names."""
        return name in self.name.split(AND)


def write(run: Path, outcome: Outcome) -> None:
    """Write an outcome, and what was trained on each exported set."""
    content = outcome.as_json()
    write_json(run / trained.FOLDER / LATEST, content)
    about = {name: content[name] for name in ("trial", "questions", "last_seq", "round")}
    for one in content["policies"]:
        if one["policy"] is not None:
            against = one["against_95_rule"]
            trained.note(run, one["export_fingerprint"], about | _in_short(one) | {"against_95_rule": against})


def latest(run: Path) -> Content | None:
    """The outcome of the last trial that ended; None where there is none that can be read."""
    return _read(run / trained.FOLDER / LATEST)


def as_text(content: Content) -> str:
    """An outcome as `nearmiss trial --json` prints it."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def so_far(run: Path) -> Content | None:
    """What a trial that is under way, or was stopped, has found; None where there is none."""
    return _read(run / trained.FOLDER / SO_FAR)


def points(content: Content) -> list[TrialPoint]:
    """The policies whose students are trained, in the trial's order."""
    return [
        TrialPoint(
            one["name"],
            None if one["policy"] is None else policy_from(one["policy"]),
            float(one["ndcg"]),
            *map(float, one["ndcg_interval"]),
        )
        for one in content["policies"]
    ]


def along(found: Sequence[TrialPoint], policy: Policy, field: str) -> list[tuple[float, TrialPoint]]:
    """Those of the points that differ from `policy` in one setting at most, by its value, rising."""
    own = []
    for point in found:
        value = None if point.policy is None else getattr(point.policy, field)
        if value is not None and point.policy == replace(policy, **{field: value}):
            own.append((float(value), point))
    return sorted(own, key=lambda one: one[0])


def _in_short(one: Content) -> Content:
    return {name: one[name] for name in ("name", "ndcg", "ndcg_interval")}


def _read(path: Path) -> Content | None:
    # Absent or damaged: the trial is run again, and finds what was trained.
    with suppress(FileError):
        return read_object(path, _WANTED)
    return None
