"""
The stages of a round, each a loop over shards that skips those already on disk.

In:  a `Round`
Out: files in its folder, and facts about them for run.json
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.calibration import stored
from nearmiss.calibration.by_shard import signals_of_shards
from nearmiss.candidates.duplicates import Copies
from nearmiss.candidates.pooling import assemble, named
from nearmiss.candidates.twins import TwinQueries
from nearmiss.models import score_cache
from nearmiss.pipeline import round
from nearmiss.pipeline.progress import Watch, timed
from nearmiss.pipeline.reading_once import document_encoder
from nearmiss.pipeline.round import Round, count_rows
from nearmiss.pipeline.searching import search
from nearmiss.retrieval.feedback import pool_cosine
from nearmiss.retrieval.given_vectors import GivenVectors, OrderedVectors
from nearmiss.retrieval.vector_store import embed, store
from nearmiss.retrieval.vectors import score_pairs
from nearmiss.settings import source_name
from nearmiss.storage.files import read_frame, write_parquet
from nearmiss.types import Advance, Vectors

SCORED_TOGETHER = 8  # shards, so that a teacher that reads documents alone reads each only once for all of them


def run_stages(this: Round, watch: Watch) -> dict[str, Any]:
    """Make every file of the round; returns facts about it for run.json."""
    embed_texts(this, watch)
    remembered: dict[str, Any] = {"language": None, "index": {"kind": this.recipe.index}}
    for source in this.recipe.sources:
        with timed(this.folder, source_name(source)):
            remembered |= search(this, source, watch)
    with timed(this.folder, "pool"):
        pool(this, watch)
    with timed(this.folder, "teacher"):
        score(this, watch)
    return remembered


def embed_texts(this: Round, watch: Watch) -> None:
    """Vectors of documents and queries."""
    if isinstance(this.encoder, GivenVectors):
        keep_given(this, this.encoder, watch)
        return
    for stage, texts, (encode, fingerprint) in (
        ("document_vectors", this.documents, document_encoder(this)),
        ("query_vectors", this.queries, (this.encoder.encode_query, this.encoder.fingerprint)),
    ):
        with timed(this.folder, stage), watch(stage, len(texts), "texts") as advance:
            embed(
                texts,
                encode,
                this.folder / stage,
                fingerprint=fingerprint,
                rows_per_shard=round.TEXTS_PER_SHARD,
                dtype=np.float32 if this.encoder.precision == "float32" else np.float16,
                advance=advance,
            )


def keep_given(this: Round, given: GivenVectors, watch: Watch) -> None:
    """The vectors that the user has, in the form in which a round keeps its own."""
    for stage, texts, own in (
        ("document_vectors", this.documents, given.documents),
        ("query_vectors", this.queries, given.queries),
    ):
        with timed(this.folder, stage), watch(stage, len(texts), "texts") as advance:
            store(
                texts,
                partial(_given, own, advance),
                this.folder / stage,
                fingerprint=own.fingerprint,
                rows_per_shard=round.TEXTS_PER_SHARD,
                dtype=given.precision,
                advance=advance,
            )


def _given(own: OrderedVectors, advance: Advance, start: int, shard: list[str]) -> Vectors:
    advance(len(shard))
    return own.between(start, start + len(shard))


def pool(this: Round, watch: Watch) -> None:
    """Join what the sources found, with everything of a candidate but the teacher's score, shard by shard."""
    copies = Copies(this.documents, this.queries, this.data.documents)
    twins = TwinQueries(this.queries, this.data.queries["query_id"], this.query_vectors.take, this.positives)
    with watch("pool", len(this.queries), "queries") as advance:
        for number, start, end in this.shards():
            path = this.pooled(number)
            if not path.exists() and not this.candidates(number).exists():
                write_parquet(path, _pool_shard(this, copies, twins, number, start, end))
            advance(end - start)


def _pool_shard(this: Round, copies: Copies, twins: TwinQueries, number: int, start: int, end: int) -> pd.DataFrame:
    names = [source_name(source) for source in this.recipe.sources]
    found = {name: read_frame(this.found(name, number)) for name in names}
    positives = this.positives.between(start, end)
    rows = assemble(found, positives, this.negatives.between(start, end))
    query, document = rows["query"].to_numpy(), rows["document"].to_numpy()
    left, right = this.query_vectors, this.document_vectors
    rows["dense_score"] = score_pairs(left.take, right.take, query, document)
    rows["pool_cosine"] = pool_cosine(rows, right.take)
    asked_alike = twins.mark(rows, copies.document_digests)
    rows = pd.concat([rows, copies.mark(rows, positives, right.take), asked_alike], axis=1)
    return _with_clusters(this, rows)


