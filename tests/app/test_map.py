"""The map's page: without a map, over one, around one query, and what it does with hostile texts."""

import pytest

from app.charts.map import SYMBOLS
from app.theme import STATUS, VERDICT
from mining import projection
from mining.run import open_run


@pytest.fixture
def mapped(run):
    """The run with a map."""
    projection.make(open_run(run))
    return run


@pytest.mark.parametrize("colour", ["Status", "Source", "Topic", "Verdict", "Score"])
def test_the_whole_map_is_coloured_by_each(mapped, open_page, colour):
    page = open_page("map", colour=colour)
    assert not page.error
