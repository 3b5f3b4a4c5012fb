"""
Live models: a SentenceTransformer, CrossEncoder or anything that has their methods, used as it is in memory.

In:  the caller's own object, with the weights that it has at this moment
Out: its fingerprint; an `Encoder` or `Teacher` around it; the object itself as it was found: mode, device, gradients

A model at rest on a processor, in float32, runs on the engine as one from a folder does. One that is being trained, or
lies on a GPU, or is of a kind that no engine supports, runs through its own methods: its weights will have changed
before a graph of them could be used again.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.errors import ModelError
from nearmiss.models.encoder import Encoder, ModelEncoder
from nearmiss.models.engine import Engine, ModelFacts, ModelKind, ModelRequest, Task, graphs, probe, processor
from nearmiss.models.engine.contract import EngineRows
from nearmiss.models.engine.loading import facts_of
from nearmiss.models.engine.pytorch import PyTorchEngine
from nearmiss.models.engine.tokens import Inputs, Tokenizer
from nearmiss.models.teacher import CrossEncoderTeacher, Teacher
from nearmiss.models.unit_vectors import unit_vectors
from nearmiss.settings import Mining
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.types import Scores, Vectors

DECIMALS = 3  # of an unknown object's answers, used to identify it

# Characters to read from which on a graph pays within the same call: reading so many by PyTorch costs more than reading
# them by a graph and making it, on any processor and for a model of any size, since both costs grow with the model.
WORTH_A_GRAPH = 250_000
CHARACTERS_PER_TOKEN = 5  # as a rule, in English

_ENGINES: dict[tuple[str, str, str], Engine | None] = {}  # by fingerprint: an engine that was opened is never freed


@contextmanager
def left_as_found(model: Any) -> Iterator[None]:
    """Without gradients inside; afterwards each part of the model is in the mode in which it was found."""
    from torch import nn, no_grad

    parts = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [part.training for part in parts]
    try:
        with no_grad():
            yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode


@contextmanager
def pool_of(model: Any, processes: list[str] | bool) -> Iterator[Any]:
    """The model's own pool of processes, closed at the end; None where none is wanted."""
    if not processes:
        yield None
        return
    pool = model.start_multi_process_pool(target_devices=None if isinstance(processes, bool) else processes)
    try:
        yield pool
    finally:
        model.stop_multi_process_pool(pool)


def weights_fingerprint(model: Any) -> str:
    """
    Hex SHA-256 of what a model in memory computes: every weight and buffer, its settings and its tokenizer.

    Another step of training gives another one. An object without weights is identified by its answers to fixed texts.
    """
    from torch import nn

    if not isinstance(model, nn.Module):
        return _fingerprint_of_answers(model)
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(_bytes_of(tensor))
    digest.update(repr(_settings_of(model)).encode())
    return digest.hexdigest()


def is_at_rest(model: Any) -> bool:
    """Whether nobody is training the model just now: its layers are in eval mode, and no gradient waits for a step."""
    # The outermost module of a model that was just loaded is in training mode, while its layers are not.
    layers = [part for part in model.modules() if next(part.parameters(recurse=False), None) is not None]
    return not any(part.training for part in layers) and all(weight.grad is None for weight in model.parameters())


def engine_for(model: Any, kind: ModelKind, precision: str = "auto") -> Engine | None:
    """The engine for a model at rest; None where the model has to run through its own methods."""
    if not _is_plain(model, kind) or not is_at_rest(model) or not _in_float32_on_cpu(model):
        return None
    key = weights_fingerprint(model), kind, precision
    if key not in _ENGINES:
        with left_as_found(model):
            _ENGINES[key] = _opened(model, kind, precision, key[0])
    return _ENGINES[key]


def engine_if_worth_it(model: Any, kind: ModelKind, characters: Iterable[int]) -> Engine | None:
    """
    The engine for a model at rest, where inputs of so many `characters` each make it worth its graph; else None.

    It depends on the inputs alone, not on what was made before, so that the same call gives the same numbers.
    """
    longest = CHARACTERS_PER_TOKEN * (getattr(model, "max_seq_length", None) or 512)
    return engine_for(model, kind) if sum(min(count, longest) for count in characters) >= WORTH_A_GRAPH else None


