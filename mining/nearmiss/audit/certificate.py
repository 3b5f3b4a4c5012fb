"""
Certificates: that at most a given share of an export's rows are answers, at a given confidence.

In:  a `Workspace` with an audit whose draws are all judged
Out: a `Certificate`, pass or fail, in the round's folder, with the rows that it names; the one that covers an export

The bound (see `bounds`) holds wherever the answers lie: it trusts neither the proxy nor the calibration. It is about
what the policy kept when the plan was drawn. The rows that it names are those of the export now: with F answers (or
doubts) that left since, and R rows nobody judged that took places, they hold at most the answers of then less F plus R,
and are named only where that is still within the rate.

Ceilings are tried from strict to loose, each at the full level, until one fails: fixed-sequence testing, as in Learn
then Test (Angelopoulos et al. 2021), so that taking the loosest that passed errs no more often than the level.
Where the sequence begins depends on the draws, not on the verdicts: at the strictest ceiling that half of the allowed
answers would pass.

Repeated tries would end with a lucky draw. So the error is spread over all tests of a round: the k-th
(another plan, other thresholds, another rate or confidence) may err with error / (k (k + 1)), which sums to the error
over any number of them. A test that is made again, about other rows, keeps its level: the draws are the same.

A draw judged "cannot tell" counts as an answer here.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearmiss.audit.bounds import Evidence, Part, evidence, p_value, upper_bound
from nearmiss.audit.domains import Domains, at
from nearmiss.audit.exported import before, exported, fingerprint_of_rows, mask, that_differ
from nearmiss.audit.ladder import ladder
from nearmiss.audit.planning import domains_along, fingerprint, proxy
from nearmiss.audit.samples import UNJUDGED, UNSURE, Sample, opinions_of, plans, sample_of, used_by_calibration
from nearmiss.errors import ReviewError
from nearmiss.review import AuditPlan
from nearmiss.selection import VERDICTS
from nearmiss.settings import Policy, check_audit
from nearmiss.storage.files import read_json, write_json, write_parquet
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.types import Bools, Floats
from nearmiss.workspace import Workspace

FOLDER = "certificates"  # in a round's folder
MAX_RATE, CONFIDENCE = 0.05, 0.95
MOST_BETWEEN = 200  # numbers of answers that are tried one by one
HOPED_SHARE = 1 / 2  # of the allowed rate: a set with so few answers should pass where the sequence begins
NEGATIVE = VERDICTS.index("not_relevant") + 1


@dataclass(frozen=True)
class CeilingTried:
    """One ceiling tried: `p` is the chance of so few answers among its draws if there were more than allowed."""

    value: float | None  # of the setting; None for no ceiling
    kept: int  # candidates
    labels: int  # draws among them
    answers: int  # found in those
    p: float
    passed: bool
    kept_fingerprint: str
    rows_fingerprint: str = ""  # of the export's rows under this ceiling; empty where the draws do not cover them


@dataclass(frozen=True)
class Certificate:
    """What is certified, and on what evidence. `stops` are those tried, in order; `loosest` is the last to pass."""

    passed: bool  # the policy in force
    max_rate: float
    confidence: float
    bound: float  # at that confidence at most this share of its kept negatives are answers
    kept: int
    labels: int
    answers: int
    unsure: int  # draws of the whole plan, counted as answers
    field: str  # the ceiling's setting; empty where the policy has none
    loosest: float | None
    any_passed: bool
    stops: tuple[CeilingTried, ...]
    plan: str
    planned_at: str
    draws: int
    answers_in_plan: int
    reviewers: tuple[str, ...]
    second_looks: int  # draws that were judged twice
    last_seq: int  # of the log
    made_at: str
    round: int
    policy: dict[str, Any]
    fingerprints: dict[str, str]  # of data, candidates, policy and plan
    attempt: int  # which test of the round this is: it may err with (1 - confidence) / (attempt (attempt + 1))
    test: str = ""  # what was tested, by fingerprint; asked again, it is the same test
    level: float | None = None  # at which it was tested
    rows: int = 0  # of the export that it names
    rows_fingerprint: str = ""  # of their pairs (see `audit.exported`); empty where it names none
    place: int = 0  # among the certificates of the round

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def certify(
    work: Workspace,
    max_rate: float = MAX_RATE,
    confidence: float = CONFIDENCE,
    policy: Policy | None = None,
    plan: str | None = None,
) -> Certificate:
    """
    Whether at most `max_rate` of what a policy keeps are answers; written to the round's folder, pass or fail.

    The labels are those of one plan, by default the latest that is fully judged: with a partly judged one, one could
    stop at a lucky moment. Raises RecipeError for a rate or a confidence out of its range,
    ReviewError where there is no such plan.
    """
    check_audit(max_rate=max_rate, confidence=confidence)
    policy = policy or work.policy
    work.refresh()
    chosen = _chosen(work, plan)
    sample, table, likely = sample_of(work, chosen), before(work, chosen), proxy(work)
    field, values = ladder(table, policy)
    answer = sample.verdict != NEGATIVE
    sides = domains_along(table, policy, field, values)
    own = values.index(getattr(policy, field)) if field else 0
    interval = intervals(chosen.facts["strata"])
    name = fingerprint_of(chosen.plan, max_rate, confidence, own, [_print(side.kept) for side in sides])
    earlier = certificates(work)
    attempt = _attempt(earlier, name)
    level = spent(1 - confidence, attempt)
    asked = CertificationInputs(sample, interval, likely, max_rate, level)
    tried = [
        _named(
            work, stop, sides[values.index(stop.value)].kept, at(policy, field, stop.value) if field else policy, asked
        )
        for stop in test(sides, values, own, sample, answer, interval, likely, max_rate, level)
    ]
    kept = sides[own].kept
    found = next((stop for stop in tried if stop.value == values[own]), None)
    seen = _evidence(sample, kept, answer, interval, likely, max_rate)
    passing = [stop for stop in tried if stop.rows_fingerprint]
    drawn = kept[sample.rows]
    opinions = [list(opinions_of(work, work.pair_at(row))) for row in sample.rows.tolist()]
    rows = exported(work, policy)
    made = Certificate(
        passed=found is not None and bool(found.rows_fingerprint),
        max_rate=max_rate,
        confidence=confidence,
        bound=upper_bound(seen, 1 - level),
        kept=int(kept.sum()),
        labels=int(drawn.sum()),
        answers=int((drawn & answer).sum()),
        unsure=int((sample.verdict == UNSURE).sum()),
        field=field,
        loosest=passing[-1].value if passing else None,
        any_passed=bool(passing),
        stops=tuple(tried),
        plan=chosen.plan,
        planned_at=_date(chosen.made_at),
        draws=len(sample.rows),
        answers_in_plan=int(answer.sum()),
        reviewers=tuple(sorted({who for words in opinions for who, _ in words})),
        second_looks=sum(len(words) > 1 for words in opinions),
        last_seq=work.standing.last_seq,
        made_at=_date(time.time()),
        round=work.number,
        policy=asdict(policy) | {"quota": [list(share) for share in policy.quota]},
        fingerprints={
            "data": fingerprint_of(work.run.facts["dataset"]),
            "candidates": fingerprint(work.table),
            "policy": fingerprint_of(asdict(policy)),
            "plan": fingerprint_of(dict(chosen.facts)),
        },
        attempt=attempt,
        test=name,
        level=level,
        rows=len(rows),
        rows_fingerprint=found.rows_fingerprint if found is not None else "",
        place=len(earlier) + 1,
    )
    if made.passed:
        write_parquet(_rows_file(work, made), rows)
    write_json(_folder(work) / f"{chosen.plan}-{made.place}.json", made.as_json())
    return made


def spent(error: float, attempt: int) -> float:
    """The error allowed to the `attempt`-th test of a round, from 1; all of them sum to at most `error`."""
    return error / (attempt * (attempt + 1))


def tests(known: Sequence[Certificate]) -> list[str]:
    """The tests that were made, in order; each of version 0.1's certificates counts as one."""
    return list(dict.fromkeys(one.test or f"{one.plan} {place}" for place, one in enumerate(known)))


