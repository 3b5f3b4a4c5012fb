"""
Late interaction: how well a document's tokens answer each token of a query, by the vectors of the embedded MiniLM.

In:  pairs of texts, and the collection that they are from
Out: a `Teacher` that was never trained: it reads each text once, where a cross-encoder reads each pair

    score = window + mean - the query's level

`window` is ColBERT's sum of each query token's best match (Khattab and Zaharia, 2020), weighted by the token's rarity
and taken within the best stretch of WINDOW tokens; `mean` the cosine of the two texts' token vectors, averaged with the
same weights. The level is the query's score with documents drawn at random: without it, vague queries would score
higher than precise ones, and no threshold would fit both.

A document is multiplied with all its queries at once. The numbers are rounded to a GRID so fine that float64 holds
every product and sum of them exactly: a score is the same whatever is multiplied beside it, and by how many threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from nearmiss.data import passages
from nearmiss.models.encoder import EMBEDDED, embedded_folder
from nearmiss.models.engine import ModelRequest, OnEngine, open_engine
from nearmiss.models.engine.tokens import CHARACTERS_PER_TOKEN
from nearmiss.settings import LATE_INTERACTION, Mining
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.types import Floats, Scores

WINDOW = 40  # tokens; windows overlap by half
AT_RANDOM = 60  # documents from which a query's level is estimated
COUNTED = 50_000  # at most so many documents are counted for how rare each token is
TOGETHER = 64  # texts that are read before they are weighed
TEXTS_KEPT = 4096  # queries that stay in memory, some 40 KB each
SEED = 42
VERSION = 2  # increase it when scores change, so that kept ones are not used
# Of a unit vector, which float32 then holds exactly: products are multiples of 2 ** -48, and sums of them below 2.
GRID = 2.0**24
QUERY_TOKENS = 512  # multiplied with a document at once, so that the products stay in the processor's cache


@dataclass(frozen=True)
class Text:
    """What is kept of a text that was read."""

    tokens: Scores  # (n, dimension), unit, on the GRID
    weights: Floats  # (n,), which add up to 1
    mean: Scores  # (dimension,), unit, on the GRID


@dataclass(frozen=True)
class LateInteraction(OnEngine):
    """The score over one collection, the table `documents`."""

    documents: pd.DataFrame
    _read: dict[str, Text] = field(default_factory=dict, repr=False)  # documents of the last call
    _queries: dict[str, tuple[Text, float]] = field(default_factory=dict, repr=False)  # with their levels

    def score(self, pairs: list[tuple[str, str]]) -> Scores:
        """Scores (n,) in float32, around 0 for a document drawn at random and at most 2."""
        self._read_documents({document for _, document in pairs})
        self._read_queries(dict.fromkeys(query for query, _ in pairs))
        found = np.empty(len(pairs), np.float32)
        for document, rows in _rows_by_document(pairs).items():
            queries = [self._queries[pairs[row][0]] for row in rows]
            levels = np.array([level for _, level in queries])
            found[rows] = likeness([text for text, _ in queries], self._read[document]) - levels
        return found

    def _read_documents(self, wanted: set[str]) -> None:
        for text in self._read.keys() - wanted:
            del self._read[text]
        new = sorted(wanted - self._read.keys())
        self._read.update(zip(new, self._texts(new), strict=True))

    def _read_queries(self, wanted: dict[str, None]) -> None:
        if len(self._queries) > TEXTS_KEPT:
            self._queries.clear()
        new = [query for query in wanted if query not in self._queries]
        texts = self._texts(new)
        if new:
            levels = np.mean([likeness(texts, other) for other in self._at_random], axis=0)
            self._queries.update(zip(new, zip(texts, levels.tolist(), strict=True), strict=True))

    @cached_property
    def _at_random(self) -> list[Text]:
        return self._texts(self._drawn(AT_RANDOM))

    def _drawn(self, count: int) -> list[str]:
        """That many texts of the collection, drawn at random, or all."""
        return passages(self.documents.iloc[np.random.default_rng(SEED).permutation(len(self.documents))[:count]])

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(embedded_folder() / "tokenizer.json"))
        tokenizer.enable_truncation(self.model.facts.max_length)
        tokenizer.no_padding()
        return tokenizer

    def _encoded(self, texts: list[str]) -> list[Any]:
        longest = CHARACTERS_PER_TOKEN * self.model.facts.max_length
        return list(self._tokenizer.encode_batch_fast([text[:longest] for text in texts]))

    @cached_property
    def _rarity(self) -> Scores:
        """The weight of each token of the vocabulary: BM25's inverse document frequency; 0 for non-words."""
        texts = self._drawn(COUNTED)
        seen = np.zeros(self._tokenizer.get_vocab_size(), np.int64)
        for start in range(0, len(texts), 1024):
            for encoding in self._encoded(texts[start : start + 1024]):
                seen[np.unique(encoding.ids)] += 1
        rarity = np.log1p((len(texts) - seen + 0.5) / (seen + 0.5)).astype(np.float32)
        for token, place in self._tokenizer.get_vocab().items():
            if token.startswith("[") or not any(character.isalnum() for character in token):
                rarity[place] = 0
        return rarity

    def _texts(self, texts: list[str]) -> list[Text]:
        found = []
        for start in range(0, len(texts), TOGETHER):
            some = texts[start : start + TOGETHER]
            encodings = self._encoded(some)
            ends = np.cumsum([len(encoding.ids) for encoding in encodings])
            rows = np.split(self.model(some, "token", ""), ends[:-1])
            found += [_text(own, self._rarity[encoding.ids]) for own, encoding in zip(rows, encodings, strict=True)]
        return found


