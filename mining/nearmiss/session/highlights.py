"""
Highlights: a passage laid out for a person who must judge it fast.

In:  a passage, a query, a positive, a search text, quotes
Out: the passage in pieces that mark the words shared with them, where its best part begins, and the changed words
     against the positive

Pieces, not positions: browsers count characters differently from Python.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from nearmiss.retrieval.language import detect, function_words, term_maker
from nearmiss.retrieval.tokenization import normalise, words

# Marks of a piece, added up.
IN_QUERY, IN_POSITIVE, BEST_BEGINS, SEARCH_HIT, QUOTED = 1, 2, 4, 8, 16
QUOTES = "\"'“”„«»‘’… ."  # what may stand around a quote
LONG = 1200  # characters from which a passage opens at its best part
WINDOW = 400  # characters of a part
SENTENCE = 120  # characters that a sentence may begin before its first shared word
ALIKE_FROM_SHARE = 0.5  # share of words in common from which a list of differences is shorter to read than the text
LONGEST = 60_000  # characters that are laid out; nobody reads more of one passage
# Han, katakana and all other letters apart: Japanese is written without spaces, and changes script at most words.
TOKEN = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff]+|[\u30a0-\u30ff]+|[\u3040-\u309f]+|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|\W+"
)
HIRAGANA = re.compile(r"[\u3040-\u309f]*")
SENTENCE_END = re.compile(r"[.!?。！？\n]\s*$")
Piece = tuple[str, int]
WordChange = tuple[Literal["same", "new", "gone"], str]


def pieces(text: str, query: str, positive: str, language: str) -> list[Piece]:
    """
    `text` cut into pieces with their marks; joined they give the text again, up to LONGEST.

    A word is shared where its stem is, in `language`; function words are never marked, neither those of `language` nor
    those of the language in which the passage is found to be written.
    """
    stem = _stems(language, _language_of(text[:LONG]))
    in_query, in_positive = stem(query), stem(positive)
    found = TOKEN.findall(text[:LONGEST])
    marks = [_mark(stem(token), in_query, in_positive) for token in found]
    best = _best_token(found, marks)
    merged: list[Piece] = []
    for place, (token, mark) in enumerate(zip(found, marks, strict=True)):
        begins = BEST_BEGINS if place == best else 0
        if merged and not begins and merged[-1][1] & ~BEST_BEGINS == mark:
            merged[-1] = (merged[-1][0] + token, merged[-1][1])
        else:
            merged.append((token, mark | begins))
    return merged


def with_found(pieces: list[Piece], searched: str) -> list[Piece]:
    """The pieces, cut once more where `searched` occurs in the text they make, in any case, and marked there."""
    wanted, text = searched.strip().casefold(), "".join(piece for piece, _ in pieces)
    folded = text.casefold()
    # A letter that folds to two, as ß does, would shift all later positions.
    if not wanted or wanted not in folded or len(folded) != len(text):
        return pieces
    return _marked(pieces, [hit.span() for hit in re.finditer(re.escape(wanted), folded)], SEARCH_HIT)


def with_quotes(pieces: list[Piece], quotes: Iterable[str]) -> list[Piece]:
    """The same where a quote stands, in any case and spacing, cut and marked there."""
    text, spans = "".join(piece for piece, _ in pieces), []
    for quote in quotes:
        words_of_it = [re.escape(word) for word in quote.strip(QUOTES).split()]
        if words_of_it and (hit := re.search(r"\s+".join(words_of_it), text, re.IGNORECASE)):
            spans.append(hit.span())
    return _marked(pieces, spans, QUOTED) if spans else pieces


def _marked(pieces: list[Piece], spans: list[tuple[int, int]], mark: int) -> list[Piece]:
    """The pieces, cut once more at the ends of the spans (positions in the text they make), with a mark inside."""
    inside = bytearray(sum(len(piece) for piece, _ in pieces))
    for first, last in spans:
        inside[first:last] = b"\x01" * (last - first)
    cut: list[Piece] = []
    at = 0
    for piece, marks in pieces:
        runs = re.finditer(rb"\x00+|\x01+", bytes(inside[at : at + len(piece)]))
        for place, run in enumerate(runs):
            own = marks if place == 0 else marks & ~BEST_BEGINS
            cut.append((piece[run.start() : run.end()], own | (mark if run.group()[0] else 0)))
        at += len(piece)
    return cut


def alike(one: str, other: str) -> bool:
    """Whether two texts share enough words that a list of differences is readable."""
    left, right = (Counter(words(normalise(text[:LONGEST]))) for text in (one, other))
    total = left.total() + right.total()
    return total > 0 and 2 * (left & right).total() >= ALIKE_FROM_SHARE * total


@lru_cache(maxsize=512)
def changes(positive: str, text: str) -> list[WordChange]:
    """What would have to change in the positive to give the text, word by word, in reading order."""
    old, new = (TOKEN.findall(one[: LONGEST // 10]) for one in (positive, text))
    result: list[WordChange] = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            result.append(("same", "".join(new[k:m])))
        if kind in ("delete", "replace"):
            result.append(("gone", "".join(old[i:j])))
        if kind in ("insert", "replace"):
            result.append(("new", "".join(new[k:m])))
    return result


def _mark(stems: Collection[str], in_query: Collection[str], in_positive: Collection[str]) -> int:
    shared = IN_QUERY * any(stem in in_query for stem in stems)
    return shared + IN_POSITIVE * any(stem in in_positive for stem in stems)


def _best_token(found: list[str], marks: list[int]) -> int | None:
    """Where the part with the most distinct query words begins; None for a short text."""
    starts, at = [], 0
    for token in found:
        starts.append(at)
        at += len(token)
    hits = [place for place, mark in enumerate(marks) if mark & IN_QUERY]
    if at < LONG or not hits:
        return None

    def worth(first: int) -> tuple[int, int]:
        inside = [place for place in hits if starts[first] <= starts[place] < starts[first] + WINDOW]
        return len({found[place].casefold() for place in inside}), len(inside)

    best = max(hits, key=worth)
    # Begin at the start of the sentence, if it is near.
    for place in range(best, 0, -1):
        if starts[best] - starts[place] > SENTENCE or SENTENCE_END.search(found[place - 1]):
            return place
    return 0


@lru_cache(maxsize=4096)
def _language_of(text: str) -> str:
    return detect([text])


@lru_cache(maxsize=64)
def _stems(language: str, also: str) -> Callable[[str], frozenset[str]]:
    term, idle = term_maker(language), function_words(language) | function_words(also)

    @lru_cache(maxsize=65_536)
    def stems(text: str) -> frozenset[str]:
        content_words = (word for word in words(normalise(text)) if word not in idle and not HIRAGANA.fullmatch(word))
        return frozenset(map(term, content_words)) - {""}

    return stems
