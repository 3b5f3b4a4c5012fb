"""Line logs: what is appended comes back, also after a line that a crash cut off."""

import pytest

from nearmiss.errors import NearmissError
from nearmiss.storage import line_log


def test_lines_come_back_in_order_without_what_a_crash_cut_off(tmp_path):
    path = tmp_path / "log.jsonl"
    assert list(line_log.whole_lines(path)) == []
    line_log.append(path, {"a": "x\u2028y"}, {"b": 1})
    with path.open("ab") as file:
        file.write(b'{"c": [1, ')
    line_log.append(path, {"d": None})
    assert list(line_log.whole_lines(path)) == [{"a": "x\u2028y"}, {"b": 1}, {"d": None}]


def test_where_nothing_can_be_written_the_file_is_named(tmp_path):
    path = tmp_path / "none" / "log.jsonl"
    with pytest.raises(NearmissError, match=r"log\.jsonl"):
        line_log.append(path, {"a": 1})
