"""
Students: small models trained on a policy's exported pairs, in seconds to an evening.

In:  `ExportedPairs`, a seed
Out: vectors of the questions, and of the documents block by block
"""

from typing import Protocol

from nearmiss.settings import StudentName
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.measures import Blocks
from nearmiss.types import Advance, Vectors


def unheard(count: int) -> None:
    """Progress that nobody watches."""


# What is known of each student beside a whole encoder: tests/benchmarks/README.md, "Students of trials".
FINDINGS: dict[StudentName, str] = {
    "adapter": (
        "The adapter takes seconds and is no encoder. On NFCorpus and MedQuAD (six and five policies, three seeds of "
        "the whole encoder), at temperature .05, none of its 31 differences called better went the other way in the "
        "encoder's mean; at .1, 4 of 27 did. Where it finds no difference its order says nothing. Confirm what matters "
        "with the student encoder."
    ),
    "static": (
        "Do not choose a policy by the static student. On NFCorpus 3 of its 11 differences called better went the "
        "other way in the whole encoder, each beyond its interval; on MedQuAD it found next to none."
    ),
    "encoder": (
        "This is the run's own encoder, all of it, fine-tuned for a short time on short texts. With one or two seeds, "
        "small differences are chance."
    ),
}


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

    def train(self, exported: ExportedPairs, seed: int, advance: Advance = unheard) -> Trained:
        """
        The student after `exported`; the same seed gives the same numbers on the same machine.

        `advance` is called with the number of queries of each step.
        """

    def steps(self, exported: ExportedPairs) -> int:
        """How many steps that takes."""
