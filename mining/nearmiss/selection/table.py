"""
The candidates as plain arrays: everything about them that no policy changes.

In:  the candidates frame, rows of one query side by side
Out: `Table`, one array a column, computed once and shared by every policy tried on it
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.errors import RunError
from nearmiss.storage.mixing import paired
from nearmiss.types import Bools, Floats, Ints

Keys = npt.NDArray[np.uint64]

VERDICTS = ("relevant", "partial", "not_relevant", "unsure")


def verdict_code(verdict: str | None) -> int:
    """A verdict as a number in `Table.verdicts`, from 1; 0 where nobody judged."""
    return 0 if verdict is None else VERDICTS.index(verdict) + 1


@dataclass(frozen=True)
class Table:
    """Arrays of one value a candidate, (n,), in the frame's order; `starts` is (n_queries + 1,)."""

    candidates: pd.DataFrame
    query: Ints  # 0, 0, 0, 1, 1, ...: the number of the row's query
    starts: Ints  # first row of each query, then n
    score: Floats
    best_first: Ints  # rows, query by query, by falling score and then as they stand
    positive: Bools
    best_rank: Floats  # over the sources; infinite where none found the row
    verdicts: npt.NDArray[np.int8]  # 1 + place in VERDICTS, 0 where nobody judged; changes as people judge

    # Columns as arrays, kept, since every policy reads the same ones.
    _flags: dict[str, Bools] = field(default_factory=dict)
    _numbers: dict[str, Floats] = field(default_factory=dict)

    def column(self, name: str) -> Bools:
        """A flag of each candidate, (n,), False where the run does not have that column."""
        if name not in self._flags:
            known = name in self.candidates
            self._flags[name] = self.candidates[name].to_numpy(bool) if known else np.zeros(len(self.query), bool)
        return self._flags[name]

    def number(self, name: str) -> Floats:
        """A number of each candidate, (n,), NaN where unknown."""
        if name not in self._numbers:
            column = self.candidates.get(name, pd.Series(np.nan, self.candidates.index))
            self._numbers[name] = column.to_numpy(np.float32, na_value=np.nan)
        return self._numbers[name]

    def take(self, name: str, numbers: pd.Series) -> None:
        """Put other numbers in the place of a column's, (n,)."""
        self._numbers[name] = numbers.to_numpy(np.float32, na_value=np.nan)

    def verdict(self, word: str) -> Bools:
        """Which candidates a reviewer judged so, (n,)."""
        return np.asarray(self.verdicts == verdict_code(word))

    def judged(self, verdicts: npt.NDArray[np.int8], positive: Bools) -> "Table":
        """The same candidates with other verdicts and other positives; shares all that depends on neither."""
        other = replace(self, verdicts=verdicts, positive=positive)
        # Read here, so that columns cached on this table are shared with the new one.
        for name in ("copied", "labelled", "_documents", "document"):
            vars(other)[name] = getattr(self, name)
        if positive is self.positive:
            vars(other)["anchors"] = self.anchors
        if "pair_key" in vars(self):
            vars(other)["pair_key"] = self.pair_key
        return other

    def with_number(self, name: str, numbers: Floats) -> "Table":
        """The same candidates and verdicts with other numbers in the place of a column's, (n,)."""
        other = replace(
            self, verdicts=self.verdicts.copy(), _numbers=self._numbers | {name: np.asarray(numbers, np.float32)}
        )
        for cached in ("copied", "labelled", "_documents", "document", "anchors", "pair_key"):
            vars(other)[cached] = getattr(self, cached)
        return other

    def found_by(self, source: str) -> Bools:
        """Which candidates `source` found, (n,)."""
        return ~np.isnan(self.number(f"{source}_rank"))

    @property
    def sources(self) -> list[str]:
        """Short names of the run's sources."""
        return sources_of(self.candidates)

    @cached_property
    def copied(self) -> Bools:
        """The same text as a positive, or one text within the other, (n,)."""
        kinds = self.candidates.get("duplicate_kind", pd.Series("", self.candidates.index))
        return kinds.ne("").to_numpy(bool)

    @cached_property
    def labelled(self) -> Bools:
        """Negatives that the user's data names, (n,)."""
        return self.column("is_labelled_negative")

    @property
    def reviewed_negative(self) -> Bools:
        """Negatives that a reviewer confirmed, (n,)."""
        return self.verdict("not_relevant")

    @cached_property
    def anchors(self) -> dict[str, Floats]:
        """Score that the margins start from: min, mean and max over the positives of the row's query, each (n,)."""
        positives = pd.Series(self.score[self.positive]).groupby(self.query[self.positive])
        per_query = positives.agg(["min", "mean", "max"]).reindex(range(len(self.starts) - 1))
        if per_query["min"].isna().any():
            first = self.starts[int(np.flatnonzero(per_query["min"].isna())[0])]
            query_id = self.candidates["query_id"].iloc[first]
            raise RunError(f"query {query_id!r}: wanted at least one positive among the candidates; found none")
        return {name: per_query[name].to_numpy(np.float32)[self.query] for name in ("min", "mean", "max")}

    @cached_property
    def document(self) -> Ints:
        """The number of each row's document, (n,)."""
        return self._documents[0]

    @property
    def doc_ids(self) -> "pd.Index[Any]":
        """The documents, as `document` numbers them."""
        return self._documents[1]

    def numbers_of(self, doc_ids: Sequence[str]) -> Ints:
        """The numbers of documents in `document`, in this order; -1 for one that is no candidate."""
        return self.doc_ids.get_indexer(pd.Index(pd.Series(list(doc_ids), dtype="str"))).astype(np.int64)

    @cached_property
    def _documents(self) -> tuple[Ints, "pd.Index[Any]"]:
        numbers, doc_ids = pd.factorize(self.candidates["doc_id"])
        return numbers.astype(np.int64), pd.Index(doc_ids)

    @cached_property
    def pair_key(self) -> Keys:
        """A hash of each row's two ids, (n,): what random choices depend on, and nothing else does."""
        query_ids = self.candidates["query_id"].iloc[self.starts[:-1]].to_numpy(object)
        hashed = pd.util.hash_array(query_ids, categorize=False)[self.query]
        # Each document's id is hashed once, however many queries it is a candidate of.
        documents = pd.util.hash_array(self.doc_ids.to_numpy(object), categorize=False)[self.document]
        return paired(hashed, documents)

    @cached_property
    def fingerprint(self) -> str:
        """Which candidates there are, in which order: equal for no other round."""
        return hashlib.sha256(self.pair_key.tobytes()).hexdigest()[:16]


