"""
What was mined, in a table on the terminal.

In:  scores, and what each threshold removed
Out: lines; the wording and the figures are those that sentence-transformers prints
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from nearmiss.hard_negatives.arguments import Arguments
from nearmiss.hard_negatives.scoring import Skipped
from nearmiss.types import Scores

ROW = "{:<6} {:>14} {:>14} {:>14}"


def statistics(positives: Scores, pairs: list[tuple[float, float]]) -> Iterator[str]:
    """Count, mean, median, spread and quartiles of the scores of positives and negatives, and of their distances."""
    both = np.array(pairs, np.float32).reshape(-1, 2)
    negatives, differences = both[:, 1], both[:, 0] - both[:, 1]
    yield ROW.format("Metric", "Positive", "Negative", "Difference")
    yield ROW.format("Count", f"{len(positives):,}", f"{len(negatives):,}", "")
    figures = [dict(_figures(scores)) for scores in (positives, negatives, differences)]
    for name in figures[0]:
        yield ROW.format(name, *(_written(own[name]) for own in figures))


def losses(skipped: list[Skipped], missing: int, possible: int, wanted: Arguments) -> Iterator[str]:
    """What each threshold removed, and how many rows are missing for it."""
    for one in skipped:
        yield f"Skipped {one.count:,} potential negatives ({one.share:.2%}) due to the {one.name} of {one.value}."
    if missing > 0:
        named = ["range_max", *(["range_min"] if wanted.range_min > 0 else [])]
        named += [name for name, value in vars(wanted.thresholds).items() if value is not None]
        considered = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
        yield (
            f"Could not find enough negatives for {missing} samples ({missing / possible:.2%})."
            f" Consider adjusting the {considered} parameter{'s' if len(named) > 1 else ''} if you'd like to find more"
            " valid negatives."
        )


def _figures(scores: Scores) -> Iterator[tuple[str, Any]]:
    some = len(scores) > 0
    in_order = np.sort(scores)
    yield "Mean", scores.mean(dtype=np.float64) if some else np.nan
    # For an even count the lower one of the two in the middle, as in PyTorch.
    yield "Median", in_order[(len(scores) - 1) // 2] if some else np.nan
    yield "Std", scores.std(dtype=np.float64, ddof=1) if len(scores) > 1 else np.nan
    yield "Min", in_order[0] if some else np.inf
    for share in (0.25, 0.5, 0.75):
        yield f"{share:.0%}", np.quantile(scores, share) if some else np.inf
    yield "Max", in_order[-1] if some else -np.inf


def _written(figure: float) -> str:
    return f"{figure:.4f}"
