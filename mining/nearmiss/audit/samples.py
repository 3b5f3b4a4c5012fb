"""
Samples: what the audits of a round drew and people judged, as arrays.

In:  a `Workspace`
Out: for each plan that may be used, its strata and labels; what waits to be judged, and by whom

Plans whose labels the calibration was fitted to may not measure it: they are left out. Judgements from the
queue count as a sample of their own where they came with the chance of being picked. A judgement of a drawn pair counts
however the pair was reached, but for one that its reviewer chose with scores and statuses in sight, on Query, Map or
Pairs: such a draw still waits. Left out for good it would be missing by its look, so it is asked again in its turn.
A draw that somebody had judged before the plan was made counts once the audit has come to its turn: those judged before
were picked by their look, and alone they would be no random sample.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nearmiss.audit.domains import population
from nearmiss.audit.estimators import AuditLabels
from nearmiss.audit.planning import fingerprint, strata_of
from nearmiss.audit.proxies import proxy, proxy_of
from nearmiss.audit.strata import OUTSIDE, REFUSED
from nearmiss.calibration import stored
from nearmiss.review import ADJUDICATION, ANSWERS, CHOSEN, GOLD, JUDGEMENTS, REPEAT, TESTS, TRAINING, AuditPlan, Draw
from nearmiss.selection import verdict_code
from nearmiss.types import Bools, Floats, Ints, Pair
from nearmiss.workspace import Workspace

UNJUDGED, NEGATIVE, UNSURE = (verdict_code(word) for word in (None, "not_relevant", "unsure"))
QUEUE = "queue"
QUEUE_STRATA = 5
FEWEST_OF_QUEUE = 20


@dataclass(frozen=True)
class Sample:
    """
    Draws of one plan, with `stratum` and the proxy `likely` of every candidate, (n,).

    Of the draws: their rows, weights and verdicts, (m,).
    """

    plan: str
    stratum: Ints
    strata: int
    rows: Ints
    weight: Floats  # one over the inclusion probability
    verdict: npt.NDArray[np.int8]  # as in `Table.verdicts`
    likely: Floats
    # How many times the variance of equal weights: 1 in a plan, whose weights differ by a candidate.
    inflation: float = 1.0
    # The first so many draws count: a draw behind them was judged before the plan was made, and its turn is to come.
    reached: int | None = None

    @property
    def judged(self) -> Bools:
        """Which draws somebody could judge, (m,), and the audit has come to."""
        found = (self.verdict != UNJUDGED) & (self.verdict != UNSURE)
        if self.reached is not None:
            found[self.reached :] = False
        return np.asarray(found)

    def labels(self, partial: bool = True) -> AuditLabels:
        """The judged draws; `partial`: whether "partly" counts as an answer."""
        rows = self.rows[self.judged]
        verdict = self.verdict[self.judged]
        words = ANSWERS if partial else ANSWERS[:1]
        answer = np.isin(verdict, [verdict_code(word) for word in words])
        return AuditLabels(self.stratum[rows], self.weight[self.judged], self.likely[rows], answer.astype(np.float64))


def plans(work: Workspace) -> list[AuditPlan]:
    """The audits of this round, oldest first; none of another round or of other candidates."""
    found = work.log.plans()
    own = fingerprint(work.table) if found else ""
    return [one for one in found if one.facts["candidates"] == own and one.facts["round"] == work.number]


def used_by_calibration(work: Workspace) -> tuple[str, ...]:
    """The audits whose labels the calibration in force was fitted to."""
    known = stored.load(work.run.round_folder(work.number))
    return tuple(known.plans_used) if known is not None else ()


def draws_of(work: Workspace, plan: str) -> tuple[list[Draw], Ints]:
    """The draws of a plan and their rows; read once, since they never change."""

    def read() -> tuple[list[Draw], Ints]:
        draws = work.log.draws(plan)
        rows = [work.row_of(draw.pair) for draw in draws]
        return draws, np.array([-1 if row is None else row for row in rows], np.int64)

    return work.cached("draws", read, plan)


def drawn(work: Workspace) -> dict[Pair, Draw]:
    """Every pair that an audit of the round drew; of a pair drawn twice, the first draw. Not to be changed."""
    names = tuple(one.plan for one in plans(work))

    def read() -> dict[Pair, Draw]:
        found: dict[Pair, Draw] = {}
        for plan in names:
            for draw in draws_of(work, plan)[0]:
                found.setdefault(draw.pair, draw)
        return found

    return work.cached("drawn", read, names, 1)


def sample_of(work: Workspace, plan: AuditPlan) -> Sample:
    """A plan's draws, with the verdicts so far."""
    draws, rows = draws_of(work, plan.plan)
    strata = work.cached("strata", lambda: strata_of(work, plan), plan.plan)
    weight = np.array([1 / draw.inclusion_probability for draw in draws])
    pairs = [draw.pair for draw in draws]
    verdict = _as_drawn(work, rows, pairs)
    reached = _reached(work, plan, pairs) if (verdict == UNJUDGED).any() else None
    return Sample(
        plan.plan, strata, len(plan.facts["strata"]), rows, weight, verdict, proxy_of(work, plan), reached=reached
    )


