"""
Graphs: a model converted to OpenVINO straight from its PyTorch modules, checked, kept on disk, and run.

In:  a loaded sentence-transformers model, or the folder of a graph made from one earlier
Out: an `Engine`, or None where the graph would not give the model's own answer

The kept graph saves a later start the import of PyTorch and the conversion. It is never needed: it is found by content
(weights, settings, versions), and made again where it is missing.
"""

import atexit
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nearmiss.models.engine import probe, processor, tracing
from nearmiss.models.engine.compiled import OpenVinoEngine, describe
from nearmiss.models.engine.contract import Engine, EngineRows, ModelRequest
from nearmiss.models.engine.int8 import round_weights
from nearmiss.models.engine.pytorch import in_float32, on_probe
from nearmiss.settings import Precision
from nearmiss.storage.fingerprint import fingerprint_of

MAKING = 2  # increase it when graphs are made in another way, so that kept ones are not used
LARGEST = 4 << 30  # bytes of weights above which a copy beside PyTorch's own may not fit


def kept(wanted: ModelRequest, precisions: tuple[Precision, ...]) -> Engine | None:
    """The engine on a graph made earlier: the one that `convert` would choose, or None."""
    for precision in precisions:
        try:
            engine = OpenVinoEngine.opened(place(wanted, precision))
        except (OSError, RuntimeError, ValueError, KeyError, TypeError):
            # Not there, cut short or of another release. A slower number type may be there because it was forced once;
            # taking it would make the answer depend on what was done before.
            return None
        if engine.trusted or wanted.precision != "auto":
            return engine
    return None


def convert(wanted: ModelRequest, model: Any, precisions: tuple[Precision, ...]) -> Engine | None:
    """Try number types in turn; the first whose answers are near enough to PyTorch's is kept and returned."""
    if sum(tensor.nbytes for tensor in model.parameters()) > LARGEST:
        return None
    _, expected = in_float32(wanted, model)
    try:
        return _converted(wanted, model, precisions, expected)
    except OSError as failure:  # no room even for temporary files
        _say(f"{failure.filename or tempfile.gettempdir()}: {failure.strerror}; the model runs through PyTorch instead")
        return None


def _converted(
    wanted: ModelRequest, model: Any, precisions: tuple[Precision, ...], expected: list[EngineRows]
) -> Engine | None:
    with tempfile.TemporaryDirectory() as scratch:
        exact = _exact_graph(Path(scratch), wanted, model, expected)
        if exact is None:
            return None
        for precision in precisions:
            engine = _kept_or_passing(exact, wanted, precision)
            # A forced number type is used in any case; the report shows how well it agrees.
            if engine.trusted or wanted.precision != "auto":
                return engine
    return None


@dataclass(frozen=True)
class ExactGraph:
    """A graph in float32, how well it agrees with PyTorch, and PyTorch's rows for the probe's texts."""

    folder: Path
    agreement: probe.EngineAgreement
    expected: list[EngineRows]


def _exact_graph(folder: Path, wanted: ModelRequest, model: Any, expected: list[EngineRows]) -> ExactGraph | None:
    """A float32 graph that answers as PyTorch does, written into `folder`; None where there is none."""
    for write in (tracing.write_first_token, tracing.write):
        try:
            write(model, wanted.kind, folder)
            found = on_probe(OpenVinoEngine.opened(folder), wanted)
        except Exception:  # tracing runs third-party code, which may raise anything
            continue
        agreement = probe.agreement(wanted.kind, found, expected, "float32")
        if agreement.good:
            return ExactGraph(folder, agreement, expected)
    return None


def _kept_or_passing(exact: ExactGraph, wanted: ModelRequest, precision: Precision) -> OpenVinoEngine:
    folder = place(wanted, precision)
    try:
        return _keep(exact, folder, wanted, precision)
    except OSError as failure:
        passing = passing_folder()
        if folder.parent == passing:
            raise
        _say(
            f"{folder.parent}: {failure.strerror}; this model is kept for this time only, and converted again next time"
        )
        return _keep(exact, passing / folder.name, wanted, precision)


def _keep(exact: ExactGraph, folder: Path, wanted: ModelRequest, precision: Precision) -> OpenVinoEngine:
    """The engine in `precision`, its graph and its agreement with float32 in the folder where a later start looks."""
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tmp-"))
    try:
        shutil.copytree(exact.folder, draft, dirs_exist_ok=True)
        if precision == "int8":
            tracing.rewrite(draft, round_weights)
        describe(draft, precision=precision)
        found = exact.agreement if precision == "float32" else _agreement(draft, exact, wanted, precision)
        describe(draft, agreement=found.words, trusted=found.good)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # a draft that filled the disk must not stay
        raise
    shutil.rmtree(folder, ignore_errors=True)
    try:
        os.replace(draft, folder)
    except OSError:  # another process was first
        shutil.rmtree(draft, ignore_errors=True)
    return OpenVinoEngine.opened(folder)


def _agreement(draft: Path, exact: ExactGraph, wanted: ModelRequest, precision: Precision) -> probe.EngineAgreement:
    found = on_probe(OpenVinoEngine.opened(draft), wanted)
    return probe.agreement(wanted.kind, found, exact.expected, precision)


def place(wanted: ModelRequest, precision: Precision) -> Path:
    """Where the graph of this model lies, named by everything that it depends on."""
    libraries = [version(name) for name in ("openvino", "sentence-transformers", "transformers", "tokenizers", "torch")]
    # The same graph rounds in other ways on another processor, and its agreement is kept beside it.
    kind = wanted.kind, wanted.max_length, precision, processor.fastest(processor.features())
    return cache_folder("graphs") / fingerprint_of(MAKING, wanted.fingerprint, *kind, *libraries)[:32]


def cache_folder(name: str) -> Path:
    """A folder of the user's cache, or one that is removed with this process where no cache can be written."""
    try:
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(caches) / "nearmiss" / name
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
        _say(f"{folder}: cannot be written to; models are converted again each time")
    except OSError as failure:
        _say(f"{failure.filename}: {failure.strerror}; models are converted again each time")
    except RuntimeError:  # no HOME, and no entry for this user
        _say(
            "no home folder is known for a cache; models are converted again each time, unless XDG_CACHE_HOME names one"
        )
    return passing_folder()


@cache
def _say(words: str) -> None:
    """Log a message once; a program may silence or redirect it as any message of `logging`."""
    logging.getLogger("nearmiss").warning(words)


@cache
def passing_folder() -> Path:
    """A folder that is removed with this process, for a user without a writable home."""
    folder = Path(tempfile.mkdtemp(prefix="nearmiss-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
