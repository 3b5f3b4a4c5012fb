"""
Sharing: how many people judge a pair.

In:  keys of pairs, how many people have judged one
Out: which pairs are shared, and whether another person is asked
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearmiss.types import Bools


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
