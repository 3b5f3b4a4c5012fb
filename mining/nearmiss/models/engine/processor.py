"""
What this machine is fast at.

Out: the number types worth trying, best first

Read from the system's description of the processor, not by importing PyTorch: a start should take no seconds.
"""

import os
from functools import cache
from pathlib import Path

from nearmiss.models.cores import cores as cores
from nearmiss.settings import Precision


def precisions(wanted: Precision) -> tuple[Precision, ...]:
    """The number types to try in turn: the one that was forced, or what this processor multiplies fastest."""
    return (wanted,) if wanted != "auto" else fastest(features())


def fastest(found: frozenset[str]) -> tuple[Precision, ...]:
    """Number types for a processor with these features, fastest first."""
    # AMX multiplies bfloat16 so fast that int8 has little to add, and bfloat16 changes one neighbour in 250.
    if "amx_bf16" in found:
        return ("bfloat16", "float32")
    if found & {"avx512_vnni", "avx_vnni"}:
        return ("int8", "bfloat16", "float32") if "avx512_bf16" in found else ("int8", "float32")
    return ("bfloat16", "float32") if "avx512_bf16" in found else ("float32",)


def multiplies_bfloat16(found: frozenset[str]) -> bool:
    """Whether bfloat16 saves time here; elsewhere it would be emulated."""
    return bool(found & {"amx_bf16", "avx512_bf16"})


@cache
def features() -> frozenset[str]:
    """Names of the processor's features as Linux gives them; empty on systems that do not list them."""
    description = Path("/proc/cpuinfo")
    if not description.exists():
        return frozenset()
    lines = description.read_text().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


@cache
def has_cuda() -> bool:
    """Whether a CUDA device is there for PyTorch."""
    # The import is only worth its time where a driver is loaded.
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or os.name == "nt"):
        return False
    import torch

    return bool(torch.cuda.is_available())


@cache
def multiplies_bfloat16_on_cuda() -> bool:
    """Whether the CUDA device has bfloat16 of its own; older ones emulate it, slowly and with other numbers."""
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))
