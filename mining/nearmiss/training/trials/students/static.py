"""
The student `static`: one vector for each token, a text is their mean (sentence-transformers' StaticEmbedding).

In:  texts and the run's encoder, whose word embeddings are the start
Out: unit vectors

A text's mean is a row of a sparse matrix (shares of tokens) times the token vectors, so a step costs what its tokens
cost. Adam as in torch's SparseAdam: a token's moments change only when it occurs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nearmiss.models.unit_vectors import unit_vectors
from nearmiss.settings import Trial
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.training.trials.batches import Batch, Order
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.losses import loss_of, teacher_scale
from nearmiss.training.trials.measures import Blocks
from nearmiss.training.trials.students import unheard
from nearmiss.training.trials.students.trial_texts import TrialTexts
from nearmiss.types import Advance, Floats, Ints, Vectors

USUAL_SCHEDULE = 6, 2e-3  # epochs, highest step size
DOCUMENTS_AT_ONCE = 16_384
DECAY = (0.9, 0.999)  # of Adam's moments


@dataclass(frozen=True)
class Means:
    """Texts as shares of tokens, and the token vectors."""

    student: "Static"
    tokens: Vectors

    def questions(self) -> Vectors:
        """Unit vectors of the questions."""
        return unit_vectors(np.asarray(self.student.shares_of_questions @ self.tokens, np.float32))

    def documents(self) -> Blocks:
        """Unit vectors of the documents that are searched."""
        searched = self.student.texts.searched
        for start in range(0, len(searched), DOCUMENTS_AT_ONCE):
            rows = searched[start : start + DOCUMENTS_AT_ONCE]
            yield rows, unit_vectors(np.asarray(self.student.shares_of_documents[rows] @ self.tokens, np.float32))


@dataclass(frozen=True)
class Static:
    """Token vectors to be trained."""

    texts: TrialTexts
    trial: Trial

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the start, the texts' length and the training settings."""
        how = self.trial.of_training(USUAL_SCHEDULE)
        return fingerprint_of("static 1", self.texts.fingerprint(self.trial.max_length), *how)

    @cached_property
    def start(self) -> tuple[Any, Vectors]:
        """The encoder's tokenizer, and its word embeddings; or the token vectors of an encoder that has no others."""
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding

        model = self.texts.model(self.trial.max_length)
        if isinstance(model[0], StaticEmbedding):
            from transformers import PreTrainedTokenizerFast

            tokenizer = PreTrainedTokenizerFast(tokenizer_object=model[0].tokenizer)  # type: ignore[no-untyped-call]
            return tokenizer, model[0].embedding.weight.detach().float().numpy().copy()
        weights = model[0].auto_model.get_input_embeddings().weight.detach().float().numpy().copy()
        return model.tokenizer, weights

    @cached_property
    def shares_of_questions(self) -> Any:
        """Shares of tokens, (n_questions, vocabulary)."""
        return self._shares(self.texts.questions)

    @cached_property
    def shares_of_documents(self) -> Any:
        """Shares of tokens, (n_documents, vocabulary)."""
        return self._shares(self.texts.documents)

    @cached_property
    def shares_of_queries(self) -> Any:
        """Shares of tokens, (n_queries, vocabulary)."""
        return self._shares(self.texts.queries)

    def _shares(self, texts: list[str]) -> Any:
        from scipy.sparse import csr_array

        tokenizer, weights = self.start
        indptr, indices, data = [0], [], []
        for start in range(0, len(texts), 4096):
            part = texts[start : start + 4096]
            found = tokenizer(part, add_special_tokens=False, truncation=True, max_length=self.trial.max_length)
            for ids in found["input_ids"]:
                tokens, counts = np.unique(np.array(ids or [0], np.int32), return_counts=True)
                indices.append(tokens)
                data.append((counts / counts.sum()).astype(np.float32))
                indptr.append(indptr[-1] + len(tokens))
        shape = (len(texts), len(weights))
        return csr_array((np.concatenate(data), np.concatenate(indices), np.array(indptr)), shape=shape)

    def untrained(self) -> Means:
        """The encoder's word embeddings."""
        return Means(self, self.start[1])

    def steps(self, exported: ExportedPairs) -> int:
        """How many steps the training takes."""
        return Order(exported, self.trial.batch_size).steps(self.trial.schedule(USUAL_SCHEDULE)[0])

    def train(self, exported: ExportedPairs, seed: int, advance: Advance = unheard) -> Means:
        """Token vectors that bring queries and their positives together."""
        order = Order(exported, self.trial.batch_size, self.trial.negatives)
        scale = teacher_scale(self.trial, exported, self._cosines)
        epochs, rate = self.trial.schedule(USUAL_SCHEDULE)
        adam = _SparseAdam(self.start[1].copy(), rate, order.steps(epochs))
        for batch in order.batches(epochs, seed):
            self._step(batch, scale, adam)
            advance(len(batch.query))
        return Means(self, adam.weights)

    def _step(self, batch: Batch, scale: tuple[float, float], adam: "_SparseAdam") -> None:
        import torch
        from scipy.sparse import vstack

        documents, place = np.unique(batch.document, return_inverse=True)
        shares = vstack([self.shares_of_queries[batch.query], self.shares_of_documents[documents]], format="csr")
        tokens, local = np.unique(shares.indices, return_inverse=True)
        shares = type(shares)((shares.data, local.ravel(), shares.indptr), shape=(shares.shape[0], len(tokens)))
        means = torch.from_numpy(np.asarray(shares @ adam.weights[tokens])).requires_grad_()
        unit = torch.nn.functional.normalize(means)
        cosines = (unit[: len(batch.query)] @ unit[len(batch.query) :].T).index_select(1, torch.from_numpy(place))
        teacher = torch.from_numpy(scale[0] * batch.score + np.float32(scale[1]))
        loss = loss_of(self.trial.loss, cosines, torch.from_numpy(batch.masked), teacher, self.trial.temperature)
        loss.backward()
        assert means.grad is not None
        adam.step(tokens, np.asarray(shares.T @ means.grad.numpy()))

    def _cosines(self, queries: Ints, documents: Ints) -> Floats:
        weights = self.start[1]
        left = np.asarray(self.shares_of_queries[queries] @ weights, np.float32)
        right = np.asarray(self.shares_of_documents[documents] @ weights, np.float32)
        return np.asarray(np.vecdot(unit_vectors(left), unit_vectors(right)), np.float32)


class _SparseAdam:
    """Adam that touches only the rows that have a gradient; its step falls to 0 over `steps`."""

    def __init__(self, weights: Vectors, rate: float, steps: int) -> None:
        self.weights, self.rate, self.steps, self.done = weights, rate, steps, 0
        self.first, self.second = np.zeros_like(weights), np.zeros_like(weights)

    def step(self, rows: Ints, gradient: Vectors) -> None:
        rate = self.rate * (1 - self.done / self.steps)
        self.done += 1
        keep, keep_square = (np.float32(decay) for decay in DECAY)
        first = self.first[rows] * keep + gradient * (1 - keep)
        second = self.second[rows] * keep_square + gradient * gradient * (1 - keep_square)
        self.first[rows], self.second[rows] = first, second
        unbiased = np.sqrt(second / np.float32(1 - DECAY[1] ** self.done)) + np.float32(1e-8)
        self.weights[rows] -= np.float32(rate / (1 - DECAY[0] ** self.done)) * first / unbiased
