"""
The calibration of a round, on disk: what it is, and the probability of each candidate.

In:  a round's folder, its candidates
Out: calibration.json, and beside it the probabilities in the candidates' order; calibrations.jsonl, every one that was
     put in force by a person, so that it can be undone

calibration.json names the file of its own probabilities, so that the two never disagree, however a process ends.
"""

import hashlib
import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss import access
from nearmiss.calibration.answer_rate import CandidateLabels, at_rate_of, labels_of
from nearmiss.calibration.fitting import PRIOR_ALONE, TEACHER_UNKNOWN
from nearmiss.calibration.model import Calibration, from_prior
from nearmiss.calibration.signals import Signals, signals
from nearmiss.settings import LATE_INTERACTION
from nearmiss.storage import journal
from nearmiss.storage.damage import damaged
from nearmiss.storage.files import read_array, read_object, write_atomically, write_json
from nearmiss.storage.one_writer import PATIENCE_S, one_writer

FILE = "calibration.json"
HISTORY_FILE = "calibrations.jsonl"
_WRITE = Lock()


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


def stand_in(folder: Path, found: Signals, candidates: pd.DataFrame, teacher: str = "") -> Calibration:
    """The prior in the place of a calibration that is not there; a doubt says so where a person had chosen one."""
    prior = by_prior(found, candidates, teacher)
    if not (folder / HISTORY_FILE).exists():
        return prior
    lost = f"{folder / FILE}: no such file, though {HISTORY_FILE} says that one was put in force; the default stands in"
    return replace(prior, doubts=(*prior.doubts, lost))


def by_prior(found: Signals, candidates: pd.DataFrame, teacher: str = "") -> Calibration:
    """
    The prior on these candidates, at the rate of answers that their labelled answers tell.

    Its doubts say that no judgement was used, and if the teacher is new to it.
    """
    return by_prior_of(found, labels_of(candidates), teacher)


def by_prior_of(found: Signals, known: CandidateLabels, teacher: str = "") -> Calibration:
    """The same of candidates of which nothing but their labels is there."""
    unknown = teacher != LATE_INTERACTION and "teacher_place" in found.names
    doubts = (PRIOR_ALONE, TEACHER_UNKNOWN) if unknown else (PRIOR_ALONE,)
    return replace(at_rate_of(from_prior(found, known.positive), found, known), doubts=doubts)


def save(
    folder: Path, found: Signals, calibration: Calibration, reliability: dict[str, Any] | None = None
) -> npt.NDArray[np.float32]:
    """Put a calibration in force for a round, with its `reliability` on unseen queries; returns p_relevant, (n,)."""
    p = calibration.probabilities(calibration.logits(found))
    content = json.dumps(asdict(calibration), sort_keys=True).encode()
    name = f"p_relevant-{hashlib.sha256(content).hexdigest()[:12]}.npy"
    with write_atomically(folder / name) as temporary:
        np.save(temporary, p)
    write_json(folder / FILE, {"probabilities": name, "calibration": asdict(calibration), "reliability": reliability})
    for old in folder.glob("p_relevant-*.npy"):
        if old.name != name:
            old.unlink()
    return p


def replace_with(
    folder: Path,
    found: Signals,
    before: Calibration,
    calibration: Calibration,
    reliability: dict[str, Any] | None,
    by: str,
) -> None:
    """Put a calibration in force as a person's choice: it is logged, and `undo` goes back to `before`."""
    access.require("calibrate")
    with _WRITE, one_writer(folder, FILE, PATIENCE_S):
        _note(folder, before)
        save(folder, found, calibration, reliability)
        journal.append(folder / HISTORY_FILE, _line(calibration, reliability, by, time.time()))


def undo(folder: Path, candidates: pd.DataFrame, by: str) -> Calibration | None:
    """Put the calibration before in force again; None where there is none."""
    return _step(folder, candidates, "undo", by)


def redo(folder: Path, candidates: pd.DataFrame, by: str) -> Calibration | None:
    """Put the calibration that was undone last in force again; None where there is none."""
    return _step(folder, candidates, "redo", by)


def can_step(folder: Path) -> tuple[bool, bool]:
    """Whether there is a calibration to undo to, and one to redo to."""
    saves, at = journal.replayed(folder / HISTORY_FILE)
    return at > 0, at + 1 < len(saves)


def _step(folder: Path, candidates: pd.DataFrame, action: str, by: str) -> Calibration | None:
    access.require("calibrate")
    with _WRITE, one_writer(folder, FILE, PATIENCE_S):
        saves, at = journal.replayed(folder / HISTORY_FILE)
        to = at - 1 if action == "undo" else at + 1
        if not 0 <= to < len(saves):
            return None
        calibration = _from_json(saves[to]["calibration"], folder / HISTORY_FILE)
        save(folder, signals(candidates), calibration, saves[to]["reliability"])
        journal.append(folder / HISTORY_FILE, {"action": action, "at": time.time(), "by": by})
        return calibration


def _note(folder: Path, current: Calibration) -> None:
    """Add the calibration in force to the journal where mining or a program put it there."""
    saves, at = journal.replayed(folder / HISTORY_FILE)
    if not (saves and _from_json(saves[at]["calibration"], folder / HISTORY_FILE) == current):
        journal.append(folder / HISTORY_FILE, _line(current, reliability_of(folder), "", 0.0))


def _line(calibration: Calibration, reliability: dict[str, Any] | None, by: str, at: float) -> dict[str, Any]:
    return {"action": "save", "at": at, "by": by, "calibration": asdict(calibration), "reliability": reliability}


def reliability_of(folder: Path) -> dict[str, Any] | None:
    """The reliability as measured when it was fitted."""
    if not (folder / FILE).is_file():
        return None
    facts: dict[str, Any] | None = _read(folder)["reliability"]
    return None if facts is None else _renamed(facts)


# What version 0.1 called the two numbers of a bin.
_OLD_NAMES = {"foretold": "estimated", "came": "judged"}


def _renamed(stored: Any) -> Any:
    """The same with the names of today."""
    if isinstance(stored, dict):
        return {_OLD_NAMES.get(name, name): _renamed(value) for name, value in stored.items()}
    return [_renamed(one) for one in stored] if isinstance(stored, list) else stored


def _read(folder: Path) -> dict[str, Any]:
    return read_object(folder / FILE, ("probabilities", "calibration", "reliability"))


def _from_json(content: dict[str, Any], place: Path) -> Calibration:
    content = {"estimated_rate": []} | content  # not in folders of before 2026-11-28
    lists = ("names", "center", "scale", "weights", "plans_used", "doubts", "estimated_rate")
    try:
        return Calibration(
            **content
            | {name: tuple(content[name]) for name in lists}
            | {"steps": tuple((at, p) for at, p in content["steps"])}
        )
    except (TypeError, ValueError, LookupError) as error:
        raise damaged(place, "a calibration that this release of nearmiss wrote", repr(error)) from error
