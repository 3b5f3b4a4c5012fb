"""
Trained: what students reached that were trained on exactly the rows of an export.

In:  a run's folder; the rows that are exported
Out: RUN/trials/exports/<fingerprint>.json, written by a trial; read again by an export of the same rows

Trains nothing: that is `training`.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearmiss.data import Dataset
from nearmiss.export.examples import chosen_rows
from nearmiss.storage.files import read_object, write_json
from nearmiss.types import Bools, Floats, Ints

FOLDER = "trials"
_WANTED = ("trial", "questions", "ndcg", "ndcg_interval", "against_95_rule")


def fingerprint_of_columns(query: Ints, document: Ints, is_positive: Bools, score: Floats) -> str:
    """Hex SHA-256 of exported rows, (n,) each: int64 row numbers of the data, and the teacher's float32 scores."""
    digest = hashlib.sha256()
    for column in (query, document, is_positive, score):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def fingerprint_of_export(dataset: Dataset, written: pd.DataFrame) -> str:
    """The fingerprint of the rows that a plan writes."""
    chosen = chosen_rows(dataset, written)
    return fingerprint_of_columns(
        chosen["query"].to_numpy(np.int64),
        chosen["document"].to_numpy(np.int64),
        chosen["is_positive"].to_numpy(bool),
        chosen["score"].to_numpy(np.float32),
    )


def note(run: Path, fingerprint: str, reached: dict[str, Any]) -> None:
    """Remember what was trained on an exported set, in place of what an earlier trial found."""
    write_json(_path(run, fingerprint), reached)


def found(run: Path, dataset: Dataset, written: pd.DataFrame) -> dict[str, Any] | None:
    """What was trained on exactly these rows; None where no trial was."""
    if not _path(run, "").parent.is_dir():
        return None  # the fingerprint takes a moment
    path = _path(run, fingerprint_of_export(dataset, written))
    return read_object(path, _WANTED) if path.is_file() else None


def _path(run: Path, fingerprint: str) -> Path:
    return run / FOLDER / "exports" / f"{fingerprint}.json"
