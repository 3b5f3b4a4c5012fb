"""Texts as numbers: what depends on all of them is computed block by block, and their words lie on disk."""

import numpy as np

from nearmiss.candidates import text_overlap
from nearmiss.candidates.text_overlap import rare_words, read_texts

TEXTS = ["salt sea salt", "sea and river", "river", "", "salt and sea"]
LEFT, RIGHT = np.array([0, 0, 1, 3, 0]), np.array([1, 4, 2, 0, 0])


def test_words_lie_on_disk_and_are_told_text_by_text():
    texts = read_texts(TEXTS)
    assert isinstance(texts.sequence, np.memmap)
    assert [texts.words_of(row) for row in range(5)] == [[0, 1, 0], [1, 2, 3], [3], [], [0, 2, 1]]
    assert texts.lengths.tolist() == [3, 3, 1, 0, 3]
    assert texts.sizes.tolist() == [2, 3, 1, 0, 3]
    assert not texts.holds.indices.flags.owndata  # the words that each text holds are no copy of the file either


def test_rare_words_are_those_of_the_formula_whatever_the_blocks(monkeypatch):
    rarity = np.log1p(5 / (np.array([2, 3, 2, 2]) + 0.5))
    holds = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 0]]) * rarity
    norms = np.linalg.norm(holds, axis=1)
    both = norms[LEFT] * norms[RIGHT]
    expected = np.divide((holds[LEFT] * holds[RIGHT]).sum(axis=1), both, out=np.zeros(5), where=both > 0)
    whole = rare_words(read_texts(TEXTS), LEFT, RIGHT)
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    monkeypatch.setattr(text_overlap, "TEXT_BLOCK", 2)
    np.testing.assert_array_equal(rare_words(read_texts(TEXTS), LEFT, RIGHT), whole)
