"""
Which policies are tried: the named ones, or a ladder along one threshold, always with three references.

In:  names as typed, the policies of a run
Out: `Tried`: a name and a policy each, every policy once

`in-batch only` has no policy: its students see positives alone, and learn from those of the other queries.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args, get_type_hints

from nearmiss.errors import RecipeError
from nearmiss.presets import PRESETS
from nearmiss.run import Run
from nearmiss.session.tuning.saved import history
from nearmiss.settings import NO_CEILING, Policy

Stop = float | int | None  # None: the setting is off
IN_BATCH, NO_FILTER, MARGIN, IN_FORCE = "in-batch only", "no filter", "95% rule", "in force"
AND = " = "  # between the names of one policy
SAVED = "saved-"  # saved-1 is the first policy that was ever put in force
# Stops of a ladder, strict to loose, where none are typed.
LADDERS: dict[str, tuple[Stop, ...]] = {
    "max_p_relevant": (0.05, 0.1, 0.2, 0.3, 0.5, None),
    "relative_margin": (0.2, 0.1, 0.05, 0.02, 0.0, None),
    "absolute_margin": (0.2, 0.1, 0.05, 0.02, 0.0, None),
    "skip_top": (30, 20, 10, 5, 0),
    "negatives_per_query": (1, 2, 4, 7, 15, 30),
}


@dataclass(frozen=True)
class Tried:
    """A policy by its name in the table; None keeps no negative at all."""

    name: str
    policy: Policy | None

    def is_called(self, name: str) -> bool:
        """Whether this is one of its names."""
        return name in self.name.split(AND)

    def as_json(self) -> dict[str, Any]:
        """Name and settings."""
        return {"name": self.name, "policy": None if self.policy is None else dataclasses.asdict(self.policy)}


def references(policy: Policy) -> list[Tried]:
    """
    What every trial compares with: in-batch only, no filter and the 95% rule.

    They take as many negatives as `policy`, chosen as it chooses, so that what differs is the filter.
    """
    bare = replace(NO_CEILING, negatives_per_query=policy.negatives_per_query, seed=policy.seed)
    return [Tried(IN_BATCH, None), Tried(NO_FILTER, bare), Tried(MARGIN, replace(bare, relative_margin=0.05))]


def around(in_force: Policy, policy: Policy, field: str, stops: Sequence[Stop]) -> list[Tried]:
    """The references, the policy in force, and `policy` with each value of one of its settings."""
    found = [*references(policy), Tried(IN_FORCE, in_force)]
    found += [Tried(_stop_name(field, stop), _moved(policy, field, stop)) for stop in stops]
    return _once(found)


def tried(run: Run, names: Sequence[str] = (), along: str = "", stops: Sequence[str] = ()) -> list[Tried]:
    """
    The references, the policy in force, and the named ones: presets, `saved-N`, or the stops of a ladder.

    RecipeError for an unknown name, or a setting without order.
    """
    in_force = run.policy
    found = [*references(in_force), Tried(IN_FORCE, in_force)]
    found += [Tried(name, _named(run, name)) for name in names if name not in {one.name for one in found}]
    if along:
        found += ladder(in_force, along, stops)
    elif stops:
        raise RecipeError("--stop: wanted --along FIELD, whose stops they are; found none")
    return _once(found)


def ladder(policy: Policy, field: str, stops: Sequence[str] = ()) -> list[Tried]:
    """One policy for each stop of a setting, the others as they are."""
    name = field.removeprefix("--").replace("-", "_")
    if name not in _ladders():
        raise RecipeError(f"--along: wanted one of {', '.join(_ladders())}; found {field!r}")
    values = [_parsed(name, stop) for stop in stops] or list(LADDERS.get(name, ()))
    if not values:
        raise RecipeError(f"--along {name}: wanted its stops, as --stop N --stop N; found none")
    return [Tried(_stop_name(name, stop), _moved(policy, name, stop)) for stop in values]


def _ladders() -> dict[str, tuple[Any, ...]]:
    """The settings that are numbers, with the types each allows."""
    hints = {name: get_args(hint) or (hint,) for name, hint in get_type_hints(Policy).items() if name != "seed"}
    return {name: kinds for name, kinds in hints.items() if {int, float} & set(kinds)}


def _stop_name(name: str, stop: Stop) -> str:
    return f"{name} {'off' if stop is None else stop}"


def _moved(policy: Policy, name: str, stop: Stop) -> Policy:
    settings: dict[str, Any] = {name: stop}
    return replace(policy, **settings)


def _parsed(name: str, stop: str) -> Stop:
    kinds = _ladders()[name]
    if type(None) in kinds and stop in ("none", "off"):
        return None
    try:
        return int(stop) if int in kinds else float(stop)
    except ValueError:
        wanted = ("a whole number" if int in kinds else "a number") + (" or off" if type(None) in kinds else "")
        raise RecipeError(f"--stop: wanted {wanted} for {name}; found {stop!r}") from None


def _named(run: Run, name: str) -> Policy:
    if name in PRESETS:
        return PRESETS[name].policy
    saved = history(run).saved
    if name.startswith(SAVED) and name.removeprefix(SAVED).isdigit():
        number = int(name.removeprefix(SAVED))
        if 1 <= number <= len(saved):
            return saved[number - 1].policy
    known = [IN_FORCE, *PRESETS, *(f"{SAVED}{number}" for number in range(1, len(saved) + 1))]
    raise RecipeError(f"--policy: wanted one of {', '.join(known)}; found {name!r}")


def _once(found: list[Tried]) -> list[Tried]:
    """Each policy once, under all its names."""
    names: dict[Policy | None, list[str]] = {}
    for one in found:
        names.setdefault(one.policy, []).append(one.name)
    return [Tried(AND.join(dict.fromkeys(own)), policy) for policy, own in names.items()]
