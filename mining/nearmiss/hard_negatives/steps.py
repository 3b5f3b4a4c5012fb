"""
The steps of `mine_hard_negatives`, in order: texts, vectors, candidates, scores, choice, table.

In:  a dataset, a live encoder, perhaps a corpus and a cross-encoder, and the arguments as given
Out: a `datasets.Dataset`; statistics on the terminal where they are wanted
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.hard_negatives.arguments import Arguments, GivenArguments, resolve
from nearmiss.hard_negatives.candidates import SPARE_CANDIDATES, candidates, chances
from nearmiss.hard_negatives.choosing import choose
from nearmiss.hard_negatives.embedding import embed
from nearmiss.hard_negatives.rows_out import IdColumns, MinedQuery, MinedTable, ScoredDocument, output
from nearmiss.hard_negatives.scoring import ask_cross_encoder, lowest_of_positives, within_thresholds
from nearmiss.hard_negatives.search import nearest, similarities
from nearmiss.hard_negatives.statistics import losses, statistics
from nearmiss.hard_negatives.texts import PairTexts, column, read_texts
from nearmiss.types import Ints, Scores, Vectors

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)

QUERY_ID, POSITIVE_ID = "query_id", "positive_id"


def mine_in_memory(dataset: Any, model: Any, corpus: Any, cross_encoder: Any, given: GivenArguments) -> "Dataset":
    """Negatives for the pairs of a dataset; `function` says what the arguments mean."""
    wanted = resolve(dataset, given, has_cross_encoder=cross_encoder is not None)
    names = _columns_of_ids(dataset.column_names, wanted, isinstance(corpus, Mapping))
    texts = _read(dataset, corpus, names, wanted)
    queries, documents = embed(model, texts.queries, texts.corpus, wanted)
    rows = _candidates(model, texts, queries, documents, wanted)
    positives = similarities(model, queries, documents, texts.positives)
    teacher = None
    if cross_encoder is not None and _is_asked(wanted):
        positives, teacher = _scored_again(cross_encoder, texts, rows, wanted)
        rows = rows.assign(score=np.where(rows["in_window"], teacher, np.float32(np.nan)))
    chance = None if wanted.thresholds.max_p_relevant is None else chances(rows, documents, teacher)
    may = rows["in_window"].to_numpy() & (~rows["is_own"].to_numpy() | wanted.include_positives)
    stays, skipped = within_thresholds(rows, may, lowest_of_positives(texts, positives), chance, wanted)
    chosen = choose(rows, stays, texts.queries, wanted)
    if wanted.verbose:
        print("Negative candidates mined, preparing dataset...")
    written = output(_mined(texts, rows, positives, chosen), texts, names, wanted)
    mined = _as_dataset(written, wanted)
    if wanted.verbose:
        print("\n".join(statistics(positives, written.pairs)))
        for line in losses(skipped, written.possible - len(mined), written.possible, wanted):
            print(line)
    return mined


def _columns_of_ids(columns: list[str], wanted: Arguments, corpus_has_ids: bool) -> IdColumns:
    """The columns of ids that the dataset has, or that the ids of the corpus will get."""
    query = next((name for name in (QUERY_ID, f"{wanted.anchor}_id") if name in columns), None)
    document = next((name for name in (POSITIVE_ID, f"{wanted.positive}_id") if name in columns), None)
    texts = {wanted.anchor, wanted.positive}
    document = document or (POSITIVE_ID if corpus_has_ids else None)
    return IdColumns(None if query in texts else query, None if document in texts else document)


def _read(dataset: Any, corpus: Any, names: IdColumns, wanted: Arguments) -> PairTexts:
    ids = (
        list(dataset[name]) if name is not None and name in dataset.column_names else None
        for name in (names.query, names.document)
    )
    query_ids, positive_ids = ids
    anchors = column(dataset, wanted.anchor)
    texts = read_texts(
        anchors, column(dataset, wanted.positive), corpus, query_ids=query_ids, positive_ids=positive_ids
    )
    if wanted.verbose and len(texts.queries) < len(anchors):
        print(f"Found {len(texts.queries)} unique queries out of {len(anchors)} total queries.")
    if wanted.verbose and wanted.most_positives > 1:
        print(f"Found an average of {len(anchors) / len(texts.queries):.3f} positives per query.")
    return texts


def _candidates(model: Any, texts: PairTexts, queries: Vectors, documents: Vectors, wanted: Arguments) -> pd.DataFrame:
    # Answers that a query shares with one that reads the same take no place from its candidates.
    most_answers = int(np.bincount(texts.answers.query).max(initial=0))
    depth = wanted.width + max(0, most_answers - wanted.most_positives) + SPARE_CANDIDATES
    found = nearest(model, queries, documents, depth, wanted.faiss_batch_size)
    return candidates(texts, found, queries, documents, wanted.width)


def _is_asked(wanted: Arguments) -> bool:
    if not wanted.thresholds.any:
        logger.warning(
            "The cross_encoder is not asked: it decides only where a margin, `max_score`, `min_score` or "
            "`max_p_relevant` is set."
        )
    return wanted.thresholds.any


def _scored_again(cross_encoder: Any, texts: PairTexts, rows: pd.DataFrame, wanted: Arguments) -> tuple[Scores, Scores]:
    """The cross-encoder's scores of the positives, in their order, and of the rows, (n,), NaN where it is not asked."""
    asked = (rows["in_window"] | rows["is_own"]).to_numpy()
    query, document = (rows[name].to_numpy(np.int64)[asked] for name in ("query", "document"))
    scores = np.full(len(rows), np.nan, np.float32)
    scores[asked] = ask_cross_encoder(cross_encoder, texts, CandidatePairs(query, document), wanted)
    by_pair = pd.Series(scores[asked], index=pd.MultiIndex.from_arrays([query, document]))
    positives = by_pair.reindex(pd.MultiIndex.from_arrays([texts.positives.query, texts.positives.document]))
    return positives.to_numpy(np.float32), scores


