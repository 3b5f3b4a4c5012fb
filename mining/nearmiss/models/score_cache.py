"""
The cache of scores: each pair of texts is scored once by one teacher, in whatever round and run of the command.

In:  pairs of row numbers, the texts, a teacher
Out: scores; files of (query_key, document_key, score), each whole or absent, in a folder named by the teacher's
     fingerprint, so that other weights, prompts or lengths never meet an old score
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.errors import ModelError
from nearmiss.models.teacher import Teacher
from nearmiss.storage.files import read_frame, rows_in, write_parquet
from nearmiss.storage.mixing import paired, text_key
from nearmiss.storage.numbered import by_number
from nearmiss.types import AnyInts, Scores

PAIRS_PER_CHUNK = 4096
SLICE = 512
KEYS = ["query_key", "document_key"]


@dataclass(frozen=True)
class KnownScores:
    """A table of scores whose look-ups take about the same time however many there are."""

    places: npt.NDArray[np.uint64]  # of each pair, rising
    keys: npt.NDArray[np.uint64]  # (n, 2)
    scores: Scores

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "KnownScores":
        """The scores of a frame of (query_key, document_key, score)."""
        keys = frame[KEYS].to_numpy(np.uint64)
        places = _places(keys)
        order = np.argsort(places, kind="stable")
        return cls(places[order], keys[order], frame["score"].to_numpy(np.float32)[order])

    def look_up(self, pairs: pd.DataFrame) -> Scores:
        """The score of each pair of keys, (n,), NaN where unknown."""
        found = np.full(len(pairs), np.nan, np.float32)
        if len(self.places):
            keys = pairs[KEYS].to_numpy(np.uint64)
            at = np.minimum(np.searchsorted(self.places, _places(keys)), len(self.places) - 1)
            same = (self.keys[at] == keys).all(axis=1)
            found[same] = self.scores[at[same]]
        return found


def known_scores(folder: Path, teacher: Teacher, except_prefix: str) -> KnownScores:
    """The scores in files whose names do not begin with `except_prefix`; read once a round, not once a shard."""
    return KnownScores.of(
        _read(path for path in _files(_own(folder, teacher)) if not path.name.startswith(except_prefix))
    )


def score_pairs(
    teacher: Teacher,
    queries: Sequence[str],
    documents: Sequence[str],
    pairs: AnyInts,
    folder: Path,
    name: str,
    known: KnownScores,
    *,
    advance: Callable[[int], None] = lambda count: None,
) -> Scores:
    """
    The teacher's score of each pair, (n,), on the scale of its own where it has one; the files hold what it said.

    Those not `known` are scored, the longest first, in chunks that are files of this name; those that exist are
    finished, so that a killed run goes on and ends with the same bytes. ModelError names a pair whose score is not
    finite; nothing of its chunk is kept.
    """
    keys = _keys(queries, documents, pairs)
    scores = known.look_up(keys)
    by_query = getattr(teacher, "by_query", False)
    new = _new_pairs(keys[np.isnan(scores)], queries, documents, pairs, by_query=by_query)
    advance(len(pairs) - len(new))
    chunks = []
    for number, start in enumerate(range(0, len(new), PAIRS_PER_CHUNK)):
        rows = new.index[start : start + PAIRS_PER_CHUNK]
        path = _own(folder, teacher) / f"{name}-{number:05d}.parquet"
        if path.exists() and _holds(path, keys.loc[rows]):
            advance(len(rows))
        else:
            texts = [(queries[q], documents[d]) for q, d in pairs[rows].tolist()]
            write_parquet(path, keys.loc[rows].assign(score=_score(teacher, texts, advance)))
        chunks.append(path)
    whole: Scores = np.where(np.isnan(scores), KnownScores.of(_read(chunks)).look_up(keys), scores)
    on_scale: Callable[[Scores], Scores] | None = getattr(teacher, "on_scale", None)
    return whole if on_scale is None else on_scale(whole)


def _holds(path: Path, keys: pd.DataFrame) -> bool:
    """Whether a chunk is of these pairs; it is not where scores that were known when it was written are gone."""
    return bool(read_frame(path)[list(KEYS)].equals(keys.reset_index(drop=True)))


def count_scored(folder: Path, teacher: Teacher, prefix: str) -> int:
    """How many pairs the files hold whose names begin with `prefix`."""
    files = (path for path in _files(_own(folder, teacher)) if path.name.startswith(prefix))
    return sum(map(rows_in, files))


def _score(teacher: Teacher, texts: list[tuple[str, str]], advance: Callable[[int], None]) -> Scores:
    """A chunk's scores, in slices, so that progress is shown."""
    slices = []
    for start in range(0, len(texts), SLICE):
        some = texts[start : start + SLICE]
        slices.append(_finite(teacher.score(some), some))
        advance(len(some))
    return np.concatenate(slices)


def _new_pairs(
    keys: pd.DataFrame, queries: Sequence[str], documents: Sequence[str], pairs: AnyInts, *, by_query: bool
) -> pd.DataFrame:
    """The keys, each once; all pairs of a document together, the longest first, or all of a query; by their row."""
    new = keys.drop_duplicates()
    if by_query:
        return new.iloc[np.argsort(pairs[new.index, 0], kind="stable")]
    # One chunk holds texts of about one length, whatever query they belong to, and reads few documents.
    query, document = pairs[new.index].T
    lengths = [
        np.array([len(texts[r]) for r in rows.tolist()], np.int64)
        for texts, rows in ((queries, query), (documents, document))
    ]
    return new.iloc[np.lexsort((-lengths[0], document, -lengths[1]))]


def _keys(queries: Sequence[str], documents: Sequence[str], pairs: AnyInts) -> pd.DataFrame:
    """Hashes of the two texts of each pair, by the pair's number."""
    columns = {}
    for name, texts, rows in zip(KEYS, (queries, documents), pairs.T, strict=True):
        unique, place = np.unique(rows, return_inverse=True)
        columns[name] = np.array([text_key(texts[row]) for row in unique.tolist()], np.uint64)[place]
    return pd.DataFrame(columns)


def _files(folder: Path) -> list[Path]:
    # Not what a killed run left under a temporary name.
    return sorted((path for path in folder.glob("*.parquet") if not path.name.startswith(".")), key=by_number)


def _own(folder: Path, teacher: Teacher) -> Path:
    return folder / teacher.fingerprint[:16]


def _places(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return paired(keys[:, 0], keys[:, 1])


def _read(paths: Iterable[Path]) -> pd.DataFrame:
    frames = [read_frame(path) for path in paths]
    empty = pd.DataFrame({key: np.zeros(0, np.uint64) for key in KEYS} | {"score": np.zeros(0, np.float32)})
    return pd.concat(frames, ignore_index=True) if frames else empty


def _finite(scores: Scores, texts: list[tuple[str, str]]) -> Scores:
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        query, document = texts[int(bad[0])]
        raise ModelError(
            f"teacher: wanted a finite score; found {scores[bad[0]]} for {query[:60]!r} and {document[:60]!r}"
        )
    return scores
