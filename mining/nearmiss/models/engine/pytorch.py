"""
The plain engine: sentence-transformers itself, on a CUDA device or where a model cannot be converted.

In:  a loaded model
Out: an `Engine`, in bfloat16 where the device multiplies that fast
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nearmiss.errors import ModelError
from nearmiss.models.engine import probe, processor
from nearmiss.models.engine.contract import Engine, EngineRows, ModelFacts, ModelRequest, Task
from nearmiss.models.engine.loading import UNKNOWN, facts_of, load_model
from nearmiss.models.engine.tokens import Inputs, Tokenizer


@dataclass(frozen=True)
class PyTorchEngine:
    """A SentenceTransformer or CrossEncoder as it is."""

    model: Any
    facts: ModelFacts
    batch: int = 32
    precision: str = "float32"
    agreement: str = "is float32 PyTorch"
    name: str = "pytorch"

    def __call__(self, inputs: Inputs, task: Task, prompt: str) -> EngineRows:
        """Rows (n, dimension) of the texts or of all their tokens, or logits (n, 1) of the pairs."""
        if not len(inputs):
            return np.empty((0, self.facts.dimension), np.float32)
        if task == "pair":
            return self._scores(inputs, prompt)
        if task == "token":
            return self._token_rows(inputs, prompt)
        encode = self.model.encode_query if task == "query" else self.model.encode_document
        rows = encode(list(inputs), prompt=prompt, batch_size=self.batch, convert_to_tensor=True)
        return np.asarray(rows.float().cpu().numpy(), np.float32)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's own, without padding; AttributeError where it has no fast one."""
        return Tokenizer.of(self.model)

    def _token_rows(self, texts: Inputs, prompt: str) -> EngineRows:
        # On a processor each text on its own, so that its rows depend on nothing read beside it.
        batch = 1 if self.model.device.type == "cpu" else self.batch
        found = self.model.encode(list(texts), prompt=prompt, output_value="token_embeddings", batch_size=batch)
        counts = [len(encoding) for encoding in self.tokenizer.encode(texts, prompt)]
        own = [rows.float().cpu().numpy()[len(rows) - count :] for rows, count in zip(found, counts, strict=True)]
        return np.concatenate(own)

    def _scores(self, pairs: Inputs, prompt: str) -> EngineRows:
        from torch.nn import Identity

        # Raw logits: a sigmoid would press all good answers against 1.
        scores = self.model.predict(list(pairs), prompt=prompt, batch_size=self.batch, activation_fn=Identity())
        return np.asarray(scores, np.float32).reshape(-1, 1)


def fastest(wanted: ModelRequest, model: Any) -> Engine:
    """The model on its best device, in the wanted number type, compared with float32 on the probe."""
    import torch

    cuda = processor.has_cuda()
    bfloat16 = processor.multiplies_bfloat16_on_cuda() if cuda else _multiplies_bfloat16_here()
    if wanted.precision == "int8":
        raise ModelError(f"--precision int8: wanted a model that OpenVINO can convert; {wanted.name} is not one")
    if wanted.precision == "bfloat16" and cuda and not bfloat16:
        raise ModelError("--precision bfloat16: wanted a CUDA device that multiplies it (Ampere or newer); found none")
    reference, expected = in_float32(wanted, model, cuda=cuda)
    if wanted.precision == "float32" or (wanted.precision == "auto" and not bfloat16):
        return reference
    model.to(torch.bfloat16)
    engine = PyTorchEngine(model, reference.facts, reference.batch, "bfloat16")
    try:
        found = probe.agreement(wanted.kind, on_probe(engine, wanted), expected, "bfloat16")
    except Exception as error:  # a module written only for float32 may raise anything
        if wanted.precision == "bfloat16":
            raise ModelError(f"--precision bfloat16: wanted {wanted.name} to compute in it; found {error}") from error
        found = probe.EngineAgreement(str(error), good=False)
    if wanted.precision == "auto" and not found.good:
        # Loaded anew: what was rounded to bfloat16 stays rounded.
        return in_float32(wanted, load_model(wanted), cuda=cuda)[0]
    return PyTorchEngine(model, reference.facts, reference.batch, "bfloat16", found.words)


def in_float32(wanted: ModelRequest, model: Any, *, cuda: bool = False) -> tuple[PyTorchEngine, list[EngineRows]]:
    """The model as it was loaded, and its rows for the probe's texts; ModelError where it cannot read them."""
    try:
        facts = facts_of(wanted.kind, model)
        engine = PyTorchEngine(model.to("cuda" if cuda else "cpu"), facts, 128 if cuda else 32)
        if facts.dimension == UNKNOWN:
            [row] = engine(probe.texts()[:1], wanted.tasks[0], "")
            engine = replace(engine, facts=replace(facts, dimension=len(row)))
        return engine, on_probe(engine, wanted)
    except Exception as error:  # modules are third-party code, and may raise anything
        lines = str(error).strip().splitlines() or [""]
        wish = "scores of pairs" if wanted.kind == "teacher" else "vectors of texts"
        raise ModelError(
            f"{wanted.flag} {wanted.name}: wanted {wish} from sentence-transformers; found {type(error).__name__}: "
            f"{lines[0]}"
        ) from error


def _multiplies_bfloat16_here() -> bool:
    return processor.multiplies_bfloat16(processor.features())


def on_probe(engine: Engine, wanted: ModelRequest) -> list[EngineRows]:
    """An engine's rows for the probe's texts, task by task, with the model's own prompts."""
    return [engine(probe.inputs(wanted.kind), task, engine.facts.prompts[task]) for task in wanted.tasks]
