"""Agenda and cards: who sees what, in which order, and what a browser sent becomes rows of the log."""

import time

import numpy as np
import pandas as pd
import pytest

from nearmiss.data import Dataset, ReadCounts
from nearmiss.pipeline import mine
from nearmiss.selection import STATUSES
from nearmiss.session import cards, incoming
from nearmiss.session.queue import agenda
from nearmiss.session.queue.agenda import View
from nearmiss.session.queue.arms import PickedCard
from nearmiss.session.queue.sharing import Sharing
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
    incoming.write(work, [sent(ana[0], "relevant", 1)])
    everything = agenda.next_pairs(work, View(), "bob", order, 100)
    assert ana[0] not in everything
    assert len(everything) == len(order) - 3


def test_with_overlap_every_pair_goes_to_two_and_to_no_third(work):
    order = order_of(work)
    twice = Sharing(every=1)
    ana, bob, eve = (agenda.next_pairs(work, View(), name, order, 100, sharing=twice) for name in ("ana", "bob", "eve"))
    assert ana == bob == [work.pair_at(row) for row in order]
    assert eve == []


def test_what_is_put_off_comes_last(work):
    order = order_of(work)
    [first, *rest] = agenda.next_pairs(work, View(), "ana", order, 100)
    incoming.write(work, [sent(first, "later", 1)])
    assert agenda.next_pairs(work, View(), "ana", order, 100) == [*rest, first]


def test_what_is_sent_twice_is_written_once(work):
    pair = work.pair_at(int(order_of(work)[0]))
    for _ in range(2):
        assert incoming.write(work, [sent(pair, "partial", 1), sent(pair, "relevant", 2)]) == []
    assert [entry.event.verdict for entry in work.standing.history(pair)] == ["partial", "relevant"]
    assert verdict_of(work, pair) == "relevant"


def test_an_event_under_a_model_s_name_is_a_problem_of_its_own_and_keeps_no_other_out(work):
    one, two, three = (work.pair_at(int(row)) for row in order_of(work)[:3])
    rows = [sent(one, "relevant", 1), sent(two, "relevant", 2, reviewer="model:eve"), sent(three, "relevant", 3)]
    [problem] = incoming.write(work, rows)
    assert "found 'model:eve'" in problem
    assert set(work.standing.verdicts()) == {one, three}


def test_a_relevant_one_is_no_negative_any_more_and_an_undo_brings_it_back(work):
    row = int(order_of(work)[0])
    pair = work.pair_at(row)
    incoming.write(work, [sent(pair, "relevant", 1)])
    assert STATUSES[work.decision().status[row]] == "reviewed_relevant"
    incoming.write(work, [sent(("-", "-"), "undo", 2)])
    assert STATUSES[work.decision().status[row]] == "kept"
    incoming.write(work, [sent(("-", "-"), "redo", 3)])
    assert verdict_of(work, pair) == "relevant"


def test_an_undo_of_nothing_is_a_sentence_and_the_rest_is_written(work):
    pair = work.pair_at(int(order_of(work)[0]))
    problems = incoming.write(work, [sent(pair, "undo", 1), sent(pair, "unsure", 2)])
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
    [problem] = incoming.write(work, [sent(pair, "relevant", 1) | broken])
    assert "wanted" in problem
    assert work.standing.entries == {}


def test_copies_of_a_passage_are_offered_for_queries_of_the_same_words(work):
    assert sorted(agenda.copies(work, ("q1", "d0"))) == [("q1", "same"), ("q2", "d0"), ("q2", "same")]
    assert agenda.copies(work, ("q3", "d1")) == []


def test_propagated_verdicts_stand_and_fall_with_their_parent(work):
    parent, child = ("q1", "d0"), ("q2", "d0")
    incoming.write(work, [sent(parent, "relevant", 1), sent(child, "relevant", 2, parent_seq=1)])
    assert verdict_of(work, child) == "relevant"
    incoming.write(work, [sent(parent, "undo", 3)])
    assert verdict_of(work, parent) is verdict_of(work, child) is None


