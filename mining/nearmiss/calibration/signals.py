"""
Signals: what a run knows of a candidate that may help tell an unlabelled answer from a hard negative.

In:  a candidates frame, the rows of one query side by side
Out: `Signals`, one column a signal, NaN where the run does not know it

Every signal rises with the chance of an answer, or its direction is left to the fit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.types import Floats, Ints

# A source keeps no score of what it did not find; it lies below the last that it found, and ranks below the deepest.
UNFOUND_SCORE = 0.8
UNFOUND_RANK = 1.5
WORDS = {
    "dense_score": "cosine of query and candidate",
    "dense_in_query": "cosine of query and candidate, among the query's candidates",
    "dense_place": "place by cosine among the query's candidates",
    "positive_place": "place of the labelled answer by cosine",
    "positive_cosine": "cosine of candidate and labelled answer",
    "positive_words": "rare words shared with the labelled answer",
    "pool_in_query": "likeness to the best of the query's candidates",
    "fused_place": "place by all sources together",
    "teacher_score": "the teacher's score",
    "teacher_in_query": "the teacher's score among the query's candidates",
    "teacher_place": "place by the teacher's score",
    "teacher_margin": "the teacher's score against that of the labelled answer",
}
OF_SOURCES = {
    "{}_in_query": "score of {} among the query's candidates",
    "{}_place": "rank of {}",
    "{}_margin": "score of {} against that of the labelled answer",
}


@dataclass(frozen=True)
class Signals:
    """`values` is (n, k), one column for each of `names`."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class WholeRound:
    """What the signals of some queries' candidates depend on in those of all others."""

    deepest: dict[str, float]  # the last rank of each source, and of all together, by its column's name
    has_teacher: bool


def whole_round(parts: Iterable[pd.DataFrame]) -> WholeRound:
    """The same from parts of the candidates, one after another, of which ranks and scores alone are read."""
    deepest: dict[str, float] = {}
    scored = False
    for part in parts:
        scored |= has_teacher(part)
        for name in part.columns[part.columns.str.endswith("_rank")]:
            ranks = part[name].to_numpy(np.float64, na_value=np.nan)
            deepest[name] = max(deepest.get(name, 1.0), float(np.fmax.reduce(ranks, initial=1.0)))
    return WholeRound(deepest, scored)


def signals(candidates: pd.DataFrame, whole: WholeRound | None = None) -> Signals:
    """
    All signals of all candidates; positives have them too, and none of the others' depends on a verdict.

    `whole` says what must be known of the others where these are some queries' candidates only.
    """
    whole = whole or whole_round([candidates])
    # Narrowed one by one, so that all of them never lie in memory twice as wide.
    known = {name: np.asarray(column, np.float32) for name, column in _signals(candidates, whole)}
    n = len(candidates)
    # Column by column in memory, which is how it is read.
    return Signals(tuple(known), np.stack(list(known.values())).T if known else np.zeros((n, 0), np.float32))


def in_words(name: str) -> str:
    """A signal's name for people."""
    if name in WORDS:
        return WORDS[name]
    form = next(form for form in OF_SOURCES if name.endswith(form[2:]))
    source = name.removesuffix(form[2:])
    return OF_SOURCES[form].format("BM25" if source == "bm25" else source)


def has_teacher(candidates: pd.DataFrame) -> bool:
    """Whether a teacher scored the candidates; without one the dense score stands in for it."""
    if "dense_score" not in candidates:
        return True
    return not np.array_equal(candidates["teacher_score"].to_numpy(), candidates["dense_score"].to_numpy())


def sources(candidates: pd.DataFrame) -> list[str]:
    """Sources whose scores are no cosine of the encoder's: bm25, sparse, run files."""
    names = [name.removesuffix("_rank") for name in candidates.columns if name.endswith("_rank")]
    return [name for name in names if name not in ("fused", "dense") and f"{name}_score" in candidates]


