"""
Project: what a project sets for everybody who reviews its run.

In:  `project.toml` in the run's folder, as the project writes it
Out: a `Project`; a ReviewError that names what is wrong in the file

    [review]
    overlap = 2    # so many people judge a shared pair; 1: no pair is shared
    every = 5      # every fifth pair is shared; left out: all are
    cap = 3        # nobody is asked about a pair that so many others have judged; left out: no limit
    training = 10  # everybody begins with so many pairs of known answer, and is told it
    gold = 20      # one card in twenty has a known answer, and looks like any other
    gold_from_decisions = true  # what adjudicators decided is known too

    [[assign]]
    person = "ada@example.org"
    queries = ["q17", "legal-*"]

    [[assign]]
    person = "bo@example.org"
    share = 0.25   # of the other queries
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nearmiss.errors import ReviewError
from nearmiss.session.queue.sharing import ALONE, Sharing

FILE = "project.toml"
MOST = 1000
NUMBERS = {"overlap": MOST, "every": MOST, "cap": MOST, "training": MOST, "gold": MOST}
SETTINGS = (*NUMBERS, "gold_from_decisions")


@dataclass(frozen=True)
class Assignment:
    """What one person is to judge: queries by id or pattern (`legal-*`), or a share of all queries nobody named."""

    person: str
    queries: tuple[str, ...] = ()
    share: float = 0.0


@dataclass(frozen=True)
class Project:
    """The settings of `project.toml`; as they stand here where there is none."""

    sharing: Sharing = ALONE
    training: int = 0  # pairs of the training round; 0 for none
    gold: int = 0  # every so many cards have a known answer; 0 for none
    gold_from_decisions: bool = False
    assignments: tuple[Assignment, ...] = ()

    @property
    def has_gold(self) -> bool:
        """Whether known answers are used at all."""
        return bool(self.training or self.gold)


def read(folder: Path) -> Project:
    """The settings of a run's folder; read again once the file has changed."""
    path = folder / FILE
    try:
        stat = path.stat()
    except FileNotFoundError:
        return Project()
    except OSError as error:
        raise _not_toml(path, error) from error
    return _read(path, stat.st_mtime_ns, stat.st_size)


def of_project(folder: Path) -> Sharing:
    """How many people judge a pair; without a file or a setting nothing is shared, and there is no limit."""
    return read(folder).sharing


def in_force(folder: Path, viewers: int) -> Sharing:
    """What the project sets; where it leaves the overlap to the viewer, every so many pairs are judged twice."""
    found = of_project(folder)
    return found if found.is_of_project else replace(found, every=viewers, people=2)


@lru_cache(maxsize=16)
def _read(path: Path, changed: int, size: int) -> Project:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _not_toml(path, error) from error
    if unknown := sorted(set(content) - {"review", "assign"}):
        raise ReviewError(f"{path}: wanted a table [review], or tables [[assign]]; found {unknown[0]!r}")
    review = content.get("review", {})
    if not isinstance(review, dict):
        raise ReviewError(f"{path}: wanted a table [review]; found {review!r}")
    if unknown := sorted(set(review) - set(SETTINGS)):
        known = f"{', '.join(SETTINGS[:-1])} or {SETTINGS[-1]}"
        raise ReviewError(f"{path}: [review]: wanted {known}; found {unknown[0]!r}")
    from_decisions = review.get("gold_from_decisions", False)
    if not isinstance(from_decisions, bool):
        raise ReviewError(f"{path}: [review] gold_from_decisions: wanted true or false; found {from_decisions!r}")
    return Project(
        _sharing(path, review),
        _number(path, review, "training") or 0,
        _number(path, review, "gold") or 0,
        from_decisions,
        _assignments(path, content.get("assign", [])),
    )


def _sharing(path: Path, review: Mapping[str, Any]) -> Sharing:
    overlap, every, cap = (_number(path, review, name) for name in ("overlap", "every", "cap"))
    if every is not None and overlap is None:
        raise ReviewError(f"{path}: [review] every: wanted overlap beside it; found none")
    if cap is not None and overlap is not None and cap < overlap:
        raise ReviewError(f"{path}: [review] cap: wanted at least overlap, {overlap}; found {cap}")
    if overlap is None:
        return Sharing(cap=cap)
    return Sharing(0 if overlap == 1 else every or 1, overlap, cap, is_of_project=True)


def _assignments(path: Path, tables: Any) -> tuple[Assignment, ...]:
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise ReviewError(f"{path}: wanted tables [[assign]]; found {tables!r}")
    found = tuple(_assignment(f"{path}: [[assign]] {number}", one) for number, one in enumerate(tables, 1))
    if (total := sum(one.share for one in found)) > 1 + 1e-9:
        raise ReviewError(f"{path}: [[assign]]: wanted shares of at most 1 in all; found {total:g}")
    return found


def _assignment(where: str, table: Mapping[str, Any]) -> Assignment:
    if unknown := sorted(set(table) - {"person", "queries", "share"}):
        raise ReviewError(f"{where}: wanted person, and queries or share; found {unknown[0]!r}")
    person, queries, share = table.get("person"), table.get("queries"), table.get("share")
    if not isinstance(person, str) or not person.strip():
        raise ReviewError(f"{where}: person: wanted the name that Review knows; found {person!r}")
    if (queries is None) == (share is None):
        raise ReviewError(f"{where}: wanted queries or share, one of the two; found {sorted(set(table) - {'person'})}")
    if queries is not None:
        if not isinstance(queries, list) or not queries or not all(isinstance(one, str) and one for one in queries):
            raise ReviewError(f"{where}: queries: wanted a list of ids or patterns; found {queries!r}")
        return Assignment(person.strip(), tuple(queries))
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise ReviewError(f"{where}: share: wanted above 0, at most 1; found {share!r}")
    return Assignment(person.strip(), share=float(share))


def _number(path: Path, review: Mapping[str, Any], name: str) -> int | None:
    value, most = review.get(name), NUMBERS[name]
    if value is not None and (type(value) is not int or not 1 <= value <= most):
        raise ReviewError(f"{path}: [review] {name}: wanted a whole number from 1 to {most:,}; found {value!r}")
    return value


def _not_toml(path: Path, error: Exception) -> ReviewError:
    return ReviewError(f"{path}: wanted a TOML file; found {error}")
