"""
Certificates: that at most a given share of an export's rows are answers, at a given confidence.

In:  a `Workspace` whose round has certificates in its folder
Out: the certificates; the one that covers an export's rows, if any; what would certify them

`certifying` makes them. A certificate names rows by their fingerprint, and covers no others.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from nearmiss.audit.exported import exported, fingerprint_of_rows, that_differ
from nearmiss.audit.planning import fingerprint
from nearmiss.audit.samples import used_by_calibration
from nearmiss.settings import Policy
from nearmiss.storage.files import read_frame, read_json, write_json, write_parquet
from nearmiss.workspace import Workspace

FOLDER = "certificates"  # in a round's folder


@dataclass(frozen=True)
class CeilingTried:
    """One ceiling tried: `p` is the chance of so few answers among its draws if there were more than allowed."""

    value: float | None  # of the setting; None where it is off
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


def certification(work: Workspace, rows: pd.DataFrame, held: Certificate | None) -> dict[str, Any]:
    """
    The manifest's entry beside the certificate `held` on an export's rows: whether there is one, after how many tests.

    Where they are not: how many rows differ from those last certified (None where none ever were), and what would
    certify them.
    """
    known, covered = certificates(work), held is not None
    last = next((one for one in reversed(known) if one.passed and _rows_file(work, one).is_file()), None)
    differ = None
    if last is not None and not covered:
        differ = that_differ(read_frame(_rows_file(work, last)), rows)
    return {
        "certified": covered,
        "rows": len(rows),
        "rows_fingerprint": fingerprint_of_rows(rows),
        "rows_that_differ": 0 if covered else differ,
        "tests_so_far": len(tests(known)),
        "to_certify": "" if covered else _what_would(known, differ),
    }


def tests(known: Sequence[Certificate]) -> list[str]:
    """The tests that were made, in order; each of version 0.1's certificates counts as one."""
    return list(dict.fromkeys(one.test or f"{one.plan} {place}" for place, one in enumerate(known)))


def save(work: Workspace, made: Certificate, rows: pd.DataFrame) -> None:
    """Write a certificate, and where it passed the rows that it names."""
    if made.passed:
        write_parquet(_rows_file(work, made), rows)
    write_json(_folder(work) / f"{made.plan}-{made.place}.json", made.as_json())


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


def _folder(work: Workspace) -> Path:
    return work.run.round_folder(work.number) / FOLDER


def _from_json(content: dict[str, Any]) -> Certificate:
    stops = tuple(CeilingTried(**stop) for stop in content["stops"])
    return Certificate(**content | {"stops": stops, "reviewers": tuple(content["reviewers"])})
