"""A policy in words: its settings by name, and how it differs from another."""

from nearmiss.session import tuning
from nearmiss.settings import Policy


def differences_in_words(policy: Policy, base: Policy) -> str:
    """Every setting that differs, as it was and as it is."""
    before = tuning.spell(base)
    changed = tuning.differences(policy, base).items()
    return ", ".join(f"{label(name)} {_shown(before[name])} → {_shown(text)}" for name, text in changed)


def label(name: str) -> str:
    """A setting as a person reads it."""
    return name.replace("_", " ")


def _shown(text: str | list[str]) -> str:
    if isinstance(text, list):
        return " ".join(text) or "none"
    return "off" if text == "none" else text
