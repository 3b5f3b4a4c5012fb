"""
Adapted encoders: matrices at a model's end, one for queries and one for documents, as `nearmiss train` puts them there.

In:  a SentenceTransformer, or the folder of one
Out: its modules without the matrices, and those

So the encoder before them runs on the fastest engine, as it would alone, and its converted graph serves every adapter
that is trained on it: a graph of two ways could not be made.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.storage.files import read_json
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.types import Vectors


@dataclass(frozen=True)
class Adaptation:
    """The two matrices at the end of an adapted model, (d, d) each, for rows on their left."""

    of_queries: Vectors
    of_documents: Vectors


@dataclass(frozen=True)
class AdaptedFolder:
    """An adapted model by its folder: how many modules stand before the matrices, and what those compute."""

    modules: int
    fingerprint: str
    adaptation: Adaptation


def taken_apart(model: Any) -> tuple[list[Any], Adaptation | None]:
    """The modules of a model without the matrices at its end, and those; all of them and None where it has none."""
    from sentence_transformers.base.modules import Router
    from sentence_transformers.sentence_transformer.modules import Normalize

    modules: list[Any] = list(model)
    if len(modules) > 2 and isinstance(modules[-1], Normalize) and isinstance(modules[-2], Router):
        routes = {name: list(route.children()) for name, route in modules[-2].sub_modules.items()}
        if routes.keys() == {"query", "document"} and all(map(_is_matrix, routes.values())):
            return modules[:-2], Adaptation(*(_matrix(routes[name][0]) for name in ("query", "document")))
    return modules, None


def adapted_folder(folder: Path) -> AdaptedFolder | None:
    """The adapted model of a folder, None for any other; reads two small files for those."""
    listed = folder / "modules.json"
    modules = read_json(listed) if listed.is_file() else []
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if len(modules) < 3 or kinds[-2:] != ["Router", "Normalize"] or "Router" in kinds[:-2]:
        return None
    router = folder / modules[-2]["path"]
    matrices = _matrices(router, read_json(router / "router_config.json"))
    if matrices is None:
        return None
    without = {modules[-1]["path"], modules[-2]["path"], "modules.json"}
    return AdaptedFolder(len(modules) - 2, fingerprint_of_model(folder, without), matrices)


def _matrices(router: Path, facts: dict[str, Any]) -> Adaptation | None:
    from safetensors.numpy import load_file

    routes = facts.get("structure", {})
    if routes.keys() != {"query", "document"} or any(len(names) != 1 for names in routes.values()):
        return None
    found = []
    for name in (routes["query"][0], routes["document"][0]):
        part = router / name
        config = read_json(part / "config.json") if (part / "config.json").is_file() else {}
        kind, activation = str(facts["types"].get(name, "")), str(config.get("activation_function", ""))
        if not kind.endswith(".Dense") or config.get("bias") or not activation.endswith(".Identity"):
            return None
        if not (part / "model.safetensors").is_file():
            return None
        found.append(np.asarray(load_file(part / "model.safetensors")["linear.weight"].T, np.float32))
    return Adaptation(*found)


def _is_matrix(route: list[Any]) -> bool:
    import torch
    from sentence_transformers.base.modules import Dense

    return (
        len(route) == 1
        and isinstance(route[0], Dense)
        and route[0].linear.bias is None
        and isinstance(route[0].activation_function, torch.nn.Identity)
    )


def _matrix(module: Any) -> Vectors:
    return np.asarray(module.linear.weight.detach().float().numpy().T, np.float32)
