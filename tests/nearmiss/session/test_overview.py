"""The overview: the funnel, the pictures' numbers and the doubts by hand, then on a run made up."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.reports import doubts, funnel
from nearmiss.review import Event, Standing
from nearmiss.review.current import Entry
from nearmiss.selection import STATUSES, VERDICTS, decide, prepare
from nearmiss.session import overview
from nearmiss.session.overview import REFUSED, RowFilter
from nearmiss.workspace import open_workspace
from tests.benchmarks.made_run import make
from tests.words import margins as Policy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty queries of thirty candidates each."""
    return make(tmp_path_factory.mktemp("made") / "run", queries=40, candidates=30, documents=400).folder


@pytest.fixture
def work(folder, tmp_path):
    return open_workspace(folder, str(tmp_path / "reviews.db"))


def candidates(*queries):
    """Candidates of queries q0, q1 ..., each a list of (teacher score, dense score); its first is the positive."""
    rows = [
        {
            "query_id": f"q{q}",
            "doc_id": f"d{place}",
            "is_positive": place == 0,
            "bm25_rank": pd.NA if place % 2 else place + 1,
            "dense_rank": place + 1,
            "teacher_score": teacher,
            "dense_score": dense,
        }
        for q, query in enumerate(queries)
        for place, (teacher, dense) in enumerate(query)
    ]
    return pd.DataFrame(rows).astype(
        {"bm25_rank": "Int32", "dense_rank": "Int32", "teacher_score": "float32", "dense_score": "float32"}
    )


def in_need(frame, policy, verdicts=None):
    table = prepare(frame if verdicts is None else frame.assign(verdict=verdicts))
    query_ids = list(dict.fromkeys(frame["query_id"]))
    return {d.query_id: d.reasons for d in doubts.most_in_need(table, decide(table, policy), policy, query_ids)}


def event(query_id, doc_id, verdict, reviewer, seq, **more):
    return Entry(seq, Event(query_id=query_id, doc_id=doc_id, verdict=verdict, reviewer=reviewer, client_id=reviewer,
                            client_seq=seq, decided_at=time.time(), **more))  # fmt: skip


def test_the_funnel_takes_away_what_each_rule_refused():
    # Of one query: the positive, one above the ceiling of 0.95, one kept, two more than the one that is wanted.
    table = prepare(candidates([(1.0, 0.9), (0.96, 0.8), (0.9, 0.7), (0.8, 0.6), (0.7, 0.5)]))
    steps = overview.funnel(decide(table, Policy(negatives_per_query=1)))
    assert [(s.status, s.refused, s.left) for s in steps if s.refused] == [
        ("known_positive", 1, 4),
        ("too_close", 1, 3),
        ("over_quota", 2, 1),
    ]
    assert [s.status for s in steps] == list(STATUSES[1:])


def test_what_the_sources_found_alone_and_together():
    table = prepare(candidates([(1.0, 0.9), (0.9, 0.8), (0.8, 0.7)]))  # bm25 found every other one
    together = funnel.found_together(table, decide(table, Policy(negatives_per_query=1)))
    assert [(e.sources, e.found, e.kept) for e in together] == [(("bm25", "dense"), 2, 0), (("dense",), 1, 1)]


def test_a_histogram_counts_each_group_in_bins_of_a_round_width():
    table = prepare(candidates([(1.0, 0.9), (0.96, 0.8), (0.5, 0.7), (-5.0, 0.6)]))
    found = overview.histogram(table, decide(table, Policy(negatives_per_query=1)), "teacher_score")
    at = {edge: bin for bin, edge in enumerate(found.edges)}
    assert found.edges[1] - found.edges[0] == pytest.approx(0.1)
    assert (found.edges[0], found.edges[-1]) == (-5.0, 1.1)
    assert {name: np.flatnonzero(counts).tolist() for name, counts in found.counts.items()} == {
        "positives": [at[1.0]],
        "kept": [at[0.5]],
        "refused": [at[-5.0], at[0.9]],
    }


@settings(max_examples=300)
@given(st.floats(-1e6, 1e6, width=32), st.floats(0, 1e6, width=32))
def test_round_edges_hold_every_score(low, span):
    high = float(np.float32(low + span))
    edges = np.asarray(overview.round_edges(low, high), np.float32)
    assert edges[0] <= low
    assert high < edges[-1]
    assert len(edges) <= overview.BINS + 3
    assert (np.diff(edges) > 0).all()


def test_every_number_has_as_many_rows_behind_it(work):
    table, decision, found = work.table, work.decision(), overview.overview(work)

    def behind(**wanted):
        return len(overview.rows_behind(table, decision, RowFilter(**wanted)))

    assert behind() == found.candidates == len(table.query)
    assert behind(status="kept") == found.kept
    for step in found.funnel:
        assert behind(status=step.status) == step.refused
    for entry in found.together:
        assert behind(sources=entry.sources) == entry.found
        assert behind(status="kept", sources=entry.sources) == entry.kept
    status = {"positives": "known_positive", "kept": "kept", "refused": REFUSED}
    for histogram in found.histograms:
        for group, counts in histogram.counts.items():
            for low, high, count in zip(histogram.edges, histogram.edges[1:], counts, strict=False):
                assert behind(status=status[group], score=histogram.score, low=low, high=high) == count


