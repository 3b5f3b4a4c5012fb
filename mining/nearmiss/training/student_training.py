"""
Training a student: from a run's selection to a model that mines, and its numbers before and after.

In:  a run, a new folder (or one where the same training was interrupted), a `Training`
Out: a plain sentence-transformers model with its card, and a `StudentResult`

The rows are those an export would hold, without the held-out queries and their twins. What is needed to go on lies in
OUT/.training.
"""

import shutil
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nearmiss.errors import RunError, require
from nearmiss.models.adapted import Adaptation
from nearmiss.pipeline import Watch, silent
from nearmiss.pipeline.progress import Tell, tell_nobody
from nearmiss.reports.funnel import estimated_false_negatives
from nearmiss.session.export_inputs import prepare
from nearmiss.settings import Export, Mining, Training
from nearmiss.storage.files import read_json, write_atomically, write_json
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.storage.one_writer import one_writer
from nearmiss.training import student_card, student_model, turned_encoder
from nearmiss.training.result import library_versions
from nearmiss.training.student_result import (
    ROUND,
    START,
    TRAINED,
    StudentResult,
    gain_of,
    numbers_of,
    student_result_from,
)
from nearmiss.training.trials.classroom import Classroom, open_classroom
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.measures import measure
from nearmiss.training.trials.students import Trained
from nearmiss.training.trials.students.adapter import Turned
from nearmiss.training.trials.students.encoder_student import EncoderStudent, Encoding
from nearmiss.training.trials.students.static import Means, Static
from nearmiss.training.workshop import Clock, Workshop, last_checkpoint, steps_of
from nearmiss.types import Floats
from nearmiss.workspace import Workspace, open_to_read

WORDS = {
    "rows": "other rows, after another policy or other reviews",
    "questions": "other held-out queries or answers",
    "start": "another start",
}


def workshop_of(out: Path) -> Workshop:
    """What a student's training keeps in its folder."""
    return Workshop(out, ".training", "nearmiss train", "student")


def stored_result(out: Path) -> StudentResult | None:
    """The result of a student in a folder; None where none was finished there."""
    path = workshop_of(out).result
    return student_result_from(read_json(path)) if path.is_file() else None


def train(
    run: str | Path,
    out: str | Path,
    settings: Training | None = None,
    *,
    reviews: str = "",
    round: int | None = None,
    watch: Watch = silent,
    tell: Tell = tell_nobody,
) -> StudentResult:
    """
    Train a student on what a run's policy keeps, into the folder `out`, and measure it on queries it never saw.

    `round` is the latest one unless given, `settings` are the usual ones; `reviews` is the URL of a log that lies
    elsewhere; `watch` opens a progress bar for each stage, and `tell` is called with messages for the user. An
    interrupted training goes on where it was, and ends with the same weights. Raises RunError where `out` holds
    something else or a training with other settings, or where too few queries or negatives are left; MissingPackage
    where a library is not installed.

    >>> import nearmiss as nm
    >>> result = nm.train("runs/demo", "students/static", nm.Training(student="static", epochs=1))
    >>> result.held_out["queries"]
    17
    """
    settings = settings or Training()
    if settings.student == "encoder":
        require("train", "accelerate")
    work = open_to_read(Path(run), reviews, round)
    try:
        start, guide = (
            Mining(encoder=name, trust_remote_code=settings.trust_remote_code) if name else None
            for name in (settings.start, settings.guide)
        )
        room = replace(open_classroom(work, settings.as_trial, watch), start=start, guide=guide)
        return _trained(_StudentTraining(work, Path(out), settings, room, watch, tell))
    finally:
        work.log.close()


@dataclass(frozen=True)
class _StudentTraining:
    """A training that is under way."""

    work: Workspace
    out: Path
    settings: Training
    room: Classroom
    watch: Watch
    tell: Tell

    @property
    def workshop(self) -> Workshop:
        return workshop_of(self.out)

    @cached_property
    def exported(self) -> ExportedPairs:
        """The rows to train on."""
        return self.room.exported(self.work.policy)

    @property
    def start(self) -> str:
        return self.settings.start or str(self.work.run.round_facts(self.work.number)["encoder"]["name"])


