"""
Sharing: how many people judge a pair, as the project sets it for everybody, else as the viewer chooses.

In:  `project.toml` in the run's folder, as the project writes it
Out: a `Sharing`; a ReviewError that names what is wrong in the file

    [review]
    overlap = 2  # so many people judge a shared pair; 1: no pair is shared
    every = 5    # every fifth pair is shared; left out: all are
    cap = 3      # nobody is asked about a pair that so many others have judged; left out: no limit
"""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.errors import ReviewError
from nearmiss.types import Bools

FILE = "project.toml"
MOST = 1000


@dataclass(frozen=True)
class Sharing:
    """Which pairs are shared, and by how many people; every other pair is judged by one."""

    every: int = 0  # every so many pairs are shared; 0 for none
    people: int = 2  # that judge a shared pair
    cap: int | None = None  # that judge any pair at most, however it comes to them; None for no limit
    is_of_project: bool = False  # False where the viewer chooses which pairs are shared

    def shared(self, keys: Any) -> Bools:
        """Which pairs are shared, by their keys, (n,) of 64 bits; the same ones for everybody."""
        if not self.every:
            return np.zeros(np.shape(keys), bool)
        return np.asarray(keys % np.uint64(self.every) == 0)

    @property
    def asked(self) -> int:
        """How many people are asked about a shared pair."""
        return self.people if self.cap is None else min(self.people, self.cap)

    def voices(self, key: Any) -> int:
        """How many people are asked about a pair."""
        return self.asked if bool(self.shared(key)) else 1

    def is_full(self, others: int) -> bool:
        """Whether so many other people have judged a pair that nobody else is asked."""
        return self.cap is not None and others >= self.cap

    def in_words(self) -> str:
        """The rule in a sentence or two."""
        which = {0: "", 1: "Every pair is", 2: "Every second pair is", 3: "Every third pair is"}.get(
            self.every, f"One pair in {self.every:,} is"
        )
        rest = ", the others by one" if self.every > 1 else ""
        said = f"{which} judged by {self.people:,} people{rest}." if which else "Each pair is judged by one person."
        closed = f" Nobody is asked about a pair that {self.cap:,} judged." if self.cap is not None else ""
        return said + closed


ALONE = Sharing()


def of_project(folder: Path) -> Sharing:
    """What the project sets; without a file or a setting nothing is shared, and there is no limit."""
    path = folder / FILE
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return ALONE
    except (OSError, ValueError) as error:
        raise ReviewError(f"{path}: wanted a TOML file; found {error}") from error
    if unknown := sorted(set(content) - {"review"}):
        raise ReviewError(f"{path}: wanted a table [review]; found {unknown[0]!r}")
    review = content.get("review", {})
    if not isinstance(review, dict):
        raise ReviewError(f"{path}: wanted a table [review]; found {review!r}")
    if unknown := sorted(set(review) - {"overlap", "every", "cap"}):
        raise ReviewError(f"{path}: [review]: wanted overlap, every and cap; found {unknown[0]!r}")
    overlap, every, cap = (_number(path, review, name) for name in ("overlap", "every", "cap"))
    if every is not None and overlap is None:
        raise ReviewError(f"{path}: [review] every: wanted overlap beside it; found none")
    if cap is not None and overlap is not None and cap < overlap:
        raise ReviewError(f"{path}: [review] cap: wanted at least overlap, {overlap}; found {cap}")
    if overlap is None:
        return Sharing(cap=cap)
    return Sharing(0 if overlap == 1 else every or 1, overlap, cap, is_of_project=True)


def in_force(folder: Path, viewers: int) -> Sharing:
    """What the project sets; where it leaves the overlap to the viewer, every so many pairs are judged twice."""
    found = of_project(folder)
    return found if found.is_of_project else replace(found, every=viewers, people=2)


def _number(path: Path, review: dict[str, Any], name: str) -> int | None:
    value = review.get(name)
    if value is not None and (type(value) is not int or not 1 <= value <= MOST):
        raise ReviewError(f"{path}: [review] {name}: wanted a whole number from 1 to {MOST:,}; found {value!r}")
    return value
