"""
What stands beside each field of a settings dataclass, read for its check, its flag's help and its slider.

In:  a frozen dataclass whose fields are `Annotated[type, words, Range]`
Out: words, ranges and choices by field; a RecipeError for a value that its field may not have
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from nearmiss.errors import RecipeError
from nearmiss.settings.ranges import Range

Settings = TypeVar("Settings")


def flag(field: str) -> str:
    """A field's name as its command-line flag."""
    return "--" + field.replace("_", "-")


def words_of(recipe: type) -> dict[str, str]:
    """The help text of each field."""
    return {name: get_args(hint)[1] for name, hint in get_type_hints(recipe, include_extras=True).items()}


def range_of(recipe: type, field: str) -> Range | None:
    """The numbers that a field may have; None where it holds none."""
    return _rules(recipe)[field].range


def as_written(recipe: type[Settings], values: Mapping[str, Any]) -> Settings:
    """
    A recipe as it was stored: of the right types, but perhaps outside today's ranges.

    Files of earlier versions must still open, and a chart passes through values that nobody could save.
    Fields without a value have their defaults; RecipeError for an unknown field or a value of the wrong type.
    """
    known = {field.name: field.default for field in fields(recipe)}  # type: ignore[arg-type]
    if unknown := sorted(values.keys() - known.keys()):
        raise RecipeError(f"{unknown[0]}: wanted a setting of this version; found one that it does not know")
    made = object.__new__(recipe)
    for name, value in {**known, **values}.items():
        object.__setattr__(made, name, value)
    check_fields(made, ranges=False)
    return made


class _Rule(NamedTuple):
    """What a field's value must be: one of these words, or a number of this kind within this range."""

    choices: tuple[str, ...]
    number: type[Integral] | type[Real] | None
    repeated: bool
    optional: bool
    range: Range | None


@cache
def _rules(recipe: type[Any]) -> dict[str, _Rule]:
    # Reading the hints costs more than all the checks, and a slider asks for a policy at each of its stops.
    hints = get_type_hints(recipe, include_extras=True)
    return {name: _rule(get_args(hint)[0], get_args(hint)[2:]) for name, hint in hints.items()}


def _rule(kind: Any, extras: tuple[Any, ...]) -> _Rule:
    repeated = get_origin(kind) is tuple
    kinds = get_args(get_args(kind)[0]) if repeated else (kind, *get_args(kind))
    number = Real if float in kinds else Integral if int in kinds else None
    ranges = [extra for extra in extras if isinstance(extra, Range)]
    return _Rule(choices_of(kind), number, repeated, type(None) in get_args(kind), ranges[0] if ranges else None)


def check_fields(recipe: Any, *, ranges: bool = True) -> None:
    # A dataclass checks nothing itself: a typo would quietly select nothing, and NaN answers False to every limit.
    for name, rule in _rules(type(recipe)).items():  # type: ignore[arg-type]
        value = getattr(recipe, name)
        if value is None and rule.optional:
            continue
        if rule.choices and value not in rule.choices:
            raise RecipeError(f"{flag(name)}: wanted one of {', '.join(rule.choices)}; found {value!r}")
        if rule.range is None or rule.number is None:
            continue
        for place, number in value if rule.repeated else (("", value),):
            where = f"{flag(name)} {place}".strip()
            if not isinstance(number, rule.number) or isinstance(number, bool):
                kind = "a number" if rule.number is Real else "a whole number"
                raise RecipeError(f"{where}: wanted {kind}; found {number!r}")
            if number != number:
                raise RecipeError(f"{where}: wanted a number; found NaN")
            # A value that no release allowed, such as a probability of 7, means a damaged file.
            if (ranges or rule.range.has_high) and not rule.range.holds(number):  # type: ignore[arg-type]
                raise RecipeError(f"{where}: wanted {rule.range.wanted(number)}; found {number}")  # type: ignore[arg-type]


def choices_of(hint: Any) -> tuple[str, ...]:
    """The words a Literal allows, also where it is optional; none for other types."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((get_args(kind) for kind in get_args(hint) if get_origin(kind) is Literal), ())
