"""
Certifying: whether at most a given share of what a policy keeps are answers, and which rows that covers.

In:  a `Workspace` with an audit whose draws are all judged
Out: a `Certificate`, passed or not, in the round's folder

The test (see `ceiling_tests`) is about what the policy kept when the plan was drawn. The rows that a certificate names
are those of the export now: with F answers (or doubts) that left since, and R rows nobody judged that took places, they
hold at most the answers of then less F plus R, and are named only where that is still within the rate.

Repeated tries would end with a lucky draw. So the error is spread over all tests of a round: the k-th
(another plan, other thresholds, another rate or confidence) may err with error / (k (k + 1)), which sums to the error
over any number of them. A test that is made again, about other rows, keeps its level: the draws are the same.

A draw judged "cannot tell" counts as an answer here. What models said counts for nothing: the plan's proxy, in which it
may be, only decides where labels went and which of two valid tests is made, both before anyone judged.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from nearmiss.audit.bounds import upper_bound
from nearmiss.audit.ceiling_tests import JudgedDraws, fingerprint_of_kept, intervals, try_ceilings
from nearmiss.audit.certificate import CeilingTried, Certificate, certificates, save, tests
from nearmiss.audit.domains import Domains, at
from nearmiss.audit.exported import before, exported, fingerprint_of_rows, mask
from nearmiss.audit.ladder import ladder
from nearmiss.audit.planning import domains_along, fingerprint
from nearmiss.audit.proxies import proxy_of
from nearmiss.audit.samples import NEGATIVE, UNJUDGED, UNSURE, opinions_of, plans, sample_of, used_by_calibration
from nearmiss.errors import ReviewError
from nearmiss.review import AuditPlan
from nearmiss.settings import Policy, check_audit
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.types import Bools
from nearmiss.workspace import Workspace

MAX_RATE, CONFIDENCE = 0.05, 0.95


def certify(
    work: Workspace,
    max_rate: float = MAX_RATE,
    confidence: float = CONFIDENCE,
    policy: Policy | None = None,
    plan: str | None = None,
) -> Certificate:
    """
    Whether at most `max_rate` of what a policy keeps are answers; written to the round's folder, passed or not.

    The labels are those of one plan, by default the latest that is fully judged: with a partly judged one, one could
    stop at a lucky moment. Raises RecipeError for a rate or a confidence out of its range,
    ReviewError where there is no such plan.
    """
    check_audit(max_rate=max_rate, confidence=confidence)
    policy = policy or work.policy
    work.refresh()
    chosen = _chosen(work, plan)
    table = before(work, chosen)
    field, values = ladder(table, policy)
    sides = domains_along(table, policy, field, values)
    own_stop = values.index(getattr(policy, field)) if field else 0
    name = fingerprint_of(
        chosen.plan, max_rate, confidence, own_stop, [fingerprint_of_kept(side.kept) for side in sides]
    )
    earlier = certificates(work)
    attempt = _attempt(earlier, name)
    draws = _judged_draws(work, chosen, max_rate, spent(1 - confidence, attempt))
    tried = _tried(work, policy, field, dict(zip(values, sides, strict=True)), own_stop, draws)
    own = next((stop for stop in tried if stop.value == values[own_stop]), None)
    rows = exported(work, policy)
    made = Certificate(
        passed=own is not None and bool(own.rows_fingerprint),
        max_rate=max_rate,
        confidence=confidence,
        field=field,
        attempt=attempt,
        test=name,
        rows=len(rows),
        rows_fingerprint=own.rows_fingerprint if own is not None else "",
        place=len(earlier) + 1,
        **_found(work, policy, chosen, draws, sides[own_stop].kept, tried),
    )
    save(work, made, rows)
    return made


def _judged_draws(work: Workspace, chosen: AuditPlan, max_rate: float, level: float) -> JudgedDraws:
    sample = sample_of(work, chosen)
    return JudgedDraws(
        sample=sample,
        answer=sample.verdict != NEGATIVE,
        interval=intervals(chosen.facts["strata"]),
        likely=proxy_of(work, chosen),
        max_rate=max_rate,
        level=level,
    )


def _tried(
    work: Workspace, policy: Policy, field: str, side_at: dict[float | None, Domains], own_stop: int, draws: JudgedDraws
) -> list[CeilingTried]:
    """Each ceiling that the test tried, from the strictest; those that passed name their rows."""
    return [
        _naming_rows(work, stop, side_at[stop.value].kept, at(policy, field, stop.value) if field else policy, draws)
        for stop in try_ceilings(list(side_at.values()), list(side_at), own_stop, draws)
    ]


def _found(
    work: Workspace,
    policy: Policy,
    chosen: AuditPlan,
    draws: JudgedDraws,
    kept: Bools,
    tried: Sequence[CeilingTried],
) -> dict[str, Any]:
    """What the draws of a plan say of what the policy kept, as entries of a certificate."""
    drawn = kept[draws.sample.rows]
    opinions = [list(opinions_of(work, work.pair_at(row))) for row in draws.sample.rows.tolist()]
    passing = [stop for stop in tried if stop.rows_fingerprint]
    return {
        "bound": upper_bound(draws.evidence(kept), 1 - draws.level),
        "kept": int(kept.sum()),
        "labels": int(drawn.sum()),
        "answers": int((drawn & draws.answer).sum()),
        "unsure": int((draws.sample.verdict == UNSURE).sum()),
        "loosest": passing[-1].value if passing else None,
        "any_passed": bool(passing),
        "stops": tuple(tried),
        "plan": chosen.plan,
        "planned_at": _date(chosen.made_at),
        "draws": len(draws.sample.rows),
        "answers_in_plan": int(draws.answer.sum()),
        "reviewers": tuple(sorted({who for words in opinions for who, _ in words})),
        "second_looks": sum(len(words) > 1 for words in opinions),
        "last_seq": work.standing.last_seq,
        "made_at": _date(time.time()),
        "round": work.number,
        "policy": asdict(policy) | {"quota": [list(share) for share in policy.quota]},
        "fingerprints": {
            "data": fingerprint_of(work.run.facts["dataset"]),
            "candidates": fingerprint(work.table),
            "policy": fingerprint_of(asdict(policy)),
            "plan": fingerprint_of(dict(chosen.facts)),
        },
        "level": draws.level,
    }


def spent(error: float, attempt: int) -> float:
    """The error allowed to the `attempt`-th test of a round, from 1; all of them sum to at most `error`."""
    return error / (attempt * (attempt + 1))


def _attempt(known: Sequence[Certificate], name: str) -> int:
    made = tests(known)
    return made.index(name) + 1 if name in made else len(made) + 1


def _naming_rows(work: Workspace, stop: CeilingTried, kept: Bools, policy: Policy, draws: JudgedDraws) -> CeilingTried:
    """A ceiling that passed, with the rows that an export has under it, where the draws cover them too."""
    if not stop.passed:
        return stop
    rows = exported(work, policy)
    now, verdict = mask(work, rows), work.table.verdicts
    entered = int((now & ~kept & (verdict != NEGATIVE)).sum())
    left = int((kept & ~now & (verdict != UNJUDGED) & (verdict != NEGATIVE)).sum())
    allowed = int(np.floor(draws.max_rate * now.sum() + left - entered + 1e-9))  # answers among those kept then
    if not now.any() or allowed < 0 or not draws.vouch_for(kept, allowed):
        return stop
    return replace(stop, rows_fingerprint=fingerprint_of_rows(rows))


def _chosen(work: Workspace, name: str | None) -> AuditPlan:
    """The plan that is to certify."""
    where = f"{work.run.folder}, round {work.number}"
    known, used = plans(work), used_by_calibration(work)
    if name is not None:
        known = [one for one in known if one.plan == name]
    if not known:
        wanted = f"the audit {name!r}" if name else "an audit"
        raise ReviewError(f"{where}: wanted {wanted}; found none. `nearmiss audit plan` draws one")
    free = [one for one in known if one.plan not in used]
    if not free:
        raise ReviewError(
            f"{where}: wanted an audit whose labels the calibration was not fitted to; found only {', '.join(used)}"
        )
    open_draws = {one.plan: int((sample_of(work, one).verdict == UNJUDGED).sum()) for one in free}
    done = [one for one in free if not open_draws[one.plan]]
    if not done:
        plan, count = free[-1].plan, open_draws[free[-1].plan]
        raise ReviewError(f"{where}: wanted every draw of an audit judged; found {count} of {plan} waiting")
    return done[-1]


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
