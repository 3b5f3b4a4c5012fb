"""
What an engine is asked for and what it reports about itself.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from nearmiss.models.engine.tokens import Inputs, Tokenizer
from nearmiss.settings import Precision
from nearmiss.storage.fingerprint import fingerprint_of

ModelKind = Literal["encoder", "teacher", "tokens"]  # `tokens`: an encoder before its vectors are made one
Task = Literal["query", "document", "pair", "token"]
# (n, dimension): one row a text, or one a pair of dimension 1, or one a token, text after text.
EngineRows = npt.NDArray[np.float32]

TASKS: dict[ModelKind, tuple[Task, ...]] = {
    "encoder": ("query", "document"),
    "teacher": ("pair",),
    "tokens": ("token",),
}


@dataclass(frozen=True)
class ModelRequest:
    """Which model to run, and how."""

    kind: ModelKind
    name: str  # as the user gave it, for messages
    folder: Path
    fingerprint: str  # of the folder's content
    max_length: int | None = None  # tokens; None for the model's own
    precision: Precision = "auto"
    trust_remote_code: bool = False
    modules: int | None = None  # how many of its modules run, from the first; None for all

    @property
    def flag(self) -> str:
        """Where the user named the model."""
        return "--encoder" if self.kind == "encoder" else "--teacher"

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of this kind of model."""
        return TASKS[self.kind]


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model once it has been loaded."""

    prompts: dict[str, str]  # by task; "" for none
    dimension: int
    max_length: int  # tokens it reads


class Model(Protocol):
    """What a run remembers of any encoder or teacher."""

    @property
    def fingerprint(self) -> str:
        """What its numbers depend on: weights, prompts, length, number type."""

    @property
    def engine(self) -> str:
        """What runs it."""

    @property
    def precision(self) -> str:
        """The number type it computes in."""

    @property
    def agreement(self) -> str | None:
        """How well it agrees with float32, in words."""


class Engine(Protocol):
    """A model ready to run. Rows come back in the order of the inputs."""

    @property
    def name(self) -> str:
        """openvino or pytorch."""

    @property
    def precision(self) -> str:
        """What it computes in: float32, bfloat16 or int8."""

    @property
    def agreement(self) -> str:
        """With PyTorch in float32, in words."""

    @property
    def facts(self) -> ModelFacts:
        """Prompts, dimension and length of the model."""

    @property
    def tokenizer(self) -> Tokenizer:
        """What cuts texts for it, one encoding for each."""

    def __call__(self, inputs: Inputs, task: Task, prompt: str) -> EngineRows: ...


@dataclass(frozen=True)
class OnEngine:
    """A model that an engine runs; the engine answers for `Model`."""

    model: Engine
    identity: tuple[object, ...]  # what its numbers depend on, the number type left out

    @property
    def fingerprint(self) -> str:
        """What its numbers depend on: weights, prompts, length, number type."""
        return self.fingerprint_in(self.model.precision)

    def fingerprint_in(self, precision: str) -> str:
        """The fingerprint of the same model where it computes in another number type, as on another processor."""
        return fingerprint_of(*self.identity, precision)

    @property
    def engine(self) -> str:
        """What runs it."""
        return self.model.name

    @property
    def precision(self) -> str:
        """The number type it computes in."""
        return self.model.precision

    @property
    def agreement(self) -> str | None:
        """How well it agrees with float32, in words."""
        return self.model.agreement
