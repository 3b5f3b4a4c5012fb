"""
Students: small models trained on a policy's exported pairs, in seconds to an evening.

In:  `ExportedPairs`, a seed
Out: vectors of the questions, and of the documents block by block
"""

from typing import Protocol

from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.measures import Blocks
from nearmiss.types import Vectors


class Trained(Protocol):
    """A student, trained or untrained."""

    def questions(self) -> Vectors:
        """Unit vectors of the questions, (n_questions, dimension)."""

    def documents(self) -> Blocks:
        """Row numbers and unit vectors of the documents that are searched, block by block."""


class Student(Protocol):
    """A model to train; `fingerprint` covers all that determines its vectors except the exported pairs and the seed."""

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256."""

    def untrained(self) -> Trained:
        """The untrained student."""

    def train(self, exported: ExportedPairs, seed: int) -> Trained:
        """The student after `exported`; the same seed gives the same numbers on the same machine."""
