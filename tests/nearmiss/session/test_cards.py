"""Agenda and cards: who sees what, in which order, and what a browser sent becomes rows of the log."""

import time

import numpy as np
import pandas as pd
import pytest

from nearmiss.data import Dataset, ReadCounts
from nearmiss.pipeline import mine
from nearmiss.selection import STATUSES
from nearmiss.session import cards
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.arms import PickedCard
from nearmiss.settings import Mining, Policy
from nearmiss.workspace import open_workspace
from tests.words import OverlapTeacher, WordEncoder

HOURS = ("nine", "ten", "eleven", "noon")


@pytest.fixture
def work(tmp_path):
    """Two queries of the same words and one other, over passages of which two are the same."""
    documents = {f"d{n}": f"the castle opens at {hour} on day {n}" for n, hour in enumerate(HOURS)}
    documents |= {"same": "The castle opens  at NINE on day 0", "garden": "the garden closes early"}
    queries = {"q1": "when does the castle open", "q2": "When does the CASTLE open", "q3": "when does the garden close"}
    data = Dataset(
        queries=pd.DataFrame({"query_id": list(queries), "text": list(queries.values())}),
        documents=pd.DataFrame({"doc_id": list(documents), "title": "", "text": list(documents.values())}),
        positives=pd.DataFrame({"query_id": ["q1", "q2", "q3"], "doc_id": ["d3", "d3", "garden"], "grade": 1.0}),
        negatives=pd.DataFrame({"query_id": pd.Series(dtype=str), "doc_id": pd.Series(dtype=str)}),
        counts=ReadCounts(0, 0, 0),
    )
    recipe = Mining(teacher="overlap", language="en")
    policy = Policy(relative_margin=None)
    mine(tmp_path / "run", recipe, data, policy, encoder=WordEncoder(), teacher=OverlapTeacher())
    return open_workspace(tmp_path / "run")


def order_of(work, **view):
    return agenda.rows(work, View(**view), work.decision())


def sent(pair, verdict, seq, **more):
    known = {"client_id": "tab", "client_seq": seq, "reviewer": "ana", "decided_at": 1.0}
    return {"query_id": pair[0], "doc_id": pair[1], "verdict": verdict} | known | more


def verdict_of(work, pair):
    return work.standing.verdict(pair)


def test_a_query_s_likeliest_answers_come_first(work):
    order = order_of(work)
    assert (np.diff(work.table.query[order]) >= 0).all()
    scores = work.table.score[order]
    same = np.diff(work.table.query[order]) == 0
    assert (np.diff(scores)[same] <= 0).all()


def test_a_view_shows_only_its_statuses_and_its_query(work):
    order = order_of(work, statuses=("known_positive",))
    assert [work.pair_at(row) for row in order] == [("q1", "d3"), ("q2", "d3"), ("q3", "garden")]
    assert {work.pair_at(row)[0] for row in order_of(work, query_id="q2")} == {"q2"}
    assert len(order_of(work, query_id="nobody's")) == 0


def test_text_is_found_in_query_or_document_in_any_case(work):
    assert {work.pair_at(row)[1] for row in order_of(work, text="nine ON day", query_id="q3")} == {"d0", "same"}
    assert {work.pair_at(row)[0] for row in order_of(work, text="does the GARDEN")} == {"q3"}


