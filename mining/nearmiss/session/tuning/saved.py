"""
Saved: every policy that was ever put in force on a run, so that none is lost and each save can be undone.

In:  a `Run`, a policy and who saves it
Out: lines appended to policies.jsonl in the run folder, never changed; the history they make

An undo goes back one policy, a redo forward again; a save drops what was undone. A policy that another program put in
force in between (`nearmiss select`) is added as a save of its own.
"""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from nearmiss import access
from nearmiss.run import POLICY_FILE, Run, policy_from
from nearmiss.settings import Policy
from nearmiss.storage import journal
from nearmiss.storage.one_writer import PATIENCE_S, one_writer

HISTORY_FILE = "policies.jsonl"
_WRITE = Lock()


@dataclass(frozen=True)
class SavedPolicy:
    """One policy of the past, when it was put in force (seconds since 1970, UTC) and by whom."""

    policy: Policy
    saved_at: float
    by: str


@dataclass(frozen=True)
class History:
    """The policies that an undo or a redo can reach, oldest first; `at` is the one in force."""

    saved: tuple[SavedPolicy, ...]
    at: int

    @property
    def before(self) -> SavedPolicy | None:
        """The policy that an undo puts in force."""
        return self.saved[self.at - 1] if self.at > 0 else None

    @property
    def after(self) -> SavedPolicy | None:
        """The policy that a redo puts in force."""
        return self.saved[self.at + 1] if self.at + 1 < len(self.saved) else None


def history(run: Run) -> History:
    """The policies of a run so far."""
    return _with_others(_replayed(run.folder / HISTORY_FILE), run.policy)


def save(run: Run, policy: Policy, by: str) -> None:
    """Put a policy in force."""
    with _alone(run):
        if policy == run.policy:
            return
        _note_others(run)
        run.write_policy(policy)
        journal.append(run.folder / HISTORY_FILE, _save_line(policy, by))


def undo(run: Run, by: str) -> Policy | None:
    """Put the previous policy in force; None where there is none."""
    with _alone(run):
        return _step(run, _note_others(run).before, "undo", by)


def redo(run: Run, by: str) -> Policy | None:
    """Put the last undone policy in force again; None where there is none."""
    with _alone(run):
        return _step(run, _note_others(run).after, "redo", by)


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Lock the policy and its history against other threads and processes; RunError where another holds them."""
    access.require("change policy")
    with _WRITE, one_writer(run.folder, POLICY_FILE, PATIENCE_S):
        yield


def _step(run: Run, to: SavedPolicy | None, action: str, by: str) -> Policy | None:
    if to is None:
        return None
    run.write_policy(to.policy)
    journal.append(run.folder / HISTORY_FILE, {"action": action, "at": time.time(), "by": by})
    return to.policy


def _replayed(path: Path) -> History:
    saves, at = journal.replayed(path)
    return History(tuple(SavedPolicy(policy_from(one["policy"], path), one["at"], one["by"]) for one in saves), at)


def _with_others(known: History, in_force: Policy) -> History:
    """The history with the policy in force at its end, where something else put it there."""
    if known.saved and known.saved[known.at].policy == in_force:
        return known
    return History((*known.saved[: known.at + 1], SavedPolicy(in_force, 0.0, "")), known.at + 1)


def _note_others(run: Run) -> History:
    known, facts = _replayed(run.folder / HISTORY_FILE), history(run)
    if facts != known:
        journal.append(run.folder / HISTORY_FILE, _save_line(run.policy, "", at=0.0))
    return facts


def _save_line(policy: Policy, by: str, at: float | None = None) -> dict[str, Any]:
    saved_at = time.time() if at is None else at
    return {"action": "save", "at": saved_at, "by": by, "policy": dataclasses.asdict(policy)}
