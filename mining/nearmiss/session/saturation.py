"""
Saturation: which kinds of negatives a model still learns from, and which it tells apart already.

In:  a `Workspace`, perhaps that of the round before; a temperature
Out: the loss and the share of the gradient of each kind of negative

InfoNCE (van den Oord et al., 2018) of a query with its answer and some negatives, all cosines by the round's encoder:

    loss = log(1 + sum over negatives of exp((cosine - cosine of the answer) / temperature))

Its gradient by a negative's cosine is that negative's softmax weight over the temperature (Wang and Liu, 2021,
equation 4): a negative far below the answer has no weight, and teaches nothing. Cosines are computed once, from scores
and vectors on disk; another temperature costs arithmetic alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nearmiss.retrieval.vector_store import StoredVectors, open_vectors
from nearmiss.selection import KEPT, STATUSES, Decision
from nearmiss.types import Bools, Floats, Ints
from nearmiss.workspace import Workspace

RANDOM, IN_BATCH, REFUSED, KEPT_BEFORE = "random", "in batch", "refused", "kept the round before"
ALONE = "{} alone"
# Refused, but not by a threshold: answers, copies and the query itself are no negatives of any kind.
NO_NEGATIVES = (
    "known_positive",
    "reviewed_relevant",
    "reviewed_partial",
    "is_the_query",
    "duplicate",
    "answers_twin_query",
)
NOT_CHOSEN = ("over_quota", "overused", "short_query", "skipped_survivor", "too_deep")
EACH = 7  # negatives of each kind, for each query
QUERIES = 10_000  # of more, a seeded sample
POOL = 256  # documents that random negatives are drawn from, the same for all queries
TOGETHER = 1024  # queries whose documents are read at once


@dataclass(frozen=True)
class Cosines:
    """
    Cosines of a round: of each query with its best ranked answer, (n,), and with up to `EACH` negatives of each kind,
    (n, EACH) by kind, NaN where there are fewer. `queries` of the round's `of` were looked at.
    """

    round: int
    encoder: str
    answer: Floats
    negatives: dict[str, Floats]
    queries: int
    of: int


@dataclass(frozen=True)
class KindWeight:
    """
    One kind of negative at one temperature, means over queries.

    `loss` of training on this kind alone, `pull` the weight of all its negatives then (0 to 1: how much of its full
    strength the gradient has), `share` of the whole gradient where all kinds are in one batch.
    """

    kind: str
    negatives: float  # of a query
    loss: float
    pull: float
    share: float


def cosines(work: Workspace, before: Workspace | None = None, *, seed: int = 42, most: int = QUERIES) -> Cosines:
    """
    The cosines of a round's queries with negatives of each kind.

    `before` is the round before, whose kept negatives are looked at with this round's encoder too. Without vectors on
    disk, random, in-batch and former negatives are left out.
    """
    table, decision = work.table, work.decision()
    score = table.number("dense_score").astype(np.float64)
    answer_row = _first_rows(table.query, table.positive & ~np.isnan(score), len(table.starts) - 1, 1)[:, 0]
    asked = np.flatnonzero(answer_row >= 0)
    if len(asked) > most:
        asked = np.sort(np.random.default_rng(seed).permutation(asked)[:most])
    found = {}
    for kind, rows in _kinds(work, decision).items():
        first = _first_rows(table.query, rows & ~np.isnan(score), len(table.starts) - 1, EACH)[asked]
        found[kind] = np.where(first >= 0, score[first], np.nan)
    if (work.folder / "query_vectors").exists():
        found = _from_vectors(work, before, asked, answer_row[asked], seed) | found
    name = work.run.round_facts(work.number)["encoder"]["name"]
    in_order = {kind: found[kind] for kind in sorted(found, key=_place)}
    return Cosines(work.number, name, score[answer_row[asked]], in_order, len(asked), len(table.starts) - 1)


def _place(kind: str) -> int:
    """Where a kind stands: from the one that teaches least, usually, to the kept."""
    order = (RANDOM, IN_BATCH, ALONE, REFUSED, KEPT, KEPT_BEFORE)
    return order.index(kind if kind in order else ALONE)


def weights(of: Cosines, temperature: float) -> list[KindWeight]:
    """Loss, pull and share of each kind, in their order; former negatives stand beside, and take no share."""
    sums = {
        kind: np.nansum(np.exp((values - of.answer[:, None]) / temperature), axis=1)
        for kind, values in of.negatives.items()
    }
    own = [kind for kind in sums if kind != KEPT_BEFORE]
    together = np.sum([sums[kind] for kind in own], axis=0)
    # A query whose answer stands far above all its negatives has no gradient, however that would be shared.
    whole = float((together / (1 + together)).sum())
    return [
        KindWeight(
            kind=kind,
            negatives=float((~np.isnan(of.negatives[kind])).sum(axis=1).mean()),
            loss=float(np.log1p(total).mean()),
            pull=float((total / (1 + total)).mean()),
            share=float((total / (1 + together)).sum()) / whole if whole and kind in own else 0.0,
        )
        for kind, total in sums.items()
    ]


def _kinds(work: Workspace, decision: Decision) -> dict[str, Bools]:
    """The rows of each kind among the candidates, no row in two."""
    table = work.table
    kept, aside, no_negative = (
        np.isin(decision.status, [STATUSES.index(status) for status in names])
        for names in ((KEPT,), NOT_CHOSEN, NO_NEGATIVES)
    )
    refused = ~kept & ~aside & ~no_negative & ~table.positive
    alone = {}
    for source in ("bm25", "dense"):
        if source in table.sources:
            others = [table.found_by(other) for other in table.sources if other != source]
            only = table.found_by(source) & ~np.any(others, axis=0) if others else table.found_by(source)
            alone[ALONE.format("BM25" if source == "bm25" else source)] = only & aside
    return {**alone, REFUSED: refused, KEPT: kept}


def _first_rows(query: Ints, wanted: Bools, queries: int, count: int) -> Ints:
    """The first `count` wanted rows of each query, (queries, count), -1 where there are fewer."""
    rows = np.flatnonzero(wanted)
    own = query[rows]
    at = np.arange(len(rows)) - np.searchsorted(own, own)
    first = np.full((queries, count), -1, np.int64)
    first[own[at < count], at[at < count]] = rows[at < count]
    return first


def _from_vectors(
    work: Workspace, before: Workspace | None, asked: Ints, answer_row: Ints, seed: int
) -> dict[str, Floats]:
    """The kinds that need not be candidates: random documents, other queries' answers, former negatives."""
    data = work.run.dataset
    queries, documents = (open_vectors(work.folder / f"{name}_vectors") for name in ("query", "document"))
    row_of_query = pd.Index(data.queries["query_id"]).get_indexer(pd.Index(work.query_ids))[asked]
    row_of_document = pd.Index(data.documents["doc_id"]).get_indexer(work.table.doc_ids)
    known = _Answers.of(work, row_of_document)
    asking = queries.take(row_of_query)
    random = np.random.default_rng(seed)
    pool = np.sort(random.permutation(len(data.documents))[:POOL])
    drawn = random.integers(0, len(pool), (len(asked), EACH))
    by_chance = np.take_along_axis(asking @ documents.take(pool).T, drawn, 1)
    answers = row_of_document[work.table.document[answer_row]]
    found = {
        RANDOM: known.left_out(by_chance, asked, pool[drawn]),
        IN_BATCH: _in_batch(asking, documents.take(answers), asked, answers, known, random),
    }
    if before is not None:
        found[KEPT_BEFORE] = _former(work, before, asked, asking, documents, row_of_document)
    return found


