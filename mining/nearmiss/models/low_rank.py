"""
Small teachers: a cross-encoder kept as its low-rank difference from the weights that it was trained from.

In:  a folder with low_rank.json and low_rank.safetensors, beside a cross-encoder's settings and tokenizer
Out: a plain cross-encoder folder in the user's cache, made on first use

A changed matrix is stored as two factors, in half precision; what has one dimension, and what the start does not have
(the head), is stored whole; what did not change is only named.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearmiss.errors import ModelError
from nearmiss.models.encoder import embedded_folder
from nearmiss.models.engine.graphs import cache_folder, passing_folder
from nearmiss.models.engine.loading import model_folder
from nearmiss.storage.files import read_json
from nearmiss.storage.fingerprint import fingerprint_of, fingerprint_of_model

FACTS, TENSORS, WEIGHTS = "low_rank.json", "low_rank.safetensors", "model.safetensors"
LEFT_FACTOR, RIGHT_FACTOR = ".left", ".right"  # (rows, rank) and (rank, columns) of a matrix' difference
MERGING = 1  # increase it when folders are merged in another way, so that kept ones are not used


@dataclass(frozen=True)
class LowRankFacts:
    """The content of low_rank.json."""

    start: str  # folder or hub name; "" for the embedded MiniLM
    start_fingerprint: str
    rank: int
    unchanged: tuple[str, ...]  # tensors that are the start's own


def plain_folder(flag: str, name: str) -> Path:
    """The folder of a model given by folder or hub name; a low-rank one is merged with its start once."""
    folder = model_folder(flag, name)
    return _merged(flag, folder) if (folder / FACTS).is_file() else folder


def start_folder(flag: str, name: str) -> Path:
    """The folder that training starts from: a named model's, or the embedded MiniLM's where there is no name."""
    return plain_folder(flag, name) if name else embedded_folder()


def tensors_of(folder: Path) -> dict[str, Any]:
    """Every tensor of a folder's safetensors files, by name; ModelError where it has none."""
    from safetensors.torch import load_file

    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise ModelError(f"{folder}: wanted weights as safetensors, which a difference can be taken from; found none")
    return {name: tensor for path in paths for name, tensor in load_file(path).items()}


def of_start(start: dict[str, Any], name: str) -> Any | None:
    """The start's tensor for a cross-encoder's `name`; an encoder's names lack the first part (`bert.`)."""
    return start.get(name, start.get(name.partition(".")[2]))


def merge(start: dict[str, Any], stored: dict[str, Any], unchanged: tuple[str, ...]) -> dict[str, Any]:
    """All tensors of the cross-encoder in float32, by name."""
    merged = {name: _known(start, name) for name in unchanged}
    for name, tensor in stored.items():
        if name.endswith(LEFT_FACTOR):
            whole = name.removesuffix(LEFT_FACTOR)
            merged[whole] = _known(start, whole) + tensor.float() @ stored[whole + RIGHT_FACTOR].float()
        elif not name.endswith(RIGHT_FACTOR):
            merged[name] = tensor.float()
    return merged


def _known(start: dict[str, Any], name: str) -> Any:
    found = of_start(start, name)
    if found is None:
        raise ModelError(f"{FACTS}: wanted a start that holds the tensor {name!r}; found none of that name")
    return found.float()


def _merged(flag: str, folder: Path) -> Path:
    facts = _facts(flag, folder)
    place = cache_folder("teachers") / fingerprint_of(MERGING, fingerprint_of_model(folder))[:32]
    if (place / WEIGHTS).is_file():
        return place
    start = start_folder(flag, facts.start)
    found = fingerprint_of_model(start)
    if found != facts.start_fingerprint:
        raise ModelError(
            f"{flag} {folder}: wanted the weights it was trained from, {facts.start or 'the embedded MiniLM'} with "
            f"fingerprint {facts.start_fingerprint[:12]}; found {found[:12]}"
        )
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    merged = merge(tensors_of(start), load_file(folder / TENSORS), facts.unchanged)
    tensors = {name: tensor.contiguous() for name, tensor in merged.items()}
    try:
        return _written(folder, tensors, place)
    except (OSError, SafetensorError):  # the cache is full
        return _written(folder, tensors, passing_folder() / place.name)


def _written(folder: Path, tensors: dict[str, Any], place: Path) -> Path:
    from safetensors.torch import save_file

    draft = Path(tempfile.mkdtemp(dir=place.parent, prefix=".tmp-"))
    try:
        shutil.copytree(folder, draft, dirs_exist_ok=True, ignore=shutil.ignore_patterns(FACTS, TENSORS))
        save_file(tensors, draft / WEIGHTS, {"format": "pt"})
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    try:
        draft.rename(place)
    except OSError:  # another process was first
        shutil.rmtree(draft, ignore_errors=True)
        if not (place / WEIGHTS).is_file():
            raise
    return place


def _facts(flag: str, folder: Path) -> LowRankFacts:
    try:
        facts = read_json(folder / FACTS)
        return LowRankFacts(**facts | {"unchanged": tuple(facts["unchanged"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{flag} {folder}: wanted a whole {FACTS}; found {error}") from None