def _with_clusters(this: Round, rows: pd.DataFrame) -> pd.DataFrame:
    if this.clusters is None:
        return rows
    own = this.clusters[rows["document"]]
    key = rows["query"].to_numpy(np.int64) * (this.recipe.clusters + 1) + own
    return rows.assign(cluster=own, same_cluster=np.isin(key, key[rows["is_positive"].to_numpy()]))


def score(this: Round, watch: Watch) -> None:
    """Add the teacher's score, or the dense one in its place, and finish the candidates, shard by shard."""
    groups = [[number for number, _, _ in shards] for shards in this.shards_together(SCORED_TOGETHER)]
    waiting = [group for group in groups if not all(this.candidates(number).exists() for number in group)]
    with watch("teacher", count_rows(this.pooled(number) for group in waiting for number in group), "pairs") as advance:
        teacher_scores = _teacher_scores(this, advance)
        limited = this.teacher is not None and this.recipe.teacher_depth is not None
        for group in waiting:
            shards = [read_frame(this.pooled(number)) for number in group]
            scores = teacher_scores(pd.concat(shards, ignore_index=True), group[0])
            ends = np.cumsum([len(rows) for rows in shards])
            for number, rows, own in zip(group, shards, np.split(scores, ends[:-1]), strict=True):
                write_parquet(this.candidates(number), named(_with_teacher(rows, own, limited=limited), this.data))


def _with_teacher(rows: pd.DataFrame, scores: npt.NDArray[np.float32], *, limited: bool) -> pd.DataFrame:
    """The rows with the teacher's scores, and the lowest of each query's positives; if `limited`, which have none."""
    rows = rows.assign(teacher_score=scores)
    if limited:
        rows = rows.assign(is_unscored=np.isnan(scores))
    lowest = rows.loc[rows["is_positive"]].groupby("query")["teacher_score"].min()
    return rows.assign(positive_score=lowest.reindex(rows["query"]).to_numpy(np.float32))


def calibrate(this: Round) -> None:
    """Estimate each candidate's chance of being an unlabelled answer, before anyone has judged."""
    with timed(this.folder, "calibration"):
        found, known = signals_of_shards([this.candidates(number) for number, _, _ in this.shards()])
        stored.save(this.folder, found, stored.by_prior_of(found, known, this.recipe.teacher))


def _teacher_scores(this: Round, advance: Advance) -> Callable[[pd.DataFrame, int], npt.NDArray[np.float32]]:
    """The function from the rows of some shards, and the first one's number, to their scores."""
    if this.teacher is None:
        return partial(_dense_scores, advance)
    folder, teacher = this.run / "teacher_scores", this.teacher
    known = score_cache.known_scores(folder, teacher, except_prefix=f"{this.number}-")

    def scores(rows: pd.DataFrame, number: int) -> npt.NDArray[np.float32]:
        read = is_read(rows, this.recipe.teacher_depth)
        pairs, name = rows.loc[read, ["query", "document"]].to_numpy(), f"{this.number}-{number:05d}"
        found = np.full(len(rows), np.nan, np.float32)
        found[read] = score_cache.score_pairs(
            teacher, this.queries, this.documents, pairs, folder, name, known, advance=advance
        )
        advance(int((~read).sum()))
        return found

    return scores


def is_read(rows: pd.DataFrame, depth: int | None) -> npt.NDArray[np.bool_]:
    """Which rows (n,) the teacher reads: of each query the first `depth` by fused rank, and all that are labelled."""
    if depth is None:
        return np.ones(len(rows), bool)
    near = rows["fused_rank"].to_numpy(np.float64, na_value=np.inf) <= depth
    return np.asarray(near | rows["is_positive"].to_numpy(bool) | rows["is_labelled_negative"].to_numpy(bool))


def _dense_scores(advance: Advance, rows: pd.DataFrame, number: int) -> npt.NDArray[np.float32]:
    advance(len(rows))
    return rows["dense_score"].to_numpy(np.float32)
