"""
Near texts: which texts are copies of each other, without comparing every one with every other.

In:  texts
Out: blocks of pairs among which are all that share so many words; or for each text its copy in another list

Two sets of words that share a part J share one of the rarest words of each: of n words, one of the first
n - ceil(J n) + 1 in an order that is the same for all (Chaudhuri, Ganti and Kaushik 2006, prefix filtering). A text
that stands inside another has its rarest word there.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nearmiss.candidates.text_overlap import (
    CONTAINED_WORDS,
    NumberedTexts,
    contained,
    jaccard,
    read_texts,
    same_numerals,
    shared_words,
)
from nearmiss.retrieval.vectors import score_pairs
from nearmiss.types import AnyInts, Bools, Scores, Vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ROWS_AT_ONCE = 4096
NEAR_WORDS = 0.8  # shared words of near texts, as a part of those in either
# How a text can stand in another list, surest first.
EXACT, NORMALISED, CONTAINED, NEAR = "exact", "normalised", "contained", "near"
KINDS = (EXACT, NORMALISED, CONTAINED, NEAR)


def may_share(texts: NumberedTexts, share: float, rows: AnyInts, others: AnyInts) -> Iterator[tuple[AnyInts, AnyInts]]:
    """Pairs of one of `rows` and one of `others`, among which all are that share this part of their words."""
    rarest = _rarest_words(texts, np.asarray(texts.sizes - np.ceil(share * texts.sizes - 1e-9) + 1, np.int64))
    for left, right in _in_common(rarest, rarest, rows, others):
        # A text of few words cannot share that much with one of many.
        shorter = np.minimum(texts.sizes[left], texts.sizes[right])
        longer = np.maximum(texts.sizes[left], texts.sizes[right])
        kept = shorter >= share * longer - 1e-9
        yield left[kept], right[kept]


def copies(
    own: Sequence[str],
    others: Sequence[str],
    encode: Callable[[list[str]], Vectors],
    cosine: float,
    *,
    inside: bool = False,
) -> pd.DataFrame:
    """
    Which of `own` stand in `others`: row (in `own`), other (in `others`) and kind, a line for each that does.

    exact       the same characters
    normalised  the same after NFKC, case folding and white space
    contained   only where `inside`: the words of one, at least CONTAINED_WORDS, stand in the other, in order
    near        at least NEAR_WORDS of the words are shared, those with a digit are the same, and the vectors have at
                least this `cosine`; `encode` gives unit vectors of the texts that only their vectors can tell apart

    A blank text stands nowhere. Of several copies the surest kind counts, then what shares most, then the first.
    """
    texts = read_texts([*own, *others])
    found = _same(own, others, texts)
    rows = np.array([row for row, text in enumerate(own) if row not in found and text.strip()], np.int64)
    others_rows = np.arange(len(own), len(own) + len(others))
    pairs = [_alike(texts, left, right) for left, right in may_share(texts, NEAR_WORDS, rows, others_rows)]
    alike = _close(pd.concat([_no_pairs(), *pairs], ignore_index=True), [*own, *others], encode, cosine)
    within = [_inside(texts, *pair) for pair in _may_contain(texts, rows, others_rows)] if inside else []
    every = pd.concat([alike, *within], ignore_index=True)
    every = every.sort_values(["row", "kind", "share", "other"], ascending=[True, True, False, True])
    for row, other, kind in every.drop_duplicates("row")[["row", "other", "kind"]].itertuples(index=False):
        found[int(row)] = int(other) - len(own), KINDS[int(kind)]
    lines = [(row, other, kind) for row, (other, kind) in sorted(found.items())]
    return pd.DataFrame(lines, columns=["row", "other", "kind"])


def _close(
    pairs: pd.DataFrame, texts: Sequence[str], encode: Callable[[list[str]], Vectors], cosine: float
) -> pd.DataFrame:
    """The pairs whose vectors lie that close; each text is encoded once, and none where there are no pairs."""
    if pairs.empty:
        return pairs
    numbers, places = np.unique(pairs[["row", "other"]].to_numpy(np.int64), return_inverse=True)
    vectors = encode([texts[number] for number in numbers])
    left, right = places.reshape(-1, 2).T
    return pairs[score_pairs(vectors.__getitem__, vectors.__getitem__, left, right) >= np.float32(cosine)]


def _same(own: Sequence[str], others: Sequence[str], texts: NumberedTexts) -> dict[int, tuple[int, str]]:
    """Copies that need no comparison: of each row the first other text that is the same, and how."""
    exact: dict[str, int] = {}
    normalised: dict[int, int] = {}
    for place, text in enumerate(others):
        exact.setdefault(text, place)
        normalised.setdefault(int(texts.digests[len(own) + place]), place)
    found = {}
    for row, text in enumerate(own):
        if not text.strip():
            continue
        digest = int(texts.digests[row])
        if text in exact:
            found[row] = exact[text], EXACT
        elif digest in normalised:
            found[row] = normalised[digest], NORMALISED
    return found


def _alike(texts: NumberedTexts, left: AnyInts, right: AnyInts) -> pd.DataFrame:
    share = jaccard(texts, left, right, shared_words(texts, left, right))
    return _pairs(left, right, share, NEAR, (share >= NEAR_WORDS) & same_numerals(texts, left, right))


def _inside(texts: NumberedTexts, left: AnyInts, right: AnyInts) -> pd.DataFrame:
    shared = shared_words(texts, left, right)
    return _pairs(left, right, jaccard(texts, left, right, shared), CONTAINED, contained(texts, left, right, shared))


def _pairs(left: AnyInts, right: AnyInts, share: Scores, kind: str, kept: Bools) -> pd.DataFrame:
    pairs = pd.DataFrame({"row": left, "other": right, "share": share, "kind": KINDS.index(kind)})
    return pd.DataFrame(pairs[kept])


def _no_pairs() -> pd.DataFrame:
    types = {"row": np.int64, "other": np.int64, "share": np.float32, "kind": np.int64}
    return pd.DataFrame({name: np.zeros(0, kind) for name, kind in types.items()})


def _may_contain(texts: NumberedTexts, rows: AnyInts, others: AnyInts) -> Iterator[tuple[AnyInts, AnyInts]]:
    """Pairs of which one holds the rarest word of the other, where that is long enough to be contained."""
    rarest = _rarest_words(texts, (texts.lengths >= CONTAINED_WORDS).astype(np.int64))
    yield from _in_common(rarest, texts.holds, rows, others)
    yield from _in_common(texts.holds, rarest, rows, others)


def _rarest_words(texts: NumberedTexts, count: AnyInts) -> "csr_array":
    """The `count` (n_texts,) rarest words of each text, (n_texts, n_words); of equally rare ones the first met."""
    from scipy import sparse

    row = np.repeat(np.arange(len(texts.sizes)), texts.sizes)
    place = np.arange(len(row)) - np.repeat(texts.holds.indptr[:-1], texts.sizes)
    first = place < count[row]
    words = texts.by_rarity[first]
    return sparse.csr_array((np.ones(len(words), np.int8), (row[first], words)), shape=texts.holds.shape)


def _in_common(
    one: "csr_array", other: "csr_array", rows: AnyInts, others: AnyInts
) -> Iterator[tuple[AnyInts, AnyInts]]:
    """Pairs of `rows` of one table and `others` of the other that hold a word in common, in blocks of rows."""
    if not len(rows) or not len(others):
        return
    columns = other[others].T.tocsr()
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = (one[rows[start : start + ROWS_AT_ONCE]] @ columns).tocoo()
        yield rows[block.row.astype(np.int64) + start], others[block.col.astype(np.int64)]
