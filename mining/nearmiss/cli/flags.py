"""
Command-line flags made from the recipes' dataclasses, so that no setting is named, explained or defaulted twice.

In:  a recipe such as `Mining`; then what the user typed
Out: parameters for typer; then the fields that were set, in their own types

Knows nothing of commands.
"""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from nearmiss.errors import RecipeError
from nearmiss.settings import Export, Mining, Policy, Teaching, choices_of, flag, source_name

Recipe = type[Mining] | type[Policy] | type[Export] | type[Teaching]
# Repeated flags read better in the singular.
SINGULAR = {"sources": "source"}


def takes(*recipes: Recipe) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of `recipes`; those that were typed reach it as the dictionary `flags`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = {name: p for name, p in inspect.signature(command).parameters.items() if name != "flags"}
        made = {p.name: p for recipe in recipes for p in _parameters(recipe)}

        def with_flags(**given: Any) -> None:
            typed = {name: given[name] for name in made if given[name] not in (None, [])}
            command(**{name: given[name] for name in own}, flags=typed)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (own | made).values()]
        with_flags.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_flags.__annotations__ = {p.name: p.annotation for p in parameters}
        with_flags.__name__, with_flags.__doc__ = command.__name__, command.__doc__
        return with_flags

    return decorate


def typed_fields(recipe: Recipe, flags: dict[str, Any]) -> dict[str, Any]:
    """The fields of `recipe` among the typed flags, in their own types; raises RecipeError naming the flag."""
    hints = get_type_hints(recipe)
    named = {SINGULAR.get(field.name, field.name): field.name for field in fields(recipe)}
    return {named[name]: _parse(name, value, hints[named[name]]) for name, value in flags.items() if name in named}


def spelled_out_depth(depth: tuple[tuple[str, int], ...], sources: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """A depth for each source, where the user gave one number for all, or for all others."""
    given = dict(depth)
    named = {source_name(source): given.get("") for source in sources} | {k: v for k, v in given.items() if k}
    return tuple((name, number) for name, number in named.items() if number is not None)


def _parameters(recipe: Recipe) -> list[inspect.Parameter]:
    hints = get_type_hints(recipe, include_extras=True)
    return [_parameter(field.name, field.default, hints[field.name]) for field in fields(recipe)]


def _parameter(name: str, default: Any, hint: Any) -> inspect.Parameter:
    kind, words = get_args(hint)[:2]
    option = typer.Option(
        flag(SINGULAR.get(name, name)) + (f"/--no-{name.replace('_', '-')}" if kind is bool else ""),
        help=f"{words} [{_default_in_words(default)}]",
        metavar=_metavar(kind),
        show_default=False,
    )
    repeated = get_origin(kind) is tuple
    annotation: Any = list[str] if repeated else (bool | None if kind is bool else str | None)
    return inspect.Parameter(
        SINGULAR.get(name, name),
        inspect.Parameter.KEYWORD_ONLY,
        default=[] if repeated else None,
        annotation=Annotated[annotation, option],
    )


def _default_in_words(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple):
        return ", ".join(str(item) for item in default) or "none"
    return str(default) if default not in (None, "") else "none"


def _metavar(kind: Any) -> str | None:
    if choices := choices_of(kind):
        return "|".join(choices)
    if kind is bool:
        return None
    if get_origin(kind) is tuple:
        return "NAME=N" if get_origin(get_args(kind)[0]) is tuple else "NAME"
    return {float: "NUMBER", int: "N", None: "TEXT"}[_number_in(kind)]


def _number_in(kind: Any) -> type[float] | type[int] | None:
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
    number = _number_in(kind)
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
