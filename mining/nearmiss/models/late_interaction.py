"""
Late interaction: how well a document's tokens answer each token of a query, by the token vectors of the run's encoder.

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
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss.errors import ModelError
from nearmiss.models.encoder import Encoder, ModelEncoder, ReadsTokens, embedded_folder
from nearmiss.models.engine import OnEngine, probe
from nearmiss.models.token_store import TokenStore
from nearmiss.models.token_texts import COUNTED, SEED, Text, TokenTexts
from nearmiss.settings import LATE_INTERACTION, Mining
from nearmiss.storage.fingerprint import fingerprint_of, fingerprint_of_model
from nearmiss.types import Floats, Scores, Vectors

WINDOW = 40  # tokens; windows overlap by half
AT_RANDOM = 60  # documents from which a query's level is estimated
QUERIES_KEPT = 4096  # queries that stay in memory, some 40 KB each
QUERY_TOKENS = 512  # multiplied with a document at once, so that the products stay in the processor's cache
VERSION = 2  # increase it when scores change, so that kept ones are not used
SAME_VECTOR = 0.999  # cosine of an encoder's vector and the mean of its tokens, above which they are one


@dataclass(frozen=True)
class LateInteraction(OnEngine):
    """The score over one collection."""

    texts: TokenTexts
    weights: str = ""  # fingerprint of the encoder's
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

    def gives_vectors_of(self, encoder: Encoder) -> bool:
        """Whether the encoder's vector of a document is the mean of the tokens that are read here anyway."""
        if not isinstance(encoder, ModelEncoder) or encoder.weights != self.weights or encoder.adaptation is not None:
            return False
        own, theirs = ((model.name, model.precision, model.facts.max_length) for model in (self.model, encoder.model))
        if own != theirs or encoder.document_prompt != self.texts.document_prompt:
            return False
        sentences = list(probe.SENTENCES)
        means = replace(self.texts, store=None).document_means(sentences)
        vectors = encoder.encode_document(sentences)
        return means.shape == vectors.shape and bool(np.vecdot(means, vectors).min() >= SAME_VECTOR)

    def encode_document(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32 of documents, each the mean of its tokens, which are kept."""
        return self.texts.document_means(texts)

    def keeping(self, folder: Path, megabytes: int) -> "LateInteraction":
        """The same, with token vectors of documents in a folder of their own inside this one."""
        return replace(self, texts=replace(self.texts, store=TokenStore(folder / self.fingerprint[:16], megabytes)))

    def fingerprint_of_version_1(self, precision: str) -> str | None:
        """What the same score was known as before its last digits changed; only the embedded MiniLM had one."""
        if self.weights != fingerprint_of_model(embedded_folder()):
            return None
        settings = 1, WINDOW, AT_RANDOM, COUNTED, SEED, self.model.facts.max_length
        return fingerprint_of(*self.identity[:3], *settings, precision)

    def _read_documents(self, wanted: set[str]) -> None:
        for text in self._read.keys() - wanted:
            del self._read[text]
        new = sorted(wanted - self._read.keys())
        self._read.update(zip(new, self.texts.of_documents(new), strict=True))

    def _read_queries(self, wanted: dict[str, None]) -> None:
        if len(self._queries) > QUERIES_KEPT:
            self._queries.clear()
        new = [query for query in wanted if query not in self._queries]
        if new:
            texts = self.texts.of_queries(new)
            levels = np.mean([likeness(texts, other) for other in self._at_random], axis=0)
            self._queries.update(zip(new, zip(texts, levels.tolist(), strict=True), strict=True))

    @cached_property
    def _at_random(self) -> list[Text]:
        return self.texts.of_documents(self.texts.drawn(AT_RANDOM))


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


def load_late_interaction(
    recipe: Mining, encoder: Encoder, documents: pd.DataFrame, collection: str
) -> LateInteraction | None:
    """
    The score over a collection, which `collection` is the fingerprint of, by the tokens of the run's encoder.

    None where the encoder gives no vectors of tokens: its cosine then stands in for the teacher.
    """
    if not isinstance(encoder, ReadsTokens) or encoder.tokens is None:
        return None
    try:
        model = encoder.tokens(recipe)
    except ModelError:  # such as a table of word vectors that are added up at once
        return None
    weights, prompts = encoder.weights, (encoder.query_prompt, encoder.document_prompt)
    settings = VERSION, WINDOW, AT_RANDOM, COUNTED, SEED, model.facts.max_length
    texts = TokenTexts(model, documents, *prompts)
    return LateInteraction(model, (LATE_INTERACTION, weights, collection, *settings, *prompts), texts, weights)
