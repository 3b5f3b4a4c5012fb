"""
Turned encoder: an adapter's vectors of texts that a round holds, by a matrix product instead of encoding.

In:  a round's vectors, the two matrices that were trained on them, the adapted model's folder
Out: an `Encoder` for the next round; texts that the round does not know go through the model

They are the vectors on which the adapter was trained and measured, so a round of an adapter costs no encoding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.data import passages
from nearmiss.models.adapted import Adaptation
from nearmiss.models.encoder import ModelEncoder, load_model_encoder
from nearmiss.models.unit_vectors import unit_vectors
from nearmiss.retrieval.vector_store import StoredVectors, open_vectors
from nearmiss.run import Run
from nearmiss.settings import Mining
from nearmiss.storage.files import write_atomically
from nearmiss.types import Vectors

MATRICES = "matrices.npz"


@dataclass(frozen=True)
class TurnedEncoder:
    """The encoder of a folder; what it says of itself is what `load_model_encoder` says of that folder."""

    run: Run
    number: int  # the round whose vectors are turned
    matrices: Adaptation
    model: ModelEncoder

    @property
    def engine(self) -> str:
        """Where the vectors come from."""
        return f"{self.model.engine}, by the vectors of round {self.number}"

    @property
    def fingerprint(self) -> str:
        """As of the folder."""
        return self.model.fingerprint

    @property
    def precision(self) -> str:
        """As of the folder."""
        return self.model.precision

    @property
    def agreement(self) -> str | None:
        """As of the folder."""
        return self.model.agreement

    def fingerprint_in(self, precision: str) -> str:
        """As of the folder, on another processor."""
        return self.model.fingerprint_in(precision)

    def encode_query(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of queries."""
        return _turned(texts, *self._queries, self.matrices.of_queries, self.model.encode_query)

    def encode_document(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of documents."""
        return _turned(texts, *self._documents, self.matrices.of_documents, self.model.encode_document)

    @cached_property
    def _queries(self) -> tuple[dict[str, int], StoredVectors]:
        return _by_text(self.run.dataset.queries["text"].tolist(), self.run.round_folder(self.number) / "query_vectors")

    @cached_property
    def _documents(self) -> tuple[dict[str, int], StoredVectors]:
        return _by_text(passages(self.run.dataset.documents), self.run.round_folder(self.number) / "document_vectors")


def keep(folder: Path, matrices: Adaptation) -> None:
    """Write the matrices as they were trained, before any that the encoder had are multiplied in."""
    with write_atomically(folder / MATRICES) as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, queries=matrices.of_queries, documents=matrices.of_documents)


def turned_encoder(run: Run, number: int, workshop: Path, recipe: Mining) -> TurnedEncoder | None:
    """The encoder of a student that was trained on round `number`; None where its matrices were not kept."""
    path = workshop / MATRICES
    if not path.is_file():
        return None
    with np.load(path) as stored:
        matrices = Adaptation(stored["queries"], stored["documents"])
    return TurnedEncoder(run, number, matrices, load_model_encoder(recipe))


def _by_text(texts: list[str], vectors: Path) -> tuple[dict[str, int], StoredVectors]:
    return {text: row for row, text in enumerate(texts)}, open_vectors(vectors)


def _turned(
    texts: list[str], rows: dict[str, int], vectors: StoredVectors, matrix: Vectors, encode: Callable[..., Any]
) -> Vectors:
    known = np.array([rows.get(text, -1) for text in texts], np.int64)
    found = np.empty((len(texts), matrix.shape[1]), np.float32)
    there = known >= 0
    found[there] = unit_vectors(vectors.take(known[there]) @ matrix)
    if not there.all():
        found[~there] = encode([text for text, one in zip(texts, there.tolist(), strict=True) if not one])
    return found
