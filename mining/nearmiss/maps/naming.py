"""
Naming: three words for what a cluster's documents are about.

In:  texts and the cluster of each
Out: for each cluster, words that are more common there than elsewhere

Function words of every language that is found among the texts are left out: a corpus of several would else have topics
named by their articles. A cluster that is all there is of a language is named by it: its documents have that in common,
and no topic.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from nearmiss.retrieval.language import UNDETERMINED, detect, function_words, language_name, term_maker
from nearmiss.retrieval.tokenization import normalise, words

TEXTS = 300  # of a cluster, evenly spaced
CHARACTERS = 600
SHORTEST = 3
LEAST_SHARE = 0.01  # of the texts that are in a language, for its function words to be left out
NEARLY_ALL = 0.8  # of a cluster's texts
FEWEST = 2  # documents with a word that names a cluster of several


def name_clusters(
    texts: Sequence[str], clusters: npt.NDArray[np.int32], language: str, count: int = 3
) -> list[list[str]]:
    """`count` typical words for each cluster, 0 upward; fewer where it has fewer."""
    numbers = range(int(clusters.max(initial=-1)) + 1)
    members = [_sample(np.flatnonzero(clusters == cluster)) for cluster in numbers]
    read = [[texts[row][:CHARACTERS] for row in rows] for rows in members]
    spoken = [Counter(detect([text]) for text in own) for own in read]
    languages: Counter[str] = sum(spoken, Counter())
    left_out = _function_words(languages, language)
    tokens = [_documents_with(own, language, left_out) for own in read]
    everywhere: Counter[str] = sum(tokens, Counter())
    return [
        [united] if (united := _united_by(own, languages)) else _distinctive(found, everywhere, count)
        for own, found in zip(spoken, tokens, strict=True)
    ]


def _sample(rows: npt.NDArray[np.int64]) -> list[int]:
    sampled: list[int] = rows[:: max(1, len(rows) // TEXTS)].tolist()
    return sampled


def _function_words(languages: Counter[str], language: str) -> frozenset[str]:
    """Those of the round's language, and of each that LEAST_SHARE of the texts are written in."""
    least = max(LEAST_SHARE * languages.total(), FEWEST)
    spoken = {code for code, number in languages.items() if number >= least}
    return frozenset[str]().union(*(function_words(code) for code in spoken | {language}))


def _united_by(spoken: Counter[str], languages: Counter[str]) -> str:
    """The language that nearly all of a cluster is written in, where most of that language is here; else nothing."""
    if not spoken:
        return ""
    [(code, number)] = spoken.most_common(1)
    is_all_of_it = number >= NEARLY_ALL * spoken.total() and number > languages[code] / 2
    is_usual = languages[code] >= languages.total() / 2
    return language_name(code) if is_all_of_it and not is_usual and code != UNDETERMINED else ""


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
