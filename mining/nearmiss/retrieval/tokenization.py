"""
Texts as words: the one way in which BM25 and the near-duplicate test read a text.

In:  any text
Out: its normalised form, and its words in order; a script written without spaces gives characters and pairs of them

Stop words and stems are in `language`.
"""

import functools
import re
import unicodedata

# Thai, Lao, Myanmar, Khmer, kana and Han put no spaces between words. Hangul does, but glues particles to them, and
# pairs of syllables are the usual remedy (Lucene's CJKAnalyzer does the same).
_NO_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUNS = re.compile(f"[{_NO_SPACES}]+|[^{_NO_SPACES}]+")
_UNSPACED = re.compile(f"[{_NO_SPACES}]")
_ASCII_WORD = re.compile(r"\w+")


def normalise(text: str) -> str:
    """`text` after NFKC, case folding and white space squeezed to single spaces."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


def words(normalised: str) -> list[str]:
    """The words of a normalised text, in order, without punctuation; unspaced runs as `grams`."""
    if normalised.isascii():
        return _ASCII_WORD.findall(normalised)
    found: list[str] = _word().findall(normalised)
    if not _UNSPACED.search(normalised):
        return found
    return [word for token in found for run in _RUNS.findall(token) for word in _split(run)]


def grams(run: str) -> list[str]:
    """Each character of an unspaced run, followed by the pair that it begins: 東京都 gives 東 東京 京 京都 都."""
    return [gram for at in range(len(run)) for gram in (run[at], run[at : at + 2])][:-1]


def _split(run: str) -> list[str]:
    return grams(run) if _UNSPACED.match(run) else [run]


@functools.cache
def _word() -> re.Pattern[str]:
    # `\w` leaves out combining marks, which would cut Hindi and Tamil words at every vowel sign.
    marks = "".join(char for char in map(chr, range(0x10000)) if unicodedata.category(char)[0] == "M")
    joiners = "\u200c\u200d"
    return re.compile(f"[\\w{marks}{joiners}]+")
