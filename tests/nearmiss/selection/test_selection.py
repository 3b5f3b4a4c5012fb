"""Selection: rules worked out by hand, laws that always hold, and a slow oracle."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.errors import RecipeError, RunError
from nearmiss.selection import KEPT, STATUSES, decide, prepare, select
from nearmiss.selection.table import by_falling
from tests.benchmarks import selecting
from tests.words import margins as Policy

POSITIVE = 0.80


def row(score=0.5, doc_id="d", **columns):
    plain = {
        "query_id": "q",
        "doc_id": doc_id,
        "is_positive": False,
        "is_labelled_negative": False,
        "bm25_rank": pd.NA,
        "dense_rank": 20,
        "teacher_score": score,
        "is_the_query": False,
        "duplicate_kind": "",
        "positive_cosine": 0.5,
        "positive_jaccard": np.nan,
        "twin_cosine": np.nan,
        "is_sibling": False,
        "same_cluster": False,
    }
    return plain | columns


def table(*rows, positive=POSITIVE):
    """One query's candidates: its positive first, then `rows` with documents of their own."""
    numbered = [r | {"doc_id": f"d{i}"} if r["doc_id"] == "d" else r for i, r in enumerate(rows)]
    frame = pd.DataFrame([row(positive, "p", is_positive=True), *numbered])
    return frame.astype({"bm25_rank": "Int32", "dense_rank": "Int32", "teacher_score": "float32"})


def statuses(frame, policy):
    return select(frame, policy)["status"].astype(str).tolist()[1:]


@pytest.mark.parametrize(
    ("candidate", "policy", "status"),
    [
        (row(0.75), Policy(relative_margin=0.1), "too_close"),  # ceiling is 0.80 - 10% = 0.72
        (row(0.70), Policy(relative_margin=0.1), "kept"),
        (row(0.75), Policy(relative_margin=None), "kept"),  # no ceiling at all
        (row(0.75), Policy(relative_margin=None, absolute_margin=0.1), "too_close"),  # 0.70
        (row(0.69), Policy(relative_margin=None, absolute_margin=0.1), "kept"),
        (row(0.61), Policy(relative_margin=0.01, absolute_margin=0.2), "too_close"),  # the lower ceiling: 0.60
        (row(0.50), Policy(max_score=0.5), "kept"),  # the ceiling itself is allowed
        (row(0.51), Policy(max_score=0.5), "too_close"),
        (row(0.30), Policy(min_score=0.3), "kept"),  # the floor itself is allowed
        (row(0.29), Policy(min_score=0.3), "too_easy"),
        (row(0.29), Policy(absolute_floor=0.5), "too_easy"),  # 0.30
        (row(0.39), Policy(relative_floor=0.5), "too_easy"),  # 0.40
        (row(0.45), Policy(relative_floor=0.5, min_score=0.3), "kept"),  # the higher floor: 0.40
        (row(0.35), Policy(relative_floor=0.5, min_score=0.3), "too_easy"),
        (row(0.5, is_the_query=True), Policy(), "is_the_query"),
        (row(0.5, duplicate_kind="same_text"), Policy(), "duplicate"),
        (row(0.5, duplicate_kind="contained"), Policy(), "duplicate"),
        (row(0.5, positive_cosine=0.96, positive_jaccard=0.85), Policy(), "duplicate"),
        (row(0.5, positive_cosine=0.96, positive_jaccard=0.75), Policy(), "kept"),
        (row(0.5, positive_cosine=0.94, positive_jaccard=0.85), Policy(), "kept"),
        (row(0.5, positive_cosine=0.94, positive_jaccard=0.85), Policy(duplicate_cosine=0.9), "duplicate"),
        (row(0.5, twin_cosine=0.99), Policy(), "answers_twin_query"),
        (row(0.5, twin_cosine=0.99), Policy(allow_twin_answers=True), "kept"),
        (row(0.5, twin_cosine=0.99, is_labelled_negative=True), Policy(), "kept"),  # labelled for this very query
        (row(0.5, twin_cosine=1.0, is_labelled_negative=True), Policy(), "answers_twin_query"),  # labels contradict
        (row(0.5, twin_cosine=1.0, verdict="not_relevant"), Policy(), "kept"),
        (row(0.5, twin_cosine=0.99, duplicate_kind="same_text"), Policy(), "duplicate"),
        (row(0.5, twin_cosine=0.99, is_sibling=True), Policy(), "answers_twin_query"),
        (row(0.5, is_sibling=True), Policy(), "sibling"),
        (row(0.5, is_sibling=True), Policy(allow_siblings=True), "kept"),
        (row(0.5, dense_rank=3), Policy(skip_top=3), "skipped_rank"),
        (row(0.5, dense_rank=4), Policy(skip_top=3), "kept"),
        (row(0.5, dense_rank=40, bm25_rank=2), Policy(skip_top=3), "skipped_rank"),  # best rank of any source
        (row(0.5, dense_rank=40), Policy(max_rank=39), "too_deep"),
        (row(0.5, dense_rank=40, bm25_rank=7), Policy(max_rank=39), "kept"),
        (row(0.5, same_cluster=True), Policy(different_cluster=True), "same_cluster"),
        (row(0.5, same_cluster=True), Policy(), "kept"),
        (row(0.79, verdict="relevant"), Policy(), "reviewed_relevant"),
        (row(0.1, verdict="partial"), Policy(), "reviewed_partial"),
        (row(0.99, verdict="not_relevant"), Policy(), "kept"),  # a person outranks the teacher
        (row(0.99, verdict="unsure"), Policy(), "too_close"),
        (row(0.99, is_labelled_negative=True), Policy(), "kept"),
        (row(0.5, is_the_query=True, duplicate_kind="same_text"), Policy(), "is_the_query"),  # first refusal wins
        (row(0.99, dense_rank=1), Policy(skip_top=1), "skipped_rank"),
    ],
)
def test_each_rule_refuses_exactly_what_its_name_says(candidate, policy, status):
    assert statuses(table(candidate), policy) == [status]