def _reached(work: Workspace, plan: AuditPlan, pairs: Sequence[Pair]) -> int:
    """How many draws, in their order, lie before the last one that was judged since the plan was made, with it."""
    known = int(plan.facts.get("last_seq", 0))
    for place in range(len(pairs), 0, -1):
        if any(entry.seq > known for entry in work.standing.as_drawn(pairs[place - 1]).values()):
            return place
    return 0


def _as_drawn(work: Workspace, rows: Ints, pairs: Sequence[Pair]) -> npt.NDArray[np.int8]:
    """The verdict on each of these pairs that answers a draw (see `Standing.drawn_verdict`), as the table's codes."""
    found = work.table.verdicts[rows]
    chosen = work.standing.chosen
    for place, pair in enumerate(pairs):
        if pair in chosen:
            verdict = work.standing.drawn_verdict(pair)
            found[place] = verdict_code(verdict)
    return found


def samples(work: Workspace) -> list[Sample]:
    """The samples that may be used to measure a policy."""
    used = used_by_calibration(work)
    found = [sample_of(work, one) for one in plans(work) if one.plan not in used]
    queue = _from_queue(work)
    return found if queue is None else [*found, queue]


def judged_in_sight(work: Workspace, plan: AuditPlan) -> int:
    """How many of a plan's draws have verdicts that were given with scores in sight, and no other."""
    pairs = {draw.pair for draw in draws_of(work, plan.plan)[0]} & work.standing.chosen
    return sum(bool(work.standing.by_reviewer(pair)) and not work.standing.as_drawn(pair) for pair in pairs)


def waiting(work: Workspace, reviewer: str) -> list[Draw]:
    """
    The pairs that the audits of the round ask this reviewer, in order.

    First the draws that nobody judged, or only by choice (see `Standing.drawn_verdict`). Then second looks: a kept
    candidate that was found to be an answer is shown to another reviewer, or, where there is no other, again to the
    same one.
    """
    first: list[Draw] = []
    second: list[Draw] = []
    people = work.standing.reviewers | {reviewer}
    for one in plans(work):
        kept = {number for number, s in enumerate(one.facts["strata"]) if s["domain"] != REFUSED}
        for draw in draws_of(work, one.plan)[0]:
            judged, verdict = work.standing.as_drawn(draw.pair), work.standing.drawn_verdict(draw.pair)
            if not judged:
                first.append(draw)
            elif draw.stratum in kept and verdict in ANSWERS and _is_single(work, draw.pair):
                if reviewer not in judged:
                    second.append(replace(draw, second=True))
                elif len(people) == 1:
                    second.append(replace(draw, second=True, repeat=True))
    return [*first, *second]


def _is_single(work: Workspace, pair: Pair) -> bool:
    return len(list(opinions_of(work, pair))) < 2


def opinions_of(work: Workspace, pair: Pair) -> Iterator[tuple[str, str]]:
    """The verdicts on a pair, oldest first: each person's once, and again where it was shown to them again."""
    seen: set[str] = set()
    for entry in work.standing.history(pair):
        event = entry.event
        if event.verdict not in JUDGEMENTS or event.parent is not None or not work.standing.stands(entry.seq):
            continue
        if event.arm in (*CHOSEN, GOLD, TRAINING):
            continue
        if event.reviewer not in seen or event.arm in (REPEAT, ADJUDICATION):
            seen.add(event.reviewer)
            yield event.reviewer, event.verdict


def _from_queue(work: Workspace) -> Sample | None:
    """
    Judgements of pairs that the queue picked with a known chance; None where they are few or no random sample.

    The chances must add up: one over each, summed, is to come near the number of candidates, or else some could never
    have been picked.
    """
    chances: dict[int, float] = {}
    for entry in list(work.standing.entries.values()):
        event = entry.event
        picked = event.arm not in TESTS and not event.arm.startswith("audit:")
        if event.inclusion_probability and picked and work.standing.stands(entry.seq):
            row = work.row_of(entry.pair)
            if row is not None:
                chances.setdefault(row, event.inclusion_probability)
    rows = np.array(sorted(chances), np.int64)
    if len(rows) < FEWEST_OF_QUEUE:
        return None
    chance = np.array([chances[row] for row in rows.tolist()])
    likely, among = proxy(work), population(work.table)
    total, spread = (1 / chance).sum(), np.sqrt(((1 - chance) / chance**2).sum())
    if abs(total - among.sum()) > 3 * spread + 1:
        return None
    edges = np.quantile(likely[among], np.linspace(0, 1, QUEUE_STRATA + 1)[1:-1])
    stratum = np.where(among, np.searchsorted(edges, likely, side="right"), OUTSIDE)
    weight = 1 / chance
    inflation = len(weight) * (weight**2).sum() / weight.sum() ** 2
    verdict = _as_drawn(work, rows, [work.pair_at(row) for row in rows.tolist()])
    return Sample(QUEUE, stratum, QUEUE_STRATA, rows, weight, verdict, likely, float(inflation))
