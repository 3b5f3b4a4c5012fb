"""The faults of the benchmark, small: whatever happens, each key is in the log once and in order."""

import pytest

from tests.benchmarks import faults

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["clock", "tabs", "sleep"])
def test_every_key_arrives_once_and_in_order(without_teacher, name):
    found = faults.tried(name, without_teacher, presses=30, faults=1)
    assert (found.is_good, found.words) == (True, "in order, each once, the chain holds")