def test_a_margin_below_a_negative_score_lowers_the_ceiling():
    # Logits: the positive at -4; 10% below it is -4.4, not -3.6.
    frame = table(row(-4.1), row(-4.5), positive=-4.0)
    assert statuses(frame, Policy(relative_margin=0.1)) == ["too_close", "kept"]


def test_skip_top_counts_original_ranks_and_not_survivors():
    # Rank 1 is refused as a copy; skipping the top 2 must then refuse rank 2 and keep rank 3.
    frame = table(row(0.7, dense_rank=1, duplicate_kind="same_text"), row(0.6, dense_rank=2), row(0.5, dense_rank=3))
    assert statuses(frame, Policy(skip_top=2)) == ["duplicate", "skipped_rank", "kept"]


def test_skip_survivors_counts_what_no_rule_refused():
    frame = table(row(0.7, duplicate_kind="same_text"), row(0.6), row(0.5), row(0.4))
    assert statuses(frame, Policy(skip_survivors=2)) == ["duplicate", "skipped_survivor", "skipped_survivor", "kept"]


def test_positives_do_not_use_up_the_quota():
    frame = table(*[row(0.5 - i / 100) for i in range(5)])
    assert select(frame, Policy(negatives_per_query=3))["slot"].tolist() == [pd.NA, 1, 2, 3, pd.NA, pd.NA]


def test_the_anchor_is_the_lowest_of_several_positives_unless_told_otherwise():
    frame = table(row(0.9, "p2", is_positive=True), row(0.55), positive=0.5)
    assert statuses(frame, Policy())[1] == "too_close"
    assert statuses(frame, Policy(anchor="mean"))[1] == "kept"  # 0.70 - 5%
    assert select(frame, Policy(anchor="max"))["positive_score"].tolist() == pytest.approx([0.9] * 3)


def test_too_few_survivors_are_kept_dropped_or_topped_up_from_below_max_rank():
    frame = table(row(0.7, dense_rank=1), row(0.3, dense_rank=6), row(0.6, dense_rank=11), row(0.79, dense_rank=7))
    policy = Policy(negatives_per_query=2, max_rank=5)
    assert statuses(frame, policy) == ["kept", "too_deep", "too_deep", "too_deep"]
    dropped = Policy(negatives_per_query=2, max_rank=5, shortfall="drop")
    assert statuses(frame, dropped) == ["short_query", "too_deep", "too_deep", "too_deep"]
    # The next tier is ranks 6 to 10, whatever scores wait further down; the rules still hold there.
    deeper = Policy(negatives_per_query=2, max_rank=5, shortfall="deepen")
    assert statuses(frame, deeper) == ["kept", "kept", "too_deep", "too_close"]