def _in_batch(
    asking: Floats, answering: Floats, asked: Ints, answers: Ints, known: "_Answers", random: np.random.Generator
) -> Floats:
    """Cosines with the answers of other queries, in a seeded order."""
    order = random.permutation(len(asked))
    found = np.full((len(asked), EACH), np.nan)
    for place in range(min(EACH, len(asked) - 1)):
        others = np.empty_like(order)
        others[order] = np.roll(order, place + 1)
        cosine = np.vecdot(asking, answering[others])[:, None]
        found[:, place] = known.left_out(cosine, asked, answers[others][:, None])[:, 0]
    return found


def _former(
    work: Workspace, before: Workspace, asked: Ints, asking: Floats, documents: StoredVectors, row_of_document: Ints
) -> Floats:
    """Cosines, by this round's encoder, with the negatives that the round before kept."""
    place = pd.Index(before.query_ids).get_indexer(pd.Index(work.query_ids))[asked]
    kept = before.decision().slot > 0
    rows = _first_rows(before.table.query, kept, len(before.query_ids), EACH)[place]
    rows[place < 0] = -1
    numbers = pd.Index(work.run.dataset.documents["doc_id"]).get_indexer(before.table.doc_ids)
    document = np.where(rows >= 0, numbers[before.table.document[rows]], 0)
    found = np.empty(rows.shape)
    for start in range(0, len(rows), TOGETHER):
        part = document[start : start + TOGETHER]
        different, at = np.unique(part, return_inverse=True)
        read = documents.take(different)[at.reshape(part.shape)]
        found[start : start + TOGETHER] = np.einsum("nd,nmd->nm", asking[start : start + TOGETHER], read)
    return np.where(rows >= 0, found, np.nan)


@dataclass(frozen=True)
class _Answers:
    """Every pair of a query and its labelled or judged answer, as one number."""

    pairs: Ints
    documents: int

    @classmethod
    def of(cls, work: Workspace, row_of_document: Ints) -> "_Answers":
        table, documents = work.table, len(work.run.dataset.documents)
        rows = np.flatnonzero(table.positive | table.verdict("relevant"))
        return cls(
            np.unique(table.query[rows] * np.int64(documents) + row_of_document[table.document[rows]]), documents
        )

    def left_out(self, cosine: Floats, query: Ints, document: Ints) -> Floats:
        """The cosines (n, m), NaN where the document (n, m) is a known answer of the query (n,)."""
        return np.where(np.isin(query[:, None] * np.int64(self.documents) + document, self.pairs), np.nan, cosine)
