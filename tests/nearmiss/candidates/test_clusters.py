"""Clusters of vectors that plainly lie together."""

import numpy as np
import pytest

from nearmiss.candidates.clusters import cluster


def bunches(seed=0):
    """Forty documents around each of five axes, shuffled, and the axis of each."""
    rng = np.random.default_rng(seed)
    axis = rng.permutation(np.repeat(np.arange(5), 40))
    vectors = np.eye(5, dtype=np.float32)[axis] + rng.normal(0, 0.05, (200, 5)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), axis


def test_documents_that_lie_together_share_a_cluster():
    vectors, axis = bunches()
    clusters = cluster([vectors], 5, seed=3)
    assert clusters.dtype == np.int32
    assert len({tuple(pair) for pair in zip(axis, clusters, strict=True)}) == 5
    assert len(set(clusters)) == 5


def test_the_same_seed_gives_the_same_clusters_for_any_shards():
    vectors, _ = bunches()
    whole = cluster([vectors], 7, seed=1)
    np.testing.assert_array_equal(cluster(np.split(vectors, [3, 90]), 7, seed=1), whole)
    np.testing.assert_array_equal(cluster([vectors.astype(np.float32)], 7, seed=1), whole)


@pytest.mark.parametrize("n", [4, 9])
def test_more_clusters_than_documents_leave_each_alone(n):
    documents = np.eye(4, dtype=np.float16)
    assert sorted(cluster([documents], n, seed=0)) == [0, 1, 2, 3]


def test_one_cluster_holds_everything_and_twins_are_together():
    vectors, _ = bunches()
    assert set(cluster([vectors], 1, seed=0)) == {0}
    twins = np.repeat(vectors[:10], 2, axis=0)
    clusters = cluster([twins], 10, seed=0)
    np.testing.assert_array_equal(clusters[::2], clusters[1::2])
