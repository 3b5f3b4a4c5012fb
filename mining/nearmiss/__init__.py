"""
nearmiss's mining core: hard negatives found, scored, selected, explained and exported.

Each name below is imported when it is first used, so that `import nearmiss` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nearmiss.hard_negatives import mine_hard_negatives as mine_hard_negatives

# Where each public name lies.
_PUBLIC = {
    "mine_hard_negatives": "nearmiss.hard_negatives",
}

__all__ = ["mine_hard_negatives"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
