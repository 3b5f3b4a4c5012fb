"""
The student `adapter`: one square matrix for queries, one for documents, on the run's vectors; nothing is encoded.

In:  vectors of queries and documents
Out: vectors turned by two matrices, which start as the identity

In a batch, what the negatives of all its queries have in common is computed once. Adam, with a step that falls to 0.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.models.unit_vectors import unit_vectors
from nearmiss.settings import Trial
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.training.trials.batches import Batch, Order
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.losses import loss_of, teacher_scale
from nearmiss.training.trials.measures import Blocks
from nearmiss.training.trials.students import unheard
from nearmiss.types import Advance, Floats, Ints, Vectors

USUAL_SCHEDULE = 8, 5e-4  # epochs, highest step size
MOST_IN_MEMORY = 400_000  # vectors held in memory while training; with more, each batch reads its own
DOCUMENTS_AT_ONCE = 16_384  # documents turned at a time for the search


@dataclass(frozen=True)
class Space:
    """
    The vectors a student works on: readers by row, the questions' vectors, and which documents are searched.

    `read_queries` and `read_documents` give float32 unit vectors of row numbers of the data set.
    """

    read_queries: Any
    read_documents: Any
    questions: Vectors
    searched: Ints
    fingerprint: str


@dataclass(frozen=True)
class Turned:
    """Vectors of a space, turned by two matrices (d, d); None leaves them as they are."""

    space: Space
    of_queries: Vectors | None = None
    of_documents: Vectors | None = None

    def questions(self) -> Vectors:
        """Unit vectors of the questions."""
        return _turned(self.space.questions, self.of_queries)

    def documents(self) -> Blocks:
        """Unit vectors of the documents that are searched."""
        for start in range(0, len(self.space.searched), DOCUMENTS_AT_ONCE):
            rows = self.space.searched[start : start + DOCUMENTS_AT_ONCE]
            yield rows, _turned(self.space.read_documents(rows), self.of_documents)


@dataclass(frozen=True)
class Adapter:
    """Two matrices to be trained."""

    space: Space
    trial: Trial

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the vectors and the training settings."""
        return fingerprint_of("adapter 1", self.space.fingerprint, *self.trial.of_training(USUAL_SCHEDULE))

    def untrained(self) -> Turned:
        """The run's own vectors."""
        return Turned(self.space)

    def steps(self, exported: ExportedPairs) -> int:
        """How many steps the training takes."""
        return Order(exported, self.trial.batch_size).steps(self.trial.schedule(USUAL_SCHEDULE)[0])

    def train(self, exported: ExportedPairs, seed: int, advance: Advance = unheard) -> Turned:
        """Two matrices that bring queries and their positives together."""
        import torch

        order = Order(exported, self.trial.batch_size, self.trial.negatives)
        read = _Read(self.space, exported)
        scale = teacher_scale(self.trial, exported, read.cosines)
        epochs, rate = self.trial.schedule(USUAL_SCHEDULE)
        matrices = [torch.eye(self.space.questions.shape[1], requires_grad=True) for _ in range(2)]
        steps = order.steps(epochs)
        optimizer = torch.optim.Adam(matrices, lr=rate, fused=True)
        falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
        for batch in order.batches(epochs, seed):
            optimizer.zero_grad()
            self._loss(read, batch, scale, matrices).backward()
            optimizer.step()
            falling.step()
            advance(len(batch.query))
        of_queries, of_documents = (matrix.detach().numpy() for matrix in matrices)
        return Turned(self.space, of_queries, of_documents)

    def _loss(self, read: "_Read", batch: Batch, scale: tuple[float, float], matrices: list[Any]) -> Any:
        import torch

        documents, place = np.unique(batch.document, return_inverse=True)
        left = torch.nn.functional.normalize(read.queries(batch.query) @ matrices[0])
        right = torch.nn.functional.normalize(read.documents(documents) @ matrices[1])
        cosines = (left @ right.T).index_select(1, torch.from_numpy(place))
        teacher = torch.from_numpy(scale[0] * batch.score + np.float32(scale[1]))
        return loss_of(self.trial.loss, cosines, torch.from_numpy(batch.masked), teacher, self.trial.temperature)


class _Read:
    """Vectors of training queries and documents as tensors; held where there are few, else read as they are asked."""

    def __init__(self, space: Space, exported: ExportedPairs) -> None:
        import torch

        self.space = space
        self.rows = np.unique(exported.document)
        self.query_rows = exported.queries
        self.held = None
        if len(self.rows) + len(self.query_rows) <= MOST_IN_MEMORY:
            self.held = tuple(
                torch.from_numpy(read(rows)).half()
                for read, rows in ((space.read_queries, self.query_rows), (space.read_documents, self.rows))
            )

    def queries(self, rows: Ints) -> Any:
        import torch

        if self.held is None:
            return torch.from_numpy(self.space.read_queries(rows))
        return self.held[0][torch.from_numpy(np.searchsorted(self.query_rows, rows))].float()

    def documents(self, rows: Ints) -> Any:
        import torch

        if self.held is None:
            return torch.from_numpy(self.space.read_documents(rows))
        return self.held[1][torch.from_numpy(np.searchsorted(self.rows, rows))].float()

    def cosines(self, queries: Ints, documents: Ints) -> Floats:
        """Of pairs of rows, (n,), before training."""
        return np.asarray((self.queries(queries) * self.documents(documents)).sum(dim=1).numpy())


def _turned(rows: Vectors, matrix: npt.NDArray[np.float32] | None) -> Vectors:
    if matrix is None:
        return rows
    return unit_vectors(rows @ matrix)
