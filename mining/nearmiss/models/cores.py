"""
Cores: how many this process may use, as the system binds it and as its container grants.

Imports only the standard library, so that limits are set before other libraries count cores themselves.
"""

import math
import os
from functools import cache
from pathlib import Path


def cores() -> int:
    """Cores this process may use: those it is bound to, or fewer where its control group grants less."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, granted())))


@cache
def granted(root: Path = Path("/")) -> float:
    """Cores that the control groups of this process grant, as containers limit them; infinity for no limit."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return math.inf
    quotas = [math.inf]
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if not controllers:  # version 2
            quotas += [_quota(folder / "cpu.max") for folder in _upwards(root / "sys/fs/cgroup", path)]
        elif "cpu" in controllers.split(","):
            for name in dict.fromkeys((controllers, "cpu")):
                for folder in _upwards(root / "sys/fs/cgroup" / name, path):
                    quotas.append(_quota(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"))
    return min(quotas)


def _upwards(root: Path, path: str) -> list[Path]:
    """The folders of a control group and of those around it; a container may see its own as the root."""
    inside = root / path.strip("/")
    return [folder for folder in (inside, *inside.parents) if folder == root or root in folder.parents]


def _quota(*files: Path) -> float:
    """Microseconds granted by microseconds of a period: both in one file (version 2), or each in its own."""
    try:
        quota, period = " ".join(file.read_text() for file in files).split()
        return int(quota) / int(period) if int(quota) > 0 and int(period) > 0 else math.inf
    except (OSError, ValueError):  # no such file, or "max"
        return math.inf


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")


def tell_libraries() -> None:
    """Tell libraries that are not yet imported how many cores there are: they count by themselves, without quotas."""
    if granted() < math.inf:
        for name in THREADS:
            os.environ.setdefault(name, str(cores()))


SLEEPING = {"OMP_WAIT_POLICY": "PASSIVE"}  # environment in which PyTorch's threads sleep while they wait


def let_threads_sleep() -> None:
    """
    Called before PyTorch is imported: its threads sleep while they wait for each other.

    Threads that spin made a step of training take 12 to 14 seconds instead of 4 to 6 on two cores that were shared.
    """
    for name, value in SLEEPING.items():
        os.environ.setdefault(name, value)
