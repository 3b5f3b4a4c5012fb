"""
Spelling: a policy as texts, one for each setting, the same in flags, addresses and the page's boxes.

In:  a `Policy`; or typed text
Out: texts, and the `nearmiss select` command; or a `Policy`, or a RecipeError that names the flag
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from nearmiss.errors import RecipeError
from nearmiss.presets import PRESETS
from nearmiss.settings import Policy, flag
from nearmiss.typed_settings import typed_fields

NONE = "none"
ADDRESS = "policy"
ADDRESS_NAMES = (ADDRESS, *(field.name for field in fields(Policy)))
SWITCH = {"on": True, "off": False}


def spell(policy: Policy) -> dict[str, str | list[str]]:
    """Every setting as a person would type it."""
    return {field.name: _spelled(getattr(policy, field.name)) for field in fields(Policy)}


def parse(texts: Mapping[str, Any], base: Policy | None = None) -> Policy:
    """The policy that these texts make; settings they do not name are as in `base`, or the default's."""
    known = {field.name: field for field in fields(Policy)}
    typed = {name: _switched(name, text) for name, text in texts.items() if name in known}
    return replace(base or Policy(), **typed_fields(Policy, typed))


def differences(policy: Policy, base: Policy) -> dict[str, str | list[str]]:
    """The settings that differ from `base`, as texts."""
    before = spell(base)
    return {name: text for name, text in spell(policy).items() if text != before[name]}


def at_fault(mistake: RecipeError) -> list[str]:
    """The settings that an error message names before it says what was wanted."""
    place = str(mistake).partition(":")[0]
    named = {word.removeprefix("--").replace("-", "_") for word in re.findall(r"--[a-z-]+", place)}
    return [field.name for field in fields(Policy) if field.name in named]


def as_command(run: Path, policy: Policy) -> str:
    """The command that puts this policy in force, whatever was in force before."""
    start = _start(policy)
    words = ["nearmiss", "select", str(run), "--preset", start]
    for setting, text in differences(policy, PRESETS[start].policy).items():
        for one in text if isinstance(text, list) else [text]:
            words += _flag(setting, one)
    return shlex.join(words)


def as_address(policy: Policy) -> dict[str, str | list[str]]:
    """The same for an address: `policy`, the preset to start from, and the settings that differ from it."""
    start = _start(policy)
    return {ADDRESS: start} | differences(policy, PRESETS[start].policy)


def from_address(parameters: Mapping[str, list[str]]) -> Policy | None:
    """The policy in an address's parameters (each with all its values); None where there is none."""
    if ADDRESS not in parameters:
        return None
    name = parameters[ADDRESS][-1]
    if name not in PRESETS:
        raise RecipeError(f"--preset: wanted one of {', '.join(PRESETS)}; found {name!r}")
    names = {field.name: isinstance(field.default, tuple) for field in fields(Policy)}
    texts = {key: values if names[key] else values[-1] for key, values in parameters.items() if key in names and values}
    return parse(texts, PRESETS[name].policy)


def _start(policy: Policy) -> str:
    """The preset with exactly this policy, else the default; a preset replaces all that was in force."""
    return next((name for name, preset in PRESETS.items() if preset.policy == policy), "default")


def _flag(setting: str, text: str) -> list[str]:
    if text in SWITCH:
        return [flag(setting) if SWITCH[text] else "--no-" + setting.replace("_", "-")]
    # A negative number on its own would look like a flag.
    return [f"{flag(setting)}={text}"] if text.startswith("-") else [flag(setting), text]


def _spelled(value: Any) -> str | list[str]:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return [f"{source}={share!r}" for source, share in value]
    return str(value)


def _switched(name: str, text: Any) -> Any:
    """What the flags' parser takes: a bool for a switch, a list where a flag is repeated, else a text."""
    default = getattr(Policy(), name)
    if isinstance(default, bool):
        if not isinstance(text, str) or text not in SWITCH:
            raise RecipeError(f"{flag(name)}: wanted on or off; found {text!r}")
        return SWITCH[text]
    if isinstance(default, tuple):
        if not isinstance(text, list) or not all(isinstance(one, str) for one in text):
            raise RecipeError(f"{flag(name)}: wanted SOURCE=SHARE; found {text!r}")
        return text
    if not isinstance(text, str):
        raise RecipeError(f"{flag(name)}: wanted a text; found {text!r}")
    return text.strip()