def test_a_blind_order_is_drawn_by_its_seed(work):
    first, again, other = (order_of(work, blind=True, seed=seed).tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert sorted(first) == sorted(other) == sorted(order_of(work).tolist())


def test_nobody_is_given_what_another_holds_or_has_judged(work):
    order = order_of(work)
    ana = agenda.next_pairs(work, View(), "ana", order, 3)
    bob = agenda.next_pairs(work, View(), "bob", order, 3)
    assert not set(ana) & set(bob)
    cards.write(work, [sent(ana[0], "relevant", 1)])
    everything = agenda.next_pairs(work, View(), "bob", order, 100)
    assert ana[0] not in everything
    assert len(everything) == len(order) - 3


def test_with_overlap_every_pair_goes_to_two_and_to_no_third(work):
    order = order_of(work)
    ana, bob, eve = (agenda.next_pairs(work, View(), name, order, 100, overlap=1) for name in ("ana", "bob", "eve"))
    assert ana == bob == [work.pair_at(row) for row in order]
    assert eve == []


def test_what_is_put_off_comes_last(work):
    order = order_of(work)
    [first, *rest] = agenda.next_pairs(work, View(), "ana", order, 100)
    cards.write(work, [sent(first, "later", 1)])
    assert agenda.next_pairs(work, View(), "ana", order, 100) == [*rest, first]


def test_what_is_sent_twice_is_written_once(work):
    pair = work.pair_at(int(order_of(work)[0]))
    for _ in range(2):
        assert cards.write(work, [sent(pair, "partial", 1), sent(pair, "relevant", 2)]) == []
    assert [entry.event.verdict for entry in work.standing.history(pair)] == ["partial", "relevant"]
    assert verdict_of(work, pair) == "relevant"


def test_a_relevant_one_is_no_negative_any_more_and_an_undo_brings_it_back(work):
    row = int(order_of(work)[0])
    pair = work.pair_at(row)
    cards.write(work, [sent(pair, "relevant", 1)])
    assert STATUSES[work.decision().status[row]] == "reviewed_relevant"
    cards.write(work, [sent(("-", "-"), "undo", 2)])
    assert STATUSES[work.decision().status[row]] == "kept"
    cards.write(work, [sent(("-", "-"), "redo", 3)])
    assert verdict_of(work, pair) == "relevant"


def test_an_undo_of_nothing_is_a_sentence_and_the_rest_is_written(work):
    pair = work.pair_at(int(order_of(work)[0]))
    problems = cards.write(work, [sent(pair, "undo", 1), sent(pair, "unsure", 2)])
    assert problems == ["undo: wanted something to take back; found nothing"]
    assert verdict_of(work, pair) == "unsure"


@pytest.mark.parametrize(
    "broken",
    [
        {"verdict": "great"},
        {"query_id": "nobody's"},
        {"reviewer": " "},
        {"client_seq": "2"},
        {"reason": "because"},
        {"decided_at": None},
    ],
)
def test_what_makes_no_sense_is_refused_in_words(work, broken):
    pair = work.pair_at(int(order_of(work)[0]))
    [problem] = cards.write(work, [sent(pair, "relevant", 1) | broken])
    assert "wanted" in problem
    assert work.standing.entries == {}


def test_copies_of_a_passage_are_offered_for_queries_of_the_same_words(work):
    assert sorted(agenda.copies(work, ("q1", "d0"))) == [("q1", "same"), ("q2", "d0"), ("q2", "same")]
    assert agenda.copies(work, ("q3", "d1")) == []


def test_propagated_verdicts_stand_and_fall_with_their_parent(work):
    parent, child = ("q1", "d0"), ("q2", "d0")
    cards.write(work, [sent(parent, "relevant", 1), sent(child, "relevant", 2, parent_seq=1)])
    assert verdict_of(work, child) == "relevant"
    cards.write(work, [sent(parent, "undo", 3)])
    assert verdict_of(work, parent) is verdict_of(work, child) is None


def test_a_blind_card_tells_no_number_until_it_is_judged(work):
    pair = work.pair_at(int(order_of(work)[0]))
    card_view = cards.CardView(work.policy, work.decision(), blind=True)
    hidden = cards.card(work, PickedCard(pair), card_view, "ana")
    assert hidden["numbers"] is None
    assert hidden["status"] is None
    assert cards.query(work, pair[0], card_view)["rankings"] == []
    cards.write(work, [sent(pair, "relevant", 1)])
    assert cards.card(work, PickedCard(pair), card_view, "ana")["numbers"] is not None


def test_a_card_s_numbers_are_those_of_the_table(work):
    row = int(order_of(work)[0])
    card_view = cards.CardView(work.policy, work.decision(), False)
    numbers = cards.card(work, PickedCard(work.pair_at(row)), card_view, "ana")["numbers"]
    candidate = work.candidates.iloc[row]
    assert numbers["scores"]["teacher"] == pytest.approx(candidate["teacher_score"], abs=1e-4)
    assert numbers["ranks"] == {
        name: None if pd.isna(rank := candidate[f"{name}_rank"]) else rank for name in numbers["ranks"]
    }
    assert numbers["margin"] == pytest.approx(candidate["positive_score"] - candidate["teacher_score"], abs=2e-4)


def test_each_ranking_is_in_its_own_order(work):
    rankings = cards.query(work, "q1", cards.CardView(work.policy, work.decision(), False))["rankings"]
    assert [ranking["name"] for ranking in rankings] == ["teacher", "bm25", "dense", "fused"]
    for ranking in rankings:
        assert [row["rank"] for row in ranking["rows"]] == sorted(row["rank"] for row in ranking["rows"])


def test_progress_counts_what_is_judged_and_how_fast(work):
    order = order_of(work)
    pairs = [work.pair_at(row) for row in order[:6]]
    now = time.time()
    cards.write(work, [sent(p, "not_relevant", n + 1, decided_at=now - 60 + 10 * n) for n, p in enumerate(pairs)])
    found = agenda.progress(work, order, "ana", now)
    assert (found.judged, found.left, found.mine) == (6, len(order) - 6, 6)
    assert found.per_minute == pytest.approx(6.0)


def test_what_another_process_writes_is_taken_in(work, tmp_path):
    other = open_workspace(tmp_path / "run")
    pair = work.pair_at(int(order_of(work)[0]))
    cards.write(other, [sent(pair, "relevant", 1)])
    assert verdict_of(work, pair) is None
    work.refresh()
    assert verdict_of(work, pair) == "relevant"
    assert STATUSES[work.decision().status[work.row_of(pair)]] == "reviewed_relevant"
