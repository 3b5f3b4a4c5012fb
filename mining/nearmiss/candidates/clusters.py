"""
Clusters: groups of similar documents, by spherical k-means over their vectors.

In:  the shards of document vectors, of unit length
Out: a cluster number for each document
"""

import numpy as np
import numpy.typing as npt

from nearmiss.retrieval.approximate import sampled
from nearmiss.retrieval.vectors import Shards, block_rows, blocks, count

ROUNDS = 20
TRAINING_ROWS_PER_CLUSTER = 256
MEMORY_MB = 256


def cluster(shards: Shards, n: int, seed: int) -> npt.NDArray[np.int32]:
    """
    The cluster (0 to n - 1) of each document, (n_documents,); with fewer documents than `n`, one cluster each.

    Centres are fitted to a seeded sample, so that the cost is that of one pass over the documents.
    """
    import faiss

    kmeans = faiss.Kmeans(
        shards[0].shape[1],
        min(n, count(shards)),
        niter=ROUNDS,
        spherical=True,
        seed=seed,
        min_points_per_centroid=1,  # only keeps FAISS from warning on standard error
        max_points_per_centroid=TRAINING_ROWS_PER_CLUSTER,
    )
    kmeans.train(sampled(shards, n * TRAINING_ROWS_PER_CLUSTER, seed))
    nearest = [kmeans.assign(block)[1] for _, block in blocks(shards, block_rows(MEMORY_MB, shards[0].shape[1]))]
    return np.concatenate(nearest).astype(np.int32)
