"""
Number types: a round that was begun on one processor and continues on another.

In:  the rounds so far and a recipe
Out: its models in the number types that the last round was begun in, where this machine has them

`auto` picks what is fast here: bfloat16 on one machine, int8 on the next. That makes other numbers of the same weights,
and the vectors and scores of one round must not be mixed: where this machine has no such type, the round is made anew.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_args

import pandas as pd

from nearmiss.errors import ModelError
from nearmiss.models.encoder import Encoder, load_encoder
from nearmiss.models.served import Budget, without_url
from nearmiss.models.teacher import Teacher, load_teacher
from nearmiss.run import mining_from
from nearmiss.settings import Mining, Precision, with_whole_paths

M = TypeVar("M")


@dataclass(frozen=True)
class AsBegun:
    """A recipe, and the number types of the round that goes on; none where a new one begins."""

    recipe: Mining
    types: dict[str, Precision]  # by model
    budget: Budget | None  # what may be asked of servers

    def encoder(self) -> Encoder:
        """The recipe's encoder."""
        return self._in_its_type("encoder", lambda recipe: load_encoder(recipe, self.budget))

    def teacher(self, documents: pd.DataFrame, collection: str, encoder: Encoder) -> Teacher | None:
        """The recipe's teacher, or None where it has none."""
        return self._in_its_type(
            "teacher", lambda recipe: load_teacher(recipe, documents, collection, encoder, self.budget)
        )

    def _in_its_type(self, model: str, load: Callable[[Mining], M]) -> M:
        with suppress(ModelError):  # this machine has no such type; any other error is raised below
            if model in self.types:
                return load(replace(self.recipe, precision=self.types[model]))
        return load(self.recipe)


def in_the_number_types_of(rounds: list[dict[str, Any]], recipe: Mining, budget: Budget | None = None) -> AsBegun:
    """The recipe's models as the last round was begun, where that is the recipe's and `auto` chose."""
    last = rounds[-1] if rounds else None
    if last is None or recipe.precision != "auto" or compared(mining_from(last["recipe"])) != compared(recipe):
        return AsBegun(recipe, {}, budget)
    begun = {name: last[name]["precision"] for name in ("encoder", "teacher") if last[name]}
    return AsBegun(recipe, {name: found for name, found in begun.items() if found in get_args(Precision)}, budget)


def compared(recipe: Mining) -> Mining:
    """A recipe as two rounds are compared: the same model on another server is the same model."""
    whole = with_whole_paths(recipe)
    return replace(whole, encoder=without_url(whole.encoder), teacher=without_url(whole.teacher))


def other_numbers(begun: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a round was begun in number types that its models do not have here, or by an earlier release's sums."""
    pairs = ((begun[name], wanted[name]) for name in ("encoder", "teacher"))
    return any(before and now and before["fingerprint"] != now["fingerprint"] for before, now in pairs)


def is_same_elsewhere(last: dict[str, Any] | None, model: Encoder | Teacher | None) -> bool:
    """Whether a round's model is this one, and only its number type another, or the last digits of its sums."""
    if last is None or model is None:
        return False
    ways = (getattr(model, name, None) for name in ("fingerprint_in", "fingerprint_of_version_1"))
    return any(named is not None and named(last["precision"]) == last["fingerprint"] for named in ways)
