"""
The judge's answer, checked: its form, its grade, and that what it quotes is there.

In:  what a model wrote, and the document that it read
Out: a `JudgeAnswer`; Unsound, with the reason, where it cannot be used
"""

import json
from dataclasses import dataclass
from typing import Any

from nearmiss.judging.judge_prompt import SHOWN
from nearmiss.session.highlights import QUOTES

LONGEST_REASON = 600  # characters
GRADES = (0, 1, 2, 3)
# 2 is an answer in part: it may not train as a negative, and is no positive either.
VERDICTS = ("not_relevant", "not_relevant", "partial", "relevant")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "grade": {"type": "integer", "enum": list(GRADES)},
        "reason": {"type": "string"},
        "quote": {"type": "string"},
    },
    "required": ["grade", "reason", "quote"],
    "additionalProperties": False,
}


class Unsound(Exception):
    """An answer that cannot be used; the message says why."""


@dataclass(frozen=True)
class JudgeAnswer:
    """What a model said of one pair."""

    grade: int
    reason: str
    quote: str  # "" where it quoted nothing

    @property
    def verdict(self) -> str:
        """The grade as a verdict."""
        return VERDICTS[self.grade]


def checked(content: str | None, document: str) -> JudgeAnswer:
    """The answer in a model's words; Unsound where form, grade or quote are not as asked."""
    found = _object(content or "")
    if sorted(found) != sorted(SCHEMA["required"]):
        raise Unsound(f"wanted grade, reason and quote; found {sorted(found)}")
    grade, reason, quote = found["grade"], found["reason"], found["quote"]
    if isinstance(grade, bool) or grade not in GRADES or not isinstance(grade, int):
        raise Unsound(f"wanted a grade from 0 to 3; found {grade!r}")
    if not isinstance(reason, str) or not reason.strip() or len(reason) > LONGEST_REASON:
        raise Unsound(f"wanted a reason of one sentence; found {str(reason)[:80]!r}")
    if not isinstance(quote, str):
        raise Unsound(f"wanted a quote; found {str(quote)[:80]!r}")
    plain = _plain(quote)
    if grade >= 2 and not plain:
        raise Unsound(f"wanted the words that answer, for grade {grade}; found no quote")
    if plain not in _plain(document[:SHOWN]):
        raise Unsound(f"wanted a quote of the document; found words that are not in it: {quote[:80]!r}")
    return JudgeAnswer(grade, " ".join(reason.split()), quote.strip())


def _object(content: str) -> dict[str, Any]:
    """The JSON object in a text, which a model may have put into a fence."""
    first, last = content.find("{"), content.rfind("}")
    try:
        found = json.loads(content[first : last + 1])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unsound(f"wanted a JSON object; found {content[:80]!r}")
    return found


def _plain(text: str) -> str:
    """A text without case, line breaks and the marks around it."""
    return " ".join(text.casefold().split()).strip(QUOTES)
