"""
People: how far each reviewer has come, how fast they are, and how far they can be relied upon.

In:  the judgements that stand in the log, how many pairs each person holds, the time
Out: a `PersonProgress` for each, by falling number of pairs judged

Only whoever may oversee a project gets them. Judgements that were imported, and those that a batch or copies got from
another, are no card that somebody read, and count for nothing here. Pairs of known answer count for speed and for the
score against them, not as pairs judged. Models are no people.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

from nearmiss import access
from nearmiss.agreement.gold_scores import GoldScore, scores
from nearmiss.agreement.opinions import NO_OPINION, SCALES, opinions, repeats
from nearmiss.errors import ReviewError
from nearmiss.review import CHOSEN, JUDGEMENTS, TESTS, Entry, ReviewLog, Standing
from nearmiss.review.events import IMPORT
from nearmiss.types import Pair

DAY_S, WEEK_S = 86_400.0, 7 * 86_400.0
ALWAYS = float("-inf")
NOTHING_KNOWN: Mapping[Pair, str] = {}


@dataclass(frozen=True)
class Week:
    """A week of the calendar, from Monday 0:00 UTC to before the next one; seconds since 1970."""

    name: str  # as ISO 8601 has it: 2026-W48
    start: float

    @property
    def end(self) -> float:
        """When the next one begins."""
        return self.start + WEEK_S

    @property
    def in_words(self) -> str:
        """Its first and its last day."""
        first = datetime.fromtimestamp(self.start, UTC)
        return f"{first:%Y-%m-%d} to {first + timedelta(days=6):%Y-%m-%d}"

    @classmethod
    def of(cls, now: float) -> "Week":
        """The week of a moment."""
        year, number, _ = datetime.fromtimestamp(now, UTC).isocalendar()
        return cls.named(f"{year:04}-W{number:02}")

    @classmethod
    def named(cls, name: str) -> "Week":
        """The week of a name as `2026-W48`; ReviewError for another text."""
        try:
            year, number = map(int, name.split("-W"))
            monday = datetime.fromisocalendar(year, number, 1).replace(tzinfo=UTC)
        except ValueError:
            raise ReviewError(f"week: wanted one as 2026-W48; found {name!r}") from None
        return cls(f"{year:04}-W{number:02}", monday.timestamp())


@dataclass(frozen=True)
class PersonProgress:
    """One person. Pairs count once, on the day of the last verdict on them; days and weeks are those of UTC."""

    name: str
    today: int
    this_week: int
    in_all: int
    median_seconds: float | None  # from when a card was shown to its verdict; None where no card says
    unsure: float | None  # share of the pairs, from 0 to 1
    agreement: float | None  # with others: the share of them who say the same, a mean over the pairs that they share
    shared: int  # pairs that others judged too
    consistency: float | None  # share of hidden repeats that got the same verdict again
    repeats: int
    waiting: int  # pairs that they hold now
    gold: GoldScore = field(default_factory=GoldScore)  # against known answers


def measure(
    standing: Standing,
    held: Mapping[str, int],
    now: float,
    since: float = ALWAYS,
    known: Mapping[Pair, str] = NOTHING_KNOWN,
) -> list[PersonProgress]:
    """
    Everybody who judged a pair or holds one; `known` are the verdicts that are right, where the project knows some.

    Seconds and the share unsure are of the verdicts from `since` on. AccessError where who acts may not oversee others.
    """
    access.require("oversee")
    latest, seconds = _own_cards(standing)
    alike = _agreement(standing)
    again = {
        name: [one == other for one, other in both] for name, both in repeats(standing, SCALES["verdicts"]).items()
    }
    gold = scores(standing, known)
    day, week = now - now % DAY_S, Week.of(now).start
    found = []
    for name in {*latest, *held, *again, *gold}:
        own = [entry.event for entry in latest.get(name, {}).values()]
        recent = [event for event in own if event.decided_at >= since]
        times = [time for decided_at, time in seconds.get(name, {}).values() if decided_at >= since]
        share, shared = alike.get(name, (None, 0))
        same = again.get(name, [])
        found.append(
            PersonProgress(
                name,
                today=sum(event.decided_at >= day for event in own),
                this_week=sum(event.decided_at >= week for event in own),
                in_all=len(own),
                median_seconds=median(times) if times else None,
                unsure=sum(event.verdict == "unsure" for event in recent) / len(recent) if recent else None,
                agreement=share,
                shared=shared,
                consistency=sum(same) / len(same) if same else None,
                repeats=len(same),
                waiting=held.get(name, 0),
                gold=gold.get(name, GoldScore()),
            )
        )
    return sorted(found, key=lambda one: (-one.in_all, one.name))


def of_week(
    entries: Iterable[Entry],
    held: Mapping[str, int],
    week: Week,
    now: float,
    known: Mapping[Pair, str] = NOTHING_KNOWN,
) -> list[PersonProgress]:
    """The same as it stood at the end of a week, or now where that is earlier; speed and doubt are the week's own."""
    standing = Standing.of(entry for entry in entries if entry.event.decided_at < week.end)
    is_now = now < week.end
    return measure(standing, held if is_now else {}, now if is_now else week.end - 1, week.start, known)


def of_log(
    log: ReviewLog, week: Week | None, now: float, known: Callable[[Standing], Mapping[Pair, str]] | None = None
) -> list[PersonProgress]:
    """Everybody in a log, as of now or of a week; `known` gives the verdicts that are right, as of the whole log."""
    entries, held = log.since(0), log.held(now)
    standing = Standing.of(entries)
    right = known(standing) if known else NOTHING_KNOWN
    if week is not None:
        return of_week(entries, held, week, now, right)
    return measure(standing, held, now, known=right)


def _own_cards(
    standing: Standing,
) -> tuple[dict[str, dict[Pair, Entry]], dict[str, dict[tuple[Pair, bool], tuple[float, float]]]]:
    """By person: the latest verdict on each pair; and when each card was decided, and after how many seconds."""
    latest: dict[str, dict[Pair, Entry]] = {}
    seconds: dict[str, dict[tuple[Pair, bool], tuple[float, float]]] = {}
    for entry in list(standing.entries.values()):
        event = entry.event
        is_card = event.parent is None and event.verdict in JUDGEMENTS and event.arm != IMPORT
        if not is_card or not standing.stands(entry.seq):
            continue
        is_test = event.arm in TESTS
        if not is_test:
            latest.setdefault(event.reviewer, {})[entry.pair] = entry
        # Query, Map and Pairs show many pairs at once: how long one was read, nobody knows.
        if event.shown_at is not None and event.arm not in CHOSEN and event.decided_at >= event.shown_at:
            # A reason given after the verdict is a second row of the same card.
            spent = event.decided_at, event.decided_at - event.shown_at
            seconds.setdefault(event.reviewer, {})[entry.pair, is_test] = spent
    return latest, seconds


def _agreement(standing: Standing) -> dict[str, tuple[float, int]]:
    """By person: how far others agree on the pairs that they share, and how many these are."""
    held = opinions(standing, SCALES["verdicts"])
    shared = held.shared()
    voices = (shared != NO_OPINION).sum(axis=1)
    found = {}
    for column, name in enumerate(held.people):
        own = shared[:, column]
        judged = own != NO_OPINION
        if judged.any():
            same = (shared[judged] == own[judged, None]).sum(axis=1) - 1  # one of the same is the person
            found[name] = float((same / (voices[judged] - 1)).mean()), int(judged.sum())
    return found
