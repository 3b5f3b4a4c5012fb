"""
Batches: the order in which a student sees its exported pairs.

In:  `ExportedPairs`, a seed
Out: batches of queries, each with one positive and its negatives

The order depends on the seed alone, so two policies that export the same queries train in the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.types import Bools, Floats, Ints


@dataclass(frozen=True)
class Batch:
    """
    Some queries with their documents.

    `query` holds row numbers, (b,). `document` (b * (1 + m),) has a positive of each query, then m places for the
    negatives of each query in turn. `masked` (b, b * (1 + m)) are the pairs that must not count: empty places and
    documents that answer the query without being its positive here. `score` (b, 1 + m) is the teacher's, NaN in empty
    places.
    """

    query: Ints
    document: Ints
    masked: Bools
    score: Floats


@dataclass(frozen=True)
class Order:
    """Exported pairs that can be cut into batches; `negatives` limits those of a query, best slots first."""

    exported: ExportedPairs
    batch_size: int
    negatives: int | None = None

    def batches(self, epochs: int, seed: int) -> Iterator[Batch]:
        """The batches of all epochs, shuffled in each."""
        random = np.random.default_rng(seed)
        count = len(self.exported.queries)
        for _ in range(epochs):
            order = random.permutation(count)
            lot = random.random(count)
            for start in range(0, count, self.batch_size):
                places = order[start : start + self.batch_size]
                yield self._batch(places, lot[places])

    def steps(self, epochs: int) -> int:
        """How many batches there are in all."""
        return epochs * -(-len(self.exported.queries) // self.batch_size)

    @cached_property
    def _positives(self) -> tuple[Ints, Ints]:
        return self.exported.of(True)

    @cached_property
    def _negatives(self) -> tuple[Ints, Ints]:
        return self.exported.of(False)

    @cached_property
    def _scores(self) -> tuple[Floats, Floats]:
        positive = self.exported.is_positive
        return self.exported.score[positive], self.exported.score[~positive]

    @cached_property
    def width(self) -> int:
        """The most negatives that a query has."""
        most = int(np.diff(self._negatives[1]).max(initial=0))
        return most if self.negatives is None else min(most, self.negatives)

    @cached_property
    def _answers(self) -> Ints:
        """Every pair of query and positive as one number, rising."""
        documents, starts = self._positives
        query = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        return np.sort(query * self._base + documents)

    @cached_property
    def _base(self) -> int:
        return int(self.exported.document.max(initial=0)) + 1

    def _batch(self, places: Ints, lot: Floats) -> Batch:
        documents, starts = self._positives
        chosen = starts[places] + (lot * (starts[places + 1] - starts[places])).astype(np.int64)
        positive = documents[chosen]
        negative, empty, at = self._of_negatives(places)
        document = np.concatenate([positive, negative.ravel()])
        masked = self._answer(places, document)
        own = np.arange(len(places))
        masked |= document[None, :] == positive[:, None]
        masked[own, own] = False
        masked[:, len(places) :] |= empty.ravel()[None, :]
        scores = np.where(empty, np.nan, np.append(self._scores[1], np.float32(0))[at])
        score = np.concatenate([self._scores[0][chosen][:, None], scores], axis=1).astype(np.float32)
        return Batch(self.exported.queries[places], document, masked, score)

    def _of_negatives(self, places: Ints) -> tuple[Ints, Bools, Ints]:
        """Negatives of each query, which places are empty, and their positions among all, each (b, m)."""
        documents, starts = self._negatives
        at = starts[places][:, None] + np.arange(self.width)[None, :]
        empty = at >= starts[places + 1][:, None]
        at = np.where(empty, len(documents), at)
        # An empty place holds the first document, and is masked.
        return np.append(documents, 0)[at], empty, at

    def _answer(self, places: Ints, document: Ints) -> Bools:
        keys = places[:, None] * self._base + document[None, :]
        found = np.searchsorted(self._answers, keys)
        return np.asarray(self._answers[np.minimum(found, len(self._answers) - 1)] == keys)
