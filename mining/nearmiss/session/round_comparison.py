"""
Rounds: every round of a run side by side, and what one changed against another.

In:  a `Workspace`, whose run has one round or more
Out: for each round what it kept, its scores and how many answers are left among the kept; for two rounds the
     negatives gained and lost, and what became of each

All under the current policy and verdicts.
"""

from dataclasses import dataclass

import pandas as pd

from nearmiss import audit
from nearmiss.audit import Rate
from nearmiss.errors import ReviewError
from nearmiss.reports import funnel
from nearmiss.run import Run
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class RoundSummary:
    """The results of one round."""

    number: int
    encoder: str
    teacher: str  # empty where the dense score stands in
    kept: int
    short_queries: int
    estimated: float  # share of answers among the kept, by p_relevant
    measured: Rate | None  # the same share by an audit of this round; None without one
    scores: dict[str, dict[str, list[float]]]  # quantiles, as `report` gives them


@dataclass(frozen=True)
class RoundChange:
    """What one round changed against another."""

    first: int
    second: int
    changed: list[str]  # settings and models that differ, a sentence each
    looks_less_far: bool  # the second asks fewer sources, or less deeply
    in_both: int
    easy: int  # of the lost: what the second round no longer finds, or ranks below those that it keeps
    lost: pd.DataFrame  # hardest first: query_id, doc_id, dense_score, teacher_score, elsewhere
    gained: pd.DataFrame
    lost_to: dict[str, int]  # how many by their status in the second round, most first
    gained_from: dict[str, int]  # by their status in the first
    dense_gap: tuple[float | None, float | None]  # of each round: positives above the kept negatives, on average
    teacher_gap: tuple[float | None, float | None]


COLUMNS = ["query_id", "doc_id", "dense_score", "teacher_score", "elsewhere"]


def side_by_side(work: Workspace) -> list[RoundSummary]:
    """Every finished round, the first one first."""
    return [_round(work, number) for number in work.run.rounds]


def change(run: Run, first: int, second: int) -> RoundChange:
    """What round `second` changed against round `first`; RunError where there is no such round."""
    before, after = run.selected(first), run.selected(second)
    report = funnel.compare(run, first, second)
    lost, gained = funnel.kept_here_alone(before, after), funnel.kept_here_alone(after, before)
    return RoundChange(
        first=first,
        second=second,
        changed=report["changed"],
        looks_less_far=report["looks_less_far"],
        in_both=report["in_both"],
        easy=report["easy"],
        lost=lost[COLUMNS],
        gained=gained[COLUMNS],
        lost_to=report["gone_because"],
        gained_from={str(name): int(count) for name, count in gained["elsewhere"].value_counts().items()},
        dense_gap=(report["dense_gap"][0], report["dense_gap"][1]),
        teacher_gap=(report["teacher_gap"][0], report["teacher_gap"][1]),
    )


def _round(work: Workspace, number: int) -> RoundSummary:
    report = funnel.report(work.run, number)
    return RoundSummary(
        number=number,
        encoder=funnel.model_name(work.run, report["encoder"]),
        teacher=funnel.model_name(work.run, report["teacher"]),
        kept=report["kept"],
        short_queries=report["short_queries"],
        estimated=report["estimated_false_negatives"],
        measured=_measured(work, number),
        scores=report["scores"],
    )


def _measured(work: Workspace, number: int) -> Rate | None:
    if not work.log.plans():
        return None
    try:
        return audit.estimate(Workspace(work.run, work.log, number)).numbers.false_negative_rate
    except ReviewError:  # no audit of this round, or nothing of it judged
        return None