def _attempt(known: Sequence[Certificate], name: str) -> int:
    made = tests(known)
    return made.index(name) + 1 if name in made else len(made) + 1


@dataclass(frozen=True)
class CertificationInputs:
    """What is tested, and by which draws."""

    sample: Sample
    interval: Floats
    likely: Floats
    max_rate: float
    level: float


def _named(
    work: Workspace,
    stop: CeilingTried,
    kept: Bools,
    policy: Policy,
    asked: CertificationInputs,
) -> CeilingTried:
    """A ceiling that passed, with the rows that an export has under it, where the draws cover them too."""
    if not stop.passed:
        return stop
    rows = exported(work, policy)
    now, verdict = mask(work, rows), work.table.verdicts
    entered = int((now & ~kept & (verdict != NEGATIVE)).sum())
    left = int((kept & ~now & (verdict != UNJUDGED) & (verdict != NEGATIVE)).sum())
    allowed = int(np.floor(asked.max_rate * now.sum() + left - entered + 1e-9))  # answers among those kept then
    if not now.any() or allowed < 0:
        return stop
    parts = _parts(asked.sample, kept, asked.sample.verdict != NEGATIVE, asked.interval, asked.likely)
    # Fewer than were tested: each number between must be as improbable.
    between = range(allowed + 1, _too_many(kept, asked.max_rate))
    if len(between) > MOST_BETWEEN or any(p_value(evidence(parts, a), a) > asked.level for a in between):
        return stop
    return replace(stop, rows_fingerprint=fingerprint_of_rows(rows))


