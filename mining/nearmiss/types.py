"""Array types that several rooms share, each with its shape."""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (rows, dimensions)
