"""Batches: one verdict for many pairs, one undo, and nothing of it in any estimate from random draws."""

import numpy as np
import pytest

from nearmiss import audit
from nearmiss.audit.planning import LABELS_ASKED
from nearmiss.errors import ReviewError
from nearmiss.review import Event
from nearmiss.session import batch_labels as batches
from nearmiss.session import cards, incoming
from nearmiss.workspace import open_workspace


@pytest.fixture
def work(without_teacher, tmp_path):
    return open_workspace(without_teacher, reviews=f"sqlite:///{tmp_path / 'reviews.db'}")


def kept(work, count):
    return [work.pair_at(row) for row in np.flatnonzero(work.decision().slot > 0)[:count].tolist()]


def judge(work, pair, verdict, reviewer="ana"):
    known = {"query_id": pair[0], "doc_id": pair[1], "verdict": verdict, "reviewer": reviewer, "arm": "priority"}
    work.append([Event(**known, client_id=f"{reviewer} {pair}", client_seq=1, decided_at=1.0)])


def test_a_batch_is_written_with_its_page_as_arm_and_one_undo_takes_back_all(work):
    pairs = kept(work, 5)
    made = batches.label(work, pairs, "not_relevant", "ana", "map", 2.0)
    events = [work.standing.history(pair)[-1].event for pair in pairs]
    assert {(event.arm, event.inclusion_probability, event.scores_visible) for event in events} == {("map", None, True)}
    assert [event.parent for event in events] == [None, *[made.seq] * 4]
    assert {work.standing.verdict(pair) for pair in pairs} == {"not_relevant"}
    assert batches.last(work, "ana", "map") == made
    assert batches.last(work, "ana", "pairs") is batches.last(work, "bob", "map") is None
    batches.take_back(work, made, "ana", 3.0)
    assert {work.standing.verdict(pair) for pair in pairs} == {None}
    assert batches.last(work, "ana", "map") is None
    batches.take_back(work, made, "ana", 4.0)
    assert len(work.log.since(0)) == 6  # undone once


def test_review_s_history_undoes_a_batch_as_one(work):
    pairs = kept(work, 3)
    batches.label(work, pairs, "relevant", "ana", "pairs", 2.0)
    [shown] = cards.history(work, "ana")
    assert (shown["verdict"], shown["propagated"]) == ("relevant", 2)
    sent = {"query_id": "-", "doc_id": "-", "verdict": "undo", "target": shown["event"], "reviewer": "ana"}
    assert incoming.write(work, [sent | {"client_id": "c", "client_seq": 1, "decided_at": 3.0}]) == []
    assert {work.standing.verdict(pair) for pair in pairs} == {None}


def test_one_s_own_verdicts_labelled_answers_and_strangers_are_left_out(work):
    pairs = kept(work, 4)
    judge(work, pairs[0], "relevant")
    judge(work, pairs[1], "relevant", "bob")
    answer = work.pair_at(int(np.flatnonzero(work.table.positive)[0]))
    found = batches.plan(work, [*pairs, pairs[2], answer, ("no", "such")], "ana")
    assert (list(found.pairs), found.labelled, found.judged) == (pairs[1:], 1, 1)


def test_no_batch_of_any_page_moves_an_estimate(work):
    [*draws] = list(audit.plan(work, LABELS_ASKED, seed=1) and audit.drawn(work))
    for pair in draws[:80]:
        judge(work, pair, "not_relevant")
    before = audit.estimate(work)
    every = [work.pair_at(row) for row in range(len(work.table.query))]
    for arm in ("map", "pairs"):
        batches.label(work, batches.plan(work, every, arm).pairs[:2000], "relevant", arm, arm, 2.0)
    assert np.count_nonzero(work.table.verdicts) > 2000
    after = audit.estimate(work)
    assert after.numbers == before.numbers
    assert (after.plans, after.judged, after.waiting) == (before.plans, before.judged, before.waiting)
    assert after.in_sight == sum(work.table.verdicts[work.row_of(pair)] > 0 for pair in draws[80:]) > 0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"verdict": "great"}, "verdict: wanted one of relevant"),
        ({"arm": "priority"}, "arm: wanted one of query, map, pairs"),
        ({"pairs": []}, "batch: wanted 1 to 10,000 pairs; found 0"),
        ({"reviewer": " "}, "reviewer: wanted one"),
    ],
)
def test_what_is_no_batch_is_refused_and_nothing_is_written(work, change, complaint):
    asked = {"pairs": kept(work, 2), "verdict": "relevant", "reviewer": "ana", "arm": "map", "now": 1.0} | change
    with pytest.raises(ReviewError, match=complaint):
        batches.label(work, **asked)
    assert work.log.since(0) == []
