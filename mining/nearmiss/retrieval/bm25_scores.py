"""
The scores of BM25 term by term, computed a block of documents at a time.

In:  the terms of each document, as numbers
Out: what bm25s keeps of an index, with the bytes that it computes itself where all documents lie in memory
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Sized
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.storage.scratch import Scratch, blank
from nearmiss.types import AnyInts

DOCUMENTS_AT_ONCE = 4096


def scores_by_term(documents: Iterable["array[int]"], vocabulary: Sized, k1: float, b: float) -> dict[str, Any]:
    """
    Lucene's variant of the formula: for each term, from `indptr[term]` on, who holds it (`indices`) and its score.

    `vocabulary` has all terms once the documents are read. `data` (float32) and `indices` lie in scratch files.
    """
    terms, times = Scratch(np.int32), Scratch(np.int32)
    lengths, distinct = array("i"), array("i")
    held_by = np.zeros(0, np.int64)
    for block in _blocks(documents):
        own = array("i", map(len, block))
        found, count, each = _counted(block, own)
        terms.extend(found)
        times.extend(count)
        lengths.extend(own)
        distinct.extend(each.tolist())
        more = np.bincount(found, minlength=len(held_by))
        more[: len(held_by)] += held_by
        held_by = more
    held_by = np.concatenate([held_by, np.zeros(len(vocabulary) - len(held_by), np.int64)])
    return _placed(terms.mapped(), times.mapped(), np.array(lengths, np.int64), np.array(distinct), held_by, k1, b)


def _blocks(documents: Iterable["array[int]"]) -> Iterator[list["array[int]"]]:
    rest = iter(documents)
    while block := list(islice(rest, DOCUMENTS_AT_ONCE)):
        yield block


def _counted(block: list["array[int]"], lengths: "array[int]") -> tuple[AnyInts, AnyInts, AnyInts]:
    """Each term of each document, in order, how often it stands there, and how many different ones a document has."""
    joined = array("i")
    for document in block:
        joined.extend(document)
    key = np.repeat(np.arange(len(block)), lengths) << 32 | np.array(joined, np.int64)
    pairs, count = np.unique(key, return_counts=True)
    return pairs & 0xFFFFFFFF, count, np.bincount(pairs >> 32, minlength=len(block))


def _placed(
    terms: npt.NDArray[np.int32],
    times: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int64],
    distinct: AnyInts,
    held_by: npt.NDArray[np.int64],
    k1: float,
    b: float,
) -> dict[str, Any]:
    count, mean = len(lengths), lengths.mean()
    rarity = np.array([math.log(1 + (count - n + 0.5) / (n + 0.5)) if n else 0 for n in held_by.tolist()], np.float32)
    kind = np.int32 if len(terms) <= np.iinfo(np.int32).max else np.int64
    bounds = np.concatenate([[0], np.cumsum(held_by)])
    scores, documents = blank((len(terms),), np.float32), blank((len(terms),), kind)
    free, ends = bounds[:-1].copy(), np.concatenate([[0], np.cumsum(distinct)])
    for first in range(0, count, DOCUMENTS_AT_ONCE):
        rows = np.arange(first, min(first + DOCUMENTS_AT_ONCE, count))
        here = slice(ends[first], ends[rows[-1] + 1])
        row, term, often = np.repeat(rows, distinct[rows]), terms[here], times[here].astype(np.float32)
        # In double precision, as bm25s does it.
        score = rarity[term] * (often / (k1 * ((1 - b) + b * lengths[row] / mean) + often))
        order = np.argsort(term, kind="stable")
        ordered = term[order]
        begins = np.flatnonzero(np.diff(ordered, prepend=-1))
        each = np.diff(begins, append=len(ordered))
        place = free[ordered] + np.arange(len(ordered)) - np.repeat(begins, each)
        free[ordered[begins]] += each
        scores[place], documents[place] = score[order], row[order]
    return {"data": scores, "indices": documents, "indptr": bounds, "num_docs": count}
