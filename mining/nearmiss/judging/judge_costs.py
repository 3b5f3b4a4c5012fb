"""
Judge costs: every request that a model answered, and the tokens that its server counted.

In:  answers, as they come
Out: a line each in a file of the run's folder; the sums for each model

A line is on its way to the disk before the answer is used, so that a killed command has counted what it has paid. A
run that can only be read keeps none.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nearmiss.counts import counted
from nearmiss.models.served.prices import PAID_FILE, paid_in_words
from nearmiss.storage import line_log
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
    line_log.append(work.run.folder / FILE, line)


def costs(work: Workspace) -> dict[str, JudgeCost]:
    """Of each model, by its name in the log; an answer of a batch that was read twice counts once."""
    path = work.run.folder / FILE
    return work.cached("judge costs", lambda: _summed(path), _size(path), 1)


def paid(work: Workspace) -> list[str]:
    """What servers were paid for the run so far, a sentence for each currency; none where no request had a price."""
    return work.cached("paid", lambda: paid_in_words(work.run.folder), _size(work.run.folder / PAID_FILE), 1)


def spent(work: Workspace) -> list[str]:
    """The same; where there were no prices, what judges read and wrote; nothing where neither is known."""
    if sentences := paid(work):
        return sentences
    found = costs(work).values()
    requests, tokens = sum(one.requests for one in found), sum(one.read + one.written for one in found)
    return [f"judges so far: {counted(requests, 'request')}, {tokens:,} tokens"] if requests else []


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _summed(path: Path) -> dict[str, JudgeCost]:
    found: dict[str, JudgeCost] = {}
    seen: set[str] = set()
    for line in filter(_is_whole, line_log.whole_lines(path)):
        batch = str(line.get("batch") or "")
        if batch in seen:
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


def _is_whole(line: Mapping[str, Any]) -> bool:
    return isinstance(line.get("reviewer"), str) and all(
        isinstance(line.get(name), int) for name in ("read", "written")
    )
