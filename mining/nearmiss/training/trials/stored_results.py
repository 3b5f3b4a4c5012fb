"""
Results: each student's measures on disk, so that no student is trained twice.

In:  the folder of a run, all that determines a student's numbers
Out: RUN/trials/students/<fingerprint>.npz; each measure of each question

A result is found by the fingerprint of what would be exported, of the questions, of the student and its settings, and
the seed. Nothing else changes a number.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nearmiss.export.trained import FOLDER
from nearmiss.storage.files import write_atomically
from nearmiss.training.trials.measures import MEASURES
from nearmiss.types import Floats


@dataclass(frozen=True)
class Store:
    """The results of a run's students."""

    folder: Path

    @classmethod
    def of(cls, run: Path) -> "Store":
        """The store of a run folder."""
        return cls(run / FOLDER / "students")

    def find(self, fingerprint: str) -> dict[str, Floats] | None:
        """Each measure of each question, (n_questions,), and `seconds`; None where this student was not trained."""
        path = self._path(fingerprint)
        if not path.exists():
            return None
        try:
            with np.load(path) as stored:
                found = {name: stored[name] for name in (*MEASURES, "seconds")}
        except (OSError, ValueError, KeyError):
            return None  # damaged: the student is trained again, and the file overwritten
        return found

    def keep(self, fingerprint: str, measures: dict[str, Floats], seconds: float) -> None:
        """Write a result, whole or not at all."""
        with write_atomically(self._path(fingerprint)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, seconds=np.float64(seconds), **measures)

    def _path(self, fingerprint: str) -> Path:
        return self.folder / f"{fingerprint}.npz"
