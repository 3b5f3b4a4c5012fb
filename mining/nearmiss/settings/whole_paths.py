"""A recipe's files and folders named from the root, so that a round mined from elsewhere finds them."""

from pathlib import Path

from nearmiss.settings.field_rules import as_written
from nearmiss.settings.recipe import LATE_INTERACTION, Mining
from nearmiss.settings.source_names import SOURCES

IN_ORDER = "#in-order"  # after a path of vectors: their rows stand in the data's order, and have no ids


def with_whole_paths(recipe: Mining) -> Mining:
    """The same recipe with run files and models' folders named from the root, so that later rounds find them."""
    models = {name: _whole_folder(getattr(recipe, name)) for name in ("encoder", "teacher", "sparse_encoder")}
    models |= {name: _whole_vectors(getattr(recipe, name)) for name in ("document_vectors", "query_vectors")}
    sources = tuple(_whole_source(source) for source in recipe.sources)
    # An earlier release's recipe may be outside today's ranges.
    return as_written(Mining, {**vars(recipe), **models, "sources": sources})


def _whole_folder(name: str) -> str:
    """A folder's whole path; a hub name, or another that is no folder here, as it is."""
    if not name or name == LATE_INTERACTION:
        return name
    folder = Path(name).expanduser()
    return str(folder.absolute()) if folder.is_dir() else name


def _whole_vectors(name: str) -> str:
    path = Path(name.removesuffix(IN_ORDER)).expanduser()
    return f"{path.absolute()}{name[len(name.removesuffix(IN_ORDER)) :]}" if name and path.exists() else name


def _whole_source(source: str) -> str:
    if source in SOURCES:
        return source
    name, equals, file = source.partition("=")
    return f"{name}{equals}{Path(file).expanduser().absolute()}"
