"""Token vectors on disk: kept until they fill their room, and never needed."""

import errno
import os

import numpy as np
import pytest

from nearmiss.models import token_store
from nearmiss.models.token_store import TokenStore

ROWS = [np.arange(n, n + 500_000, dtype=np.int16).reshape(-1, 10) for n in range(3)]  # 1 MB each


def kept(store):
    return [store.find(text) is not None for text in ("a", "b", "c")]


def test_rows_are_kept_until_the_room_is_full_and_found_by_a_later_process(tmp_path):
    store = TokenStore(tmp_path, megabytes=2)
    for text, rows in zip("abc", ROWS, strict=True):
        store.keep([text], [rows])
    assert kept(store) == kept(TokenStore(tmp_path, 2)) == [True, True, False]
    np.testing.assert_array_equal(TokenStore(tmp_path, 2).find("b"), ROWS[1])


def test_no_file_stays_open(tmp_path):
    store = TokenStore(tmp_path, 9)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(40):
        store.keep([f"text {number}"], [ROWS[0][:3]])
    assert all(store.find(f"text {number}") is not None for number in range(40))
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_full_disk_ends_the_keeping_and_not_the_run(tmp_path, monkeypatch):
    store = TokenStore(tmp_path / "tokens", megabytes=9)
    store.keep(["a"], ROWS[:1])

    def full(file, array):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(token_store.np, "save", full)
    store.keep(["b"], ROWS[1:2])
    store.keep(["c"], ROWS[2:])
    assert kept(store) == [False, False, False]
    assert not (tmp_path / "tokens").exists()


@pytest.mark.parametrize("name", ["00000.npy", "00000.texts.npy"])
def test_a_damaged_file_costs_a_second_reading_alone(tmp_path, name):
    TokenStore(tmp_path, 9).keep(["a", "b"], ROWS[:2])
    (tmp_path / name).write_bytes(b"damaged")
    assert kept(TokenStore(tmp_path, 9)) == [False, False, False]
