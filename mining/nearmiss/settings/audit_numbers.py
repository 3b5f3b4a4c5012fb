"""Numbers typed for a command: the options of an audit, and any that no settings dataclass holds."""

from nearmiss.errors import RecipeError
from nearmiss.settings.field_rules import flag
from nearmiss.settings.ranges import COUNT, COUNT_OR_NONE, PART, Range

# Options of an audit. No recipe holds them, since each plan and certificate has its own.
AUDIT = {
    "labels": COUNT,
    "target": PART,
    "half_width": PART,
    "seed": COUNT_OR_NONE,
    "max_rate": PART,
    "confidence": Range(0.5, 1, below=True),
}


def check_number(place: str, value: float, allowed: Range) -> None:
    """Raise RecipeError where a number that was typed for `place`, a flag, is not allowed there."""
    if value != value:
        raise RecipeError(f"{place}: wanted a number; found NaN")
    if not allowed.holds(value):
        raise RecipeError(f"{place}: wanted {allowed.wanted(value)}; found {value}")


def check_audit(**numbers: float | None) -> None:
    """Raise RecipeError for a number of an audit, by its field's name, that is out of its range; None is unset."""
    for name, value in numbers.items():
        if value is not None:
            check_number(flag(name), value, AUDIT[name])
