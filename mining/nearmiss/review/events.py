"""
Events: one action of one reviewer, checked before it is written.

In:  plain values, perhaps from a browser
Out: an `Event`, or a ReviewError that says what is wrong with it
"""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from nearmiss.access.roles import LONGEST_NAME
from nearmiss.data.checks import Wrong, any_text, described
from nearmiss.errors import ReviewError

Verdict = Literal["relevant", "partial", "not_relevant", "unsure"]
JUDGEMENTS: tuple[str, ...] = get_args(Verdict)
ANSWERS = ("relevant", "partial")  # neither may train as a negative
# "later" puts a pair at the end of the queue; "comment" only adds words; "undo" takes back the row it `undoes`.
Action = Literal["relevant", "partial", "not_relevant", "unsure", "later", "comment", "undo"]
ACTIONS: tuple[str, ...] = get_args(Action)
REASONS = ("duplicate_of_positive", "bad_query", "wrong_positive", "too_easy")
# A reviewer of this name is no person: its verdicts stand in the log and are never counted as a person's.
MODEL = "model:"
IMPORT = "import"  # the arm of a judgement that was made elsewhere
JUDGE = "judge:"  # begins the arm of a judge's verdict; the fingerprint of its prompt follows
LONGEST = {
    "query_id": 2000,
    "doc_id": 2000,
    "reason": 40,
    "comment": 10_000,
    "reviewer": LONGEST_NAME,
    "client_id": 100,
    "arm": 100,
}
LARGEST = 2**63 - 1  # the largest number of both databases
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799  # the years 1 to 9999, which a calendar can show


def is_model(reviewer: str) -> bool:
    """Whether a reviewer is a model and not a person."""
    return reviewer.startswith(MODEL)


@dataclass(frozen=True, kw_only=True)
class Event:
    """
    What a reviewer did to one pair. Times are seconds since 1970 (UTC).

    `client_id` and `client_seq` name the event for ever: one sent twice is written once. `inclusion_probability` is
    the chance with which `arm` (an audit, the queue) picked the pair, where it was picked by chance.
    """

    query_id: str
    doc_id: str
    verdict: str
    reviewer: str
    client_id: str
    client_seq: int
    reason: str = ""
    comment: str = ""
    arm: str = ""
    inclusion_probability: float | None = None
    scores_visible: bool = True
    shown_at: float | None = None
    decided_at: float
    parent: int | None = None
    undoes: int | None = None

    def __post_init__(self) -> None:
        if self.verdict not in ACTIONS:
            raise ReviewError(f"verdict: wanted one of {', '.join(ACTIONS)}; found {described(self.verdict)}")
        if self.reason and self.reason not in REASONS:
            raise ReviewError(f"reason: wanted one of {', '.join(REASONS)}; found {described(self.reason)}")
        for name, longest in LONGEST.items():
            _check_text(name, getattr(self, name), longest)
        for name in ("query_id", "doc_id", "reviewer", "client_id"):
            if not getattr(self, name).strip():
                raise ReviewError(f"{name}: wanted one; found nothing")
        for name in ("client_seq", "parent", "undoes"):
            number = getattr(self, name)
            if number is not None and not 0 <= number <= LARGEST:
                raise ReviewError(f"{name}: wanted a number from 0 to {LARGEST}; found {described(number)}")
        for name in ("shown_at", "decided_at"):
            moment = getattr(self, name)
            if moment is not None and not FIRST_SECOND <= moment <= LAST_SECOND:
                raise ReviewError(f"{name}: wanted seconds since 1970; found {described(moment)}")
        if (self.verdict == "undo") != (self.undoes is not None):
            raise ReviewError(f"undoes: wanted with the verdict undo and only there; found {self.verdict!r}")
        if self.parent is not None and self.verdict not in JUDGEMENTS:
            raise ReviewError(f"parent: wanted with a judgement and only there; found {self.verdict!r}")
        chance = self.inclusion_probability
        if chance is not None and not 0 < chance <= 1:
            raise ReviewError(f"inclusion_probability: wanted above 0, at most 1; found {chance}")


def _check_text(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise ReviewError(f"{name}: wanted at most {longest:,} characters; found {len(text):,}")
    try:
        any_text(text, name)
    except Wrong as wrong:
        raise ReviewError(f"{name}: {wrong}") from wrong


def event_from(content: Any, **known: Any) -> Event:
    """An event from untrusted JSON; the values in `known` take precedence."""
    if not isinstance(content, dict):
        raise ReviewError(f"event: wanted an object; found {type(content).__name__}")
    named = {field.name: content[field.name] for field in fields(Event) if field.name in content} | known
    for name, value in named.items():
        if not isinstance(value, TYPES[name]) or (isinstance(value, bool) and name != "scores_visible"):
            raise ReviewError(f"event: wanted {name} of another type; found {value!r}"[:300])
    if missing := [name for name in REQUIRED if name not in named]:
        raise ReviewError(f"event: missing {missing}")
    return Event(**named)


TYPES: dict[str, Any] = {
    **dict.fromkeys(("query_id", "doc_id", "verdict", "reviewer", "client_id", "reason", "comment", "arm"), str),
    "client_seq": int,
    "inclusion_probability": (int, float, type(None)),
    "scores_visible": bool,
    "shown_at": (int, float, type(None)),
    "decided_at": (int, float),
    "parent": (int, type(None)),
    "undoes": (int, type(None)),
}
REQUIRED = ("query_id", "doc_id", "verdict", "reviewer", "client_id", "client_seq", "decided_at")
