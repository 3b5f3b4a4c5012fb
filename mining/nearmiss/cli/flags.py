"""
Command-line flags made from the recipes' dataclasses, so that no setting is named, explained or defaulted twice.

In:  a recipe such as `Mining`; then what the user typed
Out: parameters for typer; then the fields that were set, in their own types
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from nearmiss.settings import NUMBER, choices_of, flag, source_name
from nearmiss.typed_settings import SINGULAR, SettingsType, number_in


def takes(*recipes: SettingsType) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of `recipes`; those that were typed reach it as the dictionary `flags`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = {name: p for name, p in inspect.signature(command).parameters.items() if name != "flags"}
        made = {p.name: p for recipe in recipes for p in _parameters(recipe)}

        def with_flags(**given: Any) -> None:
            typed = {name: given[name] for name in made if given[name] not in (None, [])}
            command(**{name: given[name] for name in own}, flags=typed)

        return with_parameters(with_flags, command, (own | made).values())

    return decorate


def with_parameters(
    function: Callable[..., None], command: Callable[..., None], parameters: Iterable[inspect.Parameter]
) -> Callable[..., None]:
    """The same function under the name of a command, with `parameters` as typer will read them."""
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    function.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in named}
    function.__name__, function.__doc__ = command.__name__, command.__doc__
    return function


def spelled_out_depth(depth: tuple[tuple[str, int], ...], sources: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """A depth for each source, where the user gave one number for all, or for all others."""
    given = dict(depth)
    named = {source_name(source): given.get("") for source in sources} | {k: v for k, v in given.items() if k}
    return tuple((name, number) for name, number in named.items() if number is not None)


def _parameters(recipe: SettingsType) -> list[inspect.Parameter]:
    hints = get_type_hints(recipe, include_extras=True)
    return [_parameter(field.name, field.default, hints[field.name]) for field in fields(recipe)]


def _parameter(name: str, default: Any, hint: Any) -> inspect.Parameter:
    kind, words, *ranges = get_args(hint)
    if ranges and ranges[0].words != NUMBER.words:
        words = f"{words}; {ranges[0].words}"
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
    return {float: "NUMBER", int: "N", None: "TEXT"}[number_in(kind)]
