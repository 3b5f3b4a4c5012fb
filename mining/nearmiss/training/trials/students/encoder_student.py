"""
The student `encoder`: the run's own encoder, fine-tuned as users do, by sentence-transformers' trainer.

In:  texts, the encoder's folder
Out: unit vectors of the fine-tuned encoder

Each row of its data is a query, a positive and as many negatives as `negatives` says (or as the most that a query has);
a query with fewer repeats its own, since a row has no empty place. A query has a row for each epoch, each with another
of its positives, so that no policy trains longer than another for having promoted answers. For a GPU, or a patient
evening.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from nearmiss.errors import RecipeError
from nearmiss.models.engine import processor
from nearmiss.settings import Trial
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.losses import teacher_scale
from nearmiss.training.trials.measures import Blocks
from nearmiss.training.trials.students.trial_texts import TrialTexts
from nearmiss.types import Floats, Ints, Vectors

USUAL_SCHEDULE = 3, 5e-5  # epochs, highest step size
WARMUP = 0.1  # share of the steps
DOCUMENTS_AT_ONCE = 4096


@dataclass(frozen=True)
class Encoding:
    """An encoder and its texts."""

    texts: TrialTexts
    model: Any

    def questions(self) -> Vectors:
        """Unit vectors of the questions."""
        return self._encode(self.texts.questions, self.texts.prompts(self.model)[0])

    def documents(self) -> Blocks:
        """Unit vectors of the documents that are searched."""
        prompt = self.texts.prompts(self.model)[1]
        for start in range(0, len(self.texts.searched), DOCUMENTS_AT_ONCE):
            rows = self.texts.searched[start : start + DOCUMENTS_AT_ONCE]
            yield rows, self._encode([self.texts.documents[row] for row in rows.tolist()], prompt)

    def _encode(self, texts: list[str], prompt: str) -> Vectors:
        found = self.model.encode(
            texts, prompt=prompt or None, normalize_embeddings=True, show_progress_bar=False, batch_size=64
        )
        return np.asarray(found, np.float32)


@dataclass(frozen=True)
class EncoderStudent:
    """The run's encoder, to be fine-tuned."""

    texts: TrialTexts
    trial: Trial

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the encoder, the texts' length and the training settings."""
        how = self.trial.of_training(USUAL_SCHEDULE)
        return fingerprint_of("encoder 1", self.texts.fingerprint(self.trial.max_length), *how)

    def untrained(self) -> Encoding:
        """The encoder as the run used it, except for the length of text read."""
        return Encoding(self.texts, self._model())

    def train(self, exported: ExportedPairs, seed: int) -> Encoding:
        """The encoder after `epochs` over the exported pairs."""
        from datasets import Dataset as Rows
        from sentence_transformers import SentenceTransformerTrainer
        from transformers import set_seed

        set_seed(seed)
        model = self._model()
        with TemporaryDirectory(prefix="nearmiss-trial-") as scratch:
            trainer = SentenceTransformerTrainer(
                model=model,
                args=self._arguments(Path(scratch), seed, model),
                train_dataset=Rows.from_list(list(self._rows(exported, seed))),
                loss=self._loss(model),
            )
            trainer.train()
        return Encoding(self.texts, model.eval())

    def _model(self) -> Any:
        model = self.texts.model(self.trial.max_length)
        return model.to("cuda") if processor.has_cuda() else model

    def _arguments(self, scratch: Path, seed: int, model: Any) -> Any:
        from sentence_transformers import SentenceTransformerTrainingArguments
        from sentence_transformers.sentence_transformer.training_args import BatchSamplers

        query, document = self.texts.prompts(model)
        prompts = {"query": query, "positive": document} if query or document else None
        return SentenceTransformerTrainingArguments(
            output_dir=str(scratch),
            num_train_epochs=1,  # the rows hold them all
            per_device_train_batch_size=self.trial.batch_size,
            learning_rate=self.trial.schedule(USUAL_SCHEDULE)[1],
            warmup_steps=WARMUP,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            prompts=prompts,
            seed=seed,
            data_seed=seed,
            bf16=processor.has_cuda(),
            use_cpu=not processor.has_cuda(),
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )

    def _loss(self, model: Any) -> Any:
        from sentence_transformers.sentence_transformer import losses
        from sentence_transformers.util import pairwise_cos_sim

        if self.trial.loss == "mnrl":
            return losses.MultipleNegativesRankingLoss(model, scale=1 / self.trial.temperature)
        if self.trial.loss == "margin-mse":
            return losses.MarginMSELoss(model, similarity_fct=pairwise_cos_sim)
        return losses.DistillKLDivLoss(model, similarity_fct=pairwise_cos_sim, temperature=self.trial.temperature)

    def _rows(self, exported: ExportedPairs, seed: int) -> Iterator[dict[str, Any]]:
        (positives, starts), (negatives, ends) = exported.of(True), exported.of(False)
        scores = exported.score[exported.is_positive], exported.score[~exported.is_positive]
        width = int(np.diff(ends).max(initial=0))
        width = width if self.trial.negatives is None else min(width, self.trial.negatives)
        if self.trial.loss != "mnrl" and not width:
            raise RecipeError(f"--loss {self.trial.loss}: wanted negatives with scores; found positives alone")
        slope, intercept = teacher_scale(self.trial, exported, self._cosines, pairs=500)
        epochs, _ = self.trial.schedule(USUAL_SCHEDULE)
        random = np.random.default_rng(seed)
        for place, query in enumerate(exported.queries.tolist()):
            turns = random.permutation(np.arange(starts[place], starts[place + 1]))
            taken = np.resize(np.arange(ends[place], ends[place + 1]), width)
            row = {f"negative_{n}": self.texts.documents[negatives[at]] for n, at in enumerate(taken.tolist(), 1)}
            for chosen in np.resize(turns, epochs).tolist():
                targets = slope * np.concatenate([scores[0][[chosen]], scores[1][taken]]) + intercept
                pair = {"query": self.texts.queries[query], "positive": self.texts.documents[positives[chosen]]}
                yield pair | row | ({} if self.trial.loss == "mnrl" else {"label": _label(self.trial.loss, targets)})

    def _cosines(self, queries: Ints, documents: Ints) -> Floats:
        start = self.untrained()
        query, document = self.texts.prompts(start.model)
        left = start._encode([self.texts.queries[row] for row in queries.tolist()], query)
        right = start._encode([self.texts.documents[row] for row in documents.tolist()], document)
        return np.asarray(np.vecdot(left, right), np.float32)


def _label(loss: str, scores: Floats) -> list[float]:
    """Margins to the positive, or the scores themselves, as the loss wants them."""
    target = scores[0] - scores[1:] if loss == "margin-mse" else scores
    return [float(value) for value in target]
