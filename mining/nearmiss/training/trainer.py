"""
Training: sentence-transformers' CrossEncoderTrainer over pairs, with checkpoints and our own progress.

In:  a CrossEncoder, pairs with targets from 0 to 1, a `Teaching` recipe, a folder for checkpoints
Out: the same CrossEncoder, trained; killed at any moment and called again, it resumes from the last complete checkpoint

The loss is binary cross-entropy of each pair on its own, so that logits mean the same in every query.

Seconds for a step of 32 pairs of 128 tokens, MiniLM with dropout, two cores of an AMD EPYC (AVX-512 with bfloat16, no
AMX), PyTorch 2.13:

    float32                          eager 2.12, sdpa 2.40; one thread, sdpa 3.68
    autocast to bfloat16             eager 1.23, sdpa 1.57
    bfloat16 copy, float32 masters   eager 1.24, sdpa 1.46; one thread, sdpa 2.30
    the same, embeddings frozen, and the first 2 or 4 of 6 layers:  sdpa 1.42, 1.16, 0.95

So on a processor that multiplies bfloat16 (AVX512_BF16, AMX) each step runs on a bfloat16 copy of float32 weights with
eager attention: as fast as autocast here, and said to be several times faster with AMX. All of it was measured here
without CUDA.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nearmiss.errors import ModelError
from nearmiss.models.engine import processor
from nearmiss.pipeline import Watch
from nearmiss.settings import Teaching
from nearmiss.training.base_model import TextPairs
from nearmiss.training.workshop import last_checkpoint, steps_of
from nearmiss.types import Floats

SAVE_EVERY_S = 120.0
WARM_UP = 0.1  # share of the steps
WEIGHT_DECAY = 0.01
# Batches are filled with pairs of similar length from a shuffled window of this many batches: fully sorted, a batch
# would hold the same kind of texts in each epoch.
WINDOW = 16


def train(
    model: Any,
    pairs: TextPairs,
    targets: Floats,
    recipe: Teaching,
    folder: Path,
    watch: Watch,
    tell: Callable[[str], None],
    saved: Callable[[], object],
) -> int:
    """
    Train `model` in place; returns the number of steps, those of earlier attempts among them.

    `tell` is called when training resumes from a checkpoint, `saved` for each one written.
    """
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    freeze(model, recipe)
    rows = Dataset.from_dict(
        {"query": [query for query, _ in pairs], "document": [document for _, document in pairs], "label": targets}
    )
    last = last_checkpoint(folder)
    done = steps_of(last)
    steps = recipe.epochs * -(-len(pairs) // recipe.batch_size)
    if last is not None:
        tell(f"going on from the checkpoint after {done:,} of {steps:,} steps")
    with watch("training", (steps - done) * recipe.batch_size, "pairs") as advance:
        trainer = _trainer([len(query) + len(document) for query, document in pairs])(
            model=model,
            args=_arguments(recipe, folder, steps),
            train_dataset=rows,
            loss=_loss(model, number_type(recipe)),
            callbacks=[progress(recipe.batch_size, advance, saved)],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.remove_callback(ProgressCallback)
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return int(trainer.state.global_step)


def number_type(recipe: Teaching) -> str:
    """float32 or bfloat16: as set, or the one that is fast on this machine."""
    if recipe.precision != "auto":
        return recipe.precision
    if processor.has_cuda():
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if processor.multiplies_bfloat16(processor.features()) else "float32"


def freeze(model: Any, recipe: Teaching) -> None:
    """Keep the embeddings and the first layers as they are; ModelError where the model has fewer."""
    if recipe.freeze is None:
        return
    from torch import nn

    transformer = model[0].model
    count = getattr(model.config, "num_hidden_layers", 0)
    layers = next((m for m in transformer.modules() if isinstance(m, nn.ModuleList) and len(m) == count), None)
    if layers is None or recipe.freeze > count:
        raise ModelError(f"--freeze {recipe.freeze}: wanted at most the model's number of layers; found {count}")
    embeddings = [m for name, m in transformer.named_modules() if name.rpartition(".")[2] == "embeddings"]
    for module in [transformer.get_input_embeddings(), *embeddings, *layers[: recipe.freeze]]:
        module.requires_grad_(False)


def _arguments(recipe: Teaching, folder: Path, steps: int) -> Any:
    from sentence_transformers.cross_encoder import CrossEncoderTrainingArguments

    return CrossEncoderTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        warmup_steps=max(1, round(WARM_UP * steps)),
        weight_decay=WEIGHT_DECAY,
        seed=recipe.seed,
        use_cpu=not processor.has_cuda(),
        bf16=processor.has_cuda() and number_type(recipe) == "bfloat16",
        save_strategy="no",  # by time instead, see `_progress`
        save_total_limit=2,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=processor.has_cuda(),
    )


def progress(batch_size: int, advance: Callable[[int], None], saved: Callable[[], object] | None) -> Any:
    """
    A trainer's callback: reports each step, and asks for a checkpoint now and then and after the last step.

    `saved` is called for each checkpoint; without it there are none.
    """
    from transformers import TrainerCallback

    class Progress(TrainerCallback):
        last = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            advance(batch_size)
            if saved is None:
                return
            if state.global_step >= state.max_steps or time.monotonic() - self.last >= SAVE_EVERY_S:
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            self.last = time.monotonic()
            if saved is not None:
                saved()

    return Progress()


def _trainer(lengths: list[int]) -> Any:
    """A trainer whose batches hold pairs of similar length; the same batches for the same seed and epoch."""
    from sentence_transformers.base.sampler import DefaultBatchSampler
    from sentence_transformers.cross_encoder import CrossEncoderTrainer

    class LikeLengths(DefaultBatchSampler):
        def __iter__(self) -> Iterator[list[int]]:
            random = np.random.default_rng((self.seed, self.epoch))
            order = random.permutation(len(lengths))
            length = np.asarray(lengths)
            window, batches = WINDOW * self.batch_size, []
            for first in range(0, len(order), window):
                rows = order[first : first + window]
                rows = rows[np.argsort(length[rows], kind="stable")]
                batches += [rows[i : i + self.batch_size].tolist() for i in range(0, len(rows), self.batch_size)]
            return iter([batches[place] for place in random.permutation(len(batches))])

    class LikeLengthsTrainer(CrossEncoderTrainer):
        # Not the argument `batch_sampler`, which is pickled into each checkpoint and so must not be a local class.
        def get_batch_sampler(self, *args: Any, **named: Any) -> Any:
            return LikeLengths(*args, **named)

    return LikeLengthsTrainer


def _loss(model: Any, number_type: str) -> Any:
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    # On CUDA the trainer's own autocast does what the copy does here.
    if number_type == "float32" or processor.has_cuda():
        return BinaryCrossEntropyLoss(model)
    return _copying_loss(model)


def _copying_loss(model: Any) -> Any:
    """The same loss on a bfloat16 copy of the weights; gradients and steps stay in float32."""
    import torch
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
    from torch.func import functional_call

    class OnCopy(BinaryCrossEntropyLoss):
        def forward(self, inputs: Any, labels: Any, prompt: str | None = None, task: str | None = None) -> Any:
            features = self.model.preprocess(list(zip(*inputs, strict=True)), prompt=prompt, task=task)
            copy = {name: weight.to(torch.bfloat16) for name, weight in self.model.named_parameters()}
            scores = functional_call(self.model, copy, (features,))["scores"]
            return self.bce_with_logits_loss(scores.view(-1).float(), labels.view(-1).float())

    return OnCopy(model)