def _signals(candidates: pd.DataFrame, whole: WholeRound) -> Iterator[tuple[str, Floats]]:
    queries = _Queries(candidates)
    if "dense_score" in candidates:
        dense = candidates["dense_score"].to_numpy(np.float64, na_value=np.nan)
        place = queries.place(dense)
        yield "dense_score", dense
        yield "dense_in_query", queries.standardised(dense)
        yield "dense_place", place
        yield "positive_place", queries.of_positives(place, best=True)
    for name in ("positive_cosine", "positive_words"):
        if name in candidates:
            yield name, candidates[name].to_numpy(np.float64, na_value=np.nan)
    if "pool_cosine" in candidates:
        yield "pool_in_query", queries.standardised(candidates["pool_cosine"].to_numpy(np.float64, na_value=np.nan))
    if "fused_rank" in candidates:
        yield "fused_place", _place_of(candidates["fused_rank"], whole)
    for source in sources(candidates):
        score = queries.filled(candidates[f"{source}_score"].to_numpy(np.float64, na_value=np.nan))
        best = np.maximum(np.abs(queries.most(score)), 1e-9)
        yield f"{source}_in_query", queries.standardised(score)
        yield f"{source}_place", _place_of(candidates[f"{source}_rank"], whole)
        yield f"{source}_margin", (score - queries.of_positives(score, best=False)) / best
    if whole.has_teacher:
        # What the teacher did not read counts as just below the last that it did.
        score = queries.filled(candidates["teacher_score"].to_numpy(np.float64, na_value=np.nan))
        yield "teacher_score", score
        yield "teacher_in_query", queries.standardised(score)
        yield "teacher_place", queries.place(score)
        yield "teacher_margin", score - queries.of_positives(score, best=False)


class _Queries:
    """The rows of each query, for signals computed within a query."""

    def __init__(self, candidates: pd.DataFrame) -> None:
        self.query: Ints = pd.factorize(candidates["query_id"])[0].astype(np.int64)
        changes = np.flatnonzero(np.diff(self.query)) + 1
        self.starts = np.concatenate([[0], changes]) if len(self.query) else np.zeros(0, np.int64)
        self.sizes = np.diff([*self.starts, len(self.query)])
        self.positive = candidates["is_positive"].to_numpy(bool)

    def each(self, per_query: Floats) -> Floats:
        """A number of each query, (n_queries,), for each of its rows, (n,)."""
        return np.repeat(per_query, self.sizes)

    def most(self, numbers: Floats) -> Floats:
        """The highest number of the row's query, (n,)."""
        return self.each(np.maximum.reduceat(numbers, self.starts)) if len(numbers) else numbers

    def standardised(self, numbers: Floats) -> Floats:
        """How many standard deviations above its query's mean each number is, (n,); 0 where all are alike."""
        if not len(numbers):
            return numbers
        mean = self.each(np.add.reduceat(numbers, self.starts) / self.sizes)
        variance = np.add.reduceat((numbers - mean) ** 2, self.starts) / self.sizes
        spread = self.each(np.sqrt(variance))
        return np.divide(numbers - mean, spread, out=np.zeros_like(numbers), where=spread > 1e-9)

    def place(self, numbers: Floats) -> Floats:
        """Minus the logarithm of each row's place by falling number within its query, (n,)."""
        places = np.empty(len(numbers))
        for size in np.unique(self.sizes):  # a sort of each query's few rows is a fifth of the work of one over all
            rows = self.starts[self.sizes == size][:, None] + np.arange(size)
            order = np.argsort(-numbers[rows], axis=1, kind="stable")
            places[np.take_along_axis(rows, order, axis=1)] = np.arange(size)
        return -np.log1p(places)

    def of_positives(self, numbers: Floats, best: bool) -> Floats:
        """The highest number (`best`) or the lowest over the positives of the row's query, (n,); NaN without any."""
        others = -np.inf if best else np.inf
        own = np.where(self.positive, numbers, others)
        found = (np.maximum if best else np.minimum).reduceat(own, self.starts) if len(own) else own
        return self.each(np.where(np.isinf(found), np.nan, found))

    def filled(self, scores: Floats) -> Floats:
        """Scores with a number for what a source did not find: below its last of the query, (n,)."""
        missing = np.isnan(scores)
        if not missing.any():
            return scores
        lowest = np.minimum.reduceat(np.where(missing, np.inf, scores), self.starts)
        lowest = np.where(np.isfinite(lowest), lowest, 0.0)
        below = np.where(lowest > 0, UNFOUND_SCORE * lowest, lowest - (1 - UNFOUND_SCORE) * np.abs(lowest))
        return np.where(missing, self.each(below), scores)


def _place_of(column: "pd.Series[Any]", whole: WholeRound) -> Floats:
    ranks = column.to_numpy(np.float64, na_value=np.nan)
    return -np.log(np.where(np.isnan(ranks), UNFOUND_RANK * whole.deepest[str(column.name)], ranks))
