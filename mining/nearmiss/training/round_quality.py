"""
Round quality: how well the encoder of each round finds the answers of held-out queries.

In:  a run, whose rounds keep the vectors of their encoders
Out: nDCG@10 of each round with its interval, and whether the encoder is known never to have seen these queries

The queries are those that `nearmiss train` and `nearmiss rounds` hold out. Nothing is encoded.
"""

from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np

from nearmiss.errors import RunError
from nearmiss.pipeline import silent
from nearmiss.review import ReviewLog
from nearmiss.run import Run
from nearmiss.settings import Training
from nearmiss.training.round_series import FOLDER, stored_series
from nearmiss.training.student_result import StudentResult, gain_of, numbers_of
from nearmiss.training.student_training import stored_result
from nearmiss.training.trials.certainty import Difference
from nearmiss.training.trials.classroom import Classroom, open_classroom
from nearmiss.training.trials.measures import measure
from nearmiss.training.trials.students.adapter import Turned
from nearmiss.types import Floats, Ints
from nearmiss.workspace import Workspace

OTHER_ANSWERS = (
    "The student that was trained last is not drawn: it was measured on other answers than are known now. "
    "A round that is mined with it is measured like the others."
)


@dataclass(frozen=True)
class EncoderQuality:
    """
    nDCG@10 of one encoder on the held-out queries, its 95% interval, and how much higher it is than the one before.

    `number` is its round, None for a student that no round was mined with yet. `left_out`: it was trained by
    nearmiss without these queries; of any other encoder nobody here knows what it has seen.
    """

    number: int | None
    encoder: str
    ndcg: float
    low: float
    high: float
    gain: Difference | None
    left_out: bool


@dataclass(frozen=True)
class RunQuality:
    """Every round's encoder, on what they were measured, and how the latest series of `nearmiss rounds` ended."""

    encoders: list[EncoderQuality]
    queries: int
    answers: int
    searched: int
    documents: int
    ended: list[str]  # sentences; none without a series


def quality(run: Run, log: ReviewLog) -> RunQuality:
    """Measure the encoder of each round; RunError where too few queries have answers, or a round keeps no vectors."""
    series = stored_series(run)
    last = series[-1].results[-1] if series else None
    settings = Training(**last.settings) if last else Training()
    found: list[EncoderQuality] = []
    before: dict[str, Floats] = {}
    asked, searched = "", _searched(run, log, settings)
    for number in run.rounds:
        room = replace(_room(run, log, number, settings), searches=searched)
        turned = Turned(room.space)
        measures = measure(room.questions, turned.questions(), turned.documents())
        of = numbers_of(measures, settings)
        # Query by query: a round of other queries has no gain over the one before.
        gain = gain_of(measures, before, settings) if room.questions.fingerprint == asked else None
        name = run.round_facts(number)["encoder"]["name"]
        left_out = _left_out(run, name, settings, room.questions.fingerprint)
        found.append(EncoderQuality(number, name, of.ndcg, of.low, of.high, gain, left_out))
        before, asked = measures, room.questions.fingerprint
    ended = [series[-1].ended, series[-1].advice()] if series and series[-1].ended else []
    if last is not None and last.round == run.rounds[-1]:
        if last.questions == asked:
            found.append(_waiting(last, series[-1].students[-1]))
        else:  # a number of its own: no point beside those of other answers
            ended.append(OTHER_ANSWERS)
    questions = room.questions
    return RunQuality(found, len(questions.texts), questions.answers, len(searched), len(run.dataset.documents), ended)


def _room(run: Run, log: ReviewLog, number: int, settings: Training) -> Classroom:
    work = Workspace(run, log, number)
    if not (work.folder / "query_vectors").exists():
        raise RunError(f"{work.folder}: wanted the vectors of the round's encoder; found none")
    return open_classroom(work, settings.as_trial, silent)


def _searched(run: Run, log: ReviewLog, settings: Training) -> Ints:
    """What all rounds search, rising: of a corpus too large to be searched whole, each round's sample."""
    if len(run.dataset.documents) <= settings.corpus:
        return np.arange(len(run.dataset.documents))
    samples = (_room(run, log, number, settings).searched for number in run.rounds)
    return reduce(np.union1d, samples)


def _waiting(result: StudentResult, folder: str) -> EncoderQuality:
    """The student that was trained on the latest round."""
    of = result.after
    return EncoderQuality(None, folder, of.ndcg, of.low, of.high, result.gain, True)


def _left_out(run: Run, name: str, settings: Training, questions: str) -> bool:
    """Whether an encoder is a student of this run, or of the same held-out queries, that left them out."""
    own = stored_result(run.folder / FOLDER / Path(name).name) if name else None
    result = own or (stored_result(Path(name)) if name else None)
    if result is None:
        return False
    here = own is not None or Path(result.run).absolute() == run.folder.absolute()
    same = all(result.settings[field] == getattr(settings, field) for field in ("held_out", "seed"))
    return (here and same) or result.questions == questions
