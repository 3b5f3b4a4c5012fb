"""
Texts as late interaction sees them: a vector and a weight for each token.

In:  texts, an engine that gives a vector for each token, and the collection, which says how rare each token is
Out: `Text`s; and the mean of all tokens of a document, which for many encoders is its vector

Each text is read on its own, so its rows depend on nothing that is read beside it. Those of documents are rounded to
16 bits a number, as they are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearmiss.data import passages
from nearmiss.models.engine import Engine
from nearmiss.models.token_store import TokenRows, TokenStore
from nearmiss.types import Bools, Floats, Scores, Vectors

COUNTED = 50_000  # at most so many documents are counted for how rare each token is
SEED = 42
# Of a unit vector, which float32 then holds exactly: products are multiples of 2 ** -48, and sums of them below 2.
GRID = 2.0**24
TOGETHER = 64  # texts that are read before they are weighed
STEPS = 32767  # on either side of 0, up to the largest number of a row


class Text(NamedTuple):
    """What is kept of a text that was read."""

    tokens: Scores  # (n, dimension), unit, on the GRID
    weights: Floats  # (n,), which add up to 1
    mean: Scores  # (dimension,), unit, on the GRID


@dataclass(frozen=True)
class TokenTexts:
    """The texts of one collection, the table `documents`, by the tokens of one encoder."""

    model: Engine
    documents: pd.DataFrame
    query_prompt: str = ""
    document_prompt: str = ""
    store: TokenStore | None = None

    def of_queries(self, texts: list[str]) -> list[Text]:
        """Each query, with tokens in float32."""
        found = []
        for some in _parts(texts):
            counted = self._counted(some, self.query_prompt)
            rows = self._read(some, self.query_prompt)
            found += [_text(own[counts], weights) for own, (counts, weights) in zip(rows, counted, strict=True)]
        return found

    def of_documents(self, texts: list[str]) -> list[Text]:
        """Each document, from the store where it was kept there."""
        found = []
        for some in _parts(texts):
            counted = self._counted(some, self.document_prompt)
            kept = {text: rows for text in some if self.store and (rows := self.store.find(text)) is not None}
            new = [(text, counts) for text, (counts, _) in zip(some, counted, strict=True) if text not in kept]
            read = self._read([text for text, _ in new], self.document_prompt)
            kept |= {text: _packed(rows[counts]) for (text, counts), rows in zip(new, read, strict=True)}
            found += [_text(_unpacked(kept[text]), weights) for text, (_, weights) in zip(some, counted, strict=True)]
        return found

    def document_means(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) of documents, each the mean of all its tokens; keeps the tokens."""
        means = []
        for some in _parts(texts):
            rows = self._read(some, self.document_prompt)
            means += [own.mean(axis=0, dtype=np.float64) for own in rows]
            if self.store is not None:
                counted = self._counted(some, self.document_prompt)
                self.store.keep(some, [_packed(own[counts]) for own, (counts, _) in zip(rows, counted, strict=True)])
        return unit(np.stack(means)).astype(np.float32)

    def drawn(self, count: int) -> list[str]:
        """That many documents of the collection, drawn at random, or all."""
        return passages(self.documents.iloc[np.random.default_rng(SEED).permutation(len(self.documents))[:count]])

    @cached_property
    def rarity(self) -> Scores:
        """The weight of each token of the vocabulary: BM25's inverse document frequency; 0 for non-words."""
        texts = self.drawn(COUNTED)
        seen = np.zeros(self.model.tokenizer.size, np.int64)
        for start in range(0, len(texts), 1024):
            for encoding in self.model.tokenizer.encode(texts[start : start + 1024], ""):
                seen[np.unique(encoding.ids)] += 1
        rarity = np.log1p((len(texts) - seen + 0.5) / (seen + 0.5)).astype(np.float32)
        rarity[~self.model.tokenizer.are_words] = 0
        return rarity

    def _counted(self, texts: list[str], prompt: str) -> list[tuple[Bools, Floats]]:
        """Which tokens of each text count, (tokens,), and the weights of those that do."""
        encodings = self.model.tokenizer.encode(texts, prompt, offsets=bool(prompt))
        return [_counted(self._weights(encoding, prompt)) for encoding in encodings]

    def _weights(self, encoding: Any, prompt: str) -> Scores:
        weights = self.rarity[np.array(encoding.ids, np.int64)]
        if prompt:
            # What stands before every text says nothing about one of them.
            ends = np.array([end for _, end in encoding.offsets], np.int64)
            weights = np.where(ends > len(prompt), weights, 0)
        return weights

    def _read(self, texts: list[str], prompt: str) -> list[Scores]:
        """The rows of all tokens of each text, (tokens, dimension)."""
        if not texts:
            return []
        counts = [len(encoding) for encoding in self.model.tokenizer.encode(texts, prompt)]
        rows = np.split(self.model(texts, "token", prompt), np.cumsum(counts)[:-1])
        # Some tokenizers find nothing at all in an empty text.
        return [own if len(own) else np.zeros((1, own.shape[1]), np.float32) for own in rows]


def unit(rows: Floats) -> Floats:
    """The rows at length 1, in float64; a row of zeros stays one."""
    wide = rows.astype(np.float64)
    # No library's norm, whose rounding may change with the number of threads.
    lengths = np.maximum(np.sqrt((wide**2).sum(axis=-1, keepdims=True)), 1e-9)
    return np.asarray(wide / lengths, np.float64)


def _parts(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), TOGETHER):
        yield texts[start : start + TOGETHER]


def _counted(weights: Scores) -> tuple[Bools, Floats]:
    if not weights.any():  # nothing but signs, or nothing
        weights = np.ones(max(1, len(weights)), np.float32)
    counts = weights > 0
    kept = weights[counts].astype(np.float64)
    return counts, kept / kept.sum()


def _packed(rows: Scores) -> TokenRows:
    """The rows (n, dimension) as whole numbers of 16 bits, and after each the step between them, in two more."""
    # Four times as near as float16, since a row's numbers are of one size.
    steps = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-30).astype(np.float32) / np.float32(STEPS)
    return np.concatenate([np.rint(rows / steps).astype(np.int16), steps.view(np.int16)], axis=1)


def _unpacked(packed: TokenRows) -> Floats:
    steps = np.ascontiguousarray(packed[:, -2:]).view(np.float32)
    return np.asarray(packed[:, :-2] * steps.astype(np.float64), np.float64)


def _text(rows: Floats, weights: Floats) -> Text:
    # Not a matrix product, for the same reason as in `unit`.
    mean = (weights[:, None] * rows.astype(np.float64)).sum(axis=0)
    return Text(_on_grid(unit(rows)), weights, _on_grid(unit(mean)))


def _on_grid(rows: Floats) -> Scores:
    return np.asarray(np.rint(rows * GRID) / GRID, np.float32)
