"""
Making a teacher small: its difference from the start, matrix by matrix, cut to the strongest directions.

In:  a trained cross-encoder's folder, the folder it was trained from, a rank
Out: a folder that `nearmiss.models.low_rank` merges again, and the share of the difference it holds

The best approximation of a matrix at a rank is its truncated singular value decomposition (Eckart and Young, 1936); a
difference learnt by fine-tuning is well approximated at small rank (LoRA, Hu et al., 2022).
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nearmiss.models.low_rank import FACTS, LEFT_FACTOR, RIGHT_FACTOR, TENSORS, LowRankFacts, of_start, tensors_of
from nearmiss.storage.files import write_json


def write(trained: Path, start: Path, facts: LowRankFacts, out: Path) -> float:
    """Write `trained` at `facts.rank` into the new folder `out`; the share of the difference's squares held, 0-1."""
    from safetensors.torch import save_file

    before, stored, unchanged = tensors_of(start), {}, []
    kept = total = 0.0
    for name, tensor in tensors_of(trained).items():
        own = of_start(before, name)
        if own is None or own.shape != tensor.shape:
            stored[name] = tensor.float().contiguous()
            continue
        difference = tensor.float() - own.float()
        if not difference.any():
            unchanged.append(name)
        elif tensor.ndim != 2 or facts.rank * sum(tensor.shape) >= tensor.numel():
            stored[name] = tensor.float().contiguous()
        else:
            left, right = _factors(difference, facts.rank)
            stored |= {name + LEFT_FACTOR: left, name + RIGHT_FACTOR: right}
            total += float(difference.square().sum())
            kept += float(difference.square().sum() - (difference - left.float() @ right.float()).square().sum())
    shutil.copytree(trained, out, ignore=_not_copied(trained))
    save_file(stored, out / TENSORS)
    record = LowRankFacts(facts.start, facts.start_fingerprint, facts.rank, tuple(unchanged))
    write_json(out / FACTS, asdict(record))
    return kept / total if total else 1.0


def _not_copied(trained: Path) -> Callable[[str, list[str]], set[str]]:
    """The names not to copy: weights, which `out` holds in another form, and what is no part of the model."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        if Path(folder) != trained:
            return set()
        return {name for name in names if name.startswith(".") or name == "low_rank" or name.endswith(".safetensors")}

    return ignored


def _factors(difference: Any, rank: int) -> tuple[Any, Any]:
    """Two factors in half precision, (rows, rank) and (rank, columns), whose product is nearest to the difference."""
    import torch

    left, strength, right = torch.linalg.svd(difference, full_matrices=False)
    # Half of the strength to each side, so that neither leaves the range of half precision.
    root = strength[:rank].sqrt()
    return (left[:, :rank] * root).half().contiguous(), (root[:, None] * right[:rank]).half().contiguous()