def _trained(this: _StudentTraining) -> StudentResult:
    this.workshop.check_place()
    if not len(this.exported.query):
        raise RunError(
            f"{this.work.run.folder}: wanted kept negatives to train on; found none under the policy in force: "
            "see nearmiss report"
        )
    with one_writer(this.workshop.folder):
        this.workshop.begin(_determining(this), WORDS)
        if this.workshop.result.exists():
            this.tell(f"{this.out}: finished already, with these settings")
        else:
            write_json(this.workshop.result, asdict(_learnt(this)))
        shutil.rmtree(this.workshop.checkpoints, ignore_errors=True)  # only now can they be removed without loss
        result = student_result_from(read_json(this.workshop.result))
        with write_atomically(this.out / "README.md") as draft:
            draft.write_text(student_card.card(result), "utf-8")
    return result


def _determining(this: _StudentTraining) -> dict[str, Any]:
    """Everything that the weights depend on."""
    data = this.work.run.facts["dataset"]["fingerprint"]
    return {
        "recipe": asdict(this.settings),
        "rows": fingerprint_of(this.exported.fingerprint, data),
        "questions": this.room.questions.fingerprint,
        "start": this.room.student.fingerprint,
    }


def _learnt(this: _StudentTraining) -> StudentResult:
    clock = Clock(this.workshop.seconds)
    room, settings = this.room, this.settings
    # Of the rows that are trained on, whatever people judge meanwhile.
    certification = prepare(this.work, Export()).provenance["certification"]
    false_negatives = estimated_false_negatives(this.work.table, this.work.decision())
    measures = {ROUND: _measured(this, ROUND, Turned(room.space))}
    if settings.student == "static" or settings.start:
        measures[START] = _measured(this, START, room.student.untrained())
    trained = _student(this, clock)
    model = _as_model(this, trained)
    measures[TRAINED] = _measured(this, TRAINED, trained)
    return StudentResult(
        run=str(this.work.run.folder),
        round=this.work.number,
        start=this.start,
        settings=asdict(settings),
        policy=asdict(this.work.policy),
        certification=certification,
        false_negatives=false_negatives,
        trained_on=this.exported.counts(),
        held_out={
            "queries": len(room.questions.texts),
            "answers": room.questions.answers,
            "documents": len(this.work.run.dataset.documents),
            "searched": len(room.searched),
        },
        questions=room.questions.fingerprint,
        numbers={name: numbers_of(of, settings) for name, of in measures.items()},
        gain=gain_of(measures[TRAINED], measures.get(START, measures[ROUND]), settings),
        steps=room.student.steps(this.exported),
        fingerprint=this.workshop.put(model),
        seconds=clock.note(),
        versions=library_versions(),
    )


def _measured(this: _StudentTraining, name: str, student: Trained) -> dict[str, Floats]:
    room = this.room
    with this.watch(f"measuring: {name}", len(room.searched), "documents") as advance:

        def blocks() -> Any:
            for rows, vectors in student.documents():
                yield rows, vectors
                advance(len(rows))

        return measure(room.questions, student.questions(), blocks())


def _student(this: _StudentTraining, clock: Clock) -> Trained:
    student, exported, seed = this.room.student, this.exported, this.settings.seed
    if this.settings.student == "adapter":
        model = this.room.texts.model(this.room.texts.mining.max_length)
        student_model.check_same_vectors(this.room.texts, model, this.room.space, str(this.work.run.folder))
    done = steps_of(last_checkpoint(this.workshop.checkpoints)) if this.settings.student == "encoder" else 0
    steps = student.steps(exported)
    if done:
        this.tell(f"going on from the checkpoint after {done:,} of {steps:,} steps")
    with this.watch("training", (steps - done) * this.settings.batch_size, "queries") as advance:
        if isinstance(student, EncoderStudent):
            return student.trained(exported, seed, this.workshop.checkpoints, advance, clock.note)
        return student.train(exported, seed, advance)


def _as_model(this: _StudentTraining, trained: Trained) -> Any:
    """What was trained as a SentenceTransformer, with the prompts that it was trained with."""
    texts = this.room.texts
    if isinstance(trained, Turned):
        assert trained.of_queries is not None
        assert trained.of_documents is not None
        model, matrices = texts.model(texts.mining.max_length), Adaptation(trained.of_queries, trained.of_documents)
        turned_encoder.keep(this.workshop.folder, matrices)
        return student_model.adapted(model, matrices, texts.prompts(model))
    if isinstance(trained, Means):
        assert isinstance(this.room.student, Static)
        return student_model.static(this.room.student.start[0], trained.tokens, this.settings.max_length)
    assert isinstance(trained, Encoding)
    trained.model.prompts = dict(zip(("query", "document"), texts.prompts(trained.model), strict=True))
    return trained.model
