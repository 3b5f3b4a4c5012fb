"""Scratch files: what was appended comes back as one array on disk, whether or not its memory was let go of."""

import errno

import numpy as np
import pytest

from nearmiss.errors import FileError
from nearmiss.storage import scratch
from nearmiss.storage.scratch import Scratch, blank, release


@pytest.mark.parametrize(("width", "blocks"), [(None, [[1, 2], [], [3]]), (2, [[[1, 2]], [[3, 4], [5, 6]]]), (3, [])])
def test_what_was_appended_is_one_array_that_lies_on_disk(width, blocks):
    made = Scratch(np.int32, width)
    for block in blocks:
        made.extend(block)
    found = made.mapped()
    rows = [row for block in blocks for row in block]
    whole = np.array(rows, np.int32).reshape(-1, width) if width else np.array(rows, np.int32)
    np.testing.assert_array_equal(found, whole)
    assert found.dtype == np.int32
    assert isinstance(found, np.memmap) == bool(len(found))
    release(found)
    np.testing.assert_array_equal(found, whole)


def test_a_full_disk_is_named_with_the_folder_of_scratch_files(monkeypatch):
    class Full:
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scratch.tempfile, "TemporaryFile", Full)
    monkeypatch.setattr(scratch.tempfile, "gettempdir", lambda: "/full")
    with pytest.raises(FileError, match=r"/full: wanted to write it; found: No space left on device. Make room"):
        Scratch(np.int8).extend([1])


def test_a_blank_array_is_zeros_on_disk_that_keep_what_is_written_to_them():
    made = blank((2, 3), np.float32)
    assert isinstance(made, np.memmap)
    made[:, 1:] = [[1, 2], [3, 4]]
    release(made)
    assert made.tolist() == [[0, 1, 2], [0, 3, 4]]
    assert blank((0, 3), np.float32).shape == (0, 3)


def test_a_blank_array_that_finds_no_room_is_an_error_and_no_crash(monkeypatch):
    def full(descriptor, start, size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scratch.os, "posix_fallocate", full)
    with pytest.raises(FileError, match="wanted to write it; found: No space left on device"):
        blank((4,), np.float32)
