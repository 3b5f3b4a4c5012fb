"""
Training: from pairs to a teacher that `nearmiss mine --teacher` loads.

In:  `TrainingPairs`, a new folder (or one where the same training run was interrupted), a `Teaching` recipe
Out: a plain CrossEncoder folder with its card, and `TrainingResult`: the numbers before and after

What a training run needs to go on lies in OUT/.teaching: its settings, the start's scores, checkpoints, and at the end
the result.
"""

import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.counts import counted
from nearmiss.errors import DatasetError, RecipeError, require
from nearmiss.models.low_rank import LowRankFacts, plain_folder
from nearmiss.pipeline import Watch, silent
from nearmiss.pipeline.progress import Tell, tell_nobody
from nearmiss.settings import Teaching
from nearmiss.storage.files import read_array, read_json, write_atomically, write_json
from nearmiss.storage.one_writer import one_writer
from nearmiss.storage.temporary import sweep_drafts_of, temporary_name
from nearmiss.training import compression, model_card, trainer
from nearmiss.training.base_model import BaseModel, TextPairs, logits, open_start
from nearmiss.training.evaluation import EvaluationScores, measure
from nearmiss.training.head import fold, head_of
from nearmiss.training.labelled_pairs import NEGATIVE, POSITIVE, TrainingPairs, held_out
from nearmiss.training.result import TrainingResult, library_versions, result_from
from nearmiss.training.score_scale import ScoreScale, cross_fitted, fit, log_losses, probabilities
from nearmiss.training.workshop import Clock, Workshop
from nearmiss.types import Bools, Floats

START_SCORES, LOW_RANK = "start_scores.npy", "low_rank"
# May change between two calls: it sets what else is stored, not how the teacher is trained.
NOT_OF_TRAINING = ("rank",)


@dataclass(frozen=True)
class _TrainingRun:
    """A training run that is under way."""

    training_pairs: TrainingPairs
    out: Path
    recipe: Teaching
    start: BaseModel
    unseen: Bools
    watch: Watch
    tell: Tell

    @property
    def workshop(self) -> Workshop:
        return Workshop(self.out, ".teaching", "nearmiss teach", "teacher")

    @property
    def texts(self) -> TextPairs:
        return list(zip(self.training_pairs.pairs["query"], self.training_pairs.pairs["document"], strict=True))

    @property
    def labels(self) -> Floats:
        return self.training_pairs.pairs["label"].to_numpy(np.float64)

    @property
    def measured(self) -> npt.NDArray[np.int64]:
        """Rows to measure on: held out, and labelled as answer or negative."""
        return np.flatnonzero(self.unseen & np.isin(self.labels, (NEGATIVE, POSITIVE)))


def teach(
    training_pairs: TrainingPairs, out: Path, recipe: Teaching, watch: Watch = silent, tell: Tell = tell_nobody
) -> TrainingResult:
    """
    Train a teacher into `out` and measure it.

    `tell` is called with messages for the user. Raises RunError where `out` holds something else or a
    training run with other settings, and where another process trains into it; DatasetError where the pairs are too few
    to train or to measure.
    """
    require("train", "accelerate")
    start = open_start(recipe)
    _check_distillation(training_pairs, start)
    unseen = held_out(training_pairs.pairs, recipe.held_out, recipe.seed)
    training_run = _TrainingRun(training_pairs, out, recipe, start, unseen, watch, tell)
    _check_pairs(training_run)
    training_run.workshop.check_place()
    with one_writer(training_run.workshop.folder):
        _begin(training_run)
        return _finish(training_run)


def _finish(training_run: _TrainingRun) -> TrainingResult:
    """Finish training, compress the teacher where wanted, and write its card."""
    out, recipe = training_run.out, training_run.recipe
    result = training_run.workshop.result
    if result.exists():
        training_run.tell(f"{out}: finished already, with these settings")
    else:
        write_json(result, asdict(_train(training_run)))
    shutil.rmtree(training_run.workshop.checkpoints, ignore_errors=True)  # only now can they be removed without loss
    trained = result_from(read_json(result))
    if recipe.rank is not None and (trained.low_rank is None or trained.low_rank["rank"] != recipe.rank):
        trained = _made_small(training_run, trained)
        write_json(result, asdict(trained))
    (out / "README.md").write_text(model_card.card(trained), "utf-8")
    return trained


