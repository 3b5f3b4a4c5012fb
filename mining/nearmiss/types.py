"""Types that several rooms share, each with its shape or its meaning."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (rows, dimensions)
Scores = npt.NDArray[np.float32]  # (n,): higher is more alike
Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
AnyInts = npt.NDArray[np.integer[Any]]  # row numbers or counts, of any width
Bools = npt.NDArray[np.bool_]

Row = dict[str, Any]  # one record of a file, by the names of its columns
Pair = tuple[str, str]  # query_id, doc_id
Advance = Callable[[int], None]  # called with the number of items just finished
