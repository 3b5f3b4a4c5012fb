"""
Naming: three words for what a cluster's documents are about.

In:  texts and the cluster of each
Out: for each cluster, words that are more common there than elsewhere
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nearmiss.retrieval.language import term_maker
from nearmiss.retrieval.tokenization import normalise, words

TEXTS = 300  # of a cluster, evenly spaced
CHARACTERS = 600
SHORTEST = 3


def name_clusters(
    texts: Sequence[str], clusters: npt.NDArray[np.int32], language: str, count: int = 3
) -> list[list[str]]:
    """`count` typical words for each cluster, 0 upward; fewer where it has fewer. Stop words are left out."""
    numbers = range(int(clusters.max(initial=-1)) + 1)
    tokens = [_documents_with(texts, np.flatnonzero(clusters == cluster), language) for cluster in numbers]
    everywhere: Counter[str] = sum(tokens, Counter())
    return [_distinctive(own, everywhere, count) for own in tokens]


def _documents_with(texts: Sequence[str], members: npt.NDArray[np.int64], language: str) -> Counter[str]:
    """In how many of the cluster's documents each word stands."""
    term = term_maker(language)
    found: Counter[str] = Counter()
    for row in members[:: max(1, len(members) // TEXTS)].tolist():
        own = set(words(normalise(texts[row][:CHARACTERS])))
        found.update(word for word in own if len(word) >= SHORTEST and not word.isdigit() and term(word))
    return found


def _distinctive(own: Counter[str], everywhere: Counter[str], count: int) -> list[str]:
    # Common here, and mostly here: documents with the word, times the share of all such documents that this is.
    ranked = sorted(own, key=lambda word: (-(own[word] ** 2) / everywhere[word], word))
    return ranked[:count]