def test_a_short_list_is_never_padded_with_refused_rows():
    frame = table(row(0.79), row(0.5))
    assert statuses(frame, Policy(negatives_per_query=5)) == ["too_close", "kept"]


def test_labelled_negatives_come_before_mined_ones():
    frame = table(row(0.7), row(0.6), row(0.1, dense_rank=pd.NA, is_labelled_negative=True))
    assert statuses(frame, Policy(negatives_per_query=1)) == ["over_quota", "over_quota", "kept"]


def test_a_quota_reserves_places_for_a_source():
    frame = table(row(0.7), row(0.6), row(0.2, bm25_rank=1, dense_rank=pd.NA), row(0.1, bm25_rank=2))
    policy = Policy(negatives_per_query=2, quota=(("bm25", 0.5),))
    assert statuses(frame, policy) == ["kept", "over_quota", "kept", "over_quota"]
    with pytest.raises(RecipeError, match="wanted one of bm25, dense; found 'sparse'"):
        select(frame, Policy(quota=(("sparse", 0.5),)))


def test_a_document_is_used_no_more_often_than_the_cap():
    one = table(row(0.6, "x"), row(0.5, "y"))
    frame = pd.concat([one.assign(query_id=f"q{i}") for i in range(3)], ignore_index=True)
    judged = select(frame, Policy(negatives_per_query=1, reuse_cap=2))
    assert judged["status"].astype(str).tolist() == [
        *("known_positive", "kept", "over_quota"),
        *("known_positive", "kept", "over_quota"),
        *("known_positive", "overused", "kept"),
    ]


def test_simans_prefers_scores_near_the_positive_plus_b():
    scores = np.linspace(-1, 1, 41)
    frames = [table(*[row(float(s)) for s in scores], positive=2.0).assign(query_id=f"q{i}") for i in range(200)]
    policy = Policy(relative_margin=None, negatives_per_query=5, sampling="simans", simans_a=8.0, simans_b=-2.0)
    judged = select(pd.concat(frames, ignore_index=True), policy)
    kept = judged.loc[judged.status.eq("kept"), "teacher_score"]
    assert abs(kept.mean()) < 0.05
    assert kept.abs().mean() < 0.3  # uniform would give 0.5


@pytest.mark.slow
def test_simans_draws_with_the_weights_it_names():
    # Two candidates, weights exp(-(0.5)^2) and exp(-(1.5)^2): the first is drawn with p = 1 / (1 + e^-2) = 0.881.
    one = table(row(0.5), row(-0.5), positive=1.0)
    frame = pd.concat([one.assign(query_id=f"q{i}") for i in range(4000)], ignore_index=True)
    policy = Policy(relative_margin=None, negatives_per_query=1, sampling="simans", simans_a=1.0)
    judged = select(frame, policy)
    kept = judged[judged.status.eq("kept")]
    assert kept.doc_id.eq("d0").mean() == pytest.approx(0.881, abs=0.02)


