"""
Given: judgements made with another tool, as its file holds them, before they are rows of the log.

In:  what a format's reader found
Out: `ReadJudgements`: the judgements, what was left out and why, what was assumed; and the events that they become
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nearmiss.data.checks import Wrong, shortened
from nearmiss.errors import ReviewError
from nearmiss.review.current import Standing
from nearmiss.review.events import IMPORT, JUDGEMENTS, LAST_SECOND, Event
from nearmiss.types import Pair


@dataclass(frozen=True)
class Judgement:
    """One person's verdict on one pair. Who and when (seconds since 1970) are missing where the file lacks them."""

    query_id: str
    doc_id: str
    verdict: str
    reviewer: str = ""
    comment: str = ""
    decided_at: float | None = None

    @property
    def pair(self) -> Pair:
        """The query and the document."""
        return self.query_id, self.doc_id


@dataclass(frozen=True)
class ReadJudgements:
    """What a file holds: its judgements, how many of its rows were left out and why, which columns nobody read."""

    judgements: Sequence[Judgement]
    rows: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def by(self, reviewer: str, place: object) -> "ReadJudgements":
        """The same with a name for the judgements that have none; ReviewError where none is given."""
        nameless = sum(not one.reviewer.strip() for one in self.judgements)
        if nameless and not reviewer.strip():
            raise ReviewError(
                f"--reviewer: wanted a name for the judgements of {place} that name nobody ({nameless:,}); found none"
            )
        # Spaces around a name do not make it another person.
        named = [replace(one, reviewer=one.reviewer.strip() or reviewer.strip()) for one in self.judgements]
        some = 0 < nameless < len(named)
        assumed = (f"reviewer {reviewer.strip()!r} where none is named",) if some else ()
        return replace(self, judgements=named, assumed=(*self.assumed, *assumed))

    def latest(self) -> "ReadJudgements":
        """The same with the last judgement alone where somebody judged a pair more than once."""
        kept: dict[tuple[Pair, str], Judgement] = {}
        for one in self.judgements:
            before = kept.get((one.pair, one.reviewer))
            if before is None or (one.decided_at or 0) >= (before.decided_at or 0):
                kept[one.pair, one.reviewer] = one
        earlier = len(self.judgements) - len(kept)
        more = {"judged again later by the same reviewer": earlier} if earlier else {}
        return replace(self, judgements=list(kept.values()), left_out={**self.left_out, **more})


def verdict_of(label: object, labels: Mapping[str, str]) -> str:
    """The verdict that a tool's label means: one of ours in any case, or as `labels` says (by `plain` spelling)."""
    word = plain(label)
    verdict = labels.get(word, word)
    if verdict not in JUDGEMENTS:
        known = ", ".join([*JUDGEMENTS, *sorted(set(labels) - set(JUDGEMENTS))])
        raise Wrong(f"a label among {known} (--label LABEL=VERDICT names others)", shortened(repr(label)))
    return verdict


def plain(label: object) -> str:
    """A label without case, with underscores: `Not relevant` is `not_relevant`."""
    return "_".join(str(label).casefold().replace("-", " ").replace("_", " ").split())


def moment(value: object) -> float | None:
    """Seconds since 1970, from a number or an ISO 8601 date (UTC where it names no zone); None where there is none."""
    from datetime import UTC, datetime

    if value in (None, ""):
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(value)
        if isinstance(value, str) and not value.strip().replace(".", "", 1).isdecimal():
            parsed = datetime.fromisoformat(value.strip())
            seconds = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
        else:
            seconds = float(value)
        if not 0 <= seconds <= LAST_SECOND:
            raise ValueError(value)
    except (ValueError, OverflowError):
        raise Wrong("seconds since 1970 or a date as 2026-01-31T12:00:00", shortened(repr(value))) from None
    return seconds


def events_of(judgements: Iterable[Judgement], standing: Standing, now: float) -> Iterator[Event]:
    """
    The judgements as events of their reviewers, but for those that stand so already.

    An event's id comes from its content and from what it replaces, so that a file read twice is written once, and a
    judgement that was changed and changed back counts again. One without a time was decided `now`.
    """
    for one in judgements:
        own = standing.by_reviewer(one.pair).get(one.reviewer)
        if own is not None and own.event.verdict == one.verdict:
            continue
        history = (entry.seq for entry in standing.history(one.pair) if entry.event.reviewer == one.reviewer)
        yield Event(
            query_id=one.query_id,
            doc_id=one.doc_id,
            verdict=one.verdict,
            reviewer=one.reviewer,
            comment=one.comment,
            client_id=_name_of(one.reviewer, one.query_id, one.doc_id, one.verdict),
            client_seq=max(history, default=0),
            arm=IMPORT,
            scores_visible=False,
            decided_at=now if one.decided_at is None else one.decided_at,
        )


def _name_of(*parts: str) -> str:
    return f"qrels {hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
