"""
The workshop: what a training run keeps beside its model, so that it can be interrupted and goes on.

In:  the folder of a model, and everything that determines the training
Out: settings, checked against those it was begun with; seconds; checkpoints; the model's files, whole or absent
"""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearmiss.errors import RunError
from nearmiss.storage.files import read_json, write_json
from nearmiss.storage.fingerprint import fingerprint_of_model


class Clock:
    """Seconds of a training run; those of an attempt that was killed count up to its last checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.earlier = float(read_json(path)) if path.exists() else 0.0
        self.begun = time.monotonic()

    def note(self) -> float:
        """The seconds so far, written down."""
        seconds = round(self.earlier + time.monotonic() - self.begun, 1)
        write_json(self.path, seconds)
        return seconds


@dataclass(frozen=True)
class Workshop:
    """The folder `name` within a model's folder `out`; `command` and `what` are words for messages."""

    out: Path
    name: str
    command: str  # as `nearmiss teach`
    what: str  # as `teacher`

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return self.out / self.name

    @property
    def settings(self) -> Path:
        """The settings that the training was begun with."""
        return self.folder / "settings.json"

    @property
    def result(self) -> Path:
        """There once training has ended."""
        return self.folder / "result.json"

    @property
    def seconds(self) -> Path:
        """For `Clock`."""
        return self.folder / "seconds.json"

    @property
    def checkpoints(self) -> Path:
        """For the trainer."""
        return self.folder / "checkpoints"

    def has_trained(self) -> bool:
        """Whether anything would be lost."""
        return last_checkpoint(self.checkpoints) is not None or self.result.exists()

    def check_place(self) -> None:
        """Refuse a folder that holds something else."""
        strange = [one.name for one in self.out.glob("*") if one.name != self.name]
        if self.out.is_file() or (strange and not self.settings.exists()):
            found = "a file" if self.out.is_file() else f"a folder with {', '.join(sorted(strange)[:5])}"
            raise RunError(f"{self.out}: wanted a new folder, or one of an interrupted `{self.command}`; found {found}")

    def begin(self, settings: dict[str, Any], words: Mapping[str, str]) -> bool:
        """
        Write the settings down, or check that they are those of the interrupted training run.

        `settings` holds a `recipe` and other facts; `words` say what another value of a fact means, in the order in
        which they are said. True where other settings were replaced, which costs nothing before anything is trained.
        """
        before = read_json(self.settings) if self.settings.exists() else None
        changes = [] if before is None else _changes(before, settings, words)
        if before is not None and not changes:
            return False
        if changes and self.has_trained():
            raise RunError(
                f"{self.out}: wanted the settings this {self.what} was begun with; found {'; '.join(changes)}. "
                "Use them, or another folder"
            )
        write_json(self.settings, settings)
        return bool(changes)

    def put(self, model: Any) -> str:
        """Save a sentence-transformers model into `out`, each of its files whole or absent; its fingerprint."""
        draft = self.folder / "model"
        shutil.rmtree(draft, ignore_errors=True)
        model.to("cpu").save_pretrained(str(draft), create_model_card=False)
        for path in sorted(draft.iterdir()):
            if (self.out / path.name).is_dir():
                shutil.rmtree(self.out / path.name)
            os.replace(path, self.out / path.name)
        draft.rmdir()
        return fingerprint_of_model(self.out)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; the trainer writes trainer_state.json last."""
    whole = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json") if _is_whole(path)]
    return max(whole, key=steps_of, default=None)


def steps_of(checkpoint: Path | None) -> int:
    """How many steps a checkpoint holds."""
    return 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])


def _is_whole(state: Path) -> bool:
    # It is written in place, so it may have been cut short.
    try:
        return isinstance(read_json(state), dict)
    except ValueError:
        return False


def _changes(before: dict[str, Any], after: dict[str, Any], words: Mapping[str, str]) -> list[str]:
    pairs = [(name, before["recipe"].get(name), value) for name, value in after["recipe"].items()]
    changes = [f"{name} {old!r} -> {new!r}" for name, old, new in pairs if old != new]
    return changes + [sentence for name, sentence in words.items() if before.get(name) != after[name]]