def test_stratified_takes_one_from_each_band_of_scores():
    frame = table(*[row(float(s)) for s in np.linspace(0.7, 0.0, 12)])
    judged = select(frame, Policy(negatives_per_query=4, sampling="stratified"))
    kept = [int(d[1:]) for d in judged.loc[judged.status.eq("kept"), "doc_id"]]
    assert [d // 3 for d in kept] == [0, 1, 2, 3]


@st.composite
def candidates(draw):
    rows = []
    for q in range(draw(st.integers(1, 4))):
        rows.append(row(draw(st.floats(-5, 5, width=16)), "p", query_id=f"q{q}", is_positive=True))
        rows += [any_row(draw, f"q{q}", f"d{d}") for d in range(draw(st.integers(0, 12)))]
    return pd.DataFrame(rows).astype({"bm25_rank": "Int32", "dense_rank": "Int32", "teacher_score": "float32"})


def any_row(draw, query_id, doc_id):
    return row(
        draw(st.floats(-5, 5, width=16)),
        doc_id,
        query_id=query_id,
        dense_rank=draw(st.integers(1, 30)),
        bm25_rank=draw(st.one_of(st.just(pd.NA), st.integers(1, 30))),
        twin_cosine=draw(st.sampled_from([np.nan, np.nan, 0.99, 1.0])),
        is_sibling=draw(st.booleans()),
        is_labelled_negative=draw(st.integers(0, 9)) == 0,
        duplicate_kind=draw(st.sampled_from(["", "", "", "same_text"])),
    )


policies = st.builds(
    Policy,
    relative_margin=st.one_of(st.none(), st.floats(0, 1)),
    absolute_margin=st.one_of(st.none(), st.floats(0, 3)),
    min_score=st.one_of(st.none(), st.floats(-5, 0)),
    skip_top=st.integers(0, 3),
    skip_survivors=st.integers(0, 2),
    max_rank=st.integers(4, 40),
    reuse_cap=st.one_of(st.none(), st.integers(1, 2)),
    negatives_per_query=st.integers(1, 5),
    sampling=st.sampled_from(["top", "random", "simans", "stratified"]),
    shortfall=st.sampled_from(["fewer", "drop", "deepen"]),
    quota=st.sampled_from([(), (("bm25", 0.5),), (("dense", 0.4), ("bm25", 0.6))]),
)


@pytest.mark.slow
@settings(max_examples=60)
@given(candidates(), policies)
def test_rows_are_only_labelled_and_quotas_are_never_passed(frame, policy):
    judged = select(frame, policy)
    pd.testing.assert_frame_equal(judged[frame.columns], frame)
    assert judged["status"].isin(STATUSES).all()
    kept = judged[judged["status"].eq("kept")]
    assert kept.groupby("query_id").size().le(policy.negatives_per_query).all()
    assert not kept["is_positive"].any()
    assert kept["slot"].notna().all()
    assert judged.loc[~judged["status"].eq("kept"), "slot"].isna().all()
    for _, slots in kept.sort_values("slot").groupby("query_id"):
        assert slots["slot"].tolist() == list(range(1, len(slots) + 1))
    if policy.reuse_cap:
        mined = kept[~kept["is_labelled_negative"]]
        assert mined.groupby("doc_id").size().le(policy.reuse_cap).all()


@pytest.mark.slow
@settings(max_examples=40)
@given(candidates(), policies)
def test_each_query_is_decided_alone_when_nothing_counts_over_queries(frame, policy):
    if policy.reuse_cap:
        return
    together = select(frame, policy).reset_index(drop=True)
    apart = [select(rows, policy) for _, rows in frame.groupby("query_id", sort=False)]
    pd.testing.assert_frame_equal(pd.concat(apart, ignore_index=True), together, check_categorical=False)


@settings(max_examples=40)
@given(candidates(), st.floats(0, 1), st.floats(0, 1))
def test_a_wider_margin_never_admits_more(frame, first, second):
    narrow, wide = sorted([first, second])
    close = [
        select(frame, Policy(relative_margin=margin))["status"].eq("too_close").to_numpy() for margin in (narrow, wide)
    ]
    assert (close[0] <= close[1]).all()


@pytest.mark.slow
@settings(max_examples=50)
@given(candidates(), st.integers(1, 5), st.floats(0, 1), st.integers(0, 3))
def test_it_agrees_with_a_slow_and_obvious_selection(frame, n, margin, skip):
    policy = Policy(relative_margin=margin, negatives_per_query=n, skip_top=skip)
    judged = select(frame, policy)
    for _, rows in judged.groupby("query_id", sort=False):
        assert rows["status"].astype(str).tolist() == slow_selection(rows, n, np.float32(margin), skip)


def slow_selection(rows, n, margin, skip):
    positive = rows.loc[rows.is_positive, "teacher_score"].to_numpy(np.float32).min()
    ceiling = positive - margin * abs(positive)
    answers, survivors = [], []
    for place, candidate in enumerate(rows.itertuples()):
        ranks = [rank for rank in (candidate.bm25_rank, candidate.dense_rank) if rank is not pd.NA]
        named = candidate.is_labelled_negative
        if candidate.is_positive:
            answers.append("known_positive")
        elif candidate.duplicate_kind:
            answers.append("duplicate")
        elif candidate.twin_cosine == 1 or (candidate.twin_cosine > 0 and not named):
            answers.append("answers_twin_query")
        elif candidate.is_sibling and not named:
            answers.append("sibling")
        elif min(ranks) <= skip and not named:
            answers.append("skipped_rank")
        elif np.float32(candidate.teacher_score) > ceiling and not named:
            answers.append("too_close")
        else:
            survivors.append((not named, -candidate.teacher_score, place))
            answers.append("over_quota")
    for _, _, place in sorted(survivors)[:n]:
        answers[place] = "kept"
    return answers


def test_random_choices_depend_on_the_ids_and_the_seed_alone():
    frame = table(*[row(0.5 - i / 100, f"d{i}") for i in range(20)])
    policy = Policy(negatives_per_query=4, sampling="random")
    first = select(frame, policy).set_index("doc_id")["status"]
    shuffled = select(frame.sample(frac=1, random_state=3), policy).set_index("doc_id")["status"]
    pd.testing.assert_series_equal(first, shuffled.reindex(first.index))
    other_seed = select(frame, Policy(negatives_per_query=4, sampling="random", seed=7)).set_index("doc_id")["status"]
    assert not first.eq(other_seed).all()


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_refused(score):
    with pytest.raises(RunError, match="candidate 'q', 'd0': wanted a finite teacher_score"):
        select(table(row(score)), Policy())


def test_counts_sum_to_the_number_of_candidates():
    frame = table(row(0.79), row(0.5), row(0.4))
    counts = decide(prepare(frame), Policy(negatives_per_query=1)).counts()
    assert {name: count for name, count in counts.items() if count} == {
        "kept": 1,
        "known_positive": 1,
        "too_close": 1,
        "over_quota": 1,
    }


def test_a_query_without_a_positive_is_an_error_and_not_a_silent_nan():
    with pytest.raises(RunError, match="query 'q': wanted at least one positive"):
        select(table(row(0.5)).iloc[1:], Policy())


def test_a_ceiling_on_probabilities_needs_a_calibrated_run():
    with pytest.raises(RecipeError, match="wanted a calibrated run"):
        select(table(row(0.5)), Policy(max_p_relevant=0.2))
    calibrated = table(row(0.5, p_relevant=0.3), row(0.4, p_relevant=0.1)).fillna({"p_relevant": 1.0})
    assert statuses(calibrated, Policy(max_p_relevant=0.2)) == ["too_close", "kept"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"negatives_per_query": 0}, "--negatives-per-query: wanted 1 or more; found 0"),
        ({"relative_margin": float("nan")}, "--relative-margin: wanted a number; found NaN"),
        ({"sampling": "best"}, "--sampling: wanted one of top, random, simans, stratified; found 'best'"),
        ({"shortfall": "deepen"}, "--shortfall deepen: wanted --max-rank N"),
        ({"quota": (("bm25", 0.7), ("dense", 0.6))}, "--quota: wanted shares above 0 that sum to at most 1"),
        ({"skip_top": 5, "max_rank": 5}, "--max-rank: wanted more than --skip-top 5; found 5"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(RecipeError) as refusal:
        Policy(**settings)
    assert message in str(refusal.value)


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 3e38, -3e38, 0.1]))))
def test_rows_by_falling_score_are_those_of_a_sort_by_two_keys(rows):
    query = np.sort(np.array([q for q, _ in rows], np.int64))
    score = np.array([s for _, s in rows], np.float32)
    np.testing.assert_array_equal(by_falling(score, query), np.lexsort((-score, query)))


def test_a_pair_is_drawn_by_its_own_ids_alone():
    frame = table(row(doc_id="a"), row(doc_id="b"))
    alone = table(row(doc_id="b"))
    assert prepare(frame).pair_key[2] == prepare(alone).pair_key[1]


@pytest.mark.parametrize("name", selecting.POLICIES)
def test_what_the_benchmark_decides_is_something_and_twice_the_same(name):
    # Its made-up candidates must have what today's default reads.
    table = prepare(selecting.made_up(30, 12))
    policy = selecting.POLICIES[name]
    first, second = decide(table, policy), decide(table, policy)
    assert 0 < (first.status == STATUSES.index(KEPT)).sum() < len(table.query)
    np.testing.assert_array_equal(first.status, second.status)