def _mined(texts: PairTexts, rows: pd.DataFrame, positives: Scores, chosen: list[Ints]) -> list[MinedQuery]:
    document, score = rows["document"].to_numpy().tolist(), rows["score"].to_numpy(np.float32, na_value=np.nan).tolist()
    own = [ScoredDocument(*pair) for pair in zip(texts.positives.document.tolist(), positives.tolist(), strict=True)]
    ends = np.cumsum(texts.counts).tolist()
    return [
        MinedQuery(
            query, own[end - count : end], [ScoredDocument(document[row], score[row]) for row in negatives.tolist()]
        )
        for query, (end, count, negatives) in enumerate(zip(ends, texts.counts.tolist(), chosen, strict=True))
    ]


def _as_dataset(written: MinedTable, wanted: Arguments) -> "Dataset":
    from datasets import Dataset

    mined = Dataset.from_dict(
        written.columns, features=None if len(next(iter(written.columns.values()))) else _empty(written)
    )
    # A trainer would read ids as texts to train on, so the rows show what losses read alone.
    shown = [name for name in written.columns if name not in written.ids]
    return mined.with_format(None, columns=shown) if written.ids else mined


def _empty(written: MinedTable) -> Any:
    """Types of the columns of a table without rows, which has no values to infer them from."""
    from datasets import Features, List, Value

    kinds = {"scores": List(Value("float64")), "score": Value("float64"), "label": Value("int64")}
    kinds["labels"] = List(Value("int64"))
    text: Any = Value("string")
    lists = {"labels", "scores"} & written.columns.keys() and "negative" not in written.columns
    second = list(written.columns)[1]
    of_lists = bool(lists) and not any(name.startswith("negative_") for name in written.columns)
    return Features(
        {name: kinds.get(name, List(text) if of_lists and name == second else text) for name in written.columns}
    )
