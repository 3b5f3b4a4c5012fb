"""
The picture: teacher score against dense score, with the limits drawn where they lie.

In:  a `Workspace`, a `Policy`, a scale
Out: at most a few thousand points, chosen once and for all; the ceiling and the floor on that scale

A margin is another score for each query. On the scale of the margin's own kind it is one line; on any other, a band.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearmiss.selection import STATUSES, Decision, Table, ceiling, floor
from nearmiss.settings import Policy
from nearmiss.types import Floats, Ints
from nearmiss.workspace import Workspace

MOST_POINTS = 2_000
FEWEST_OF_A_STATUS = 100
BAND = (5, 50, 95)  # percent of the queries
PERCENT_IN_FRAME = (0.2, 99.8)  # percent of the points; the rest lie outside the frame
# A share of a positive score near 0 is meaningless: such points do not stretch the frame.
WIDEST_SHARE = (-3.0, 1.0)
SEED = 42
SCALES = ("share", "gap", "score", "probability")


@dataclass(frozen=True)
class LimitLine:
    """Where a limit lies for 5, 50 and 95% of the queries; all the same where it is one line."""

    low: float
    middle: float
    high: float

    @property
    def is_straight(self) -> bool:
        """Whether the limit is the same for all."""
        return bool(np.isclose(self.low, self.high, rtol=1e-4, atol=1e-6))


@dataclass(frozen=True)
class Picture:
    """The points drawn, (n,) each, and the limits; `of` counts the candidates that they stand for."""

    scale: str
    rows: Ints
    dense: Floats
    height: Floats
    status: Ints  # places in STATUSES
    ceiling: LimitLine | None
    floor: LimitLine | None
    of: int
    frame: tuple[float, float]  # of the height
    outside: int  # points drawn beyond the frame


def scales(table: Table) -> tuple[str, ...]:
    """The scales for a point's height in this run."""
    return SCALES if "p_relevant" in table.candidates else SCALES[:-1]


def scale_for(policy: Policy) -> str:
    """The scale on which the policy's ceiling, or else its floor, is one line; the gap where neither is set."""
    for share, gap, score, p in (
        ("relative_margin", "absolute_margin", "max_score", "max_p_relevant"),
        ("relative_floor", "absolute_floor", "min_score", "min_p_relevant"),
    ):
        for scale, name in zip(SCALES, (share, gap, score, p), strict=True):
            if getattr(policy, name) is not None:
                return scale
    return "gap"


def picture(work: Workspace, policy: Policy, decision: Decision, scale: str) -> Picture:
    """The points and lines under a policy; all candidates up to MOST_POINTS, above that some of every status."""
    table = work.table
    rows = _drawn(work, decision)
    height = _height(table, policy, scale, rows)
    finite = np.isfinite(height)
    rows, height = rows[finite], height[finite]
    lines = [_line(table, policy, scale, limit) for limit in ("ceiling", "floor")]
    frame = _frame(height, lines, WIDEST_SHARE if scale == "share" else (-np.inf, np.inf))
    return Picture(
        scale=scale,
        rows=rows,
        dense=table.number("dense_score")[rows],
        height=height,
        status=decision.status[rows].astype(np.int64),
        ceiling=lines[0],
        floor=lines[1],
        of=len(table.query),
        frame=frame,
        outside=int(((height < frame[0]) | (height > frame[1])).sum()),
    )


def _drawn(work: Workspace, decision: Decision) -> Ints:
    """Rows to draw, rising: the first in one random order, so that points stay while limits move."""
    n = len(decision.status)
    if n <= MOST_POINTS:
        return np.arange(n)
    order = work.cached("order of points", lambda: np.random.default_rng(SEED).permutation(n))
    counts = np.bincount(decision.status, minlength=len(STATUSES))
    places = np.minimum(counts, np.maximum(FEWEST_OF_A_STATUS, counts * MOST_POINTS // n))
    chosen = []
    for code in np.flatnonzero(places).tolist():
        # Enough of the order to hold that many of this status, usually a small part.
        for part in (20 * n // 100, n):
            found = order[:part][decision.status[order[:part]] == code][: int(places[code])]
            if len(found) == places[code]:
                break
        chosen.append(found)
    return np.sort(np.concatenate(chosen))


def _height(table: Table, policy: Policy, scale: str, rows: Ints) -> Floats:
    if scale == "probability":
        return table.number("p_relevant")[rows]
    return on_scale(table.score[rows], table.anchors[policy.anchor][rows], scale)


def on_scale(score: Floats, positive: Floats, scale: str) -> Floats:
    """Scores as they are, as gaps above the positive, or as shares of the positive's size, (n,)."""
    if scale == "score":
        return score
    gap = score - positive
    with np.errstate(divide="ignore", invalid="ignore"):
        return gap if scale == "gap" else gap / np.abs(positive)


def _line(table: Table, policy: Policy, scale: str, limit: str) -> LimitLine | None:
    if scale == "probability":
        value = policy.max_p_relevant if limit == "ceiling" else policy.min_p_relevant
        return None if value is None else LimitLine(value, value, value)
    per_row: Any = (ceiling if limit == "ceiling" else floor)(table, policy)
    if per_row is None:
        return None
    firsts = table.starts[:-1]
    found = on_scale(per_row[firsts], table.anchors[policy.anchor][firsts], scale)
    finite = found[np.isfinite(found)]
    return LimitLine(*np.percentile(finite, BAND).tolist()) if len(finite) else None


def _frame(height: Floats, lines: list[LimitLine | None], widest: tuple[float, float]) -> tuple[float, float]:
    """The shown range of heights: nearly all points, and the limits."""
    ends = np.clip(np.percentile(height, PERCENT_IN_FRAME), *widest).tolist() if len(height) else [0.0, 1.0]
    ends += [line.middle for line in lines if line is not None]
    low, high = min(ends), max(ends)
    room = 0.04 * (high - low) or 0.5
    return low - room, high + room
