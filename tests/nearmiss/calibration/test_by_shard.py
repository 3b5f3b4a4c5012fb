"""Signals read shard by shard are those of all candidates together, and lie on disk."""

import numpy as np
import pandas as pd
import pytest

from nearmiss.calibration import by_shard, stored
from nearmiss.calibration.answer_rate import labels_of
from nearmiss.calibration.by_shard import signals_of_shards
from nearmiss.calibration.signals import signals
from nearmiss.storage.files import write_parquet


def candidates(teacher):
    """A dozen queries; the deepest ranks stand in the last one alone, the only teacher's score in the first."""
    rng = np.random.default_rng(3)
    sizes = [9, 4, 7, 12, 3, 8, 6, 5, 10, 4, 6, 20]
    query = np.repeat(np.arange(12), sizes)
    place = np.concatenate([np.arange(1, size + 1) for size in sizes])
    n = len(query)
    dense = rng.random(n).astype(np.float32)
    missing = (rng.random(n) < 0.4) & (place > 1)
    return pd.DataFrame(
        {
            "query_id": pd.Series([f"q{row}" for row in query], dtype="str"),
            "doc_id": pd.Series([f"d{row}" for row in rng.integers(0, 50, n)], dtype="str"),
            "bm25_rank": pd.arrays.IntegerArray(place.astype(np.int32), missing),
            "bm25_score": np.where(missing, np.nan, 30 - place).astype(np.float32),
            "fused_rank": pd.arrays.IntegerArray(place.astype(np.int32), np.zeros(n, bool)),
            "dense_score": dense,
            "is_positive": place == 1,
            "is_labelled_negative": place == 3,
            "teacher_score": dense + np.float32(teacher) * (query == 0) * (place == 2),
        }
    )


@pytest.mark.parametrize("teacher", [0, 1])
def test_shards_have_the_signals_and_the_prior_of_the_whole(tmp_path, monkeypatch, teacher):
    whole = candidates(teacher)
    paths = []
    for number, rows in enumerate(np.split(np.arange(len(whole)), [20, 32, 43])):
        paths.append(tmp_path / f"{number}.parquet")
        write_parquet(paths[-1], whole.iloc[rows].reset_index(drop=True))
    read = []
    monkeypatch.setattr(by_shard, "signals", lambda part, facts: read.append(len(part)) or signals(part, facts))
    found, known = signals_of_shards(paths)
    expected = signals(whole)
    assert found.names == expected.names
    assert ("teacher_score" in found.names) == bool(teacher)
    np.testing.assert_array_equal(found.values, expected.values)
    for one, other in zip(known, labels_of(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    assert stored.by_prior_of(found, known) == stored.by_prior(expected, whole)
    # Never more than a shard at once, and what comes of it is mapped from a file.
    assert read == [20, 12, 11, len(whole) - 43]
    assert isinstance(found.values, np.memmap)
