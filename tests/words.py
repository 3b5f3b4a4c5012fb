"""Toy models that need no weights: an encoder and a teacher that look at words alone."""

import hashlib

import numpy as np

from nearmiss.pipeline.model_checks import drawn_pairs
from nearmiss.pipeline.round import Round
from nearmiss.run import mining_from
from nearmiss.settings import Policy

DIMENSION = 32


class WordEncoder:
    """A text is the sum of its words' random vectors, so texts that share words lie close."""

    engine = "toy"
    precision = "float32"
    agreement = None
    dimension = DIMENSION

    def __init__(self, salt=""):
        self.salt = salt
        self.fingerprint = hashlib.sha256(f"words{salt}".encode()).hexdigest()

    def encode_query(self, texts):
        return self._encode(texts)

    def encode_document(self, texts):
        return self._encode(texts)

    def _encode(self, texts):
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text):
        words = [*text.lower().split(), "<end>"]
        total = np.sum([self._word(word) for word in words], axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)

    def _word(self, word):
        seed = int.from_bytes(hashlib.sha256(f"{self.salt}{word}".encode()).digest()[:4], "big")
        return np.random.default_rng(seed).normal(size=DIMENSION)


class OverlapTeacher:
    """A logit that rises with the share of the query's words that the document holds; keeps what it is asked."""

    engine = "toy"
    precision = "float32"
    agreement = None

    def __init__(self, salt=""):
        self.fingerprint = hashlib.sha256(f"overlap{salt}".encode()).hexdigest()
        self.pairs = []

    @property
    def asked(self):
        return len(self.pairs)

    def score(self, pairs):
        self.pairs += pairs
        return np.array([self._logit(query, document) for query, document in pairs], np.float32)

    def _logit(self, query, document):
        wanted, found = set(query.lower().split()), set(document.lower().split())
        return 10 * len(wanted & found) / max(len(wanted), 1) - 5 - len(found) / 1000


def margins(**settings):
    """A policy whose ceiling is a margin: a table made by hand knows no p_relevant for the default's ceiling."""
    return Policy(**{"max_p_relevant": None, "relative_margin": 0.05} | settings)


def pairs_wanted(run, number=1):
    """The texts of every pair that a round needs the teacher's score of: its candidates', and its check's of models."""
    data = run.dataset
    this = Round(run.folder, number, data, mining_from(run.round_facts(number)["recipe"]), None, None)
    checked = [(this.queries[q], this.documents[d]) for rows in drawn_pairs(this) for q, d in rows.tolist()]
    queries = dict(zip(data.queries["query_id"], this.queries, strict=True))
    documents = dict(zip(data.documents["doc_id"], this.documents, strict=True))
    rows = run.candidates(number)
    return {(queries[q], documents[d]) for q, d in zip(rows.query_id, rows.doc_id, strict=True)}.union(checked)
