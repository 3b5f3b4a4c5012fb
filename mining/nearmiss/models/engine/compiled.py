"""
The fast engine: an OpenVINO graph, its tokenizer, and one stream of batches for each core.

In:  a folder with model.xml, tokenizer.json, form.json and facts.json
Out: an `Engine`

Each batch is computed by one core on its own, so that the same texts give the same bytes however many cores there are.
"""

import ctypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np

from nearmiss.errors import ModelError
from nearmiss.models.engine import processor
from nearmiss.models.engine.contract import EngineRows, ModelFacts, Task
from nearmiss.models.engine.tokens import Inputs, Places, Tokenizer, batches
from nearmiss.storage.files import read_json, write_json

HINTS = {"float32": "f32", "bfloat16": "bf16"}
# Activations are rounded in groups of this many: 32 is slower, a whole row loses neighbours (see README).
ROUNDING_GROUP = "128"
_OPENING = Lock()  # one engine is opened at a time, until it has answered once


@dataclass(frozen=True)
class OpenVinoEngine:
    """A compiled graph."""

    idle: "SimpleQueue[Any]"  # its free requests, one for each core
    tokenizer: Tokenizer
    facts: ModelFacts
    precision: str
    agreement: str
    trusted: bool  # whether the agreement is good enough to be chosen automatically
    name: str = "openvino"

    @classmethod
    def opened(cls, folder: Path) -> "OpenVinoEngine":
        """The engine in a folder; RuntimeError, OSError or KeyError where it is not whole."""
        values = read_json(folder / "facts.json")
        with _OPENING:
            compiled = _compile(folder / "model.xml", values["precision"])
            facts = ModelFacts(**values["facts"])
            idle: SimpleQueue[Any] = SimpleQueue()
            for _ in range(processor.cores()):
                idle.put(_kept_for_good(compiled.create_infer_request()))
            engine = cls(
                idle, Tokenizer.saved(folder), facts, values["precision"], values["agreement"], values["trusted"]
            )
            engine.answer_alone()
        return engine

    def answer_alone(self) -> None:
        """
        Answer one small batch on the calling thread, before any other thread may ask.

        The first answer of a process fills tables inside OpenVINO's bindings, once for each kind of input. Two threads
        that fill them together deadlock: one holds the table and wants Python's lock, the other
        the reverse. It was seen in one of some 140 processes.
        """
        self._answer(self.tokenizer.encode(["a"], ""), np.array([0]))

    def __call__(self, inputs: Inputs, task: Task, prompt: str) -> EngineRows:
        """Rows (n, dimension). Query or document is the same: a graph of two ways would not have passed the probe."""
        encodings = self.tokenizer.encode(inputs, prompt)
        if task == "token":
            # Each text on its own: its rows depend on nothing that was read beside it.
            found = self._answers(encodings, [np.array([place]) for place in range(len(encodings))])
            left = self.tokenizer.form.pad_left
            own = [
                rows[0, rows.shape[1] - len(encoding) :] if left else rows[0, : len(encoding)]
                for rows, encoding in zip(found, encodings, strict=True)
            ]
            return np.concatenate([np.empty((0, self.facts.dimension), np.float32), *own])
        rows = np.empty((len(inputs), self.facts.dimension), np.float32)
        together = batches(encodings)
        for places, answers in zip(together, self._answers(encodings, together), strict=True):
            rows[places] = answers
        return rows

    def _answers(self, encodings: list[Any], together: list[Places]) -> Iterator[Any]:
        """The graph's output for each batch, in their order."""
        # Not OpenVINO's own queue, which calls back from its threads.
        with ThreadPoolExecutor(processor.cores()) as threads:
            yield from threads.map(partial(self._answer, encodings), together)

    def _answer(self, encodings: list[Any], places: Places) -> Any:
        # Waits for another thread's batch at most, which `finally` gives back: a limit would make a slow machine fail.
        request = self.idle.get()
        try:
            return request.infer(self.tokenizer.padded(encodings, places), share_inputs=False)[0]
        finally:
            self.idle.put(request)


def describe(folder: Path, **changes: str | bool) -> None:
    """Add to the recorded facts of a graph."""
    path = folder / "facts.json"
    write_json(path, read_json(path) | changes)


def _compile(path: Path, precision: str) -> Any:
    import openvino

    bfloat16 = processor.multiplies_bfloat16(processor.features())
    if precision == "bfloat16" and not bfloat16:
        raise ModelError("--precision bfloat16: wanted a processor with AVX512_BF16 or AMX; found none")
    settings = {
        "INFERENCE_PRECISION_HINT": HINTS.get(precision, "bf16" if bfloat16 else "f32"),
        "NUM_STREAMS": processor.cores(),
        "INFERENCE_NUM_THREADS": processor.cores(),
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": ROUNDING_GROUP if precision == "int8" else "0",
    }
    return _kept_for_good(openvino.Core().compile_model(str(path), "CPU", settings))


def _kept_for_good(thing: Any) -> Any:
    """The same object, kept alive even when Python ends."""
    # Freeing a model joins its threads while Python's lock is held, and a thread that wants the lock at that moment
    # waits for ever: seen in one of some twenty processes. A process opens few models.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    return thing
