"""
One round: the inputs of every stage, and where its files go.

In:  data, recipe and models
Out: texts, row numbers and vectors, each made once
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.candidates import clusters
from nearmiss.candidates.pooling import CandidatePairs, pairs_of
from nearmiss.candidates.twins import share_answers
from nearmiss.data import Dataset, Passages
from nearmiss.models.encoder import Encoder
from nearmiss.models.teacher import Teacher
from nearmiss.retrieval import language
from nearmiss.retrieval.vector_store import StoredVectors, open_vectors
from nearmiss.settings import Mining
from nearmiss.storage.files import read_table, rows_in
from nearmiss.storage.numbered import shard_name

QUERIES_PER_SHARD = 256
TEXTS_PER_SHARD = 4096


@dataclass(frozen=True)
class Round:
    """The inputs of every stage of one round."""

    run: Path
    number: int
    data: Dataset
    recipe: Mining
    encoder: Encoder
    teacher: Teacher | None
    sparse_encoder: Any = None  # a live SparseEncoder in the place of the one that the recipe names

    @property
    def folder(self) -> Path:
        """Where this round's files go."""
        return self.run / "rounds" / str(self.number)

    @cached_property
    def documents(self) -> Sequence[str]:
        """The text of each document as models read it."""
        return Passages(self.data.documents)

    @cached_property
    def queries(self) -> list[str]:
        """The text of each query."""
        return self.data.queries["text"].tolist()

    @cached_property
    def positives(self) -> CandidatePairs:
        """Row numbers of the labelled answers, shared among the queries of one text."""
        return share_answers(self.queries, pairs_of(self.data, self.data.positives), self.negatives)

    @property
    def most_positives(self) -> int:
        """The largest number of answers that any query has."""
        return int(np.bincount(self.positives.query).max(initial=0))

    @cached_property
    def negatives(self) -> CandidatePairs:
        """Row numbers of the labelled negatives."""
        return pairs_of(self.data, self.data.negatives)

    @cached_property
    def language(self) -> str:
        """The language of the recipe, or the one detected in the documents."""
        return self.recipe.language or language.detect(self.documents)

    @cached_property
    def clusters(self) -> npt.NDArray[np.int32] | None:
        """The cluster of each document, or None where the recipe wants none."""
        if not self.recipe.clusters:
            return None
        return clusters.cluster(self.document_vectors.shards(), self.recipe.clusters, self.recipe.seed)

    @cached_property
    def document_vectors(self) -> StoredVectors:
        """The finished vectors of the documents."""
        return open_vectors(self.folder / "document_vectors")

    @cached_property
    def query_vectors(self) -> StoredVectors:
        """The finished vectors of the queries."""
        return open_vectors(self.folder / "query_vectors")

    def shards(self) -> Iterator[tuple[int, int, int]]:
        """Number, first query row and end row of each shard of queries."""
        for number, start in enumerate(range(0, len(self.queries), QUERIES_PER_SHARD)):
            yield number, start, min(start + QUERIES_PER_SHARD, len(self.queries))

    def shards_together(self, count: int) -> Iterator[list[tuple[int, int, int]]]:
        """The shards of queries, `count` at a time."""
        shards = list(self.shards())
        for start in range(0, len(shards), count):
            yield shards[start : start + count]

    def found(self, source: str, shard: int) -> Path:
        """File of what a source found for a shard of queries."""
        return self.folder / "found" / source / shard_name(shard, ".parquet")

    def pooled(self, shard: int) -> Path:
        """File of a shard's candidates before the teacher."""
        return self.folder / "pool" / shard_name(shard, ".parquet")

    def candidates(self, shard: int) -> Path:
        """File of a shard's finished candidates."""
        return self.folder / "candidates" / shard_name(shard, ".parquet")


def count_scores(paths: Iterable[Path]) -> int:
    """Candidates in Parquet files that have a teacher's score."""
    tables = map(read_table, paths)
    return sum(table.num_rows - table["teacher_score"].null_count for table in tables)


def count_rows(paths: Iterable[Path]) -> int:
    """Rows in Parquet files, from their footers."""
    return sum(map(rows_in, paths))
