"""
Model opinions: what models said of a pair, for a person who has judged it; and where the two should look again.

In:  a `Workspace`
Out: the opinions that a reviewer may see, whether the project shows any, and the pairs of two queues

A card shows no model's opinion before its reviewer's own verdict: people repeat what they were shown. Of what an audit
drew it shows none at all: a verdict that was changed after it would no longer measure the model, nor what is left.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from nearmiss import access, audit
from nearmiss.agreement import SCALES
from nearmiss.agreement.judges import reason_and_quote
from nearmiss.errors import ReviewError
from nearmiss.storage.files import read_object, write_json
from nearmiss.types import Bools, Pair
from nearmiss.workspace import Workspace

FILE = "model_opinions.json"  # in the run's folder
AFTER, NEVER = "after", "never"
SHOWN = (AFTER, NEVER)
DIFFERS, UNSURE = "model_differs", "model_unsure"  # as a `View` names the two queues


@dataclass(frozen=True)
class ModelOpinion:
    """What a model said of a pair; `quote` is what it copied from the document, "" where it quoted nothing."""

    reviewer: str
    verdict: str
    reason: str
    quote: str


def shown(work: Workspace) -> str:
    """When Review shows what models said: AFTER one's own verdict, or NEVER. AFTER where the project says nothing."""
    path = work.run.folder / FILE
    if not path.is_file():
        return AFTER
    when = read_object(path, ("shown",))["shown"]
    if when not in SHOWN:
        raise ReviewError(f"{path}: wanted shown as one of {', '.join(SHOWN)}; found {when!r}")
    return str(when)


def show(work: Workspace, when: str) -> None:
    """Set this for everybody who reviews the run; AccessError for who may not change a project's settings."""
    access.require("change policy")
    if when not in SHOWN:
        raise ReviewError(f"shown: wanted one of {', '.join(SHOWN)}; found {when!r}")
    write_json(work.run.folder / FILE, {"shown": when})


def opinions(work: Workspace, pair: Pair, reviewer: str) -> list[ModelOpinion]:
    """What models said of a pair, for this reviewer: nothing before their own verdict, nothing of a draw."""
    judges = work.standing.judges
    if not judges.entries or reviewer not in work.standing.by_reviewer(pair):
        return []
    said = judges.by_reviewer(pair)
    if not said or shown(work) == NEVER or pair in audit.drawn(work):
        return []
    return [
        ModelOpinion(name, entry.event.verdict, *reason_and_quote(entry.event)) for name, entry in sorted(said.items())
    ]


def differing(work: Workspace) -> Bools:
    """Candidates that people judged and a model otherwise, as answer or as none, (n,); without an audit's draws."""
    return work.cached("models differ", lambda: _differing(work), _key(work), 1)


def unsure(work: Workspace) -> Bools:
    """
    Candidates on which models are unsure, (n,): one says partly, or two differ; without an audit's draws.

    Whether people have judged them makes no difference.
    """
    return work.cached("models unsure", lambda: _unsure(work), _key(work), 1)


def _key(work: Workspace) -> tuple[int, int]:
    return work.standing.last_seq, len(audit.drawn(work))


def _differing(work: Workspace) -> Bools:
    found = []
    for pair, verdicts in _said(work).items():
        people = _kinds([work.standing.verdict(pair) or ""])
        if people and _kinds(verdicts) - people:
            found.append(pair)
    return _rows(work, found)


def _unsure(work: Workspace) -> Bools:
    said = _said(work).items()
    return _rows(work, [pair for pair, verdicts in said if "partial" in verdicts or len(_kinds(verdicts)) > 1])


def _kinds(verdicts: Iterable[str]) -> set[str]:
    """Answer, none, or both; nothing of who cannot tell."""
    of = SCALES["answers"].of
    return {of[verdict] for verdict in verdicts if verdict in of}


def _said(work: Workspace) -> dict[Pair, list[str]]:
    """The verdicts of all models on each pair that an audit did not draw."""
    judges, drawn = work.standing.judges, audit.drawn(work)
    said: dict[Pair, list[str]] = {}
    for name in sorted(judges.reviewers):
        for pair, entry in judges.standing_of(name).items():
            if pair not in drawn:
                said.setdefault(pair, []).append(entry.event.verdict)
    return said


def _rows(work: Workspace, pairs: Iterable[Pair]) -> Bools:
    found = np.zeros(len(work.table.query), bool)
    found[[row for row in map(work.row_of, pairs) if row is not None]] = True
    return found
