"""Models in memory: when a graph of one is worth making."""

from types import SimpleNamespace

import pytest

from nearmiss.models import live


@pytest.mark.parametrize(
    ("characters", "pays"),
    [
        ([1000] * 250, True),
        ([1000] * 249, False),
        ([], False),
        ([10**6] * 195, False),  # of each, 256 tokens are read: 1,280 characters
        ([10**6] * 196, True),
    ],
)
def test_a_graph_is_made_where_so_much_is_read_that_it_pays(monkeypatch, characters, pays):
    monkeypatch.setattr(live, "engine_for", lambda model, kind: kind)
    found = live.engine_if_worth_it(SimpleNamespace(max_seq_length=256), "encoder", characters)
    assert found == ("encoder" if pays else None)
