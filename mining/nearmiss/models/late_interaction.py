"""
Late interaction: how well a document's tokens answer each token of a query, by the vectors of the embedded MiniLM.

In:  pairs of texts, and the collection that they are from
Out: a `Teacher` that was never trained: it reads each text once, where a cross-encoder reads each pair

    score = window + mean - the query's level

`window` is ColBERT's sum of each query token's best match (Khattab and Zaharia, 2020), weighted by the token's rarity
and taken within the best stretch of WINDOW tokens; `mean` the cosine of the two texts' token vectors, averaged with the
same weights. The level is the query's score with documents drawn at random: without it, vague queries would score
higher than precise ones, and no threshold would fit both.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from nearmiss.data import passages
from nearmiss.models.encoder import EMBEDDED, embedded_folder
from nearmiss.models.engine import ModelRequest, OnEngine, open_engine
from nearmiss.models.engine.tokens import CHARACTERS_PER_TOKEN
from nearmiss.settings import LATE_INTERACTION, Mining
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.types import Scores

WINDOW = 40  # tokens; windows overlap by half
AT_RANDOM = 60  # documents from which a query's level is estimated
COUNTED = 50_000  # at most so many documents are counted for how rare each token is
TOGETHER = 64  # texts that are read before they are weighed
TEXTS_KEPT = 4096  # queries that stay in memory, some 40 KB each
SEED = 42
VERSION = 1  # increase it when scores change, so that kept ones are not used


@dataclass(frozen=True)
class Text:
    """What is kept of a text that was read."""

    tokens: Scores  # (n, dimension), unit
    weights: Scores  # (n,), which add up to 1
    mean: Scores  # (dimension,), unit


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
        for row, (query, document) in enumerate(pairs):
            text, level = self._queries[query]
            found[row] = likeness(text, self._read[document]) - level
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
        for query, text in zip(new, self._texts(new), strict=True):
            level = float(np.mean([likeness(text, other) for other in self._at_random]))
            self._queries[query] = text, level

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


def likeness(query: Text, document: Text) -> float:
    """The best window's weighted matches plus the cosine of the weighted means, from -2 to 2."""
    near = query.tokens @ document.tokens.T
    halves = np.maximum.reduceat(near, np.arange(0, near.shape[1], WINDOW // 2), axis=1)
    windows = np.maximum(halves[:, :-1], halves[:, 1:]) if halves.shape[1] > 1 else halves
    return float((query.weights @ windows).max() + query.mean @ document.mean)


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
    weights = rarity[counts] / rarity[counts].sum()
    return Text(_unit(rows[counts]), weights, _unit(weights @ rows[counts]))


def _unit(rows: Scores) -> Scores:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9), np.float32)