def _check_distillation(training_pairs: TrainingPairs, start: BaseModel) -> None:
    if not start.is_encoder and training_pairs.pairs["label"].isna().any():
        raise RecipeError(f"--unlabelled: wanted an encoder as start, whose cosines tell of them; found {start.name}")
    if not start.is_encoder and start.recipe.distil not in (0, Teaching().distil):
        raise RecipeError(f"--distil: wanted an encoder as start, whose cosines are distilled; found {start.name}")


def _check_pairs(training_run: _TrainingRun) -> None:
    for name, rows in (("train on", ~training_run.unseen), ("measure on", training_run.unseen)):
        counts = training_run.training_pairs.counts(rows)
        if not counts["positives"] or not counts["negatives"]:
            raise DatasetError(
                f"{training_run.training_pairs.origin}: wanted positives and negatives to {name}, with --held-out "
                f"{training_run.recipe.held_out}; found {counts['positives']} and {counts['negatives']} of "
                f"{counted(counts['queries'], 'query')}"
            )


def _begin(training_run: _TrainingRun) -> None:
    """Write the settings down, or check that they are those of the interrupted training run."""
    number_type = trainer.number_type(training_run.recipe)
    settings = {
        "recipe": {name: value for name, value in asdict(training_run.recipe).items() if name not in NOT_OF_TRAINING},
        "pairs": training_run.training_pairs.fingerprint,
        "start": training_run.start.fingerprint,
        "number_type": number_type,
    }
    words = {
        "pairs": "other pairs",
        "start": "other weights of the start",
        "number_type": f"a machine that trains in {number_type}",
    }
    if training_run.workshop.begin(settings, words):
        (training_run.workshop.folder / START_SCORES).unlink(missing_ok=True)


def _train(training_run: _TrainingRun) -> TrainingResult:
    clock = Clock(training_run.workshop.seconds)
    scores = _scores_of_start(training_run)
    model = training_run.start.cross_encoder()
    rows = np.flatnonzero(~training_run.unseen)
    texts = training_run.texts
    steps = trainer.train(
        model,
        [texts[row] for row in rows],
        _targets(training_run, scores)[rows],
        training_run.recipe,
        training_run.workshop.checkpoints,
        training_run.watch,
        training_run.tell,
        clock.note,
    )
    numbers, scale = _measured_and_scaled(training_run, model, scores)
    print_ = training_run.workshop.put(model)
    return TrainingResult(
        origin=training_run.training_pairs.origin,
        start=training_run.start.name,
        start_fingerprint=training_run.start.fingerprint,
        start_kind="encoder" if training_run.start.is_encoder else "cross-encoder",
        recipe=asdict(training_run.recipe),
        number_type=trainer.number_type(training_run.recipe),
        trained_on=training_run.training_pairs.counts(~training_run.unseen),
        held_out=training_run.training_pairs.counts(training_run.unseen),
        steps=steps,
        seconds=clock.note(),
        numbers=numbers,
        scale=scale,
        fingerprint=print_,
        low_rank=None,
        versions=library_versions(),
    )


def _scores_of_start(training_run: _TrainingRun) -> Floats:
    """The start's scores of every pair, (n,), stored in case the training run is interrupted."""
    path = training_run.workshop.folder / START_SCORES
    if not path.exists():
        scores = training_run.start.scores(training_run.texts, training_run.watch)
        with write_atomically(path) as temporary, temporary.open("wb") as file:
            np.save(file, scores)
    return np.asarray(read_array(path), np.float64)


