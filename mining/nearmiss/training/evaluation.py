"""
Evaluation: how well scores tell answers from negatives, on queries that were never trained on.

In:  scores and labels of the held-out pairs, and the query of each
Out: `EvaluationScores`

Pairs labelled in between (partly relevant) are left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.training.score_scale import log_losses, probabilities
from nearmiss.types import Floats

NDCG_AT = 10


@dataclass(frozen=True)
class EvaluationScores:
    """
    `auc`: chance that a positive scores above a negative, over all pairs of all queries together: what one threshold
    can achieve. `ndcg` (at 10) and `mrr`: means over queries, each over its own pairs. `brier`, `log_loss`: of the
    probabilities.
    """

    auc: float
    ndcg: float
    mrr: float
    brier: float
    log_loss: float


def measure(scores: Floats, logits: Floats, labels: Floats, query: npt.NDArray[np.str_]) -> EvaluationScores:
    """The numbers of `scores` (order) and `logits` (probabilities), (n,) each, with labels 0 or 1."""
    from sklearn.metrics import roc_auc_score

    per_query = pd.DataFrame({"score": scores, "label": labels}).groupby(query)
    both = [group for _, group in per_query if group["label"].nunique() == 2]
    return EvaluationScores(
        auc=float(roc_auc_score(labels, scores)),
        ndcg=float(np.mean([_ndcg(group) for group in both])) if both else float("nan"),
        mrr=float(np.mean([_reciprocal_rank(group) for group in both])) if both else float("nan"),
        brier=float(np.mean((probabilities(logits) - labels) ** 2)),
        log_loss=float(log_losses(logits, labels).mean()),
    )


def _ndcg(group: pd.DataFrame) -> float:
    from sklearn.metrics import ndcg_score

    return float(ndcg_score(group[["label"]].to_numpy().T, group[["score"]].to_numpy().T, k=NDCG_AT))


def _reciprocal_rank(group: pd.DataFrame) -> float:
    best = group.loc[group["label"].eq(1), "score"].max()
    others = group.loc[group["label"].eq(0), "score"]
    # Of ties, half count as before it.
    return float(1 / (1 + others.gt(best).sum() + others.eq(best).sum() / 2))