def likeness(queries: Sequence[Text], document: Text) -> Floats:
    """For each query, (n,): the best window's weighted matches plus the cosine of the weighted means, from -2 to 2."""
    means = np.stack([query.mean for query in queries]).astype(np.float64) @ document.mean.astype(np.float64)
    tokens = document.tokens.astype(np.float64)
    return np.concatenate([_best_windows(block, tokens) for block in _blocks(queries)]) + means


def _best_windows(queries: Sequence[Text], document: Floats) -> Floats:
    """Each query's weighted matches in the window of the document, tokens (n, dimension), where they are highest."""
    near = document @ np.concatenate([query.tokens for query in queries]).astype(np.float64).T
    halves = np.maximum.reduceat(near, np.arange(0, len(near), WINDOW // 2), axis=0)
    windows = np.maximum(halves[:-1], halves[1:]) if len(halves) > 1 else halves
    starts = np.cumsum([0, *(len(query.weights) for query in queries[:-1])])
    weighted = windows * np.concatenate([query.weights for query in queries])
    best: Floats = np.add.reduceat(weighted, starts, axis=1).max(axis=0)
    return best


def _blocks(queries: Sequence[Text]) -> list[Sequence[Text]]:
    """The queries in blocks that begin with each further QUERY_TOKENS of their tokens."""
    block = np.cumsum([0, *(len(query.weights) for query in queries[:-1])]) // QUERY_TOKENS
    cuts = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(queries)]
    return [queries[start:end] for start, end in pairwise(cuts)]


def _rows_by_document(pairs: list[tuple[str, str]]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, (_, document) in enumerate(pairs):
        rows.setdefault(document, []).append(row)
    return rows


def load_late_interaction(recipe: Mining, documents: pd.DataFrame, collection: str) -> LateInteraction:
    """The score over a collection, which `collection` is the fingerprint of."""
    folder = embedded_folder()
    wanted = ModelRequest(
        kind="tokens",
        name=EMBEDDED,
        folder=folder,
        fingerprint=fingerprint_of_model(folder),
        max_length=recipe.teacher_max_length,
        precision=recipe.precision,
    )
    model = open_engine(wanted)
    settings = VERSION, WINDOW, AT_RANDOM, COUNTED, SEED, model.facts.max_length
    return LateInteraction(model, (LATE_INTERACTION, wanted.fingerprint, collection, *settings), documents)


def _text(rows: Scores, rarity: Scores) -> Text:
    if not rarity.any():  # nothing but signs
        rarity = np.ones_like(rarity)
    counts = rarity > 0
    weights = rarity[counts].astype(np.float64) / rarity[counts].sum(dtype=np.float64)
    counted = rows[counts].astype(np.float64)
    # Not a matrix product, whose rounding may change with the number of threads.
    mean = (weights[:, None] * counted).sum(axis=0)
    return Text(_unit(counted), weights, _unit(mean))


def _unit(rows: Floats) -> Scores:
    unit = rows / np.maximum(np.sqrt((rows**2).sum(axis=-1, keepdims=True)), 1e-9)
    return (np.rint(unit * GRID) / GRID).astype(np.float32)
