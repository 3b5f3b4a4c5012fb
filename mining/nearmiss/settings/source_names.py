"""The names of a round's sources: `bm25`, `dense`, `sparse`, or a ranking from elsewhere, `run:NAME=FILE`."""

import re
from typing import Literal

from nearmiss.errors import RecipeError

SOURCES = ("bm25", "dense", "sparse")
NAME = re.compile("[a-z0-9_]{1,40}")
# Names of a run's columns, stages and files, which a user's source may not have.
RESERVED = frozenset(
    {*SOURCES, "fused", "teacher", "positive", "pool", "calibration", "document_vectors", "query_vectors", "none"}
)
DEFAULT_DEPTH = 100


def source_name(source: str) -> str:
    """The short name of a source, as in its columns: `run:splade=FILE` is `splade`."""
    return source.removeprefix("run:").partition("=")[0]


def source_file(source: str) -> tuple[str, Literal["", "rank", "score"]]:
    """The file of a source `run:NAME=FILE`, and "score" or "rank" where `#score` or `#rank` says what it holds."""
    file = source.partition("=")[2]
    path, mark, column = file.rpartition("#")
    if mark and column == "score":
        return path, "score"
    return (path, "rank") if mark and column == "rank" else (file, "")


def check_source(source: str) -> None:
    if source in SOURCES:
        return
    if not (source.startswith("run:") and "=" in source):
        raise RecipeError(f"--source: wanted one of {', '.join(SOURCES)} or run:NAME=FILE; found {source!r}")
    name, (path, _) = source_name(source), source_file(source)
    if not NAME.fullmatch(name):
        # It becomes a folder of the run, and the beginning of two columns.
        raise RecipeError(f"--source {source}: wanted a name of a-z, 0-9 and _, at most 40 of them; found {name!r}")
    if name in RESERVED:
        raise RecipeError(f"--source {source}: wanted a name of your own; found {name!r}, which nearmiss uses itself")
    if not path:
        raise RecipeError(f"--source {source}: wanted a file after the =; found none")
