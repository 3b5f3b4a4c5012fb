"""
Mentions: comments that name somebody, as `@ada` or `@ada@example.org`.

In:  the text of a comment, a reviewer's name
Out: whether it names them; the same text with another name in its place

Whose name is an address is also named by the part before its `@`. Case does not count.
"""

import re
from functools import lru_cache


def names(text: str, reviewer: str) -> bool:
    """Whether a comment names a reviewer."""
    return "@" in text and _pattern(reviewer).search(text) is not None


def renamed(text: str, reviewer: str, instead: str) -> str:
    """A comment in which a reviewer has another name, with or without the `@` before it."""
    text = _pattern(reviewer).sub(lambda _: f"@{instead}", text)
    return _bare(reviewer).sub(lambda _: instead, text)


@lru_cache(maxsize=256)
def _pattern(reviewer: str) -> re.Pattern[str]:
    known = sorted({reviewer, reviewer.partition("@")[0] or reviewer}, key=len, reverse=True)
    # `@ada.` ends a sentence, `@ada.b` and `@ada@example.com` are other people.
    return re.compile(rf"(?<!\w)@(?:{'|'.join(map(re.escape, known))})(?![\w@-]|\.\w)", re.IGNORECASE)


@lru_cache(maxsize=256)
def _bare(reviewer: str) -> re.Pattern[str]:
    # A name of one word may be a word of the language too, in other case.
    flags = re.NOFLAG if reviewer.isalnum() else re.IGNORECASE
    return re.compile(rf"(?<![\w@.-]){re.escape(reviewer)}(?![\w@-]|\.\w)", flags)
