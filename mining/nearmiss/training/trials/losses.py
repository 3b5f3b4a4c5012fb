"""
Losses: how far a batch's similarities are from the target.

In:  cosines of queries with their documents (torch), a `Batch`'s mask, the teacher's scores
Out: a loss of one number

`mnrl` is MultipleNegativesRankingLoss (InfoNCE over the documents of the batch), `margin-mse` MarginMSE and `kl` the
distillation of the teacher's distribution; each as users train with it, on arrays instead of texts.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nearmiss.settings import DISTILLED, Trial, TrialLoss
from nearmiss.training.trials.exported_pairs import ExportedPairs
from nearmiss.types import Floats, Ints


def loss_of(name: TrialLoss, cosines: Any, masked: Any, teacher: Any, temperature: float) -> Any:
    """
    The mean loss over the queries of a batch.

    `cosines` (b, b * (1 + m)) as in a `Batch`, `masked` alike; `teacher` (b, 1 + m) are the teacher's scores on the
    scale of the cosines, NaN in empty places.
    """
    import torch

    if name == "mnrl":
        logits = (cosines / temperature).masked_fill(masked, float("-inf"))
        return torch.nn.functional.cross_entropy(logits, torch.arange(len(logits)))
    own = _own(cosines, teacher.shape[1])
    empty = teacher.isnan()
    if name == "kl":
        student = torch.log_softmax((own / temperature).masked_fill(empty, float("-inf")), dim=1)
        target = torch.softmax((teacher / temperature).masked_fill(empty, float("-inf")), dim=1)
        return -(target * student.masked_fill(empty, 0.0)).sum(dim=1).mean()
    gaps = (own[:, :1] - own[:, 1:]) - (teacher[:, :1] - teacher[:, 1:])
    there = ~empty[:, 1:]
    # Divided by the temperature, so that steps are as large as with the other losses.
    return (gaps.masked_fill(~there, 0.0) / temperature).square().sum() / there.sum().clamp(min=1)


def teacher_scale(
    trial: Trial, exported: ExportedPairs, cosines: Callable[[Ints, Ints], Floats], pairs: int = 5000
) -> tuple[float, float]:
    """
    Slope and intercept that bring the teacher's scores to the scale of the untrained student's cosines.

    `cosines` gives them for row numbers of queries and documents, (n,) each; a seeded draw of `pairs` is asked.
    """
    if trial.loss not in DISTILLED:
        return 1.0, 0.0
    some = np.random.default_rng(trial.seed).permutation(len(exported.query))[:pairs]
    return on_scale_of(cosines(exported.query[some], exported.document[some]), exported.score[some])


def on_scale_of(cosines: Floats, scores: Floats) -> tuple[float, float]:
    """Slope and intercept that give a teacher's scores, (n,), the mean and the spread of cosines, (n,)."""
    spread = float(scores.std())
    slope = float(cosines.std()) / spread if spread else 1.0
    return slope, float(cosines.mean()) - slope * float(scores.mean())


def _own(cosines: Any, width: int) -> Any:
    """The cosines of each query with its own documents, (b, width)."""
    import torch

    b = len(cosines)
    own = torch.arange(b)
    negatives = b + own[:, None] * (width - 1) + torch.arange(width - 1)[None, :]
    return cosines.gather(1, torch.cat([own[:, None], negatives], dim=1))
