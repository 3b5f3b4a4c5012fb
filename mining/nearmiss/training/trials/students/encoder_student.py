"""
The student `encoder`: the run's own encoder, fine-tuned as users do, by sentence-transformers' trainer.

In:  texts, the encoder's folder
Out: unit vectors of the fine-tuned encoder

Each row of its data is a query, a positive and as many negatives as `negatives` says (or as the most that a query has);
a query with fewer repeats its own, since a row has no empty place. A query has a row for each epoch, each with another
of its positives, so that no policy trains longer than another for having promoted answers. For a GPU, or a patient
evening.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from nearmiss.errors import RecipeError
from nearmiss.models.engine import processor
from nearmiss.settings import DISTILLED, Mining, Trial
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.training.trainer import progress
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.training.trials.losses import teacher_scale
from nearmiss.training.trials.measures import Blocks
from nearmiss.training.trials.students import unheard
from nearmiss.training.trials.students.trial_texts import TrialTexts
from nearmiss.training.workshop import last_checkpoint
from nearmiss.types import Advance, Floats, Ints, Vectors

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
        return self.encode(self.texts.questions, "query")

    def documents(self) -> Blocks:
        """Unit vectors of the documents that are searched."""
        for start in range(0, len(self.texts.searched), DOCUMENTS_AT_ONCE):
            rows = self.texts.searched[start : start + DOCUMENTS_AT_ONCE]
            yield rows, self.encode([self.texts.documents[row] for row in rows.tolist()], "document")

    def encode(self, texts: list[str], task: Literal["query", "document"]) -> Vectors:
        """Unit vectors of queries or documents, with their prompt, (n, dimension)."""
        prompt = self.texts.prompts(self.model)[task == "document"]
        found = self.model.encode(
            texts, prompt=prompt, task=task, normalize_embeddings=True, show_progress_bar=False, batch_size=64
        )
        return np.asarray(found, np.float32)


@dataclass(frozen=True)
class EncoderStudent:
    """The run's encoder, to be fine-tuned."""

    texts: TrialTexts
    trial: Trial
    guide: Mining | None = None  # names that of the losses gist and cached-gist; None for the start

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the encoder, the texts' length and the training settings."""
        how = self.trial.of_training(USUAL_SCHEDULE)
        return fingerprint_of("encoder 1", self.texts.fingerprint(self.trial.max_length), *how)

    def untrained(self) -> Encoding:
        """The encoder as the run used it, except for the length of text read."""
        return Encoding(self.texts, self._model())

    def steps(self, exported: ExportedPairs) -> int:
        """How many steps the training takes."""
        return -(-len(exported.queries) * self.trial.schedule(USUAL_SCHEDULE)[0] // self.trial.batch_size)

    def train(self, exported: ExportedPairs, seed: int, advance: Advance = unheard) -> Encoding:
        """The encoder after `epochs` over the exported pairs."""
        with TemporaryDirectory(prefix="nearmiss-trial-") as scratch:
            return self.trained(exported, seed, Path(scratch), advance)

    def trained(
        self,
        exported: ExportedPairs,
        seed: int,
        folder: Path,
        advance: Advance = unheard,
        saved: Callable[[], object] | None = None,
    ) -> Encoding:
        """
        The same, on from the last whole checkpoint in `folder`.

        Checkpoints are written where `saved` is given, which is called for each; they end with the same weights.
        """
        from datasets import Dataset as Rows
        from sentence_transformers import SentenceTransformerTrainer
        from transformers import set_seed
        from transformers.trainer_callback import PrinterCallback, ProgressCallback

        set_seed(seed)
        model = self._model()
        model.model_card_data.widget = [{}]  # or it would search the rows for examples, with a progress bar
        rows = Rows.from_list(list(self._rows(exported, seed)))
        trainer = SentenceTransformerTrainer(
            model=model,
            args=self._arguments(folder, seed, model, rows.column_names),
            train_dataset=rows,
            loss=self._loss(model),
            callbacks=[progress(self.trial.batch_size, advance, saved)],
        )
        for chatty in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(chatty)
        last = last_checkpoint(folder)
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
        return Encoding(self.texts, model.eval())

    def _model(self) -> Any:
        model = self.texts.model(self.trial.max_length)
        return model.to("cuda") if processor.has_cuda() else model

    def _arguments(self, folder: Path, seed: int, model: Any, columns: list[str]) -> Any:
        from sentence_transformers import SentenceTransformerTrainingArguments
        from sentence_transformers.sentence_transformer.training_args import BatchSamplers

        query, document = self.texts.prompts(model)
        texts = {name: "query" if name == "query" else "document" for name in columns if name != "label"}
        prompts = {name: query if task == "query" else document for name, task in texts.items()}
        return SentenceTransformerTrainingArguments(
            output_dir=str(folder),
            num_train_epochs=1,  # the rows hold them all
            per_device_train_batch_size=self.trial.batch_size,
            learning_rate=self.trial.schedule(USUAL_SCHEDULE)[1],
            warmup_steps=WARMUP,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            prompts=prompts if query or document else None,
            router_mapping=texts if has_routes(model) else {},
            seed=seed,
            data_seed=seed,
            bf16=processor.has_cuda(),
            use_cpu=not processor.has_cuda(),
            save_strategy="no",  # by time instead, see `progress`
            save_total_limit=2,
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            dataloader_pin_memory=processor.has_cuda(),
        )

    def _loss(self, model: Any) -> Any:
        from sentence_transformers.sentence_transformer import losses
        from sentence_transformers.util import pairwise_cos_sim

        name, temperature = self.trial.loss, self.trial.temperature
        if name == "mnrl":
            return losses.MultipleNegativesRankingLoss(model, scale=1 / temperature)
        if name == "cached-mnrl":
            return losses.CachedMultipleNegativesRankingLoss(model, scale=1 / temperature)
        if name == "gist":
            return losses.GISTEmbedLoss(model, self._guide(), temperature=temperature)
        if name == "cached-gist":
            return losses.CachedGISTEmbedLoss(model, self._guide(), temperature=temperature)
        if name == "margin-mse":
            return losses.MarginMSELoss(model, similarity_fct=pairwise_cos_sim)
        return losses.DistillKLDivLoss(model, similarity_fct=pairwise_cos_sim, temperature=temperature)

    def _guide(self) -> Any:
        """The encoder that finds answers in a batch: another, or the start as it was."""
        texts = replace(self.texts, mining=self.guide) if self.guide else self.texts
        model = texts.model(self.trial.max_length)
        return model.to("cuda") if processor.has_cuda() else model

    def _rows(self, exported: ExportedPairs, seed: int) -> Iterator[dict[str, Any]]:
        (positives, starts), (negatives, ends) = exported.of(True), exported.of(False)
        scores = exported.score[exported.is_positive], exported.score[~exported.is_positive]
        width = int(np.diff(ends).max(initial=0))
        width = width if self.trial.negatives is None else min(width, self.trial.negatives)
        if self.trial.loss in DISTILLED and not width:
            raise RecipeError(f"--loss {self.trial.loss}: wanted negatives with scores; found positives alone")
        slope, intercept = teacher_scale(self.trial, exported, self._cosines, pairs=500)
        epochs, _ = self.trial.schedule(USUAL_SCHEDULE)
        random = np.random.default_rng(seed)
        for place, query in enumerate(exported.queries.tolist()):
            turns = random.permutation(np.arange(starts[place], starts[place + 1]))
            taken = np.resize(np.arange(ends[place], ends[place + 1]), width)
            texts = [self.texts.documents[negatives[at]] for at in taken.tolist()]
            for turn, chosen in enumerate(np.resize(turns, epochs).tolist()):
                targets = slope * np.concatenate([scores[0][[chosen]], scores[1][taken]]) + intercept
                pair = {"query": self.texts.queries[query], "positive": self.texts.documents[positives[chosen]]}
                # This loss reads triplets: another negative in each epoch.
                shown = texts[turn % width : turn % width + 1] if self.trial.loss == "gist" and width else texts
                row = pair | {f"negative_{n}": text for n, text in enumerate(shown, 1)}
                yield row | ({"label": _label(self.trial.loss, targets)} if self.trial.loss in DISTILLED else {})

    def _cosines(self, queries: Ints, documents: Ints) -> Floats:
        start = self.untrained()
        left = start.encode([self.texts.queries[row] for row in queries.tolist()], "query")
        right = start.encode([self.texts.documents[row] for row in documents.tolist()], "document")
        return np.asarray(np.vecdot(left, right), np.float32)


def has_routes(model: Any) -> bool:
    """Whether queries and documents go different ways through a model."""
    from sentence_transformers.base.modules import Router

    return any(isinstance(module, Router) for module in model.modules())


def _label(loss: str, scores: Floats) -> list[float]:
    """Margins to the positive, or the scores themselves, as the loss wants them."""
    target = scores[0] - scores[1:] if loss == "margin-mse" else scores
    return [float(value) for value in target]