def live_encoder(model: Any, recipe: Mining) -> Encoder:
    """
    An `Encoder` of the caller's object: a nearmiss encoder as it is, or anything with encode_query, encode_document.

    The recipe's prompts take the place of the model's own. ModelError where the object has no such methods.
    """
    if not all(callable(getattr(model, name, None)) for name in ("encode_query", "encode_document")):
        raise ModelError(
            f"encoder: wanted a folder, a hub name or an object with encode_query and encode_document; "
            f"found {_described(model)}"
        )
    if hasattr(model, "fingerprint"):
        return model  # type: ignore[no-any-return]
    given = {"query": recipe.query_prompt, "document": recipe.document_prompt}
    engine = engine_for(model, "encoder", recipe.precision)
    weights = weights_fingerprint(model)
    if engine is not None:
        query, document = (engine.facts.prompts[task] if given[task] is None else given[task] for task in given)
        identity = weights, query, document, engine.facts.max_length
        return ModelEncoder(engine, identity, str(query), str(document), None, weights, partial(_open_tokens, model))
    if _of_sentence_transformers(model, "SentenceTransformer"):
        # As on the engine: its encode_document passes over the prompt for passages.
        own = facts_of("encoder", model).prompts
        given = {task: own[task] if prompt is None else prompt for task, prompt in given.items()}
        tokens = partial(_open_tokens, model)
        return LiveEncoder(
            model, fingerprint_of(weights, given), _number_type(model), given, weights=weights, tokens=tokens
        )
    return LiveEncoder(model, fingerprint_of(weights, given), _number_type(model), given)


def live_teacher(model: Any, recipe: Mining) -> Teacher:
    """
    A `Teacher` of the caller's object: a nearmiss teacher as it is, or anything with predict(pairs).

    A CrossEncoder gives its raw logits, before any sigmoid; another object what its predict returns.
    """
    if callable(getattr(model, "score", None)) and hasattr(model, "fingerprint"):
        return model  # type: ignore[no-any-return]
    if not callable(getattr(model, "predict", None)):
        raise ModelError(
            f"teacher: wanted a folder, a hub name or an object with predict(pairs); found {_described(model)}"
        )
    if getattr(model, "num_labels", 1) != 1:
        raise ModelError(f"teacher: wanted a model with one label; found {model.num_labels}")
    engine = engine_for(model, "teacher", recipe.precision)
    weights = weights_fingerprint(model)
    if engine is not None:
        prompt = engine.facts.prompts["pair"] if recipe.teacher_prompt is None else recipe.teacher_prompt
        return CrossEncoderTeacher(engine, (weights, prompt, engine.facts.max_length), prompt)
    prompt_given = recipe.teacher_prompt
    return LiveTeacher(model, fingerprint_of(weights, prompt_given), _number_type(model), prompt_given)


