"""Priority: an order by hand, laws of the spreading, and learning from verdicts."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from nearmiss.calibration import stored
from nearmiss.calibration.signals import signals
from nearmiss.review import Event
from nearmiss.session import refit
from nearmiss.session.queue import priority
from nearmiss.workspace import SameTexts, open_workspace


@pytest.fixture
def work(without_teacher, tmp_path):
    return open_workspace(without_teacher, reviews=f"sqlite:///{tmp_path / 'reviews.db'}")


def verdicts(work, rows, verdict, start=0):
    return [
        Event(
            query_id=work.pair_at(row)[0],
            doc_id=work.pair_at(row)[1],
            verdict=verdict,
            reviewer="ana",
            client_id="c",
            client_seq=start + place,
            decided_at=1.0,
        )
        for place, row in enumerate(rows)
    ]


@settings(max_examples=100)
@given(st.lists(st.integers(0, 30), max_size=300))
def test_no_batch_shows_a_query_twice_while_others_wait(queries):
    ranked, query = np.arange(len(queries)), np.array(queries, np.int64)
    spread = priority._spread(ranked, query)
    assert sorted(spread.tolist()) == ranked.tolist()
    for own in range(31):  # of one query, the better comes first
        assert (np.diff(spread[query[spread] == own]) > 0).all()
    first = spread[: priority.TURNS_BETWEEN]
    if len(set(queries)) >= priority.TURNS_BETWEEN:
        assert len(set(query[first].tolist())) == len(first)


def test_a_query_comes_again_only_a_batch_later():
    query = np.zeros(120, np.int64)
    query[60:] = np.arange(1, 61)
    spread = priority._spread(np.arange(120), query)
    assert np.flatnonzero(query[spread[:62]] == 0).tolist() == [0, priority.TURNS_BETWEEN]


def test_the_best_two_or_three_of_a_query_come_together_and_its_others_in_a_later_turn():
    # Each letter a query, its cards by rank: A's fourth has to wait, B's second is alone, C's lie too far apart.
    ranked = np.array([ord(letter) for letter in "AABACAB"])
    assert "".join(chr(ranked[place]) for place in priority._in_turns(ranked)) == "AAABBCA"
    far = np.concatenate([[0], np.arange(1, priority.PLACES_BEHIND + 1), [0]])
    assert priority._in_turns(far).tolist()[:3] == [0, 1, 2]


@given(st.lists(st.integers(0, 6), max_size=60))
def test_turns_lose_no_card_and_keep_a_query_s_own_order(queries):
    query = np.array(queries, np.int64)
    turns = priority._in_turns(query)
    assert sorted(turns.tolist()) == list(range(len(query)))
    assert all((np.diff(turns[query[turns] == own]) > 0).all() for own in set(queries))


def test_the_likeliest_the_hardest_and_the_most_copied_come_first(work):
    rows = np.flatnonzero(~work.table.positive)
    counted = priority.chance(work) * priority.harm(work) ** priority.POWER_OF_HARM * priority.copies(work)
    np.testing.assert_allclose(priority.importance(work), counted)
    assert priority.order(work, rows)[0] == rows[np.argmax(counted[rows])]
    np.testing.assert_allclose(np.bincount(work.table.query, priority.harm(work)), 1)


def test_an_answer_raises_its_query_and_negatives_lower_it(work):
    rows = work.rows_of("q03")
    own = np.arange(rows.start, rows.stop)
    others = own[~work.table.positive[own]]
    before = priority.chance(work)
    work.append(verdicts(work, others[:1].tolist(), "relevant"))
    hit = priority.chance(work)
    assert (hit[others[1:]] > before[others[1:]]).all()
    work.append(verdicts(work, others[1:6].tolist(), "not_relevant", start=10))
    assert (priority.chance(work)[others[6:]] < hit[others[6:]]).all()
    assert (priority.chance(work)[: rows.start] == before[: rows.start]).all()


def test_cannot_tell_neither_raises_nor_lowers_its_query(work):
    rows = work.rows_of("q03")
    own = np.arange(rows.start, rows.stop)
    others = own[~work.table.positive[own]]
    before = priority.chance(work)
    work.append(verdicts(work, others[:6].tolist(), "unsure"))
    np.testing.assert_array_equal(priority.chance(work)[others[6:]], before[others[6:]])


def test_verdicts_teach_the_chances_and_the_order_is_a_new_one(work):
    others = np.flatnonzero(~work.table.positive)
    generation = priority.generation(work)
    work.append(verdicts(work, others[:5].tolist(), "relevant"))
    priority.learn(work, wait=True)
    assert priority.generation(work) == generation  # too few to fit anew
    work.append(verdicts(work, others[5:300:7].tolist(), "relevant", start=100))
    before = priority.chance(work)[others[-500:]].mean()
    priority.learn(work, wait=True)
    assert priority.generation(work) == generation + 1
    assert priority.chance(work)[others[-500:]].mean() > before


def test_copies_of_a_pair_are_counted(work):
    key = work.digests
    counted = {value: int((key == value).sum()) for value in np.unique(key)}
    assert priority.copies(work).tolist() == [counted[value] for value in key]


def test_copies_are_counted_where_queries_and_documents_have_twins(without_teacher, tmp_path):
    work = open_workspace(without_teacher, reviews=f"sqlite:///{tmp_path / 'twins.db'}")
    for name, id_name in (("queries", "query_id"), ("documents", "doc_id")):
        texts = getattr(work.run.dataset, name)
        texts["text"] = np.where(np.arange(len(texts)) % 3 == 0, "the same words", texts[id_name])
    key = work.digests
    counted = [int((key == value).sum()) for value in key]
    assert max(counted) > 1
    assert priority.copies(work).tolist() == counted


def test_texts_are_the_same_but_for_case_and_white_space():
    twins = SameTexts.of(pd.Series({"a": "One  two", "b": "three", "c": "one two ", "d": "onetwo", "e": "ONE\ntwo"}))
    assert {name: twins.same_as(name) for name in "abcd"} == {
        "a": ["a", "c", "e"],
        "b": ["b"],
        "c": ["a", "c", "e"],
        "d": ["d"],
    }


@pytest.mark.parametrize("steps", [(), ((-2.0, 0.1), (0.0, 0.4))])
def test_before_the_first_fit_the_chances_are_those_of_the_calibration_in_force(without_teacher, tmp_path, steps):
    folder = shutil.copytree(without_teacher, tmp_path / "run")
    work = open_workspace(folder)
    before = priority.chance(work)
    found = signals(work.candidates)
    prior = stored.by_prior(found, work.candidates)
    np.testing.assert_allclose(before, expit(prior.logits(found)), rtol=1e-5)
    # Another one is put in force: who looks already sees it where it has no steps, and a server that starts, always.
    other = replace(prior, intercept=prior.intercept + 1, steps=steps)
    stored.save(work.folder, found, other)
    work.refresh()
    for one in [open_workspace(folder)] if steps else [work, open_workspace(folder)]:
        np.testing.assert_allclose(priority.chance(one), expit(other.logits(found)), rtol=1e-5)


def test_another_calibration_in_force_changes_neither_harm_nor_copies(without_teacher, tmp_path):
    work = open_workspace(shutil.copytree(without_teacher, tmp_path / "run"))
    others = np.flatnonzero(~work.table.positive)
    work.append(verdicts(work, others[:60:3].tolist(), "relevant"))
    work.append(verdicts(work, others[1:60:3].tolist(), "not_relevant", start=100))
    priority.learn(work, wait=True)
    fitted, harm, copies = (part(work).copy() for part in (priority.chance, priority.harm, priority.copies))
    # Of one query alone it would not be offered; here it is about what hangs on a calibration.
    refit.put_in_force(work, replace(refit.preview(work, with_audits=True), refused=""))
    # The same verdicts moved both, and neither harm nor copies hangs on a calibration.
    np.testing.assert_array_equal(priority.chance(work), fitted)
    np.testing.assert_array_equal(priority.harm(work), harm)
    np.testing.assert_array_equal(priority.copies(work), copies)