def test_a_blind_card_tells_no_number_until_it_is_judged(work):
    pair = work.pair_at(int(order_of(work)[0]))
    card_view = cards.CardView(work.policy, work.decision(), blind=True)
    hidden = cards.card(work, PickedCard(pair), card_view, "ana")
    assert hidden["numbers"] is None
    assert hidden["status"] is None
    assert cards.query(work, pair[0], card_view, "ana")["rankings"] == []
    incoming.write(work, [sent(pair, "relevant", 1)])
    assert cards.card(work, PickedCard(pair), card_view, "ana")["numbers"] is not None


def test_a_card_s_numbers_are_those_of_the_table(work):
    row = int(order_of(work)[0])
    card_view = cards.CardView(work.policy, work.decision())
    numbers = cards.card(work, PickedCard(work.pair_at(row)), card_view, "ana")["numbers"]
    candidate = work.candidates.iloc[row]
    assert numbers["scores"]["teacher"] == pytest.approx(candidate["teacher_score"], abs=1e-4)
    assert numbers["ranks"] == {
        name: None if pd.isna(rank := candidate[f"{name}_rank"]) else rank for name in numbers["ranks"]
    }
    assert numbers["margin"] == pytest.approx(candidate["positive_score"] - candidate["teacher_score"], abs=2e-4)


def test_each_ranking_is_whole_and_in_its_own_order(work):
    shown = cards.query(work, "q1", cards.CardView(work.policy, work.decision()), "ana")
    candidates = work.candidates.iloc[work.rows_of("q1")]
    assert [document["doc_id"] for document in shown["documents"]] == candidates["doc_id"].tolist()
    assert [ranking["name"] for ranking in shown["rankings"]] == ["teacher", "bm25", "dense", "fused"]
    for ranking in shown["rankings"][1:]:
        name = ranking["name"]
        ranked = candidates.dropna(subset=f"{name}_rank").sort_values(f"{name}_rank", kind="stable")
        assert [shown["documents"][at]["doc_id"] for at, _, _ in ranking["rows"]] == ranked["doc_id"].tolist()
        assert [rank for _, rank, _ in ranking["rows"]] == ranked[f"{name}_rank"].tolist()


def test_the_answer_shows_its_own_ranks_and_scores_unless_blind(work):
    [answer] = cards.query(work, "q1", cards.CardView(work.policy, work.decision()), "ana")["positives"]
    own = work.candidates.iloc[work.row_of(("q1", "d3"))]
    assert answer["numbers"]["scores"]["teacher"] == pytest.approx(own["teacher_score"], abs=1e-4)
    assert answer["numbers"]["ranks"]["dense"] == own["dense_rank"]
    [hidden] = cards.query(work, "q1", cards.CardView(work.policy, work.decision(), blind=True), "ana")["positives"]
    assert hidden["numbers"] is None


@pytest.mark.parametrize("blind", [False, True])
def test_nothing_tells_what_others_said_until_one_s_own_verdict_is_given(work, blind):
    pair = ("q1", "d0")
    alone = cards.CardView(work.policy, cards.before_verdicts(work, work.policy), blind)
    fresh = cards.card(work, PickedCard(pair), alone, "bob"), cards.query(work, "q1", alone, "bob")
    incoming.write(work, [sent(pair, "relevant", 1), sent(pair, "comment", 2, comment="it says nine")])
    card_view = cards.CardView(work.policy, cards.before_verdicts(work, work.policy), blind)
    assert (cards.card(work, PickedCard(pair), card_view, "bob"), cards.query(work, "q1", card_view, "bob")) == fresh

    incoming.write(work, [sent(pair, "not_relevant", 1, reviewer="bob", client_id="bob's tab")])
    seen = cards.card(work, PickedCard(pair), card_view, "bob")
    assert (seen["verdict"], seen["others"]) == ("not_relevant", [{"reviewer": "ana", "verdict": "relevant"}])
    assert [(one["reviewer"], one["text"], one["own"]) for one in seen["comments"]] == [("ana", "it says nine", False)]