def sources_of(candidates: pd.DataFrame) -> list[str]:
    """Short names of the sources whose ranks the frame holds."""
    ranks = [name.removesuffix("_rank") for name in candidates.columns if name.endswith("_rank")]
    return [name for name in ranks if name != "fused"]


def prepare(candidates: pd.DataFrame) -> Table:
    """Read a candidates frame once; raises RunError where a score is not a number or a query's rows lie apart."""
    query = pd.factorize(candidates["query_id"])[0].astype(np.int64)
    if len(query) and (np.diff(query) < 0).any():
        raise RunError("candidates: wanted the rows of one query side by side; found them apart")
    score = _scores(candidates)
    # NaN answers False to every `>`, so that each rule would keep it.
    if not np.isfinite(score).all():
        row = candidates.iloc[int(np.flatnonzero(~np.isfinite(score))[0])]
        raise RunError(
            f"candidate {row.query_id!r}, {row.doc_id!r}: wanted a finite teacher_score; found {row.teacher_score}"
        )
    ranks = [candidates[f"{source}_rank"].to_numpy(np.float32, na_value=np.inf) for source in sources_of(candidates)]
    return Table(
        candidates=candidates,
        query=query,
        starts=np.searchsorted(query, np.arange(query[-1] + 2 if len(query) else 1)),
        score=score,
        best_first=by_falling(score, query),
        positive=candidates["is_positive"].to_numpy(bool),
        best_rank=np.min(ranks, axis=0) if ranks else np.full(len(query), np.inf, np.float32),
        verdicts=_verdicts(candidates),
    )


def _scores(candidates: pd.DataFrame) -> Floats:
    """The teacher's scores, (n,); what it did not read, which a rule of its own refuses, counts as the lowest."""
    score = candidates["teacher_score"].to_numpy(np.float32, na_value=np.nan)
    if "is_unscored" not in candidates:
        return score
    unread = candidates["is_unscored"].to_numpy(bool)
    return np.where(unread, np.min(score, where=~unread & np.isfinite(score), initial=np.float32(np.inf)), score)


def by_falling(numbers: Floats, query: Ints) -> Ints:
    """The rows query by query, by falling number (float32, none of them NaN) and then as they stand, (n,)."""
    # One whole number for both keys sorts eight times as fast as `np.lexsort((-numbers, query))`, with the same answer:
    # the bits of a float32 rise with it, once those of negative ones are turned round. 0 - x, since -x may be -0.0.
    bits = (np.float32(0) - numbers).astype(np.float32, copy=False).view(np.int32).astype(np.int64)
    rising = np.where(bits < 0, -1 - (bits & 0x7FFFFFFF), bits)
    return np.argsort((query << 32) + rising, kind="stable")


def _verdicts(candidates: pd.DataFrame) -> npt.NDArray[np.int8]:
    if "verdict" not in candidates:
        return np.zeros(len(candidates), np.int8)
    known = pd.Categorical(candidates["verdict"], categories=list(VERDICTS))
    return np.asarray(known.codes + 1, np.int8)
