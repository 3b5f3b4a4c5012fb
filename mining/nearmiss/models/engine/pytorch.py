"""
The plain engine: sentence-transformers itself, on a CUDA device or where a model cannot be converted.

In:  a loaded model
Out: an `Engine`, in bfloat16 where the device multiplies that fast
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nearmiss.errors import ModelError
from nearmiss.models.engine import probe, processor
from nearmiss.models.engine.contract import Engine, Facts, Inputs, Rows, Task, Wanted
from nearmiss.models.engine.loading import facts_of


@dataclass(frozen=True)
class PyTorchEngine:
    """A SentenceTransformer or CrossEncoder as it is."""

    model: Any
    facts: Facts
    batch: int = 32
    precision: str = "float32"
    agreement: str = "is float32 PyTorch"
    name: str = "pytorch"

    def __call__(self, inputs: Inputs, task: Task, prompt: str) -> Rows:
        """Rows (n, dimension) of the texts or of all their tokens, or logits (n, 1) of the pairs."""
        if not len(inputs):
            return np.empty((0, self.facts.dimension), np.float32)
        if task == "pair":
            return self._scores(inputs, prompt)
        if task == "token":
            found = self.model.encode(list(inputs), output_value="token_embeddings", batch_size=self.batch)
            return np.concatenate([rows.float().cpu().numpy() for rows in found])
        encode = self.model.encode_query if task == "query" else self.model.encode_document
        rows = encode(list(inputs), prompt=prompt, batch_size=self.batch, convert_to_tensor=True)
        return np.asarray(rows.float().cpu().numpy(), np.float32)

    def _scores(self, pairs: Inputs, prompt: str) -> Rows:
        from torch.nn import Identity

        # Raw logits: a sigmoid would press all good answers against 1.
        scores = self.model.predict(list(pairs), prompt=prompt, batch_size=self.batch, activation_fn=Identity())
        return np.asarray(scores, np.float32).reshape(-1, 1)


def fastest(wanted: Wanted, model: Any) -> Engine:
    """The model on its best device, in the wanted number type, compared with float32 on the probe."""
    import torch

    cuda = processor.has_cuda()
    if wanted.precision == "int8":
        raise ModelError(f"--precision int8: wanted a model that OpenVINO can convert; {wanted.name} is not one")
    reference = PyTorchEngine(model.to("cuda" if cuda else "cpu"), facts_of(wanted.kind, model), 128 if cuda else 32)
    bfloat16 = cuda or processor.multiplies_bfloat16(processor.features())
    if wanted.precision == "float32" or (wanted.precision == "auto" and not bfloat16):
        return reference
    expected = on_probe(reference, wanted)
    model.to(torch.bfloat16)
    engine = PyTorchEngine(model, reference.facts, reference.batch, "bfloat16")
    found = probe.agreement(wanted.kind, on_probe(engine, wanted), expected, "bfloat16")
    return PyTorchEngine(model, reference.facts, reference.batch, "bfloat16", found.words)


def on_probe(engine: Engine, wanted: Wanted) -> list[Rows]:
    """An engine's rows for the probe's texts, task by task, with the model's own prompts."""
    return [engine(probe.inputs(wanted.kind), task, engine.facts.prompts[task]) for task in wanted.tasks]
