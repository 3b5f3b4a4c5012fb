"""
The candidates of each query: what the search found, and which of them are copies of an answer.

In:  `PairTexts`, unit vectors, a found frame
Out: a frame with a row for each pair found and for each answer, the rows of one query side by side: query, document,
     rank and score (missing where not found), is_answer, is_own (a positive of this very query), in_window (among the
     first `width` of its query that are no copies)

Copies are the query's own text, a positive's text in other case, spacing or length, and a near copy of it; the answers
of a query that reads the same, or nearly so, count as copies too. The next candidate takes their place.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss import selection
from nearmiss.calibration import p_relevant
from nearmiss.candidates.duplicates import Copies
from nearmiss.candidates.pooling import CandidatePairs, assemble, is_among
from nearmiss.candidates.twins import TwinQueries
from nearmiss.hard_negatives.texts import PairTexts
from nearmiss.retrieval.feedback import pool_cosine
from nearmiss.retrieval.vectors import score_pairs
from nearmiss.settings import NO_CEILING
from nearmiss.types import Vectors

SPARE_CANDIDATES = 16  # candidates more than are wanted, to take the place of copies
COPIES_ALONE = NO_CEILING  # refusals by score are left to the caller
STATUSES_OF_COPIES = ("is_the_query", "duplicate", "answers_twin_query")
NO_PAIRS = CandidatePairs(np.zeros(0, np.int64), np.zeros(0, np.int64))


def candidates(texts: PairTexts, found: pd.DataFrame, queries: Vectors, corpus: Vectors, width: int) -> pd.DataFrame:
    """Every pair found and every answer, with all that is known before any score decides."""
    rows = assemble({"found": found}, texts.answers, NO_PAIRS)
    pairs = rows["query"].to_numpy(np.int64), rows["document"].to_numpy(np.int64)
    rows["dense_score"] = score_pairs(queries.__getitem__, corpus.__getitem__, *pairs)
    copies = Copies(texts.corpus, texts.queries, pd.DataFrame({"doc_id": map(str, range(len(texts.corpus)))}))
    twins = TwinQueries(texts.queries, pd.Series(range(len(texts.queries))), queries.__getitem__, texts.answers)
    marks = copies.mark(rows, texts.answers, corpus.__getitem__), twins.mark(rows, copies.document_digests)
    rows = pd.concat([rows, *marks], axis=1)
    # The rules need ids and a score; these values decide nothing.
    judged = rows.assign(query_id=rows["query"], doc_id=rows["document"], teacher_score=rows["dense_score"])
    copy = selection.select(judged, COPIES_ALONE)["status"].isin(STATUSES_OF_COPIES).to_numpy()
    own = is_among(rows, texts.positives)
    rows = rows.rename(columns={"found_rank": "rank", "found_score": "score", "is_positive": "is_answer"})
    may = rows["rank"].notna().to_numpy() & (own | ~(copy | rows["is_answer"].to_numpy()))
    place = pd.Series(may).groupby(rows["query"].to_numpy()).cumsum().to_numpy()
    return rows.assign(is_own=own, in_window=may & (place <= width))


def chances(rows: pd.DataFrame, corpus: Vectors, teacher: npt.NDArray[np.float32] | None) -> npt.NDArray[np.float32]:
    """
    The chance of each row to be an unlabelled answer, (n,), by the weights that ship with nearmiss.

    `teacher` are a cross-encoder's scores, NaN for rows that it was not asked for; without one the model's cosine
    decides alone.
    """
    frame = rows.rename(columns={"is_answer": "is_positive", "rank": "dense_rank"}).drop(columns=["score"])
    frame = frame.assign(query_id=frame["query"], teacher_score=frame["dense_score"] if teacher is None else teacher)
    frame["pool_cosine"] = pool_cosine(frame, corpus.__getitem__)
    known = frame["teacher_score"].notna().to_numpy()
    p = np.full(len(rows), np.nan, np.float32)
    p[known] = p_relevant(frame[known].reset_index(drop=True))
    return p
