"""The cache of scores: each pair once, whole or absent, and never another model's."""

import numpy as np
import pandas as pd
import pytest

from nearmiss.errors import ModelError
from nearmiss.models import score_cache
from nearmiss.models.score_cache import KnownScores, count_scored, known_scores, score_pairs
from tests.words import OverlapTeacher

QUERIES = ["when does the castle open", "where is the library", "what does the market cost"]
DOCUMENTS = [f"the {place} opens at {hour}" for place in ("castle", "library", "market") for hour in range(5)]
ALL = np.array([(q, d) for q in range(3) for d in range(15)])
NOTHING = KnownScores.of(pd.DataFrame({"query_key": [], "document_key": [], "score": []}))


def expected(pairs):
    return OverlapTeacher().score([(QUERIES[q], DOCUMENTS[d]) for q, d in pairs])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(score_cache, "PAIRS_PER_CHUNK", 7)


def test_every_pair_gets_its_own_score(tmp_path):
    scores = score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, ALL, tmp_path, "1-00000", NOTHING)
    np.testing.assert_array_equal(scores, expected(ALL))
    assert scores.dtype == np.float32


def test_pairs_of_other_rounds_are_not_scored_again(tmp_path):
    score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, ALL[:30], tmp_path, "1-00000", NOTHING)
    teacher = OverlapTeacher()
    known = known_scores(tmp_path, teacher, except_prefix="2-")
    scores = score_pairs(teacher, QUERIES, DOCUMENTS, ALL[20:], tmp_path, "2-00000", known)
    np.testing.assert_array_equal(scores, expected(ALL[20:]))
    assert teacher.asked == 15
    assert count_scored(tmp_path, teacher, "2-") == 15
    assert count_scored(tmp_path, teacher, "1-") == 30


def test_a_text_that_comes_twice_is_scored_once(tmp_path):
    teacher = OverlapTeacher()
    twins = [*DOCUMENTS[:2], DOCUMENTS[0]]
    scores = score_pairs(teacher, QUERIES, twins, np.array([(0, 0), (0, 1), (0, 2)]), tmp_path, "1-00000", NOTHING)
    assert teacher.asked == 2
    assert scores[0] == scores[2]


def test_chunks_that_exist_are_finished(tmp_path):
    class Dying(OverlapTeacher):
        def score(self, pairs):
            if self.asked >= 14:
                raise KeyboardInterrupt
            return super().score(pairs)

    with pytest.raises(KeyboardInterrupt):
        score_pairs(Dying(), QUERIES, DOCUMENTS, ALL, tmp_path, "1-00000", NOTHING)
    teacher = OverlapTeacher()
    scores = score_pairs(teacher, QUERIES, DOCUMENTS, ALL, tmp_path, "1-00000", NOTHING)
    np.testing.assert_array_equal(scores, expected(ALL))
    assert teacher.asked == 45 - 14


def test_pairs_whose_scores_in_another_round_are_gone_are_scored_again(tmp_path):
    score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, ALL[:30], tmp_path, "1-00000", NOTHING)
    known = known_scores(tmp_path, OverlapTeacher(), except_prefix="2-")
    score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, ALL, tmp_path, "2-00000", known)
    for path in tmp_path.rglob("1-*.parquet"):
        path.unlink()
    known = known_scores(tmp_path, OverlapTeacher(), except_prefix="2-")
    scores = score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, ALL, tmp_path, "2-00000", known)
    np.testing.assert_array_equal(scores, expected(ALL))


def test_what_a_killed_run_left_half_written_is_not_read(tmp_path):
    score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, ALL, tmp_path, "1-00000", NOTHING)
    [folder] = tmp_path.iterdir()
    (folder / "1-00000-00002.parquet").rename(folder / ".tmp-1-00000-00002.parquet")
    teacher = OverlapTeacher()
    score_pairs(teacher, QUERIES, DOCUMENTS, ALL, tmp_path, "1-00000", NOTHING)
    assert teacher.asked == 7


def test_other_weights_never_meet_an_old_score(tmp_path):
    score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, ALL, tmp_path, "1-00000", NOTHING)
    tuned = OverlapTeacher("tuned")
    known = known_scores(tmp_path, tuned, except_prefix="2-")
    score_pairs(tuned, QUERIES, DOCUMENTS, ALL, tmp_path, "2-00000", known)
    assert tuned.asked == 45


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_refused_with_its_pair_and_nothing_is_kept(tmp_path, number):
    class Broken(OverlapTeacher):
        def score(self, pairs):
            return np.full(len(pairs), number, np.float32)

    with pytest.raises(ModelError, match=r"wanted a finite score; found .* for 'when does the castle open'"):
        score_pairs(Broken(), QUERIES, DOCUMENTS, ALL[:3], tmp_path, "1-00000", NOTHING)
    assert list(tmp_path.rglob("*.parquet")) == []


def test_the_order_of_the_pairs_changes_no_score(tmp_path):
    shuffled = np.random.default_rng(0).permutation(ALL)
    scores = score_pairs(OverlapTeacher(), QUERIES, DOCUMENTS, shuffled, tmp_path, "1-00000", NOTHING)
    np.testing.assert_array_equal(scores, expected(shuffled))
