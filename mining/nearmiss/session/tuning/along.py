"""
Along one setting: a policy's counts at every stop of a slider, all stops at once.

In:  a `Table`, a `Policy`, one of its fields and the values to try
Out: `CountsAlongSlider`: candidates by status and queries left short at each stop, as `decide` would count them there

Sets no limit itself: limits come from `selection`, and each row stands from the first stop that lets it pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.selection import KEPT, RULES, STATUSES, Table
from nearmiss.selection.rules import ceiling_below, floor_below
from nearmiss.session.tuning.counting import Survivors, TakenCounts, take
from nearmiss.settings import NO_CEILING, Policy
from nearmiss.types import Bools, Floats, Ints

SliderStop = float | int | None  # None: the setting is off
Codes = npt.NDArray[np.int8]

CEILINGS = ("max_score", "absolute_margin", "relative_margin", "max_p_relevant")
FLOORS = ("min_score", "absolute_floor", "relative_floor", "min_p_relevant")
COPIES = ("duplicate_cosine", "duplicate_jaccard")
RANKS = ("skip_top", "max_rank")
# The rule that a setting moves; two more settings say how many of the survivors are taken.
MOVES = {
    **dict.fromkeys(CEILINGS, "too_close"),
    **dict.fromkeys(FLOORS, "too_easy"),
    **dict.fromkeys(COPIES, "duplicate"),
    "skip_top": "skipped_rank",
    "max_rank": "too_deep",
}
MOVABLE = (*MOVES, "negatives_per_query", "skip_survivors")
MOVED = frozenset({*MOVES.values(), "skipped_survivor", "over_quota"})  # statuses that these settings bring about
# Settings of which a higher value refuses fewer.
LOOSENS = frozenset({"max_score", "max_p_relevant", "absolute_floor", "relative_floor", "max_rank", *COPIES})
CELLS = 2_000_000  # queries x stops held at a time
KINDS = VOUCHED, SHALLOW, DEEP = range(3)
_CODE = {name: code for code, name in enumerate(STATUSES)}


@dataclass(frozen=True)
class CountsAlongSlider:
    """Counts at each stop, (n_stops,) each."""

    status: dict[str, Ints]
    short: Ints  # queries with fewer negatives than wanted
    empty: Ints  # queries with none


class Refusals:
    """Which rows each rule refuses under one policy: found once, then used along every setting."""

    def __init__(self, table: Table, policy: Policy) -> None:
        self.table, self.policy = table, policy
        self.deepens = policy.shortfall == "deepen"
        self.vouched = table.labelled | table.reviewed_negative
        self.by_rule = {rule.__name__: rule(table, policy) for rule in RULES}

    def along(self, field: str, stops: Sequence[SliderStop]) -> CountsAlongSlider:
        """The counts at each stop of a field of MOVABLE; the stops rise, and None stands at the loose end."""
        if field not in MOVES:
            return self._along_taking(field, np.array(stops))
        strict_first = list(stops) if field in LOOSENS else list(reversed(stops))
        values = np.array([stop for stop in strict_first if stop is not None], np.float64)
        found = self._along_rule(field, values)
        places = np.arange(len(stops)) if field in LOOSENS else np.arange(len(stops))[::-1]
        return CountsAlongSlider(
            {k: v[places] for k, v in found.status.items()}, found.short[places], found.empty[places]
        )

    def standing(self, field: str, stops: Sequence[SliderStop]) -> tuple[Ints, Ints]:
        """The rows that no other rule refuses, and the first place, strict to loose, at which each stands, (n,)."""
        if field not in MOVES:
            rows = np.flatnonzero(self._first_refusals("", np.zeros(0, bool)) == 0)
            return rows, np.zeros(len(rows), np.int64)
        strict_first = list(stops) if field in LOOSENS else list(reversed(stops))
        values = np.array([stop for stop in strict_first if stop is not None], np.float64)
        codes = self._first_refusals(MOVES[field], self._without(field))
        rows = np.flatnonzero(codes == 0)
        return rows, self._stands_from(field, values, rows)

    def _along_rule(self, field: str, values: Floats) -> CountsAlongSlider:
        """Counts at each value, strict to loose, and then where the setting is off, (n_values + 1,)."""
        rule, n = MOVES[field], len(values)
        codes = self._first_refusals(rule, self._without(field))
        movable = np.flatnonzero((codes == 0) | (codes > _CODE[rule]))
        stands_from = self._stands_from(field, values, movable)
        surviving = codes[movable] == 0
        rows, places = movable[surviving], stands_from[surviving]
        if rule == "too_deep" and self.deepens:
            # Its rows are not refused: they come last, from here to where max_rank takes them in.
            return self._along_tiers(codes, rows, places, n)
        kinds = self._kinds(rows) if self.deepens or self.policy.skip_survivors else None
        taken = [self._take(survivors) for survivors in self._survivors(rows, places, n, kinds)]
        return _along(_by_rule(codes, movable, stands_from, n, rule), taken)

    def _along_tiers(self, codes: Codes, rows: Ints, places: Ints, n: int) -> CountsAlongSlider:
        kinds = np.where(self.vouched[rows], VOUCHED, SHALLOW)
        taken = [
            self._take(replace(survivors, deep=survivors.shallow[:, -1:] - survivors.shallow))
            for survivors in self._survivors(rows, places, n, kinds)
        ]
        return _along(_everywhere(codes, n + 1), taken)

    def _along_taking(self, field: str, values: Ints) -> CountsAlongSlider:
        """Counts at each number of negatives, or of survivors to skip, (n_values,)."""
        codes = self._first_refusals("", np.zeros(0, bool))
        rows = np.flatnonzero(codes == 0)
        blocks = self._survivors(rows, np.zeros(len(rows), np.int64), 0, self._kinds(rows))
        return _along(_everywhere(codes, len(values)), [self._take(block, **{field: values}) for block in blocks])

    def _take(
        self, survivors: Survivors, negatives_per_query: Ints | None = None, skip_survivors: Ints | None = None
    ) -> TakenCounts:
        wanted = self.policy.negatives_per_query if negatives_per_query is None else negatives_per_query
        skip = self.policy.skip_survivors if skip_survivors is None else skip_survivors
        return take(survivors, self.policy, wanted, skip)

    def _first_refusals(self, moved: str, looser: Bools) -> Codes:
        """The first rule that refuses each row, by its place in STATUSES, 0 where none does, (n,)."""
        codes = np.zeros(len(self.table.query), np.int8)
        # From the last to the first, so that the first rule wins.
        for name, refused in reversed(self.by_rule.items()):
            if name == moved:
                codes[looser] = _CODE[name]
            elif not (name == "too_deep" and self.deepens):
                codes[refused] = _CODE[name]
        return codes

    def _without(self, field: str) -> Bools:
        """What the rule that `field` moves refuses while `field` is off, (n,)."""
        if field in RANKS:
            return np.zeros(len(self.table.query), bool)
        if field in COPIES:
            return self.table.copied
        [rule] = [rule for rule in RULES if rule.__name__ == MOVES[field]]
        off: dict[str, Any] = {field: None}
        return rule(self.table, replace(self.policy, **off))

    def _stands_from(self, field: str, values: Floats, rows: Ints) -> Ints:
        """The first of the values, strict to loose, that lets each row stand; n_values for none, (n_rows,)."""
        table, policy = self.table, self.policy
        if field in COPIES:
            return np.searchsorted(values.astype(np.float32), self._likeness(field)[rows], side="right")
        if field == "skip_top":
            found = np.searchsorted(-values, -table.best_rank[rows].astype(np.float64), side="right")
        elif field == "max_rank":
            found = np.searchsorted(values, table.best_rank[rows].astype(np.float64), side="left")
        else:
            score = table.number("p_relevant") if field.endswith("p_relevant") else table.score
            sign = np.float32(1 if field in CEILINGS else -1)  # a floor is a ceiling upside down
            anchors = table.anchors[policy.anchor][table.starts[:-1]]
            found = _first_not_below(sign * score[rows], sign * _limits(field, values, anchors), table.query[rows])
        return np.where(self.vouched[rows], 0, found)

    def _likeness(self, field: str) -> Floats:
        """The score that `field` is compared with, (n,); -1 where it cannot make a row a copy."""
        numbers = {name: self.table.number(f"positive_{name.removeprefix('duplicate_')}") for name in COPIES}
        moved = numbers.pop(field)
        [(other, held)] = numbers.items()
        return np.where(held >= np.float32(getattr(self.policy, other)), np.nan_to_num(moved, nan=-1.0), np.float32(-1))

    def _survivors(self, rows: Ints, stands_from: Ints, n: int, kinds: Ints | None) -> Iterator[Survivors]:
        """How many survivors of each query stand at n + 1 places, strict to loose, block of queries by block."""
        queries, starts = len(self.table.starts) - 1, self.table.starts
        each = max(1, CELLS // (n + 1))
        for first in range(0, queries, each):
            last = min(first + each, queries)
            within = slice(*np.searchsorted(rows, starts[[first, last]]).tolist())
            cells = (self.table.query[rows[within]] - first) * (n + 1) + stands_from[within]
            if kinds is None:
                yield Survivors(0, _standing(cells, last - first, n), 0)
            else:
                yield Survivors(*(_standing(cells[kinds[within] == kind], last - first, n) for kind in KINDS))

    def _kinds(self, rows: Ints) -> Ints:
        kinds = np.where(self.vouched[rows], VOUCHED, SHALLOW)
        if self.deepens:
            kinds[self.by_rule["too_deep"][rows] & (kinds == SHALLOW)] = DEEP
        return kinds


def _standing(cells: Ints, queries: int, n: int) -> npt.NDArray[np.int32]:
    """Rows that stand at each place, (queries, n + 1), from the cells (query, first place) where each begins to."""
    begin = np.bincount(cells, minlength=queries * (n + 1)).astype(np.int32)
    return begin.reshape(-1, n + 1).cumsum(axis=1, dtype=np.int32)


def _by_rule(codes: Codes, movable: Ints, stands_from: Ints, n: int, rule: str) -> dict[str, Ints]:
    """Rows of each status at n + 1 places, as the rules have it: `rule` has those that do not stand."""
    standing = _standing(codes[movable].astype(np.int64) * (n + 1) + stands_from, len(STATUSES), n).astype(np.int64)
    fixed = np.bincount(codes, minlength=len(STATUSES)) - standing[:, -1]
    status = {name: fixed[code] + standing[code] for name, code in _CODE.items()}
    return status | {rule: status[rule] + len(movable) - standing.sum(axis=0)}


def _everywhere(codes: Codes, places: int) -> dict[str, Ints]:
    """The same counts at each place."""
    counts = np.bincount(codes, minlength=len(STATUSES))
    return {name: np.full(places, counts[code]) for name, code in _CODE.items()}


def _along(by_rule: dict[str, Ints], blocks: list[TakenCounts]) -> CountsAlongSlider:
    taken = sum(blocks[1:], blocks[0])
    own = {
        KEPT: taken.kept,
        "skipped_survivor": np.broadcast_to(taken.skipped, taken.kept.shape),
        "over_quota": taken.unwanted,
        "short_query": taken.dropped,
        "too_deep": by_rule["too_deep"] + taken.left_deep,
    }
    return CountsAlongSlider(by_rule | own, taken.short, taken.empty)


def _limits(field: str, values: Floats, anchors: Floats) -> Floats:
    """The limit that each value alone sets for each positive score, (n_anchors or 1, n_values)."""
    if field.endswith("p_relevant"):
        return values.astype(np.float32)[None, :]
    limit = ceiling_below if field in CEILINGS else floor_below
    changes: list[dict[str, Any]] = [{field: value} for value in values.tolist()]
    alone = [replace(NO_CEILING, **change) for change in changes]
    return np.stack([found for policy in alone if (found := limit(anchors, policy)) is not None], axis=1)


def _first_not_below(scores: Floats, limits: Floats, query: Ints) -> Ints:
    """
    The place of the first limit of its query that each score does not exceed, (n,); n_limits for none.

    `limits` (n_queries or 1, n_limits) rise. The place is guessed as if they stood at even steps, and then corrected by
    comparing, whatever the steps.
    """
    n, own = limits.shape[1], len(limits) > 1
    flat = np.ascontiguousarray(limits).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        per_score = (n - 1) / (limits[:, -1] - limits[:, 0])
        guess = (scores - limits[query, 0]) * per_score[query] if own else (scores - limits[0, 0]) * per_score
    place = np.clip(np.nan_to_num(np.ceil(guess, out=guess), copy=False), 0, n).astype(np.int64)
    rows = query * n if own else np.zeros(1, np.int64)
    step = _corrections(scores, flat, rows, place, n)
    wrong = np.flatnonzero(step)
    place[wrong] += step[wrong]
    while len(wrong):
        step = _corrections(scores[wrong], flat, rows[wrong] if own else rows, place[wrong], n)
        place[wrong] += step
        wrong = wrong[step != 0]
    found: Ints = place
    return found


def _corrections(scores: Floats, flat: Floats, rows: Ints, place: Ints, n: int) -> npt.NDArray[np.int8]:
    """-1 where the limit before a place allows the score too, 1 where that at the place does not, else 0, (n,)."""
    at = rows + place
    below = (scores <= flat.take(at - 1, mode="clip")) & (place > 0)
    above = (scores > flat.take(at, mode="clip")) & (place < n)
    return above.view(np.int8) - below.view(np.int8)
