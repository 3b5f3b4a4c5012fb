"""
Planning: which candidates an audit draws, and with which probability.

In:  a `Workspace`, how many labels
Out: a `AuditPlan` with its `Draw`s in the log, before anyone judges; the strata in the round's folder

The design. A stratum of N candidates that gets n labels is laid out query by query, the queries and the candidates of
each in random order, and cut into n blocks of equal size (give or take one); of each block one candidate is drawn, each
with the same chance. So inclusion probabilities are exact, 1 / size of the block, and draws of a stratum fall on as
many queries as they can. Given the layout, draws are independent: hits in a stratum are a sum of independent trials,
never more spread than a binomial, which is what the certificate's bound needs.

The order of judging is random too, so that stopping early leaves a random part.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.audit.domains import Domains, DomainsAlongCeiling, along, domains, each, is_quick, limit_of, population
from nearmiss.audit.exported import as_of
from nearmiss.audit.ladder import ladder
from nearmiss.audit.proxies import judges_until, with_judges
from nearmiss.audit.strata import KEPT, NEXT, OTHERS, REFUSED, AuditStratum, stratify
from nearmiss.errors import ReviewError, RunError
from nearmiss.review import AuditPlan, Draw
from nearmiss.selection import Table
from nearmiss.settings import Policy, check_audit
from nearmiss.storage.files import read_array, write_atomically
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.types import Bools, Floats, Ints
from nearmiss.workspace import Workspace

FOLDER = "audits"  # in a round's folder
LABELS, TARGET = 200, 0.05
LABELS_ASKED = 200  # by default: enough evidence for a certificate of 5%, if the true rate is a fifth of that
FEWEST_LABELS = 30


def fingerprint(table: Table) -> str:
    """Which candidates a round has, in which order: an audit holds for these alone."""
    return table.fingerprint


def plan(
    work: Workspace, labels: int = LABELS, target: float = TARGET, seed: int | None = None, made_by: str = ""
) -> tuple[AuditPlan, list[Draw]]:
    """
    Draw candidates for an audit of the round under the policy in force, and write them to the log.

    `target` is the share of answers to be certified. Without a `seed` each plan of a round has its own.
    Raises RecipeError for a number out of its range, ReviewError where there are fewer candidates than labels.
    """
    check_audit(target=target, seed=seed)
    work.refresh()
    last_seq = work.standing.last_seq
    # The rows kept now, with all verdicts so far: these are what the draws can certify.
    table, policy = as_of(work, last_seq), work.policy
    _check_labels(labels, int(population(table).sum()))
    judges = judges_until(work, last_seq)
    likely = with_judges(work, judges, last_seq)
    if seed is None:
        seed = 42 + len(work.log.plans())
    stratum, strata = design(table, policy, likely, labels)
    drawn = draw(table, stratum, strata, likely, seed)
    facts: dict[str, Any] = {
        "round": work.number,
        "candidates": fingerprint(work.table),
        "last_seq": last_seq,
        "policy": asdict(policy) | {"quota": [list(share) for share in policy.quota]},
        "labels": labels,
        "target": target,
        "seed": seed,
        "strata": [asdict(one) for one in strata],
        "judges": judges,
    }
    return _written(work, facts, made_by, stratum, drawn)


def _check_labels(labels: int, size: int) -> None:
    if not min(FEWEST_LABELS, size) <= labels <= size:
        wanted = f"{min(FEWEST_LABELS, size)} to {size:,} (the round's candidates)"
        raise ReviewError(f"--labels: wanted {wanted}; found {labels}")


def _written(
    work: Workspace, facts: dict[str, Any], made_by: str, stratum: Ints, drawn: list[tuple[int, int, float, float]]
) -> tuple[AuditPlan, list[Draw]]:
    """The plan and its draws, in the log; the strata in a file of the round."""
    made_at = time.time()
    name = fingerprint_of(facts, made_at)[:12]
    with write_atomically(stratum_file(work, name)) as temporary:
        np.save(temporary, stratum.astype(np.int8))
    made = AuditPlan(name, made_at, made_by, facts)
    draws = [Draw(name, place, *work.pair_at(row), s, f, chance) for place, (row, s, f, chance) in enumerate(drawn)]
    work.log.write_plan(made, draws)
    return made, draws


def stratum_file(work: Workspace, plan: str) -> Path:
    """Where the strata of a plan lie, one number a candidate."""
    return work.run.round_folder(work.number) / FOLDER / f"{plan}.npy"


def strata_of(work: Workspace, plan: AuditPlan) -> Ints:
    """The stratum of each candidate in a plan, (n,); OUTSIDE where it could not be drawn."""
    path = stratum_file(work, plan.plan)
    if not path.is_file():
        raise RunError(f"{path}: wanted the strata of audit {plan.plan}, written when it was planned; found no file")
    return np.asarray(read_array(path), np.int64)


def design(table: Table, policy: Policy, likely: Floats, labels: int) -> tuple[Ints, list[AuditStratum]]:
    """The stratum of each candidate, (n,), OUTSIDE where it cannot be drawn, and the strata."""
    domain_of, slack = _parts(table, policy)
    return stratify(domain_of, likely, slack, labels)


def _parts(table: Table, policy: Policy) -> tuple[dict[str, Bools], Floats]:
    """The population by domain, and how far below the ceiling each candidate lies, (n,)."""
    among = population(table)
    field, stops = ladder(table, policy)
    own = getattr(policy, field) if field else None
    reached = np.zeros(len(among), bool)
    for stop, now in zip(stops, domains_along(table, policy, field, stops), strict=True):
        if stop == own:
            break
        reached |= now.kept
    upcoming = reached & ~now.kept & ~now.refused & among
    others = among & ~now.kept & ~now.refused & ~upcoming
    limit = limit_of(table, policy, field) if field else -table.score.astype(np.float64)
    slack = limit if field in ("relative_margin", "absolute_margin") else -limit
    return {KEPT: now.kept, NEXT: upcoming, REFUSED: now.refused, OTHERS: others}, slack


def domains_along(table: Table, policy: Policy, field: str, stops: list[float | None]) -> list[Domains]:
    """The domains at each stop of a ceiling, strict to loose."""
    if not field:
        return [domains(table, policy)]
    if not is_quick(policy) or table.verdicts.any():
        return list(each(table, policy, field, stops))
    found: DomainsAlongCeiling = along(table, policy, field, stops)
    return [found.at(stop) for stop in range(len(stops))]


def draw(
    table: Table, stratum: Ints, strata: list[AuditStratum], likely: Floats, seed: int
) -> list[tuple[int, int, float, float]]:
    """Row, stratum, proxy and inclusion probability of each draw, in the order in which they are to be judged."""
    rng = np.random.default_rng(seed)
    found: list[tuple[float, int, int, float, float]] = []
    for number, one in enumerate(strata):
        rows = np.flatnonzero(stratum == number)
        of_query = rng.permutation(len(table.starts) - 1)[table.query[rows]]
        turn_in_query = rng.random(len(rows))
        bounds = np.linspace(0, len(rows), one.labels + 1).round().astype(np.int64)
        sizes = np.diff(bounds)
        picked = rows[_laid_out(of_query, turn_in_query, bounds[:-1] + rng.integers(0, sizes))]
        # Strata take turns, so that those judged so far are spread over them like the whole.
        turns = (rng.permutation(one.labels) + rng.random(one.labels)) / one.labels
        for turn, row, size in zip(turns.tolist(), picked.tolist(), sizes.tolist(), strict=True):
            found.append((turn, row, number, float(likely[row]), 1 / size))
    return [(row, number, f, chance) for _, row, number, f, chance in sorted(found)]


def _laid_out(of_query: Ints, turn: Floats, places: Ints) -> Ints:
    """The rows at these places of a layout by query, then by `turn`: only the queries needed are sorted."""
    sizes = np.bincount(of_query)
    query = np.searchsorted(np.cumsum(sizes), places, side="right")
    met = np.zeros(len(sizes), bool)
    met[query] = True
    among = np.flatnonzero(met[of_query])
    left_out = np.cumsum(np.where(met, 0, sizes))  # rows of other queries that lie before
    found: Ints = among[np.lexsort((turn[among], of_query[among]))][places - left_out[query]]
    return found
