"""
Gold scores: how often each person gave the verdict that is known to be right.

In:  the judgements in the log, the known verdicts
Out: for each person a share with its interval, of the hidden pairs and of the training round

A hidden pair counts by the latest verdict that stands. One of the training round counts by the first: after it, the
answer was told.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nearmiss.agreement.intervals import AgreementEstimate, share
from nearmiss.review import ANSWERS, GOLD, JUDGEMENTS, TRAINING, Standing
from nearmiss.types import Pair

NOBODY = share(0, 0)


@dataclass(frozen=True)
class GoldScore:
    """One person: the shares that are right, and how many hidden answers, whole or partial, they called none."""

    hidden: AgreementEstimate = NOBODY
    training: AgreementEstimate = NOBODY
    missed: int = 0


def scores(standing: Standing, known: Mapping[Pair, str]) -> dict[str, GoldScore]:
    """The score of everybody who judged a pair of known verdict; others are left out."""
    said: dict[tuple[str, str], dict[Pair, str]] = {}
    for entry in list(standing.entries.values()):
        event = entry.event
        if event.arm not in (GOLD, TRAINING) or event.verdict not in JUDGEMENTS or event.parent is not None:
            continue
        own = said.setdefault((event.reviewer, event.arm), {})
        if entry.pair not in known:
            continue
        if event.arm == TRAINING:
            own.setdefault(entry.pair, event.verdict)
        elif standing.stands(entry.seq):
            own[entry.pair] = event.verdict
    return {name: _score(said.get((name, GOLD), {}), said.get((name, TRAINING), {}), known) for name, _ in said}


def _score(hidden: Mapping[Pair, str], training: Mapping[Pair, str], known: Mapping[Pair, str]) -> GoldScore:
    missed = sum(known[pair] in ANSWERS and verdict == "not_relevant" for pair, verdict in hidden.items())
    return GoldScore(_right(hidden, known), _right(training, known), missed)


def _right(said: Mapping[Pair, str], known: Mapping[Pair, str]) -> AgreementEstimate:
    return share(sum(known[pair] == verdict for pair, verdict in said.items()), len(said))
