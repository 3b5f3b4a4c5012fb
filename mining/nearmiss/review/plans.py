"""
Plans: which pairs an audit drew, and with which chance, written down before anyone judges them.

In:  a connection to the log, a plan with its draws
Out: rows that are never changed; plans and draws as they were written
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sql

from nearmiss.errors import ReviewError
from nearmiss.review.current import REPEAT
from nearmiss.review.tables import DRAWS, PLANS
from nearmiss.types import Pair


@dataclass(frozen=True)
class AuditPlan:
    """One audit: when (seconds since 1970) and by whom it was made, and its facts as JSON holds them."""

    plan: str
    made_at: float
    made_by: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Draw:
    """A pair that a plan drew. `second`: another look is asked for; `repeat`: by the one who judged it first."""

    plan: str
    place: int  # its position, from 0
    query_id: str
    doc_id: str
    stratum: int
    proxy: float  # the proxy's value when it was drawn
    inclusion_probability: float
    second: bool = False
    repeat: bool = False

    @property
    def pair(self) -> Pair:
        """The query and the document."""
        return self.query_id, self.doc_id

    @property
    def arm(self) -> str:
        """The `arm` of an event that judges it."""
        return REPEAT if self.repeat else f"audit:{self.plan}"


_STORED = tuple(column.name for column in DRAWS.columns)


def write_plan(connection: sql.Connection, plan: AuditPlan, draws: Sequence[Draw]) -> None:
    """Write a plan with all its draws; raises ReviewError where there is one of that name."""
    if connection.scalar(sql.select(PLANS.c.plan).where(PLANS.c.plan == plan.plan)) is not None:
        raise ReviewError(f"plan {plan.plan!r}: wanted a new name for each plan; found one written under it")
    facts = json.dumps(dict(plan.facts), ensure_ascii=False)
    connection.execute(sql.insert(PLANS), asdict(plan) | {"facts": facts})
    rows = [{name: getattr(draw, name) for name in _STORED} for draw in draws]
    if rows:
        connection.execute(sql.insert(DRAWS), rows)


def read_plans(connection: sql.Connection) -> list[AuditPlan]:
    """Every plan, oldest first."""
    rows = connection.execute(sql.select(PLANS).order_by(PLANS.c.made_at, PLANS.c.plan)).mappings()
    return [AuditPlan(row["plan"], row["made_at"], row["made_by"], json.loads(row["facts"])) for row in rows]


def read_draws(connection: sql.Connection, plan: str) -> list[Draw]:
    """The draws of a plan, in their turn."""
    rows = connection.execute(sql.select(DRAWS).where(DRAWS.c.plan == plan).order_by(DRAWS.c.place)).mappings()
    return [Draw(**{name: row[name] for name in _STORED}) for row in rows]
