"""Explanations: the sentence that a person reads must be the rule that decided."""

import pytest

from nearmiss.errors import RunError
from nearmiss.reports.explanation import explain
from tests.nearmiss.selection.test_selection import row, table
from tests.words import margins as Policy


@pytest.mark.parametrize(
    ("candidate", "policy", "sentence"),
    [
        (
            row(0.75),
            Policy(relative_margin=0.1),
            "too_close: teacher score 0.75 is above the ceiling 0.72 (the positive scores 0.8): probably an unlabelled "
            "answer",
        ),
        (row(0.2), Policy(min_score=0.3), "too_easy: teacher score 0.2 is below the floor 0.3"),
        (
            row(0.5, duplicate_kind="same_text", duplicate_of="p"),
            Policy(),
            "duplicate: the same text as the positive p",
        ),
        (
            row(0.5, positive_cosine=0.97, positive_jaccard=0.9),
            Policy(),
            "duplicate: nearly the text of a positive: cosine 0.970 (at least 0.95), shared words 0.90 (at least 0.8)",
        ),
        (row(0.5, dense_rank=2), Policy(skip_top=3), "skipped_rank: best rank 2 is within skip_top 3"),
        (row(0.5), Policy(), "kept: no rule refused it; the query keeps 1 of at most 7"),
    ],
)
def test_the_reason_names_the_numbers_that_decided(candidate, policy, sentence):
    [explanation] = explain(table(candidate), policy, "q", "d0")
    assert explanation.reasons[0] == sentence


def test_of_a_labelled_answer_it_says_that_and_no_more():
    frame = table(row(0.5)).assign(positive_cosine=1.0, positive_jaccard=1.0, duplicate_kind="same_text")
    [told] = explain(frame, Policy(relative_margin=0.1, skip_top=5), "q", "p")
    assert (told.status, told.reasons) == ("known_positive", ("known_positive: labelled as an answer",))
    assert (told.thresholds, told.signals) == ({}, ())
    assert {"positive_cosine", "positive_jaccard"}.isdisjoint(told.scores)
    assert told.scores["teacher_score"] == pytest.approx(0.8)


def test_every_rule_that_refuses_is_told_in_order():
    frame = table(row(0.79, dense_rank=1, is_sibling=True))
    [explanation] = explain(frame, Policy(skip_top=1), "q", "d0")
    assert [reason.split(":")[0] for reason in explanation.reasons] == ["sibling", "skipped_rank", "too_close"]
    assert explanation.status == "sibling"


def test_a_query_s_candidates_come_kept_first():
    frame = table(row(0.79), row(0.4), row(0.5))
    told = explain(frame, Policy(negatives_per_query=1), "q")
    assert [(e.doc_id, e.status) for e in told] == [
        ("d2", "kept"),
        ("p", "known_positive"),
        ("d0", "too_close"),
        ("d1", "over_quota"),
    ]


@pytest.mark.parametrize(
    ("query_id", "doc_id", "message"),
    [
        ("nobody", None, "wanted a query of this run; found none with query_id 'nobody'"),
        ("q", "nothing", "query 'q': wanted one of its 2 candidates; found none with doc_id 'nothing'"),
    ],
)
def test_an_unknown_pair_is_an_error_that_says_so(query_id, doc_id, message):
    with pytest.raises(RunError, match=message):
        explain(table(row(0.5)), Policy(), query_id, doc_id)
