"""
Text overlap, word for word: the same text, one inside the other, how many words both have.

In:  texts; then pairs of them, as two arrays of positions
Out: an answer for each pair

Each text is normalised and cut into words once, however many pairs it is in. Its words are kept as numbers in scratch
files, and what depends on all texts (how many hold a word, the length of each as a vector) is computed once.
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
from nearmiss.storage.scratch import Scratch
from nearmiss.types import AnyInts, Bools, Scores

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PAIR_BLOCK = 1 << 15
TEXT_BLOCK = 1 << 14
# A text of fewer words lies inside others by chance: a title in the abstract of another paper, "yes" in everything.
CONTAINED_WORDS = 8


@dataclass(frozen=True)
class NumberedTexts:
    """Texts as numbers; what depends on all of them is computed once, for as many pairs as are asked for."""

    digests: npt.NDArray[np.uint64]  # equal where the normalised texts are
    numerals: npt.NDArray[np.uint64]  # equal where the words with a digit are, as a set
    sequence: npt.NDArray[np.int32]  # the words of all texts in order, one text after another
    ends: npt.NDArray[np.int64]  # where each text ends there, after a 0, (n_texts + 1,)
    holds: "csr_array"  # (n_texts, n_words), 1 where the text holds the word

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Distinct words of each text, (n_texts,)."""
        return np.asarray(np.diff(self.holds.indptr), np.int64)

    @cached_property
    def by_rarity(self) -> npt.NDArray[np.int64]:
        """The distinct words of each text, one text after another, the rarest first; of equally rare ones the first."""
        row = np.repeat(np.arange(len(self.sizes)), self.sizes)
        order = np.lexsort((self.holds.indices, self.held_by[self.holds.indices], row))
        return np.asarray(self.holds.indices[order], np.int64)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Words of each text, (n_texts,)."""
        return np.diff(self.ends)

    def words_of(self, text: int) -> list[int]:
        """The words of one text, in order."""
        found: list[int] = self.sequence[self.ends[text] : self.ends[text + 1]].tolist()
        return found

    @cached_property
    def held_by(self) -> npt.NDArray[np.int64]:
        """How many texts hold each word, (n_words,)."""
        n_texts, n_words = self.holds.shape
        held_by = np.zeros(n_words, np.int64)
        for start in range(0, n_texts, TEXT_BLOCK):
            held_by += np.bincount(self.holds[start : start + TEXT_BLOCK].indices, minlength=n_words)
        return held_by

    @cached_property
    def rarity(self) -> Scores:
        """log(1 + texts / those that hold it) of each word, (n_words,)."""
        rarity: Scores = np.log1p(self.holds.shape[0] / (self.held_by + 0.5)).astype(np.float32)
        return rarity

    def weighted(self, texts: AnyInts | slice) -> "csr_array":
        """Each word that some of the texts hold, weighted by its rarity, (n, n_words)."""
        from scipy import sparse

        held = self.holds[texts]
        return sparse.csr_array((self.rarity[held.indices], held.indices, held.indptr), held.shape)

    @cached_property
    def norms(self) -> Scores:
        """Lengths of the rows of `weighted`, (n_texts,)."""
        lengths = np.zeros(self.holds.shape[0], np.float32)
        for start in range(0, len(lengths), TEXT_BLOCK):
            block = slice(start, start + TEXT_BLOCK)
            lengths[block] = np.sqrt((self.weighted(block) ** 2).sum(axis=1))
        return lengths


def read_texts(texts: Iterable[str]) -> NumberedTexts:
    """Normalise each text and number its words."""
    from scipy import sparse

    numbers: dict[str, int] = {}
    with_digit: set[int] = set()
    digests, numerals = array("Q"), array("Q")
    sequences, distinct = Scratch(np.int32), Scratch(np.int32)
    lengths, sizes = array("q", [0]), array("q", [0])
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
        sequences.extend(sequence)
        distinct.extend(sorted(held))
        lengths.append(len(sequence))
        sizes.append(len(held))
    columns, bounds = distinct.mapped(), np.cumsum(sizes)
    # Numbers of one type on both sides, or SciPy would copy the words into memory.
    bounds = bounds.astype(np.int32 if len(columns) <= np.iinfo(np.int32).max else np.int64)
    holds = sparse.csr_array((np.ones(len(columns), np.int8), columns, bounds), shape=(len(digests), len(numbers)))
    return NumberedTexts(
        np.array(digests, np.uint64), np.array(numerals, np.uint64), sequences.mapped(), np.cumsum(lengths), holds
    )


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
        shares[block] = texts.weighted(left[block]).multiply(texts.weighted(right[block])).sum(axis=1)
    both = texts.norms[left] * texts.norms[right]
    cosines: Scores = np.divide(shares, both, out=np.zeros_like(shares), where=both > 0).astype(np.float32)
    return cosines


def contained(texts: NumberedTexts, left: AnyInts, right: AnyInts, shared: npt.NDArray[np.int64]) -> Bools:
    """Whether the words of one, at least CONTAINED_WORDS, stand in the other in the same order without a gap."""
    shorter = np.minimum(texts.lengths[left], texts.lengths[right])
    mask: Bools = (shared == np.minimum(texts.sizes[left], texts.sizes[right])) & (shorter >= CONTAINED_WORDS)
    for pair in np.flatnonzero(mask):
        mask[pair] = _inside(texts.words_of(left[pair]), texts.words_of(right[pair]))
    return mask


def _inside(one: list[int], other: list[int]) -> bool:
    inner, outer = sorted((one, other), key=len)
    # Spaces at both ends, or word 2 would be found inside word 12.
    return f" {' '.join(map(str, inner))} " in f" {' '.join(map(str, outer))} "
