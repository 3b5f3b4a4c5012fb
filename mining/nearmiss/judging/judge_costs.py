"""
Judge costs: every request that a model answered, and the tokens that its server counted.

In:  answers, as they come
Out: a line each in a file of the run's folder; the sums for each model

A line is on its way to the disk before the answer is used, so that a killed command has counted what it has paid. A
run that can only be read keeps none.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nearmiss.storage.files import written_to
from nearmiss.workspace import Workspace

FILE = "judge_requests.jsonl"


@dataclass(frozen=True)
class JudgeCost:
    """What a model was asked so far: answered requests, and tokens as its servers counted them."""

    requests: int = 0
    read: int = 0
    written: int = 0
    in_batches: int = 0  # of the requests, those of batch files, which most servers answer at half the price


def note(work: Workspace, reviewer: str, read: int, written: int, batch: str = "") -> None:
    """Write down one answered request; `batch` names the answer where it came in a batch."""
    if not work.run.can_be_written:
        return
    line = {"reviewer": reviewer, "read": read, "written": written, "at": round(time.time(), 3)}
    line |= {"batch": batch} if batch else {}
    # One write of a short line to a file opened to append: threads and commands do not cut into each other.
    path = work.run.folder / FILE
    with written_to(path, path), path.open("ab", buffering=0) as file:
        file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def costs(work: Workspace) -> dict[str, JudgeCost]:
    """Of each model, by its name in the log; an answer of a batch that was read twice counts once."""
    path = work.run.folder / FILE
    size = path.stat().st_size if path.is_file() else 0
    return work.cached("judge costs", lambda: _summed(path.read_bytes() if size else b""), size, 1)


def _summed(content: bytes) -> dict[str, JudgeCost]:
    found: dict[str, JudgeCost] = {}
    seen: set[str] = set()
    for text in content.split(b"\n"):
        line = _line(text)
        batch = str(line.get("batch") or "")
        if not line or batch in seen:
            continue
        seen |= {batch} if batch else set()
        so_far = found.get(line["reviewer"], JudgeCost())
        found[line["reviewer"]] = JudgeCost(
            so_far.requests + 1,
            so_far.read + line["read"],
            so_far.written + line["written"],
            so_far.in_batches + bool(batch),
        )
    return found


def _line(text: bytes) -> Mapping[str, Any]:
    """A line; nothing for one that was cut off by a crash."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    whole = isinstance(line, dict) and isinstance(line.get("reviewer"), str)
    return line if whole and all(isinstance(line.get(name), int) for name in ("read", "written")) else {}
