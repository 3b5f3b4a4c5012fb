"""
Tracing: PyTorch modules into an OpenVINO graph on disk.

In:  a loaded SentenceTransformer or CrossEncoder in float32
Out: a folder with the graph, its tokenizer and its facts

The caller checks whether the graph gives the model's answers.
"""

import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nearmiss.models.engine import probe, tokens
from nearmiss.models.engine.contract import ModelKind
from nearmiss.models.engine.first_token import first_token_only
from nearmiss.models.engine.loading import facts_of
from nearmiss.storage.files import write_json

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_first_token(model: Any, kind: ModelKind, folder: Path) -> None:
    """As `write`, with the last layer cut to the first token; ValueError where that would change the answer."""
    import torch

    forward, example = _call(model, kind)
    with torch.no_grad(), first_token_only(model) as cut:
        # Tried before it is traced, which takes seconds: most encoders read every token.
        cut_rows = forward(**example) if cut else None
    with torch.no_grad():
        if cut_rows is None or not torch.allclose(cut_rows, forward(**example), atol=1e-3):
            raise ValueError("the answer needs more than the first token")
    with first_token_only(model):
        write(model, kind, folder)


def write(model: Any, kind: ModelKind, folder: Path) -> None:
    """The graph, tokenizer and facts of a model."""
    import openvino

    if any(getattr(module, "include_prompt", True) is False for module in model.modules()):
        raise ValueError("prompts are left out of the mean, which a graph of token ids cannot know")
    forward, example = _call(model, kind)
    openvino.save_model(_traced(forward, example), folder / "model.xml", compress_to_fp16=False)
    tokens.save(model, tuple(example), folder)
    facts = asdict(facts_of(kind, model))
    write_json(folder / "facts.json", {"facts": facts, "precision": "float32", "agreement": "", "trusted": True})


def rewrite(folder: Path, change: Callable[[Any], None]) -> None:
    """Change the graph in a folder."""
    import openvino

    graph = openvino.Core().read_model(folder / "model.xml")
    change(graph)
    openvino.save_model(graph, folder / "changed.xml", compress_to_fp16=False)
    # The old weights may still be mapped into the graph just written; the new ones come under a name of their own.
    for suffix in (".xml", ".bin"):
        (folder / f"changed{suffix}").replace(folder / f"model{suffix}")


def _call(model: Any, kind: ModelKind) -> tuple[Any, dict[str, Any]]:
    """The model as a module of tensors alone, and inputs by name to try it on."""
    import torch

    features = model.preprocess(list(probe.inputs(kind))[:2])
    fixed = {name: value for name, value in features.items() if not torch.is_tensor(value)}
    return _forward(model, kind, fixed), {name: features[name] for name in INPUTS if name in features}


def _traced(forward: Any, example: dict[str, Any]) -> Any:
    """The graph of a module's call on `example`, with inputs by name and of any size."""
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # Not `openvino.convert_model`, which tells Google Analytics of each conversion.
    frontend = FrontEndManager().load_by_framework("pytorch")
    # Tracers warn of every shape they turn into a constant; the probe shows whether one of them mattered.
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        decoder = TorchScriptPythonDecoder(forward, example_input=example)  # the frontend does not keep it alive
        graph = frontend.convert(frontend.load(decoder))
    for parameter, name in zip(graph.inputs, example, strict=True):
        parameter.get_tensor().set_names({name})
    return graph


def _forward(model: Any, kind: ModelKind, fixed: dict[str, Any]) -> Any:
    from torch import nn

    output = {"encoder": "sentence_embedding", "teacher": "scores", "tokens": "token_embeddings"}[kind]
    dimension = facts_of(kind, model).dimension  # less than the model's own where its vectors are cut

    class Forward(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList(model)

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask, **fixed}
            if token_type_ids is not None:
                features["token_type_ids"] = token_type_ids
            for part in self.parts:
                features = part(features)
            return features[output][..., :dimension].float()

    return Forward().eval()
