"""
Scores: the model's similarity or the cross-encoder's, and which of them a negative may have.

In:  the candidates frame
Out: a score for each row, the positives' scores, and how many candidates each threshold removed
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nearmiss.candidates.pooling import CandidatePairs
from nearmiss.hard_negatives.arguments import Arguments
from nearmiss.hard_negatives.texts import PairTexts
from nearmiss.models.live import as_floats, engine_if_worth_it, left_as_found, pool_of
from nearmiss.types import Bools, Scores


@dataclass(frozen=True)
class Skipped:
    """How many candidates one threshold removed, and their share of those it checked."""

    name: str
    value: float
    count: int
    share: float


def ask_cross_encoder(model: Any, texts: PairTexts, pairs: CandidatePairs, wanted: Arguments) -> Scores:
    """The cross-encoder's score of each pair, (n,), after its own activation."""
    rows = zip(pairs.query.tolist(), pairs.document.tolist(), strict=True)
    asked = [(texts.queries[query], texts.corpus[document]) for query, document in rows]
    characters = (len(query) + len(document) for query, document in asked)
    engine = None if wanted.processes else engine_if_worth_it(model, "teacher", characters)
    if engine is not None:
        import torch

        logits = engine(asked, "pair", engine.facts.prompts["pair"])[:, 0]
        return as_floats(model.activation_fn(torch.from_numpy(logits)))
    with left_as_found(model), pool_of(model, wanted.processes) as pool:
        found = model.predict(asked, batch_size=wanted.batch_size, convert_to_tensor=True, pool=pool)
    scores = as_floats(found)
    if scores.size != len(asked) or not np.isfinite(scores).all():
        raise ValueError(
            f"cross_encoder: wanted one finite score for each of {len(asked)} pairs; found the shape {scores.shape} "
            f"with {int((~np.isfinite(scores)).sum())} that are not finite"
        )
    return scores.reshape(-1)


def lowest_of_positives(texts: PairTexts, positive_scores: Scores) -> Scores:
    """The lowest score of each query's positives, (n_queries,): margins start from it."""
    lowest = np.full(len(texts.queries), np.inf, np.float32)
    np.minimum.at(lowest, texts.positives.query, positive_scores)
    return lowest


def within_thresholds(
    rows: pd.DataFrame, may: Bools, lowest: Scores, chance: Scores | None, wanted: Arguments
) -> tuple[Bools, list[Skipped]]:
    """Which rows stay, (n,), of those that `may`; and what each threshold removed, in the order applied."""
    score, anchor = rows["score"].to_numpy(np.float32, na_value=np.nan), lowest[rows["query"].to_numpy()]
    limits = wanted.thresholds
    rules: list[tuple[str, float | None, Callable[[float], Bools]]] = [
        ("absolute_margin", limits.absolute_margin, lambda margin: score + margin > anchor),
        # A share of |positive|: with a negative score `(1 - margin) * positive` would raise the bar.
        ("relative_margin", limits.relative_margin, lambda margin: score > anchor - np.abs(anchor) * margin),
        ("max_score", limits.max_score, lambda highest: score > highest),
        ("min_score", limits.min_score, lambda lowest_score: score < lowest_score),
        ("max_p_relevant", limits.max_p_relevant, lambda highest: _above(chance, highest) & ~rows["is_own"].to_numpy()),
    ]
    stays, skipped = may.copy(), []
    met = len(lowest) * wanted.width
    for name, value, refuses in rules:
        if value is None:
            continue
        refused = stays & refuses(value)
        stays &= ~refused
        count = int(refused.sum())
        if count:
            skipped.append(Skipped(name, value, count, count / met))
        if name.endswith("margin"):
            met -= count
    return stays, skipped


def _above(chance: Scores | None, highest: float) -> Bools:
    assert chance is not None
    return chance > np.float32(highest)
