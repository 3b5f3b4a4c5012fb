"""
Trials: which policy's export trains the better model, and how sure that is.

In:  a run, names of policies, a `Trial`
Out: an `Outcome`; results in RUN/trials, so that a trial that was stopped goes on where it was

For each policy small students are trained on exactly what it would export, and tested on queries they never saw.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from nearmiss.data import Dataset
from nearmiss.pipeline import Watch, silent
from nearmiss.settings import Trial
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.training.trials import trial_files
from nearmiss.training.trials.classroom import Classroom, open_classroom
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.measures import MEASURES, measure
from nearmiss.training.trials.outcome import Outcome, Reached
from nearmiss.training.trials.policies import IN_FORCE, Tried, tried
from nearmiss.training.trials.stored_results import Store
from nearmiss.training.trials.students import Trained
from nearmiss.types import Floats
from nearmiss.workspace import Workspace, open_to_read

__all__ = ["Outcome", "Reached", "Tried", "compare", "trial"]

Tell = Callable[[Reached], None]


def _ignore(reached: Reached) -> None:
    """Drop the result."""


def trial(
    run: str | Path,
    settings: Trial | None = None,
    *,
    policies: Sequence[str] = (),
    along: str = "",
    stops: Sequence[str] = (),
    test: Dataset | None = None,
    reviews: str = "",
    round: int | None = None,
    watch: Watch = silent,
    tell: Tell = _ignore,
) -> Outcome:
    """
    Compare policies of a run by training small students.

    `policies` are presets, `saved-N` or `in force`; `along` is a setting whose `stops` are tried, its usual ones where
    none are given; in-batch only, no filter and the 95% rule are always included. `test` brings its own questions;
    otherwise a share of the run's queries is held out. `tell` is called for each policy as its students finish.
    `settings` say which student is trained and how, `round` is the latest one unless given, `reviews` is the URL of a
    log that lies elsewhere, and `watch` opens a progress bar for each stage. The outcome is written to
    RUN/trials/latest.json too. Raises RecipeError for an unknown policy, RunError where too few queries are left.

    >>> import nearmiss as nm
    >>> outcome = nm.trial("runs/demo", nm.Trial(seeds=2, epochs=1))
    >>> [one.tried.name for one in outcome.reached]
    ['in-batch only', 'no filter', '95% rule', 'in force']
    """
    work = open_to_read(Path(run), reviews, round)
    try:
        return compare(work, tried(work.run, policies, along, stops), settings or Trial(), test, watch, tell)
    finally:
        work.log.close()


def compare(
    work: Workspace,
    policies: Sequence[Tried],
    settings: Trial,
    test: Dataset | None = None,
    watch: Watch = silent,
    tell: Tell = _ignore,
) -> Outcome:
    """The same, for an opened round and given policies."""
    last_seq = work.standing.last_seq
    room = open_classroom(work, settings, watch, test)
    every = [(one, room.exported(one.policy)) for one in policies]
    to_train = [(one, exported) for one, exported in every if len(exported.query)]
    school = _School(room, Store.of(work.run.folder))
    so_far = trial_files.SoFar(work.run.folder, settings, [one for one, _ in to_train])
    reached = []
    with watch("students", len(to_train) * settings.seeds + 1, "students") as advance:
        untrained = school.untrained()
        advance(1)
        for one, exported in to_train:
            reached.append(school.teach(one, exported, advance))
            so_far.add(reached[-1])
            tell(reached[-1])
    outcome = Outcome(
        trial=settings,
        reached=reached,
        kept_nothing=[one.name for one, exported in every if not len(exported.query)],
        untrained=untrained,
        in_force=next((one.name for one in policies if one.is_called(IN_FORCE)), policies[0].name),
        round=work.number,
        last_seq=last_seq,
        questions=len(room.questions.texts),
        answers=room.questions.answers,
        searched=len(room.searched),
        documents=len(work.run.dataset.documents),
    )
    trial_files.write(work.run.folder, outcome)
    so_far.done()
    return outcome


class _School:
    """Trains a student, or finds the stored result of an equal one."""

    def __init__(self, room: Classroom, store: Store) -> None:
        self.room, self.store = room, store

    def untrained(self) -> dict[str, Floats]:
        """The measures of the student before it learnt anything, (1, n_questions) each."""
        found = self._found("untrained", self.room.student.untrained)
        return {name: found[name][None, :] for name in MEASURES}

    def teach(self, one: Tried, exported: ExportedPairs, advance: Callable[[int], None]) -> Reached:
        """The results of one policy's students, seed by seed."""
        parts = []
        for seed in range(self.room.trial.seeds):
            parts.append(self._found([exported.fingerprint, seed], partial(self.room.student.train, exported, seed)))
            advance(1)
        measures = {name: np.stack([part[name] for part in parts]) for name in MEASURES}
        seconds = float(sum(part["seconds"] for part in parts))
        return Reached(
            tried=one,
            counts=exported.counts(),
            export_fingerprint=self.room.fingerprint_of_export(one.policy),
            median_rank=self.room.median_rank(exported),
            measures=measures,
            seconds=seconds,
        )

    def _found(self, of: object, student: Callable[[], Trained]) -> dict[str, Floats]:
        fingerprint = fingerprint_of(of, self.room.student.fingerprint, self.room.questions.fingerprint)
        if (found := self.store.find(fingerprint)) is not None:
            return found
        begun = time.monotonic()
        trained = student()
        measures = measure(self.room.questions, trained.questions(), trained.documents())
        seconds = time.monotonic() - begun
        self.store.keep(fingerprint, measures, seconds)
        return measures | {"seconds": np.array(seconds)}