def test_one_s_own_comment_and_own_status_are_seen_at_once(work):
    pair = ("q1", "d0")
    card_view = cards.CardView(work.policy, work.decision())
    incoming.write(work, [sent(pair, "comment", 1, comment="look again")])
    before = cards.card(work, PickedCard(pair), card_view, "ana")
    assert [(one["text"], one["own"], one["event"]) for one in before["comments"]] == [("look again", True, ["tab", 1])]
    assert before["verdict"] is None
    incoming.write(work, [sent(pair, "relevant", 2)])
    assert cards.card(work, PickedCard(pair), card_view, "ana")["status"] == "reviewed_relevant"


def test_a_second_voice_is_asked_of_found_answers_too(work):
    order = order_of(work)
    pair = work.pair_at(int(order[0]))
    incoming.write(work, [sent(pair, "relevant", 1)])
    again = agenda.rows(work, View(), work.decision(), cards.before_verdicts(work, work.policy))
    assert pair not in [work.pair_at(row) for row in order_of(work)]
    assert pair in agenda.next_pairs(work, View(), "bob", again, 100, sharing=Sharing(every=1))


def test_any_own_deed_of_the_history_can_be_taken_back(work):
    first, second = (work.pair_at(int(row)) for row in order_of(work)[:2])
    incoming.write(
        work, [sent(first, "relevant", 1), sent(second, "unsure", 2), sent(second, "comment", 3, comment="?")]
    )
    told = cards.history(work, "ana")
    assert [(one["doc_id"], one["verdict"]) for one in told] == [
        (second[1], "comment"),
        (second[1], "unsure"),
        (first[1], "relevant"),
    ]
    assert incoming.write(work, [sent(first, "undo", 4, target=told[2]["event"])]) == []
    assert (verdict_of(work, first), verdict_of(work, second)) == (None, "unsure")
    assert incoming.write(work, [sent(first, "redo", 5)]) == []
    assert verdict_of(work, first) == "relevant"


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (["bob's tab", 1], "of your own"),
        (["tab", 9], "of your own"),
        ("tab", "the number of an event"),
        (["tab", 1], "stands"),
    ],
)
def test_an_undo_of_what_is_not_one_s_own_or_stands_no_more_is_refused(work, target, found):
    pair, other = (work.pair_at(int(row)) for row in order_of(work)[:2])
    incoming.write(work, [sent(pair, "relevant", 1), sent(pair, "undo", 2)])
    incoming.write(work, [sent(other, "partial", 1, reviewer="bob", client_id="bob's tab")])
    [problem] = incoming.write(work, [sent(pair, "undo", 3, target=target)])
    assert found in problem
    assert verdict_of(work, other) == "partial"


def test_differences_are_told_only_of_texts_that_are_alike(work):
    card_view = cards.CardView(work.policy, work.decision())
    assert ("new", "nine") in cards.card(work, PickedCard(("q1", "d0")), card_view, "ana")["changes"]
    assert cards.card(work, PickedCard(("q3", "d0")), card_view, "ana")["changes"] == []


def test_progress_counts_what_is_judged_and_how_fast(work):
    order = order_of(work)
    pairs = [work.pair_at(row) for row in order[:6]]
    now = time.time()
    incoming.write(work, [sent(p, "not_relevant", n + 1, decided_at=now - 60 + 10 * n) for n, p in enumerate(pairs)])
    # Neither a reason, nor a comment, nor what is put off is one more judgement.
    later = work.pair_at(order[6])
    incoming.write(work, [sent(pairs[0], "not_relevant", 7, reason="too_easy", decided_at=now - 60)])
    incoming.write(work, [sent(later, "later", 8), sent(later, "comment", 9, comment="?")])
    found = agenda.progress(work, order, "ana", now)
    assert (found.judged, found.left, found.mine) == (6, len(order) - 6, 6)
    assert found.per_minute == pytest.approx(6.0)


def test_what_another_process_writes_is_taken_in(work, tmp_path):
    other = open_workspace(tmp_path / "run")
    pair = work.pair_at(int(order_of(work)[0]))
    incoming.write(other, [sent(pair, "relevant", 1)])
    assert verdict_of(work, pair) is None
    work.refresh()
    assert verdict_of(work, pair) == "relevant"
    assert STATUSES[work.decision().status[work.row_of(pair)]] == "reviewed_relevant"
