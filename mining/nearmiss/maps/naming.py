"""
Naming: three words for what a cluster's documents are about.

In:  texts and the cluster of each
Out: for each cluster, words that are more common there than elsewhere

Function words of every language that is found among the texts are left out: a corpus of several would else have topics
named by their articles.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from nearmiss.retrieval.language import detect, function_words, term_maker
from nearmiss.retrieval.tokenization import normalise, words

TEXTS = 300  # of a cluster, evenly spaced
CHARACTERS = 600
SHORTEST = 3
LEAST_SHARE = 0.01  # of the texts that are in a language, for its function words to be left out
FEWEST = 2  # documents with a word that names a cluster of several


def name_clusters(
    texts: Sequence[str], clusters: npt.NDArray[np.int32], language: str, count: int = 3
) -> list[list[str]]:
    """`count` typical words for each cluster, 0 upward; fewer where it has fewer."""
    numbers = range(int(clusters.max(initial=-1)) + 1)
    members = [_sample(np.flatnonzero(clusters == cluster)) for cluster in numbers]
    read = [[texts[row][:CHARACTERS] for row in rows] for rows in members]
    left_out = _function_words([text for own in read for text in own], language)
    tokens = [_documents_with(own, language, left_out) for own in read]
    everywhere: Counter[str] = sum(tokens, Counter())
    return [_distinctive(own, everywhere, count) for own in tokens]


def _sample(rows: npt.NDArray[np.int64]) -> list[int]:
    sampled: list[int] = rows[:: max(1, len(rows) // TEXTS)].tolist()
    return sampled


def _function_words(texts: Sequence[str], language: str) -> frozenset[str]:
    """Those of the round's language, and of each that LEAST_SHARE of the texts are written in."""
    found = Counter(detect([text]) for text in texts)
    spoken = {code for code, number in found.items() if number >= max(LEAST_SHARE * len(texts), FEWEST)}
    return frozenset[str]().union(*(function_words(code) for code in spoken | {language}))


def _documents_with(texts: Sequence[str], language: str, left_out: Collection[str]) -> Counter[str]:
    """In how many of the cluster's documents each word stands."""
    term = term_maker(language)
    found: Counter[str] = Counter()
    for text in texts:
        own = set(words(normalise(text))) - set(left_out)
        found.update(word for word in own if len(word) >= SHORTEST and not word.isdigit() and term(word))
    return found


def _distinctive(counts: Counter[str], everywhere: Counter[str], count: int) -> list[str]:
    # Common here, and mostly here: documents with the word, times the share of all such documents that this is. With a
    # dozen clusters, c-TF-IDF's logarithm would hardly tell "water" from "yolk". A word of one document names no topic.
    ranked = sorted(counts, key=lambda word: (counts[word] < FEWEST, -(counts[word] ** 2) / everywhere[word], word))
    return ranked[:count]
