"""What a user did that we cannot go on with; the command line prints the message and exits 1."""

from importlib.util import find_spec


class NearmissError(Exception):
    """A user's mistake. The message names the place, what was wanted and what was found."""


class DatasetError(NearmissError):
    """The data cannot be read as asked."""


class ModelError(NearmissError):
    """A model cannot be loaded, or its numbers cannot be used."""


class RecipeError(NearmissError):
    """A setting is out of range, or two of them contradict each other."""


class RunError(NearmissError):
    """A run folder is missing, unfinished or made by another recipe."""


class ReviewError(NearmissError):
    """A judgement cannot be written down, or the log cannot be opened."""


class AccessError(NearmissError):
    """Somebody may not come in, or may not do what they tried."""


class FileError(NearmissError, OSError, ValueError):
    """A file cannot be read or written, or does not hold what it should."""


class MissingFile(FileError, FileNotFoundError):
    """A file that should be there is not."""


class MissingPackage(NearmissError):
    """A library that only a part of nearmiss needs is not installed."""


def require(extra: str, *modules: str) -> None:
    """See that the libraries of an extra are installed; MissingPackage names the command that brings them."""
    if missing := [module for module in modules if find_spec(module) is None]:
        raise MissingPackage(
            f"not installed: {', '.join(missing)}; `pip install 'nearmiss[{extra}]'` brings what this needs"
        )
