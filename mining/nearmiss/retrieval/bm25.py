"""
The source `bm25`: lexical search with bm25s, in Lucene's variant of the formula.

In:  the passages, one by one; then queries
Out: an index folder, whole or absent; a found frame

Made of documents that are read once, a block at a time; their words and the index lie on disk.
"""

import contextlib
import os
import shutil
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nearmiss.models.cores import cores
from nearmiss.retrieval.bm25_scores import scores_by_term
from nearmiss.retrieval.language import checked, term_maker
from nearmiss.retrieval.results import best_rows, nothing_found, ranked
from nearmiss.retrieval.tokenization import normalise, words
from nearmiss.storage.files import read_json, write_json, written_to
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.storage.temporary import sweep_drafts_of, temporary_name

if TYPE_CHECKING:
    from bm25s import BM25

K1, B = 1.2, 0.75  # Lucene's defaults
MAKING = 1  # increase it when terms are made in another way, so that kept indexes are not used
QUERY_BLOCK = 256
_NOTHING = 0  # the id of the term "", which no document holds: bm25s wants at least one term in a query


def place(indexes: Path, language: str) -> Path:
    """
    Where the index in this language lies among a run's indexes.

    Named by everything that it depends on besides the run's data: the libraries that make terms and weights, with their
    versions, our own way to make terms, and the numbers of the formula.
    """
    libraries = [version(name) for name in ("bm25s", "PyStemmer", "numpy")]
    return indexes / f"bm25-{language}-{fingerprint_of(MAKING, language, K1, B, *libraries)[:12]}"


def build(texts: Iterable[str], folder: Path, language: str, advance: Callable[[int], None] = lambda n: None) -> None:
    """Write the index of `texts` (document rows in order) to `folder`; nothing to do where it exists."""
    import bm25s

    checked(language)
    if folder.exists():
        return
    index = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numba")
    index.vocab_dict, index.nonoccurrence_array = {"": _NOTHING}, None
    documents = _token_ids(texts, language, index.vocab_dict, advance)
    index.scores = scores_by_term(documents, index.vocab_dict, K1, B)
    temporary = folder.with_name(temporary_name(folder.name))
    sweep_drafts_of(folder)
    try:
        with written_to(folder, temporary):
            index.save(temporary, show_progress=False)
            write_json(temporary / "language.json", language)
            _flush(temporary)
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def search(
    folder: Path, queries: list[str], k: int, *, advance: Callable[[int], None] = lambda n: None
) -> pd.DataFrame:
    """The `k` best documents of each query that share a term with it, as a found frame."""
    import bm25s

    index = bm25s.BM25.load(folder, mmap=True)
    threads = _prepare_numba()
    token_ids = list(_query_ids(queries, read_json(folder / "language.json"), index.vocab_dict))
    blocks = [token_ids[start : start + QUERY_BLOCK] for start in range(0, len(queries), QUERY_BLOCK)]
    parts = []
    if token_ids:
        # Alone, before the threads: the first search compiles, imports and fills tables that threads would wait for.
        _search_block(index, 1, token_ids[:1])
    # bm25s's own threads would be compiled anew in every process; its serial search lets go of the interpreter.
    with ThreadPoolExecutor(threads) as pool:
        for number, found in enumerate(pool.map(partial(_search_block, index, k), blocks)):
            parts.append(found.assign(query=found["query"] + np.int32(number * QUERY_BLOCK)))
            advance(len(blocks[number]))
    return pd.concat(parts, ignore_index=True) if parts else nothing_found()


def _search_block(index: "BM25", k: int, token_ids: list[list[int]]) -> pd.DataFrame:
    documents, scores = index.retrieve(
        token_ids,
        # One more than asked: if it scores as much as the last, a tie crosses the border and a heap has decided it.
        k=min(k + 1, index.scores["num_docs"]),
        show_progress=False,
        n_threads=1,
        backend_selection="numba",
    )
    if documents.shape[1] > k:
        for query in np.flatnonzero((scores[:, k] == scores[:, k - 1]) & (scores[:, k] > 0)).tolist():
            every_score = index.get_scores_from_ids(token_ids[query])
            documents[query, :k] = best_rows(every_score, k)
            scores[query, :k] = every_score[documents[query, :k]]
    # bm25s fills short answers with documents of score 0.
    query_rows, places = np.nonzero(scores[:, :k] > 0)
    return ranked(query_rows, documents[query_rows, places], scores[query_rows, places])


def _prepare_numba() -> int:
    """Let numba keep the compiled search on disk (compiling takes 5 to 10 s, reading 0.3); the threads it may use."""
    import numba
    from bm25s.numba.retrieve_utils import _retrieve_internal_jitted_serial

    with contextlib.suppress(RuntimeError):  # no folder that numba may write to: compile each time
        _retrieve_internal_jitted_serial.enable_caching()
    return min(int(numba.get_num_threads()), cores())


def _token_ids(
    texts: Iterable[str], language: str, vocabulary: dict[str, int], advance: Callable[[int], None]
) -> Iterator["array[int]"]:
    """The terms of each text by their number in the vocabulary, which grows."""
    term = term_maker(language)
    ids: dict[str, int] = {}  # of words as written, so that each is stemmed once
    for text in texts:
        document = array("i")
        for word in words(normalise(text)):
            if word not in ids:
                ids[word] = vocabulary.setdefault(term(word), len(vocabulary))
            if ids[word] != _NOTHING:
                document.append(ids[word])
        yield document
        advance(1)


def _query_ids(queries: list[str], language: str, vocabulary: dict[str, int]) -> Iterator[list[int]]:
    term = term_maker(language)
    for query in queries:
        found = [vocabulary.get(term(word), _NOTHING) for word in words(normalise(query))]
        yield [token for token in found if token != _NOTHING] or [_NOTHING]


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb+") as written:
            os.fsync(written.fileno())
