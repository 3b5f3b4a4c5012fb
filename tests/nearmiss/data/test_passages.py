"""Passages: what models see of documents, made when it is asked for."""

import pandas as pd
import pytest

from nearmiss.data import Passages, dataset, passages

DOCUMENTS = pd.DataFrame(
    {"title": ["Salt", "", "  ", "Alone", "Zoë"], "text": ["of the sea", "no title", "blank title", " ", "日本"]}
).astype("str")
WHOLE = ["Salt of the sea", "no title", "blank title", "Alone", "Zoë 日本"]


def test_passages_are_the_same_one_by_one_in_slices_and_in_order(monkeypatch):
    monkeypatch.setattr(dataset, "READ_AT_ONCE", 2)
    lazy = Passages(DOCUMENTS)
    assert passages(DOCUMENTS) == WHOLE
    assert list(lazy) == WHOLE
    assert [lazy[place] for place in range(len(lazy))] == WHOLE
    assert (lazy[1:4], lazy[::2], lazy[-1]) == (WHOLE[1:4], WHOLE[::2], WHOLE[-1])
    with pytest.raises(IndexError):
        lazy[5]


def test_reading_one_passage_makes_no_text_of_the_others(monkeypatch):
    made = []
    monkeypatch.setattr(dataset, "passage", lambda title, text: made.append((title, text)) or text)
    assert Passages(DOCUMENTS)[1] == "no title"
    assert made == [("", "no title")]
