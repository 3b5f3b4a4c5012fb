"""
Text overlap, word for word: the same text, one inside the other, how many words both have.

In:  texts; then pairs of them, as two arrays of positions
Out: an answer for each pair

Each text is normalised and cut into words once, however many pairs it is in, and kept as four bytes a word.
"""

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nearmiss.retrieval.tokenization import normalise, words
from nearmiss.types import AnyInts, Bools, Scores

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PAIR_BLOCK = 1 << 15
# A text of fewer words lies inside others by chance: a title in the abstract of another paper, "yes" in everything.
CONTAINED_WORDS = 8


@dataclass(frozen=True)
class NumberedTexts:
    """Texts as numbers; what depends on all of them is computed once, for as many pairs as are asked for."""

    digests: npt.NDArray[np.uint64]  # equal where the normalised texts are
    numerals: npt.NDArray[np.uint64]  # equal where the words with a digit are, as a set
    sequences: list["array[int]"]  # the words in order
    holds: "csr_array"  # (n_texts, n_words), 1 where the text holds the word

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Distinct words of each text, (n_texts,)."""
        return np.asarray(np.diff(self.holds.indptr), np.int64)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Words of each text, (n_texts,)."""
        return np.array([len(sequence) for sequence in self.sequences], np.int64)

    @cached_property
    def weighted(self) -> "csr_array":
        """Each word that a text holds, weighted by log(1 + texts / those that hold it), (n_texts, n_words)."""
        from scipy import sparse

        n_texts, n_words = self.holds.shape
        held_by = np.bincount(self.holds.indices, minlength=n_words)
        rarity = np.log1p(n_texts / (held_by + 0.5)).astype(np.float32)
        return sparse.csr_array((rarity[self.holds.indices], self.holds.indices, self.holds.indptr), (n_texts, n_words))

    @cached_property
    def norms(self) -> Scores:
        """Lengths of the rows of `weighted`, (n_texts,)."""
        return np.asarray(np.sqrt((self.weighted**2).sum(axis=1)))


def read_texts(texts: Iterable[str]) -> NumberedTexts:
    """Normalise each text and number its words."""
    from scipy import sparse

    numbers: dict[str, int] = {}
    with_digit: set[int] = set()
    digests, numerals, sequences, distinct, bounds = [], [], [], array("i"), [0]
    for text in texts:
        normalised = normalise(text)
        sequence = array("i")
        for word in words(normalised):
            if word not in numbers:
                numbers[word] = len(numbers)
                if any(map(str.isdigit, word)):
                    with_digit.add(numbers[word])
            sequence.append(numbers[word])
        held = set(sequence)
        digests.append(digest(normalised))
        numerals.append(digest(str(sorted(held & with_digit))))
        sequences.append(sequence)
        distinct.extend(sorted(held))
        bounds.append(len(distinct))
    columns = np.frombuffer(distinct, np.int32) if distinct else np.zeros(0, np.int32)
    holds = sparse.csr_array((np.ones(len(columns), np.int8), columns, bounds), shape=(len(sequences), len(numbers)))
    return NumberedTexts(np.array(digests, np.uint64), np.array(numerals, np.uint64), sequences, holds)


def digest(normalised: str) -> int:
    """A 64-bit number for a normalised text; unlike `hash`, the same in every process."""
    return int.from_bytes(hashlib.blake2b(normalised.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def digests_of(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    """The digest of each text once it is normalised, (n,)."""
    return np.array([digest(normalise(text)) for text in texts], np.uint64)


def same_text(texts: NumberedTexts, left: AnyInts, right: AnyInts) -> Bools:
    """Whether the two are one text after NFKC, case folding and white space; two empty texts are not."""
    mask: Bools = (texts.digests[left] == texts.digests[right]) & (texts.digests[left] != digest(""))
    return mask


def same_numerals(texts: NumberedTexts, left: AnyInts, right: AnyInts) -> Bools:
    """Whether both hold the same words with a digit: "type 1" and "type 2" make texts alike, and are not the same."""
    mask: Bools = texts.numerals[left] == texts.numerals[right]
    return mask


def shared_words(texts: NumberedTexts, left: AnyInts, right: AnyInts) -> npt.NDArray[np.int64]:
    """How many distinct words both have."""
    counts = np.zeros(len(left), np.int64)
    for start in range(0, len(left), PAIR_BLOCK):
        block = slice(start, start + PAIR_BLOCK)
        counts[block] = texts.holds[left[block]].multiply(texts.holds[right[block]]).sum(axis=1)
    return counts


def jaccard(texts: NumberedTexts, left: AnyInts, right: AnyInts, shared: npt.NDArray[np.int64]) -> Scores:
    """Distinct words that both have, as a share of those in either; 0 where neither has any."""
    either = texts.sizes[left] + texts.sizes[right] - shared
    shares: Scores = (shared / np.maximum(either, 1)).astype(np.float32)
    return shares


def rare_words(texts: NumberedTexts, left: AnyInts, right: AnyInts) -> Scores:
    """Cosine of the two as sets of words, each word weighted by log(1 + texts / those that hold it); 0 for no words."""
    shares = np.zeros(len(left), np.float32)
    for start in range(0, len(left), PAIR_BLOCK):
        block = slice(start, start + PAIR_BLOCK)
        shares[block] = texts.weighted[left[block]].multiply(texts.weighted[right[block]]).sum(axis=1)
    both = texts.norms[left] * texts.norms[right]
    cosines: Scores = np.divide(shares, both, out=np.zeros_like(shares), where=both > 0).astype(np.float32)
    return cosines


def contained(texts: NumberedTexts, left: AnyInts, right: AnyInts, shared: npt.NDArray[np.int64]) -> Bools:
    """Whether the words of one, at least CONTAINED_WORDS, stand in the other in the same order without a gap."""
    shorter = np.minimum(texts.lengths[left], texts.lengths[right])
    mask: Bools = (shared == np.minimum(texts.sizes[left], texts.sizes[right])) & (shorter >= CONTAINED_WORDS)
    for pair in np.flatnonzero(mask):
        mask[pair] = _inside(texts.sequences[left[pair]], texts.sequences[right[pair]])
    return mask


def _inside(one: "array[int]", other: "array[int]") -> bool:
    inner, outer = sorted((one, other), key=len)
    # Spaces at both ends, or word 2 would be found inside word 12.
    return f" {' '.join(map(str, inner))} " in f" {' '.join(map(str, outer))} "
