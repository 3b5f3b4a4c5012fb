"""
Students: small models that learn a policy's exported, from seconds to an evening.

In:  `ExportedPairs`, a seed
Out: vectors of the questions, and of the documents block by block
"""

from typing import Protocol

from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.measures import Blocks
from nearmiss.types import Vectors


class Trained(Protocol):
    """A student after training, or before any."""

    def questions(self) -> Vectors:
        """Unit vectors of the questions, (n_questions, dimension)."""

    def documents(self) -> Blocks:
        """Row numbers and unit vectors of the documents that are searched, block by block."""


class Student(Protocol):
    """What can be trained; `fingerprint` names all that decides its vectors but the exported pairs and the seed."""

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256."""

    def untrained(self) -> Trained:
        """The student before it learnt anything."""

    def train(self, exported: ExportedPairs, seed: int) -> Trained:
        """The student after `exported`; the same seed gives the same numbers on the same machine."""