def test_rows_come_as_they_stand_or_best_first(work):
    table, decision = work.table, work.decision()
    rows = overview.rows_behind(table, decision, RowFilter(status="too_close"))
    best = overview.rows_behind(table, decision, RowFilter(status="too_close"), best_first=True)
    assert rows.tolist() == sorted(best.tolist())
    assert (np.diff(table.score[best]) <= 0).all()
    read = overview.read_rows(work, decision, best[:2])
    frame = work.candidates.iloc[best[:2]]
    assert [row.doc_id for row in read] == frame["doc_id"].tolist()
    assert [row.query for row in read] == [work.query_text(query_id) for query_id in frame["query_id"]]
    assert {row.status for row in read} == {"too_close"}
    assert [row.ranks["bm25"] for row in read] == [None if pd.isna(rank) else rank for rank in frame["bm25_rank"]]


def test_short_queries_come_poorest_first_with_what_refused_their_candidates(work):
    work.run.save_policy(Policy(negatives_per_query=25))
    try:
        found, decision = overview.overview(work), work.decision()
        shorts = overview.read_short(work, decision, found.short)
    finally:
        work.run.save_policy(Policy())
    assert [s.kept for s in shorts] == sorted(s.kept for s in shorts)
    assert all(s.kept < 25 for s in shorts)
    for s in shorts:
        own = decision.status[work.rows_of(s.query_id)]
        assert dict(s.refused) == {
            name: count for name in STATUSES[2:] if (count := int((own == STATUSES.index(name)).sum()))
        }


def test_what_a_run_is(work):
    about = overview.about(work)
    assert (about.number, about.rounds, about.queries, about.documents) == (1, [1], 40, 400)
    assert about.sources == [("bm25", 100), ("dense", 100)]
    assert (about.encoder, about.teacher) == ("made-up", "made-up")


def test_who_has_judged_how_much():
    standing = Standing()
    standing.absorb(
        [
            event("q1", "d1", "relevant", "ann", 1),
            event("q1", "d1", "not_relevant", "ann", 2),  # ann thought again
            event("q1", "d1", "not_relevant", "bob", 3),
            event("q2", "d1", "unsure", "ann", 4),
            event("q3", "d1", "partial", "ann", 5),
            event("q3", "d1", "undo", "ann", 6, undoes=5),
            event("q4", "d1", "later", "bob", 7),
        ]
    )
    judged = overview.judged(standing)
    assert judged.pairs == 2
    assert judged.verdicts == {"relevant": 0, "partial": 0, "not_relevant": 1, "unsure": 1}
    assert judged.reviewers == [("ann", 2), ("bob", 1)]


EASY = [(5.0, 0.9), (1.0, 0.5), (0.5, 0.4), (0.0, 0.3)]  # nothing to doubt
POLICY = Policy(negatives_per_query=2, relative_margin=None, absolute_margin=1.0)


def test_a_positive_below_its_candidates_needs_a_person():
    wrong = [(-1.0, 0.9), (1.0, 0.5), (0.5, 0.4), (0.0, 0.3)]
    reasons = in_need(candidates(EASY, EASY, wrong, EASY), POLICY)
    assert reasons == {"q2": ("3 candidates score above its positive", "it keeps 0 of 2 negatives")}


def test_a_candidate_at_the_ceiling_needs_a_person():
    near = [(5.0, 0.9), (4.1, 0.5), (0.5, 0.4), (0.0, 0.3)]  # the ceiling is at 4.0
    reasons = in_need(candidates(EASY, EASY, near, EASY), POLICY)
    assert list(reasons) == ["q2"]
    assert reasons["q2"][0] == "1 candidate is close to the ceiling"


def test_a_negative_like_other_queries_positives_needs_a_person():
    high = [(9.0, 0.9), (5.5, 0.5), (0.5, 0.4), (0.0, 0.3)]
    reasons = in_need(candidates(EASY, EASY, high, EASY), POLICY)
    assert reasons == {"q2": ("1 of its negatives scores like a typical positive (5 or more)",)}


def test_models_that_disagree_need_a_person():
    alike = [(9.0, 0.9)] + [(n / 10, n / 100) for n in range(24)]
    apart = [(9.0, 0.9)] + [(n / 10, -n / 100) for n in range(24)]
    reasons = in_need(candidates(alike, alike, apart, alike), POLICY)
    assert reasons == {"q2": ("teacher and encoder share 0 of their 10 best candidates",)}


def test_what_every_second_query_has_is_no_reason():
    wrong = [(-1.0, 0.9), (1.0, 0.5), (0.5, 0.4), (0.0, 0.3)]
    assert not {"q1", "q2", "q4"} & set(in_need(candidates(EASY, wrong, wrong, EASY, wrong), POLICY))


def test_judging_its_best_candidates_settles_a_query():
    wrong = [(-1.0, 0.9), (1.0, 0.5), (0.5, 0.4), (0.0, 0.3)]
    frame = candidates(EASY, EASY, wrong, EASY)
    one = [None] * 9 + ["not_relevant"] + [None] * 6
    every = [None] * 9 + ["not_relevant"] * 3 + [None] * 4
    assert in_need(frame, POLICY, one)["q2"][0] == "2 candidates score above its positive"
    assert "q2" not in in_need(frame, POLICY, every)
    assert VERDICTS[2] == "not_relevant"


def test_a_doubt_weighs_what_few_queries_have():
    measure = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 9.0, 0.0, 0.0])
    weighed = doubts.weight(measure)
    assert weighed.tolist() == pytest.approx([0, 0, 0, np.log(8 / 3), np.log(8 / 3), np.log(8), 0, 0])
    assert doubts.weight(np.ones(8)).tolist() == [0] * 8


def test_at_most_twenty_queries_are_named_and_each_has_a_reason(work):
    table, policy = work.table, work.policy
    named = doubts.most_in_need(table, work.decision(), policy, work.query_ids)
    assert 0 < len(named) <= 20
    assert all(doubt.reasons for doubt in named)
    assert len({doubt.query_id for doubt in named}) == len(named)
