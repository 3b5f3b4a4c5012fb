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
from nearmiss.run import Run
from nearmiss.session.tuning.saved import save
from nearmiss.settings import Trial
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.training.trials import trial_files
from nearmiss.training.trials.classroom import Classroom, open_classroom
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.measures import MEASURES, measure
from nearmiss.training.trials.outcome import Outcome, PolicyChoice, Reached
from nearmiss.training.trials.policies import IN_FORCE, Tried, tried
from nearmiss.training.trials.stored_results import Store
from nearmiss.training.trials.students import Trained
from nearmiss.types import Floats
from nearmiss.workspace import Workspace, open_to_read

__all__ = ["Outcome", "PolicyChoice", "Reached", "Tried", "compare", "put_in_force", "trial"]

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
    choose: str = "",
) -> Outcome:
    """
    Compare policies of a run by training small students.

    `policies` are presets, `saved-N` or `in force`; `along` is a setting whose `stops` are tried, its usual ones where
    none are given; in-batch only, no filter and the 95% rule are always included. `test` brings its own questions;
    otherwise a share of the run's queries is held out. `tell` is called for each policy as its students finish.
    `settings` say which student is trained and how, `round` is the latest one unless given, `reviews` is the URL of a
    log that lies elsewhere, and `watch` opens a progress bar for each stage. `choose` is a person's name: then the
    policy of `Outcome.choice` is put in force, as a save of theirs. The outcome is written to
    RUN/trials/latest.json too. Raises RecipeError for an unknown policy, RunError where too few queries are left.

    >>> import nearmiss as nm
    >>> outcome = nm.trial("runs/demo", nm.Trial(seeds=2, epochs=1))
    >>> [one.tried.name for one in outcome.reached]
    ['in-batch only', 'no filter', '95% rule', 'in force']
    """
    work = open_to_read(Path(run), reviews, round)
    try:
        outcome = compare(work, tried(work.run, policies, along, stops), settings or Trial(), test, watch, tell)
        if choose:
            put_in_force(work.run, outcome, choose)
        return outcome
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
    rooms = [open_classroom(work, settings, watch, test, fold) for fold in range(1 if test else settings.folds)]
    every = [(one, [room.exported(one.policy) for room in rooms]) for one in policies]
    to_train = [(one, exported) for one, exported in every if all(len(part.query) for part in exported)]
    school = _School(rooms, Store.of(work.run.folder))
    so_far = trial_files.SoFar(work.run.folder, settings, [one for one, _ in to_train])
    reached = []
    with watch("students", (len(to_train) * settings.seeds + 1) * len(rooms), "students") as advance:
        untrained = school.untrained(advance)
        for one, exported in to_train:
            reached.append(school.teach(one, exported, advance))
            so_far.add(reached[-1])
            tell(reached[-1])
    outcome = Outcome(
        trial=settings,
        reached=reached,
        kept_nothing=[one.name for one, exported in every if not all(len(part.query) for part in exported)],
        untrained=untrained,
        in_force=next((one.name for one in policies if one.is_called(IN_FORCE)), policies[0].name),
        round=work.number,
        last_seq=last_seq,
        questions=sum(len(room.questions.texts) for room in rooms),
        answers=sum(room.questions.answers for room in rooms),
        searched=max(len(room.searched) for room in rooms),
        documents=len(work.run.dataset.documents),
    )
    trial_files.write(work.run.folder, outcome)
    so_far.done()
    return outcome


def put_in_force(run: Run, outcome: Outcome, by: str) -> None:
    """Put the chosen policy in force, as a save of `by` that can be undone; RunError where another process holds it."""
    choice = outcome.choice
    if choice is not None and choice.reached.tried.policy is not None:
        save(run, choice.reached.tried.policy, by)


class _School:
    """Trains a student, or finds the stored result of an equal one; `rooms` has a classroom for each fold."""

    def __init__(self, rooms: Sequence[Classroom], store: Store) -> None:
        self.rooms, self.store = rooms, store

    def untrained(self, advance: Callable[[int], None]) -> dict[str, Floats]:
        """The measures of the student before it learnt anything, (1, n_questions) each."""
        parts = []
        for room in self.rooms:
            parts.append([self._found(room, "untrained", room.student.untrained)])
            advance(1)
        return _side_by_side(parts)

    def teach(self, one: Tried, exported: Sequence[ExportedPairs], advance: Callable[[int], None]) -> Reached:
        """The results of one policy's students, fold by fold and seed by seed."""
        parts, taught = [], list(zip(self.rooms, exported, strict=True))
        for number, (room, pairs) in enumerate(taught):
            own, seeds = [], room.trial.seeds
            for seed in range(number * seeds, (number + 1) * seeds):
                own.append(self._found(room, [pairs.fingerprint, seed], partial(room.student.train, pairs, seed)))
                advance(1)
            parts.append(own)
        counts = [pairs.counts() for pairs in exported]
        ranks = [rank for room, pairs in taught if (rank := room.median_rank(pairs)) is not None]
        answers = [share for room, pairs in taught if (share := room.estimated_answers(pairs)) is not None]
        return Reached(
            tried=one,
            counts={name: round(float(np.mean([count[name] for count in counts]))) for name in counts[0]},
            export_fingerprint=self.rooms[0].fingerprint_of_export(one.policy),
            median_rank=float(np.median(ranks)) if ranks else None,
            measures=_side_by_side(parts),
            seconds=float(sum(part["seconds"] for own in parts for part in own)),
            estimated_answers=float(np.mean(answers)) if answers else None,
        )

    def _found(self, room: Classroom, of: object, student: Callable[[], Trained]) -> dict[str, Floats]:
        fingerprint = fingerprint_of(of, room.student.fingerprint, room.questions.fingerprint)
        if (found := self.store.find(fingerprint)) is not None:
            return found
        begun = time.monotonic()
        trained = student()
        measures = measure(room.questions, trained.questions(), trained.documents())
        seconds = time.monotonic() - begun
        self.store.keep(fingerprint, measures, seconds)
        return measures | {"seconds": np.array(seconds)}


def _side_by_side(parts: list[list[dict[str, Floats]]]) -> dict[str, Floats]:
    """Measures of each fold and seed as one array of (n_seeds, n_questions) for each measure."""
    return {name: np.concatenate([np.stack([one[name] for one in own]) for own in parts], axis=1) for name in MEASURES}
