"""
The choice: which of the candidates that stay become the query's negatives.

In:  the scored candidates, which of them stay
Out: row numbers, query by query, by falling score

A random choice is seeded for each query by the seed and the query's text, so that it is the same in any order.
"""

import random
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss.hard_negatives.arguments import Arguments
from nearmiss.types import Ints


def choose(rows: pd.DataFrame, stays: npt.NDArray[np.bool_], queries: list[str], wanted: Arguments) -> list[Ints]:
    """The chosen rows of each query: of those that stay, ranks `range_min` to `range_max`, first or random."""
    places = np.flatnonzero(stays)
    score, query = rows["score"].to_numpy(np.float32, na_value=-np.inf)[places], rows["query"].to_numpy()[places]
    rank = rows["rank"].to_numpy(np.float64, na_value=np.inf)[places]
    order = np.lexsort((rank, -score, query))
    bounds = np.searchsorted(query[order], np.arange(len(queries) + 1))
    chosen = []
    for text, (start, end) in zip(queries, pairwise(bounds.tolist()), strict=True):
        window = places[order[start:end]][wanted.range_min : wanted.range_max]
        if wanted.sampling_strategy == "random" and len(window) > wanted.num_negatives:
            drawn = random.Random(f"{wanted.seed}\0{text}").sample(range(len(window)), wanted.num_negatives)
            window = window[sorted(drawn)]
        chosen.append(window[: wanted.num_negatives])
    return chosen
