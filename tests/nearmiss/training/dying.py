"""Trainings that die of SIGKILL in the middle, in a process of their own."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from tests.conftest import ROOT


def dies_at(step):
    """For that process: a watch under which a training, saved after each step, kills it at this step."""
    import torch

    from nearmiss.training import trainer

    torch.set_num_threads(1)
    trainer.SAVE_EVERY_S = 0.0

    @contextmanager
    def watch(stage, total, unit):
        steps = 0

        def advance(count):
            nonlocal steps
            steps += 1
            if stage == "training" and steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

        yield advance

    return watch


def killed(code, tmp_path, *words):
    """Run Python code that is to kill itself."""
    said = tmp_path / "said.txt"
    # Into a file: a pipe stays open as long as any process that the killed one had started.
    with said.open("w") as output:
        command = [sys.executable, "-c", code, *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, timeout=300)
    assert done.returncode == -signal.SIGKILL, said.read_text()