def _targets(training_run: _TrainingRun, scores: Floats) -> Floats:
    """
    The target of each pair, (n,): its label, mixed with a probability from the scores at hand.

    Cross-entropy is linear in its target, so this is the sum of two losses: one for the label, one that keeps what the
    start knows (Hinton et al., 2015). That is the start's cosine and the scores of the run's other sources, each
    standardised and of equal weight; the scale that makes it a probability is fitted on the training pairs, those
    without a label as negatives. Measured with MiniLM's cosine alone on 420 queries of CovidQA, one epoch, 180 others
    held out: with a share of 0.5 the AUC was .664 and nDCG@10 .606, with labels alone .641 and .585 (by the first
    token); the cosine itself had .595 and .633.
    """
    weight = training_run.recipe.distil
    if not weight or not training_run.start.is_encoder:
        return training_run.labels
    words = np.column_stack([scores, training_run.training_pairs.shares])
    together = ((words - words.mean(axis=0)) / np.maximum(words.std(axis=0), 1e-9)).mean(axis=1)
    rows, labels = ~training_run.unseen, training_run.labels
    known = probabilities(fit(together[rows], np.nan_to_num(labels[rows], nan=NEGATIVE))(together))
    return np.where(np.isnan(labels), known, (1 - weight) * labels + weight * known)


def _measured_and_scaled(
    training_run: _TrainingRun, model: Any, before: Floats
) -> tuple[dict[str, EvaluationScores], ScoreScale]:
    """Numbers of the start and of the trained model; and the scale folded into its head, where one helps."""
    rows = training_run.measured
    labels, query = (
        training_run.labels[rows],
        training_run.training_pairs.pairs["query_id"].to_numpy(object)[rows].astype(str),
    )
    texts = training_run.texts
    after = logits(model, [texts[row] for row in rows], training_run.watch, "trained")
    start = before[rows]
    numbers = {"start": measure(start, cross_fitted(start, labels, query), labels, query)}
    head = head_of(model)
    if head is not None:
        shifts = head.bias is not None
        unseen = cross_fitted(after, labels, query, shifts=shifts)
        if log_losses(unseen, labels).mean() < log_losses(after, labels).mean():
            scale = fit(after, labels, shifts=shifts)
            fold(head, scale)
            return numbers | {"trained": measure(after, unseen, labels, query)}, scale
    return numbers | {"trained": measure(after, after, labels, query)}, ScoreScale()


def _made_small(training_run: _TrainingRun, trained: TrainingResult) -> TrainingResult:
    """Store the low-rank difference beside the whole model, and measure it."""
    rank = training_run.recipe.rank
    assert rank is not None
    out = training_run.out / LOW_RANK
    sweep_drafts_of(out)
    draft = training_run.out / temporary_name(LOW_RANK)
    start = "" if not training_run.recipe.start else _where(training_run.recipe.start)
    facts = LowRankFacts(start, training_run.start.fingerprint, rank, ())
    kept = compression.write(training_run.out, training_run.start.folder, facts, draft)
    shutil.rmtree(out, ignore_errors=True)
    os.replace(draft, out)
    rows = training_run.measured
    texts, labels = training_run.texts, training_run.labels[rows]
    query = training_run.training_pairs.pairs["query_id"].to_numpy(object)[rows].astype(str)
    small = replace(training_run.start, folder=plain_folder("--teacher", str(out))).cross_encoder()
    found = logits(small, [texts[row] for row in rows], training_run.watch, f"rank {rank}")
    # As for the whole model: probabilities from a scale that was fitted without the query.
    unseen = found if trained.scale == ScoreScale() else cross_fitted(found, labels, query)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    values = {"rank": rank, "bytes": size, "kept": round(kept, 4)}
    numbers = {name: of for name, of in trained.numbers.items() if not name.startswith("rank ")}
    numbers[f"rank {rank}"] = measure(found, unseen, labels, query)
    trained = replace(trained, low_rank=values, numbers=numbers)
    (out / "README.md").write_text(model_card.card(trained), "utf-8")
    return trained


def _where(name: str) -> str:
    """A folder's full path, since the difference may be read from elsewhere; a hub name as it is."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if folder.is_dir() else name
