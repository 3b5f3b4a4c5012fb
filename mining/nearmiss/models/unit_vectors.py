"""Unit vectors, so that a dot product is a cosine."""

from typing import Any

import numpy as np

from nearmiss.types import Vectors

SHORTEST = 1e-12  # a vector of zeros stays one


def unit_vectors(rows: Any) -> Vectors:
    """The same directions (n, dimension) in float32, each of length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), SHORTEST), np.float32)
