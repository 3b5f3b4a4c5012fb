"""
The calibration of a round, on disk: what it is, and the probability of each candidate.

In:  a round's folder, its candidates
Out: calibration.json, and beside it the probabilities in the candidates' order

calibration.json names the file of its own probabilities, so that the two never disagree, however a process ends.
"""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.calibration.fitting import PRIOR_ALONE, TEACHER_UNKNOWN
from nearmiss.calibration.model import Calibration, from_prior
from nearmiss.calibration.signals import Signals, signals
from nearmiss.settings import LATE_INTERACTION
from nearmiss.storage.damage import damaged
from nearmiss.storage.files import read_array, read_object, write_atomically, write_json

FILE = "calibration.json"


def load(folder: Path) -> Calibration | None:
    """The calibration in force in a round's folder; None where the prior stands in for it."""
    if not (folder / FILE).is_file():
        return None
    return _from_json(_read(folder)["calibration"], folder / FILE)


def version(folder: Path) -> int:
    """A number that changes when another calibration is put in force; 0 while the prior stands in for one."""
    path = folder / FILE
    return path.stat().st_mtime_ns if path.is_file() else 0


def probabilities(folder: Path, candidates: pd.DataFrame) -> npt.NDArray[np.float32]:
    """p_relevant of a round's candidates, (n,), as stored, or by the prior where nothing is."""
    if (folder / FILE).is_file():
        path = folder / str(_read(folder)["probabilities"])
        if path.is_file():
            found_there = read_array(path)
            if found_there.shape != (len(candidates),) or found_there.dtype.kind != "f":
                raise damaged(
                    path, f"one number for each of {len(candidates):,} candidates", f"an array {found_there.shape}"
                )
            return np.asarray(found_there, np.float32)
    found = signals(candidates)
    calibration = load(folder) or by_prior(found, candidates)
    return calibration.probabilities(calibration.logits(found))


def by_prior(found: Signals, candidates: pd.DataFrame, teacher: str = "") -> Calibration:
    """The prior on these candidates; it says itself that no judgement was used, and if it never met the teacher."""
    unknown = teacher != LATE_INTERACTION and "teacher_place" in found.names
    doubts = (PRIOR_ALONE, TEACHER_UNKNOWN) if unknown else (PRIOR_ALONE,)
    return replace(from_prior(found, candidates["is_positive"].to_numpy(bool)), doubts=doubts)


def save(
    folder: Path, found: Signals, calibration: Calibration, told: dict[str, Any] | None = None
) -> npt.NDArray[np.float32]:
    """Put a calibration in force for a round, with what was `told` of its reliability; returns p_relevant, (n,)."""
    p = calibration.probabilities(calibration.logits(found))
    content = json.dumps(asdict(calibration), sort_keys=True).encode()
    name = f"p_relevant-{hashlib.sha256(content).hexdigest()[:12]}.npy"
    with write_atomically(folder / name) as temporary:
        np.save(temporary, p)
    write_json(folder / FILE, {"probabilities": name, "calibration": asdict(calibration), "reliability": told})
    for old in folder.glob("p_relevant-*.npy"):
        if old.name != name:
            old.unlink()
    return p


def told_of(folder: Path) -> dict[str, Any] | None:
    """What was said of the reliability when it was fitted."""
    if not (folder / FILE).is_file():
        return None
    told: dict[str, Any] | None = _read(folder)["reliability"]
    return told


def _read(folder: Path) -> dict[str, Any]:
    return read_object(folder / FILE, ("probabilities", "calibration", "reliability"))


def _from_json(content: dict[str, Any], place: Path) -> Calibration:
    lists = ("names", "center", "scale", "weights", "plans_used", "doubts")
    try:
        return Calibration(
            **content
            | {name: tuple(content[name]) for name in lists}
            | {"steps": tuple((at, p) for at, p in content["steps"])}
        )
    except (TypeError, ValueError, LookupError) as error:
        raise damaged(place, "a calibration that this release of nearmiss wrote", repr(error)) from error
