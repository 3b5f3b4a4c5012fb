"""
Settings as they are typed, on a command line or in a page's address.

In:  texts by the name of a setting
Out: the fields of a recipe (`Mining`, `Policy`, `Export` and so on), in their own types
"""

from dataclasses import fields
from typing import Any, get_args, get_origin, get_type_hints

from nearmiss.errors import RecipeError
from nearmiss.settings import Avoid, Export, Mining, Policy, Serving, Teaching, Training, Trial, choices_of, flag

SettingsType = (
    type[Mining]
    | type[Policy]
    | type[Serving]
    | type[Avoid]
    | type[Export]
    | type[Teaching]
    | type[Trial]
    | type[Training]
)
# Flags that are repeated are named in the singular.
SINGULAR = {"sources": "source"}


def typed_fields(recipe: SettingsType, flags: dict[str, Any]) -> dict[str, Any]:
    """The fields of `recipe` among the typed flags, in their own types; raises RecipeError naming the flag."""
    hints = get_type_hints(recipe)
    named = {SINGULAR.get(field.name, field.name): field.name for field in fields(recipe)}
    return {named[name]: _parse(name, value, hints[named[name]]) for name, value in flags.items() if name in named}


def number_in(kind: Any) -> type[float] | type[int] | None:
    """float or int, where the type is that, optional or not."""
    return next((number for number in (float, int) if number in (kind, *get_args(kind))), None)


def _parse(name: str, value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return tuple(value) if item is str else tuple(_parse_share(name, text, get_args(item)[1]) for text in value)
    if choices_of(kind):
        return value
    optional = type(None) in get_args(kind)
    if optional and value == "none":
        return None
    number = number_in(kind)
    if number is None or isinstance(value, bool):
        return value
    return _parse_number(name, value, number, " or none" if optional else "")


def _parse_number(name: str, text: str, number: type[float] | type[int], otherwise: str) -> float | int:
    try:
        return number(text)
    except ValueError:
        wanted = "a number" if number is float else "a whole number"
        raise RecipeError(f"{flag(name)}: wanted {wanted}{otherwise}; found {text!r}") from None


def _parse_share(name: str, text: str, number: type[float] | type[int]) -> tuple[str, float | int]:
    source, _, share = text.rpartition("=")
    if not source and name == "depth":
        # One number is every source's depth; `spelled_out_depth` says whose.
        return "", _parse_number(name, share, number, "")
    if not source:
        raise RecipeError(f"{flag(name)}: wanted SOURCE=SHARE; found {text!r}")
    return source, _parse_number(name, share, number, "")