@dataclass(frozen=True)
class LiveEncoder:
    """An object with encode_query and encode_document, asked through them."""

    model: Any
    fingerprint: str
    precision: str
    prompts: dict[str, str | None]  # None for the model's own
    engine: str = "the model itself"
    agreement: str | None = None
    weights: str = ""
    tokens: Callable[[Mining], Engine] | None = None

    @property
    def query_prompt(self) -> str:
        """What stands before each query."""
        return self.prompts["query"] or ""

    @property
    def document_prompt(self) -> str:
        """What stands before each document."""
        return self.prompts["document"] or ""

    def encode_query(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of queries."""
        return self._unit(self.model.encode_query, texts, self.prompts["query"])

    def encode_document(self, texts: list[str]) -> Vectors:
        """Unit vectors (n, dimension) in float32, of documents."""
        return self._unit(self.model.encode_document, texts, self.prompts["document"])

    def _unit(self, encode: Any, texts: list[str], prompt: str | None) -> Vectors:
        with left_as_found(self.model):
            rows = as_floats(encode(texts) if prompt is None else encode(texts, prompt=prompt))
        if rows.ndim != 2 or len(rows) != len(texts) or not np.isfinite(rows).all():
            raise ModelError(f"encoder: wanted {len(texts)} rows of finite numbers; found the shape {rows.shape}")
        return unit_vectors(rows)


@dataclass(frozen=True)
class LiveTeacher:
    """An object with predict, asked through it."""

    model: Any
    fingerprint: str
    precision: str
    prompt: str | None
    engine: str = "the model itself"
    agreement: str | None = None

    def score(self, pairs: list[tuple[str, str]]) -> Scores:
        """Scores (n,) in float32: a CrossEncoder's raw logits, or what another object's predict returns."""
        with left_as_found(self.model):
            found = as_floats(self.model.predict(pairs, **self._asked()))
        if found.size != len(pairs):
            raise ModelError(f"teacher: wanted one score for each of {len(pairs)} pairs; found the shape {found.shape}")
        return found.reshape(-1)

    def _asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = {} if self.prompt is None else {"prompt": self.prompt}
        if _of_sentence_transformers(self.model, "CrossEncoder"):
            from torch.nn import Identity

            asked["activation_fn"] = Identity()
        return asked


@dataclass(frozen=True)
class LiveTokens:
    """A SentenceTransformer in memory as an engine for the task `token`."""

    model: Any
    facts: ModelFacts
    precision: str
    name: str = "the model itself"
    agreement: str = "is the model itself"

    @cached_property
    def _engine(self) -> PyTorchEngine:
        return PyTorchEngine(self.model, self.facts)

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's own, without padding."""
        return self._engine.tokenizer

    def __call__(self, inputs: Inputs, task: Task, prompt: str) -> EngineRows:
        """Rows (n, dimension), one a token, text after text."""
        with left_as_found(self.model):
            self.model.eval()
            return self._engine(inputs, task, prompt)


def as_floats(found: Any) -> npt.NDArray[np.float32]:
    """Numbers from an array, a tensor of any type on any device, or a list of either, in float32."""
    if isinstance(found, list) and found and hasattr(found[0], "detach"):
        return np.stack([as_floats(one) for one in found])
    if hasattr(found, "detach"):
        found = found.detach()
        found = (found.to_dense() if found.is_sparse else found).float().cpu().numpy()
    return np.asarray(found, np.float32)


def name_of(model: Any) -> str:
    """What a run's record calls an object that has no folder: its class, and what it was loaded from."""
    loaded_from = getattr(getattr(model, "model_card_data", None), "base_model", None)
    return f"{type(model).__name__} in memory" + (f", from {loaded_from}" if loaded_from else "")


def _open_tokens(model: Any, recipe: Mining) -> Engine:
    """A SentenceTransformer as an engine for the task `token`; ModelError where it has no vectors of tokens."""
    engine = engine_for(model, "tokens", recipe.precision)
    if engine is not None:
        return engine
    try:
        with left_as_found(model):
            live = LiveTokens(model, facts_of("tokens", model), _number_type(model))
            live.tokenizer.encode(["a"], "")
    except Exception as error:  # modules are third-party code, and may raise anything
        raise ModelError(f"encoder: wanted vectors of tokens; found {type(error).__name__}: {error}") from error
    return live


def _opened(model: Any, kind: ModelKind, precision: str, fingerprint: str) -> Engine | None:
    wanted = ModelRequest(
        kind=kind,
        name=name_of(model),
        folder=Path(),
        fingerprint=fingerprint,
        max_length=model.max_seq_length,
        precision=precision,  # type: ignore[arg-type]
    )
    precisions = processor.precisions(wanted.precision)
    return graphs.kept(wanted, precisions) or graphs.convert(wanted, model, precisions)


def _is_plain(model: Any, kind: ModelKind) -> bool:
    """Whether the model is of the library's own class, with none of its methods replaced."""
    replaced = {"encode", "encode_query", "encode_document", "predict", "forward", "similarity"} & vars(model).keys()
    return (
        _of_sentence_transformers(model, "CrossEncoder" if kind == "teacher" else "SentenceTransformer")
        and not replaced
    )


def _of_sentence_transformers(model: Any, name: str) -> bool:
    import sentence_transformers

    return type(model) is getattr(sentence_transformers, name)


def _in_float32_on_cpu(model: Any) -> bool:
    return all(weight.device.type == "cpu" and str(weight.dtype) == "torch.float32" for weight in model.parameters())


def _number_type(model: Any) -> str:
    weights = next(iter(model.parameters()), None) if hasattr(model, "parameters") else None
    return "its own" if weights is None else str(weights.dtype).removeprefix("torch.")


def _bytes_of(tensor: Any) -> Any:
    import torch

    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else b""


def _settings_of(model: Any) -> list[object]:
    """The settings besides the weights that change a model's numbers."""
    names = ("max_seq_length", "truncate_dim", "prompts", "default_prompt_name")
    own: list[object] = [(name, getattr(model, name, None)) for name in names]
    for part in model.children():
        config = getattr(part, "get_config_dict", dict)
        own.append((type(part).__name__, sorted(config().items(), key=str)))
    tokenizer = getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)
    own.append(tokenizer.to_str() if tokenizer is not None else None)
    return own


def _fingerprint_of_answers(model: Any) -> str:
    if hasattr(model, "encode_query"):
        texts = [str(text) for text in probe.inputs("encoder")]
        answers = [as_floats(model.encode_query(texts)), as_floats(model.encode_document(texts))]
    else:
        answers = [as_floats(model.predict(list(probe.inputs("teacher"))))]
    rounded = [np.round(rows.astype(np.float64), DECIMALS).tolist() for rows in answers]
    return fingerprint_of(type(model).__qualname__, rounded)


def _described(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
