"""
Rounds of training: mine, select, train, mine again with what was trained, until a round gains nothing.

In:  a run with a mined round, a `Training`
Out: students in RUN/students, one more round of the run for each, and a `Series`: what each of them reached

Every student is measured on the same held-out queries, which none was trained on. What the teacher scored in an earlier
round is taken from the cache. A series that was interrupted goes on where it was.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nearmiss import pipeline
from nearmiss.errors import RecipeError, RunError
from nearmiss.models.teacher import Teacher
from nearmiss.pipeline import Watch, silent
from nearmiss.pipeline.progress import Tell, tell_nobody
from nearmiss.run import Run, open_run
from nearmiss.settings import Mining, Training
from nearmiss.storage.files import read_json, write_json
from nearmiss.storage.one_writer import one_writer
from nearmiss.training.student_result import StudentResult
from nearmiss.training.student_training import stored_result, train, workshop_of
from nearmiss.training.turned_encoder import turned_encoder

FOLDER, RECORD = "students", "rounds.json"
FEWEST, MOST = 2, 5


@dataclass(frozen=True)
class Series:
    """The students of a series in order, and why it ended, in words; "" while it goes on."""

    run: str
    students: list[str]
    results: list[StudentResult]
    ended: str

    def with_student(self, folder: Path, result: StudentResult, ended: str) -> "Series":
        """The series with one more student."""
        return Series(self.run, [*self.students, str(folder)], [*self.results, result], ended)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)

    def advice(self) -> str:
        """Which student to use: the last in a row that begins with the first, each better than the one before."""
        gained = [result.gain.verdict == "better" for result in self.results]
        row = gained.index(False) if False in gained else len(gained)
        if not row:
            return f"No student is shown to be better than the encoder of round {self.results[0].round}."
        each = "" if row == 1 else ", as each before it was"
        return f"The last student shown to be better than what it began with{each}: {self.students[row - 1]}"


def rounds(
    run: str | Path,
    count: int = 3,
    settings: Training | None = None,
    *,
    keep_going: bool = False,
    reviews: str = "",
    teacher: Teacher | None = None,
    watch: Watch = silent,
    tell: Tell = tell_nobody,
) -> Series:
    """
    Train on a run's latest round, mine again with the student, and so on, at most `count` times (2 to 5).

    It ends early where a student is not better than the model it began from: where the interval of the paired
    difference in nDCG@10 holds 0; `keep_going` does not end there. The same call goes on with a series that was
    interrupted, and a higher `count` lengthens it. Raises RecipeError for another `count`, RunError where a round of
    the run was mined with something else meanwhile.

    `settings` are those of each training, an adapter's unless given; `reviews` is the URL of a log that lies elsewhere;
    `teacher` scores the new candidates in the place of the run's; `watch` opens a progress bar for each stage, and
    `tell` is called with messages for the user.

    >>> import nearmiss as nm
    >>> series = nm.rounds("runs/demo", 2, nm.Training(student="static", epochs=1, learning_rate=1e-9))
    >>> series.ended[:22]
    'Round 1 gained nothing'
    """
    if not FEWEST <= count <= MOST:
        raise RecipeError(f"--rounds: wanted {FEWEST} to {MOST}; found {count}")
    opened, settings = open_run(Path(run), reviews), settings or Training(student="adapter")
    opened.round_folder()
    record = opened.folder / FOLDER / RECORD
    with one_writer(record.parent, RECORD):
        begun = _begun(opened, record, settings)
        first, series = begun.first, Series(str(opened.folder), [], [], "")
        for place in range(count):
            number = first + place
            if place:
                _mine_again(opened, number, Path(series.students[-1]), teacher, watch, tell)
            wanted = settings if not place else replace(settings, start="")
            folder = begun.folder(number)
            tell(f"round {number}: training {folder}")
            result = _result(opened, number, folder, wanted, reviews, watch, tell)
            tell(f"round {number}: {result.sentence()}")
            ended = _ended(result, place + 1 == count, keep_going or result.gain.verdict == "better")
            series = series.with_student(folder, result, ended)
            begun.write(record, series)
            if series.ended:
                break
    return series


def stored_series(run: Run) -> list[Series]:
    """The series of a run, the latest last; those whose students were removed are left out."""
    found = []
    for one in _entries(run.folder / FOLDER / RECORD):
        folders = [Path(name) for name in one["students"]]
        # The run may have been moved since.
        here = [run.folder / FOLDER / folder.name for folder in folders]
        results = [result for folder in here if (result := stored_result(folder)) is not None]
        if results and len(results) == len(folders):
            found.append(Series(str(run.folder), [str(folder) for folder in here], results, one["ended"]))
    return found


def _entries(record: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = read_json(record)["series"] if record.is_file() else []
    return entries


@dataclass(frozen=True)
class _Begun:
    """A series by what determines it; `number` counts those of the run from 1."""

    run: Path
    number: int
    first: int
    settings: dict[str, Any]
    policy: dict[str, Any]

    def folder(self, number: int) -> Path:
        """Where the student lies that this series trains on a round."""
        name = f"{number}-{self.settings['student']}" + (f"-{self.number}" if self.number > 1 else "")
        return (self.run / FOLDER / name).absolute()

    def write(self, record: Path, series: Series | None = None) -> None:
        """Put it into the record, in its place."""
        entries = _entries(record)
        own = {"first": self.first, "settings": self.settings, "policy": self.policy}
        students, ended = ([], "") if series is None else (series.students, series.ended)
        entries[self.number - 1 :] = [own | {"students": students, "ended": ended}, *entries[self.number :]]
        write_json(record, {"series": entries})


def _begun(run: Run, record: Path, settings: Training) -> _Begun:
    """The series with these settings and the policy in force; a new one, on the latest round, where there is none."""
    own, policy = asdict(settings), json.loads(json.dumps(asdict(run.policy)))
    entries = _entries(record)
    known = [number for number, one in enumerate(entries, 1) if (one["settings"], one["policy"]) == (own, policy)]
    if known:
        return _Begun(run.folder, known[-1], int(entries[known[-1] - 1]["first"]), own, policy)
    begun = _Begun(run.folder, len(entries) + 1, run.rounds[-1], own, policy)
    begun.write(record)
    return begun


def _result(
    run: Run, number: int, folder: Path, settings: Training, reviews: str, watch: Watch, tell: Tell
) -> StudentResult:
    """The student of a round: as it was trained, whatever people judged since, or trained now."""
    known = stored_result(folder)
    if known is not None and known.settings == asdict(settings):
        return known
    return train(run.folder, folder, settings, reviews=reviews, round=number, watch=watch, tell=tell)


def _mine_again(run: Run, number: int, student: Path, teacher: Teacher | None, watch: Watch, tell: Tell) -> None:
    """See that round `number` was mined with the student."""
    recipe = _recipe(run.mining(number - 1), student)
    if number in run.rounds:
        found = run.mining(number).encoder
        if Path(found).name != student.name:
            raise RunError(
                f"{run.folder}: wanted round {number} mined with {student}; found {found or 'the embedded MiniLM'}. "
                "Other settings or another policy begin another series, at the latest round"
            )
        return
    tell(f"round {number}: mining with {student}")
    encoder = turned_encoder(run, number - 1, workshop_of(student).folder, recipe)
    pipeline.mine(run.folder, recipe, encoder=encoder, teacher=teacher, watch=watch)


def _recipe(before: Mining, student: Path) -> Mining:
    """The same recipe with the student, which has its own prompts and length."""
    return replace(
        before,
        encoder=str(student),
        document_vectors="",
        query_vectors="",
        query_prompt=None,
        document_prompt=None,
        max_length=None,
    )


def _ended(result: StudentResult, last: bool, goes_on: bool) -> str:
    if not goes_on:
        gap = result.gain
        return (
            f"Round {result.round} gained nothing that can be told from chance: {gap.mean:+.4f} "
            f"({gap.low:+.4f} to {gap.high:+.4f}) of nDCG@10. So it ends here."
        )
    return "All the rounds that were asked for are done." if last else ""
