"""
Ceilings tried from strict to loose: how improbable the draws would be if more than the allowed share were answers.

In:  the draws of an audit with what was found, and what the policy keeps at each ceiling
Out: the ceilings that were tried, each passed or not

Each is tried at the full level, until one fails: fixed-sequence testing, as in Learn then Test (Angelopoulos et al.
2021), so that taking the loosest that passed errs no more often than the level. Where the sequence begins depends on
the draws, not on the verdicts: at the strictest ceiling that half of the allowed answers would pass.

The bound (see `bounds`) holds wherever the answers lie: it trusts neither the proxy nor the calibration.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nearmiss.audit.bounds import Evidence, Part, evidence, p_value
from nearmiss.audit.certificate import CeilingTried
from nearmiss.audit.domains import Domains
from nearmiss.audit.samples import Sample
from nearmiss.types import Bools, Floats

MOST_BETWEEN = 200  # numbers of answers that are tried one by one
HOPED_SHARE = 1 / 2  # of the allowed rate: a set with so few answers should pass where the sequence begins


@dataclass(frozen=True)
class JudgedDraws:
    """The draws of an audit with what was found, and how strictly they are tested."""

    sample: Sample
    answer: Bools  # (m,): which draws count as answers
    interval: Floats  # (strata,): one of how many candidates each stratum draws
    likely: Floats  # (n,): each candidate's chance to be an answer, by the proxy
    max_rate: float
    level: float

    def evidence(self, kept: Bools) -> Evidence:
        """What the draws say of the candidates that a policy keeps, (n,)."""
        return evidence(self.parts(kept, self.answer), too_many(kept, self.max_rate))

    def parts(self, kept: Bools, answer: Bools) -> list[Part]:
        """The strata as parts of what a policy keeps."""
        sample = self.sample
        inside = kept & (sample.stratum >= 0)
        size = np.bincount(sample.stratum[inside], minlength=sample.strata)
        drawn = sample.stratum[sample.rows]
        draws = np.bincount(drawn, minlength=sample.strata)
        hits = np.bincount(drawn[answer & kept[sample.rows]], minlength=sample.strata)
        expected = np.bincount(sample.stratum[inside], self.likely[inside], minlength=sample.strata)
        columns = (draws.tolist(), self.interval.tolist(), size.tolist(), hits.tolist(), expected.tolist())
        return [Part(*stratum) for stratum in zip(*columns, strict=True)]

    def vouch_for(self, kept: Bools, answers: int) -> bool:
        """Whether more than `answers` among those kept are improbable, where fewer were tested than the rate allows."""
        # Each number between must be as improbable.
        between = range(answers + 1, too_many(kept, self.max_rate))
        parts = self.parts(kept, self.answer)
        return len(between) <= MOST_BETWEEN and all(p_value(evidence(parts, a), a) <= self.level for a in between)


def try_ceilings(
    sides: Sequence[Domains], values: Sequence[float | None], own_stop: int, draws: JudgedDraws
) -> list[CeilingTried]:
    """
    The ceilings in turn, strict to loose, up to the first that fails; its last passing one holds at the level.

    `sides` are the domains at each of the `values`, `own_stop` the policy's place, where it begins at the latest.
    """
    tried: list[CeilingTried] = []
    for place in range(min(own_stop, _beginning(sides, draws)), len(sides)):
        kept = sides[place].kept
        drawn = kept[draws.sample.rows]
        p = p_value(draws.evidence(kept), too_many(kept, draws.max_rate))
        tried.append(
            CeilingTried(
                value=values[place],
                kept=int(kept.sum()),
                labels=int(drawn.sum()),
                answers=int((drawn & draws.answer).sum()),
                p=p,
                passed=p <= draws.level,
                kept_fingerprint=fingerprint_of_kept(kept),
            )
        )
        if not tried[-1].passed:
            break
    return tried


def intervals(strata: Sequence[Mapping[str, Any]]) -> Floats:
    """One of how many candidates each stratum (as a plan's facts hold it) draws at least, (strata,)."""
    return np.array([-(-one["size"] // max(one["labels"], 1)) for one in strata], np.float64)


def _beginning(sides: Sequence[Domains], draws: JudgedDraws) -> int:
    """The place of the strictest ceiling that a set with half of the allowed answers would pass."""
    nothing = np.zeros(len(draws.sample.rows), bool)
    hopes = []
    for place, side in enumerate(sides):
        limit = too_many(side.kept, draws.max_rate)
        seen = evidence(draws.parts(side.kept, nothing), limit)
        # The hits expected from so many answers, if they lay where the proxy expects them.
        share = HOPED_SHARE * draws.max_rate * seen.size / max(sum(part.expected for part in seen.parts), 1e-9)
        hits = [share * part.expected / part.interval for part in seen.parts]
        hopes.append(p_value(seen, limit, hits))
        if hopes[-1] <= draws.level:
            return place
    return int(np.argmin(hopes))


def too_many(kept: Bools, max_rate: float) -> int:
    """The least number of answers that is above the rate."""
    return int(np.floor(max_rate * kept.sum() + 1e-9)) + 1


def fingerprint_of_kept(kept: Bools) -> str:
    """Hex digits that name a set of rows."""
    return hashlib.sha256(np.packbits(kept).tobytes()).hexdigest()[:16]