def test(
    sides: Sequence[Domains],
    values: Sequence[float | None],
    own_stop: int,
    sample: Sample,
    answer: Bools,
    interval: Floats,
    likely: Floats,
    max_rate: float,
    level: float,
) -> list[CeilingTried]:
    """
    The ceilings in turn, strict to loose, up to the first that fails; its last passing one holds at this level.

    `sides` are the domains at each of the `values`, `own_stop` the policy's place, where it begins at the latest;
    `answer` (m,) what was found of the draws; `interval` (strata,) one
    of how many candidates each stratum draws.
    """
    tried: list[CeilingTried] = []
    for place in range(min(own_stop, _beginning(sides, sample, interval, likely, max_rate, level)), len(sides)):
        kept = sides[place].kept
        drawn = kept[sample.rows]
        p = p_value(_evidence(sample, kept, answer, interval, likely, max_rate), _too_many(kept, max_rate))
        passed = p <= level
        print_of = _print(kept)
        tried.append(
            CeilingTried(
                values[place], int(kept.sum()), int(drawn.sum()), int((drawn & answer).sum()), p, passed, print_of
            )
        )
        if not passed:
            break
    return tried


def intervals(strata: Sequence[Mapping[str, Any]]) -> Floats:
    """One of how many candidates each stratum (as a plan's facts hold it) draws at least, (strata,)."""
    return np.array([-(-one["size"] // max(one["labels"], 1)) for one in strata], np.float64)


def certificates(work: Workspace) -> list[Certificate]:
    """Those of the round, oldest first."""
    found = [_from_json(read_json(path)) for path in _folder(work).glob("*-*.json")]
    return sorted(found, key=lambda one: (one.made_at, one.place, one.attempt))


def covering(work: Workspace, policy: Policy | None = None, rows: pd.DataFrame | None = None) -> Certificate | None:
    """
    The newest certificate that names these rows, and no others; None where none does.

    The rows are those of an export under a policy (by default the one in force). A certificate
    names rows for each ceiling that passed; its numbers are then those of that ceiling.
    """
    if not (held := [one for one in certificates(work) if one.any_passed]):
        return None
    now = fingerprint_of_rows(exported(work, policy or work.policy) if rows is None else rows)
    own, spoilt = fingerprint(work.table), used_by_calibration(work)
    for one in reversed(held):
        stop = next((stop for stop in one.stops if stop.rows_fingerprint == now), None)
        if stop is not None and one.fingerprints["candidates"] == own and one.plan not in spoilt:
            return _for(one, stop)
    return None


def certification(work: Workspace, rows: pd.DataFrame) -> dict[str, Any]:
    """
    The manifest's entry beside the certificate: whether an export's rows are certified, after how many tests.

    Where they are not: how many rows differ from those last certified (None where none ever were), and what would
    certify them.
    """
    known = certificates(work)
    covered = covering(work, rows=rows) is not None
    last = next((one for one in reversed(known) if one.passed and _rows_file(work, one).is_file()), None)
    differ = None
    if last is not None and not covered:
        differ = that_differ(pd.read_parquet(_rows_file(work, last)), rows)
    return {
        "certified": covered,
        "rows": len(rows),
        "rows_fingerprint": fingerprint_of_rows(rows),
        "rows_that_differ": 0 if covered else differ,
        "tests_so_far": len(tests(known)),
        "to_certify": "" if covered else _what_would(known, differ),
    }


def _what_would(known: Sequence[Certificate], differ: int | None) -> str:
    draw = "`nearmiss audit plan` draws from what is kept now; judge its draws, then `nearmiss audit certify`"
    if differ is None:
        return draw
    return (
        "`nearmiss audit certify` asks whether the draws so far vouch for these rows too (exported with the default "
        f"options for verdicts); where they do not, {draw}"
    )


def _rows_file(work: Workspace, one: Certificate) -> Path:
    return _folder(work) / f"{one.plan}-{one.place}.parquet"


def _for(one: Certificate, stop: CeilingTried) -> Certificate:
    same = one.passed and (stop.kept, stop.labels, stop.answers) == (one.kept, one.labels, one.answers)
    return replace(
        one,
        passed=True,
        kept=stop.kept,
        labels=stop.labels,
        answers=stop.answers,
        bound=one.bound if same else one.max_rate,
        rows_fingerprint=stop.rows_fingerprint,
    )


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


def _beginning(
    sides: Sequence[Domains], sample: Sample, interval: Floats, likely: Floats, max_rate: float, level: float
) -> int:
    """The place of the strictest ceiling that a set with half of the allowed answers would pass."""
    nothing = np.zeros(len(sample.rows), bool)
    hopes = []
    for place, side in enumerate(sides):
        seen = _evidence(sample, side.kept, nothing, interval, likely, max_rate)
        # The hits expected from so many answers, if they lay where the proxy expects them.
        share = HOPED_SHARE * max_rate * seen.size / max(sum(part.expected for part in seen.parts), 1e-9)
        hits = [share * part.expected / part.interval for part in seen.parts]
        hopes.append(p_value(seen, _too_many(side.kept, max_rate), hits))
        if hopes[-1] <= level:
            return place
    return int(np.argmin(hopes))


def _evidence(
    sample: Sample, kept: Bools, answer: Bools, interval: Floats, likely: Floats, max_rate: float
) -> Evidence:
    """The evidence of the draws on what a policy keeps."""
    return evidence(_parts(sample, kept, answer, interval, likely), _too_many(kept, max_rate))


def _parts(sample: Sample, kept: Bools, answer: Bools, interval: Floats, likely: Floats) -> list[Part]:
    """The strata as parts of what a policy keeps."""
    inside = kept & (sample.stratum >= 0)
    size = np.bincount(sample.stratum[inside], minlength=sample.strata)
    drawn = sample.stratum[sample.rows]
    draws = np.bincount(drawn, minlength=sample.strata)
    hits = np.bincount(drawn[answer & kept[sample.rows]], minlength=sample.strata)
    expected = np.bincount(sample.stratum[inside], likely[inside], minlength=sample.strata)
    found = zip(draws.tolist(), interval.tolist(), size.tolist(), hits.tolist(), expected.tolist(), strict=True)
    return [Part(*one) for one in found]


def _too_many(kept: Bools, max_rate: float) -> int:
    """The least number of answers that is above the rate."""
    return int(np.floor(max_rate * kept.sum() + 1e-9)) + 1


def _print(kept: Bools) -> str:
    return hashlib.sha256(np.packbits(kept).tobytes()).hexdigest()[:16]


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _folder(work: Workspace) -> Path:
    return work.run.round_folder(work.number) / FOLDER


def _from_json(content: dict[str, Any]) -> Certificate:
    stops = tuple(CeilingTried(**stop) for stop in content["stops"])
    return Certificate(**content | {"stops": stops, "reviewers": tuple(content["reviewers"])})
