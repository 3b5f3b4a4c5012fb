"""Audits: who is drawn with which chance, what the labels say, and what waits; on both databases."""

import json
import os
import uuid
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sql
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint
from typer.testing import CliRunner

from nearmiss import audit, pipeline, selection
from nearmiss import data as dataset
from nearmiss.agreement.judge_reliability import reliability_of
from nearmiss.audit import domains as of_domains
from nearmiss.audit import sentences
from nearmiss.audit.estimators import AuditLabels, Cells, means, wilson
from nearmiss.audit.planning import _laid_out, design, draw
from nearmiss.audit.proxies import proxy, proxy_of
from nearmiss.audit.strata import OUTSIDE
from nearmiss.calibration import stored
from nearmiss.calibration.signals import signals
from nearmiss.errors import ReviewError, RunError
from nearmiss.review import JUDGE, REPEAT, AuditPlan, Draw, Event, open_log
from nearmiss.settings import Mining, Policy
from nearmiss.workspace import open_workspace
from tests.benchmarks.auditing import made as made_round
from tests.benchmarks.auditing import plain_labels, repeat
from tests.benchmarks.judge_proxy import audited
from tests.benchmarks.judge_proxy import informed as with_toy_judge
from tests.conftest import ROOT
from tests.words import OverlapTeacher, WordEncoder

POSTGRES = os.environ.get("NEARMISS_TEST_POSTGRES")


@pytest.fixture(scope="module")
def mined(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "sample"
    recipe = Mining(sources=("bm25", "dense"), depth=(("bm25", 20), ("dense", 20)), teacher="overlap")
    data = dataset.read(str(ROOT / "sample_data"))
    pipeline.mine(folder, recipe, data, encoder=WordEncoder(), teacher=OverlapTeacher())
    return folder


@pytest.fixture
def work(mined, tmp_path):
    """The sample with a log of its own; every verdict is given by `judge`."""
    opened = open_workspace(mined, f"sqlite:///{tmp_path / 'reviews.db'}")
    opened.run.save_policy(Policy(max_p_relevant=None, relative_margin=0.05))
    yield opened
    opened.log.close()
    for path in (mined / "rounds" / "1").glob("calibration.json"):
        path.unlink()
    for folder in ("audits", "certificates"):
        for path in (mined / "rounds" / "1" / folder).glob("*"):
            path.unlink()


def judge(work, draws, verdict=None, reviewer="ann", arm=None):
    """Verdicts on draws: one for all, or as a made-up truth has them, in which every ninth document is an answer."""
    start = work.log.acknowledged(reviewer)
    work.append(
        [
            Event(
                query_id=one.query_id,
                doc_id=one.doc_id,
                verdict=verdict or ("relevant" if is_answer(one) else "not_relevant"),
                reviewer=reviewer,
                client_id=reviewer,
                client_seq=start + number,
                decided_at=1000.0 + number,
                arm=arm or one.arm,
                inclusion_probability=one.inclusion_probability,
            )
            for number, one in enumerate(draws, 1)
        ]
    )


def is_answer(one):
    return sum(one.doc_id.encode()) % 9 == 0


# What an audit asks about.


def table_of(seed, queries=6, candidates=12):
    rng = np.random.default_rng(seed)
    n = queries * candidates
    number = np.arange(n)
    rows = {
        "query_id": [f"q{i // candidates}" for i in number],
        "doc_id": [f"d{i % 17}-{i // candidates}" for i in number],
        "is_positive": number % candidates == 0,
        "is_labelled_negative": rng.random(n) < 0.05,
        "is_the_query": rng.random(n) < 0.03,
        "is_sibling": rng.random(n) < 0.1,
        "dense_rank": number % candidates + 1.0,
        "teacher_score": rng.normal(size=n).round(1).astype(np.float32),
        "p_relevant": rng.random(n).round(2).astype(np.float32),
    }
    rows["is_labelled_negative"] &= ~rows["is_positive"]
    return selection.prepare(pd.DataFrame(rows))


STOPS = {
    "max_p_relevant": [0.1, 0.3, 0.5, 0.8, None],
    "max_score": [-1.0, 0.0, 0.5, 2.0, None],
    "absolute_margin": [2.0, 1.0, 0.3, 0.0, None],
    "relative_margin": [3.0, 1.0, 0.2, 0.0, None],
}


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    field=st.sampled_from(sorted(STOPS)),
    places=st.integers(1, 5),
    sampling=st.sampled_from(["top", "random", "simans"]),
    shortfall=st.sampled_from(["fewer", "drop"]),
    skip=st.integers(0, 2),
    floor=st.sampled_from([None, -0.5]),
)
def test_a_whole_slider_at_once_is_each_of_its_stops(seed, field, places, sampling, shortfall, skip, floor):
    table = table_of(seed)
    policy = Policy(
        max_p_relevant=None,
        negatives_per_query=places,
        sampling=sampling,
        shortfall=shortfall,
        skip_top=skip,
        min_score=floor,
    )
    assert of_domains.is_quick(policy)
    found = of_domains.along(table, policy, field, STOPS[field])
    for place, one in enumerate(of_domains.each(table, policy, field, STOPS[field])):
        np.testing.assert_array_equal(found.at(place).kept, one.kept)
        np.testing.assert_array_equal(found.at(place).refused, one.refused)


def test_neither_labels_nor_the_query_itself_belong_to_the_population():
    table = table_of(3)
    among = of_domains.population(table)
    rows = table.candidates
    assert among.sum() == (~(rows["is_positive"] | rows["is_labelled_negative"] | rows["is_the_query"])).sum()
    side = of_domains.domains(table, Policy(max_p_relevant=0.5, negatives_per_query=2))
    assert not (side.kept & side.refused).any()
    assert not ((side.kept | side.refused) & ~among).any()
    assert (table.number("p_relevant")[side.kept] <= 0.5).all()


# Who is drawn.


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), labels=st.integers(30, 62))
def test_strata_part_the_population_and_labels_are_as_many_as_asked(seed, labels):
    table = table_of(seed, queries=8)
    stratum, strata = design(table, Policy(max_p_relevant=0.5), table.number("p_relevant"), labels)
    np.testing.assert_array_equal(stratum != OUTSIDE, of_domains.population(table))
    assert [one.size for one in strata] == np.bincount(stratum[stratum >= 0], minlength=len(strata)).tolist()
    assert sum(one.labels for one in strata) == labels
    assert all(min(3, one.size) <= one.labels <= one.size for one in strata)


@pytest.mark.slow
def test_everyone_is_drawn_as_often_as_the_plan_says():
    table = table_of(1, queries=10)
    likely = table.number("p_relevant").astype(float)
    stratum, strata = design(table, Policy(max_p_relevant=0.5), likely, 40)
    times, told = np.zeros(len(stratum)), np.zeros(len(stratum))
    repetitions = 3000
    for seed in range(repetitions):
        drawn = draw(table, stratum, strata, likely, seed)
        rows = [row for row, *_ in drawn]
        assert len(set(rows)) == 40
        times[rows] += 1
        told[rows] += [1 / chance for *_, chance in drawn]
    inside = stratum >= 0
    # Horvitz and Thompson's count of every single candidate is 1 on average.
    spread = np.sqrt(max(1 / (40 / inside.sum()), 1) * 3 / repetitions)
    assert abs(told[inside] / repetitions - 1).max() < 5 * spread
    assert (times[~inside] == 0).all()


def test_draws_of_a_stratum_fall_on_as_many_queries_as_they_can():
    known = made_round(0.08, 0.87, queries=150, candidates=30)
    stratum, strata = design(known.table, known.policy, known.likely, 100)
    drawn = draw(known.table, stratum, strata, known.likely, 5)
    for number in range(len(strata)):
        queries = [known.table.query[row] for row, of, *_ in drawn if of == number]
        most = np.bincount(known.table.query[stratum == number]).max()
        interval = strata[number].size / strata[number].labels
        assert max(np.bincount(queries)) <= np.ceil(most / np.floor(interval)) + 1


@settings(max_examples=200)
@given(st.data())
def test_a_place_of_the_layout_is_what_a_sort_of_the_whole_puts_there(data):
    of_query = np.array(data.draw(st.lists(st.integers(0, 12), min_size=1, max_size=60)))
    turn = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(of_query), max_size=len(of_query))), float)
    places = np.array(data.draw(st.lists(st.integers(0, len(of_query) - 1), min_size=1, max_size=5)))
    np.testing.assert_array_equal(_laid_out(of_query, turn, places), np.lexsort((turn, of_query))[places])


# What labels say.


def cells_of(sizes, proxies):
    return Cells(np.array([sizes], float), np.array([np.array(sizes) * proxies]))


def test_with_a_proxy_that_says_nothing_the_estimate_is_the_stratified_mean():
    # 30 of 300 and 10 of 100 were looked at: 6 and 1 answers. (300 * 0.2 + 100 * 0.1) / 400 = 0.175
    answer = np.r_[np.ones(6), np.zeros(24), np.ones(1), np.zeros(9)]
    labels = AuditLabels(np.r_[np.zeros(30, int), np.ones(10, int)], np.full(40, 10.0), np.full(40, 0.3), answer)
    found = means(cells_of([300, 100], [0.3, 0.3]), np.ones((1, 40), bool), labels)
    assert found.estimate[0] == pytest.approx(0.175)
    low, high = wilson(found)
    assert low[0] < 0.175 < high[0]


def test_a_proxy_that_knows_everything_leaves_little_doubt():
    rng = np.random.default_rng(0)
    truth = rng.random(2000) < 0.2
    rows = rng.permutation(2000)[:100]
    labels = AuditLabels(np.zeros(100, int), np.full(100, 20.0), truth[rows].astype(float), truth[rows].astype(float))
    blind = replace(labels, proxy=np.full(100, truth.mean()))
    with_proxy = means(cells_of([2000], [truth.mean()]), np.ones((1, 100), bool), labels)
    without = means(cells_of([2000], [truth.mean()]), np.ones((1, 100), bool), blind)
    assert abs(with_proxy.estimate[0] - truth.mean()) < abs(without.estimate[0] - truth.mean())
    assert with_proxy.variance[0] < without.variance[0] / 4


def test_labels_of_everything_leave_no_doubt():
    truth = np.arange(50) % 7 == 0
    labels = AuditLabels(np.zeros(50, int), np.ones(50), np.full(50, 0.1), truth.astype(float))
    found = means(cells_of([50], [0.1]), np.ones((1, 50), bool), labels)
    low, high = wilson(found)
    assert (low[0], high[0]) == pytest.approx((truth.mean(), truth.mean()), abs=1e-4)


def test_no_answer_found_does_not_mean_that_there_is_none():
    labels = AuditLabels(np.zeros(60, int), np.full(60, 50.0), np.full(60, 0.02), np.zeros(60))
    found = means(cells_of([3000], [0.02]), np.ones((1, 60), bool), labels)
    low, high = wilson(found)
    assert (found.estimate[0], low[0]) == (0, 0)
    assert 0.02 < high[0] < 0.12  # Wilson's own limit is 0.06


@pytest.mark.slow
@pytest.mark.parametrize("labels", [100, 200])
def test_intervals_hold_the_truth(labels):
    # The benchmark's table has the figures; here few repetitions of a small round, always the same ones.
    known = made_round(0.08, 0.87, queries=150, candidates=40)
    tally = repeat(known, labels, 160)
    assert (tally.covered.mean(axis=0) >= 0.9).all()
    other = repeat(known, labels, 160, replace(known.policy, max_score=known.policy.max_score + 0.3))
    assert (other.covered.mean(axis=0) >= 0.9).all()


def test_an_audit_needs_fewer_labels_than_drawing_plainly():
    known = made_round(0.08, 0.95, queries=150, candidates=40)
    tally = repeat(known, 200, 20)
    rate = known.truths(of_domains.domains(known.table, known.policy))[0]
    assert plain_labels(rate, tally.width[:, 0].mean()) > 1.8 * tally.inside.mean()


@pytest.mark.slow
@pytest.mark.parametrize(("accuracy", "narrower"), [(0.9, 0.8), (0.3, 1.1)])
def test_with_a_judge_good_or_bad_intervals_hold_the_truth(accuracy, narrower):
    known = made_round(0.08, 0.87, queries=120, candidates=30)
    kept = np.flatnonzero(of_domains.domains(known.table, known.policy).kept)
    proxies = [with_toy_judge(known, kept, accuracy, seed) for seed in range(4)]
    alone, found = audited(known, [known.likely], 160, "judge"), audited(known, proxies, 40, "judge")
    assert (found[:, :3].mean(axis=0) >= 0.9).all()
    assert found[:, 4].mean() < narrower * alone[:, 4].mean()


def test_a_judge_is_believed_as_far_as_people_confirm_it():
    # Before anybody compares it: 7 of 10 answers, 8.5 of 10 others. Then 4 of 5 answers and 10 of 20 others.
    known = reliability_of("model:toy", {}, {("q", "d"): True})
    assert (known.pairs, known.sensitivity, known.specificity) == (0, 0.7, pytest.approx(0.85))
    people = {("q", str(number)): number < 5 for number in range(25)}
    said = {pair: 0 < place <= 14 for place, pair in enumerate(people)}
    known = reliability_of("model:toy", people, said)
    assert (known.pairs, known.sensitivity) == (25, pytest.approx((4 + 7) / 15))
    assert known.specificity == pytest.approx((10 + 8.5) / 30)
    # A chance of 1 to 4 before, by 11/15 to 11.5/30 after "answer", by 4/15 to 18.5/30 after "none".
    up, down = 0.25 * (11 / 15) / (11.5 / 30), 0.25 * (4 / 15) / (18.5 / 30)
    found = known.updated(np.array([0.2, 0.2]), np.array([True, False]))
    assert found.tolist() == pytest.approx([up / (1 + up), down / (1 + down)])


# In a run.


def test_what_was_drawn_is_in_the_log_before_anyone_judges(work):
    made, draws = audit.plan(work, 60)
    assert work.log.since(0) == []
    assert work.log.plans() == [made]
    assert work.log.draws(made.plan) == draws
    assert len(draws) == 60
    assert made.facts["policy"]["relative_margin"] == 0.05
    assert audit.waiting(work, "ann") == draws
    assert {draw.pair for draw in draws} == set(audit.drawn(work))


def test_two_plans_of_a_round_draw_apart(work):
    first, second = (audit.plan(work, 60)[1] for _ in range(2))
    assert [one.pair for one in first] != [one.pair for one in second]
    judge(work, audit.waiting(work, "ann"))
    assert audit.estimate(work).judged == 120


def test_an_estimate_without_a_plan_or_without_a_verdict_says_what_is_missing(work):
    with pytest.raises(ReviewError, match="wanted an audit of this round; found none"):
        audit.estimate(work)
    audit.plan(work, 60)
    with pytest.raises(ReviewError, match="found none of 60"):
        audit.estimate(work)


def test_too_few_or_too_many_labels_are_refused(work):
    for labels in (0, 29, 10**9):
        with pytest.raises(ReviewError, match="--labels: wanted 30 to"):
            audit.plan(work, labels)


def test_the_three_numbers_are_those_of_the_truth_when_all_is_judged(work):
    size = int(of_domains.population(work.table).sum())
    _, draws = audit.plan(work, size)
    judge(work, draws)
    side = of_domains.domains(of_domains.unjudged(work.table), work.policy)
    answer = np.array([sum(doc_id.encode()) % 9 == 0 for doc_id in work.candidates["doc_id"]])
    told = audit.estimate(work).numbers
    kept, refused = answer[side.kept], answer[side.refused]
    assert told.false_negative_rate.estimate == pytest.approx(kept.mean())
    assert told.false_negative_rate.high == pytest.approx(kept.mean(), abs=1e-3)
    assert told.over_filtering.estimate == pytest.approx(1 - refused.mean())
    assert told.filter_recall.estimate == pytest.approx(refused.sum() / (refused.sum() + kept.sum()))


def test_a_slider_tells_what_estimates_tell_stop_by_stop(work):
    _, draws = audit.plan(work, 150)
    judge(work, draws)
    stops = [0.4, 0.2, 0.1, 0.05, 0.0, None]
    found = audit.curve(work, "relative_margin", stops)
    for place, stop in enumerate(stops):
        told = audit.estimate(work, replace(work.policy, relative_margin=stop)).numbers
        for name in ("false_negative_rate", "over_filtering", "filter_recall"):
            one, band = getattr(told, name), getattr(found, name)
            for part in ("estimate", "low", "high"):
                expected = getattr(one, part)
                expected = np.nan if expected is None else expected
                np.testing.assert_allclose(getattr(band, part)[place], expected, atol=1e-9)
            assert band.labels[place] == one.labels


def test_a_verdict_counts_at_once_along_a_slider(work):
    _, draws = audit.plan(work, 100)
    judge(work, draws[:50], "not_relevant")
    before = audit.curve(work, "relative_margin", [0.05]).false_negative_rate
    judge(work, draws[50:], "relevant")
    after = audit.curve(work, "relative_margin", [0.05]).false_negative_rate
    assert after.labels[0] > before.labels[0]
    assert after.estimate[0] > before.estimate[0] == 0


def test_partly_counts_as_an_answer_and_both_rates_are_told(work):
    _, draws = audit.plan(work, 60)
    judge(work, draws[:30], "partial")
    judge(work, draws[30:], "not_relevant")
    told = audit.estimate(work)
    assert told.numbers.false_negative_rate.estimate > 0.3
    assert told.without_partial.false_negative_rate.estimate == 0


def test_who_cannot_tell_gives_no_label(work):
    _, draws = audit.plan(work, 60)
    judge(work, draws[:10], "unsure")
    judge(work, draws[10:50], "not_relevant")
    told = audit.estimate(work)
    assert (told.judged, told.unsure, told.waiting) == (40, 10, 10)


def test_a_drawn_pair_counts_however_it_was_judged(work):
    _, draws = audit.plan(work, 60)
    judge(work, [replace(one, plan="elsewhere") for one in draws], "relevant")
    assert audit.estimate(work).numbers.false_negative_rate.estimate == pytest.approx(1)


def test_a_draw_judged_before_the_plan_counts_once_the_audit_has_come_to_it(work):
    rows = np.flatnonzero(of_domains.population(work.table))
    known = {work.pair_at(row) for row in rows[::2].tolist()}
    judge(work, [Draw("", 0, *pair, 0, 0.0, 1.0) for pair in sorted(known)], arm="priority")
    _, draws = audit.plan(work, 60)
    early = [place for place, draw in enumerate(draws) if draw.pair in known]
    assert 10 < len(early) < 50
    with pytest.raises(ReviewError, match="found none of 60"):
        audit.estimate(work)
    others = [place for place, draw in enumerate(draws) if draw.pair not in known]
    last = others[9]
    judge(work, [draws[place] for place in others[:10]])
    found = audit.estimate(work)
    assert (found.judged, found.waiting) == (last + 1, len(others) - 10)
    judge(work, [draws[place] for place in others[10:]])
    assert audit.estimate(work).judged == 60


def test_labels_that_made_the_calibration_may_not_measure_it(work):
    made, draws = audit.plan(work, 60)
    judge(work, draws)
    found = signals(work.candidates)
    folder = work.run.round_folder(1)
    stored.save(folder, found, replace(stored.by_prior(found, work.candidates), plans_used=(made.plan,)))
    with pytest.raises(ReviewError, match="only audits that the calibration was fitted to"):
        audit.estimate(work)
    other, draws = audit.plan(work, 60)
    judge(work, draws)
    told = audit.estimate(work)
    assert (told.plans, told.left_out) == ((other.plan,), (made.plan,))


def test_strata_that_were_lost_are_named(work):
    made, draws = audit.plan(work, 60)
    judge(work, draws)
    (work.run.round_folder(1) / "audits" / f"{made.plan}.npy").unlink()
    with pytest.raises(RunError, match=f"wanted the strata of audit {made.plan}"):
        audit.estimate(work)


def test_judgements_from_the_queue_count_where_their_chances_add_up(work):
    chance = 0.1
    rng = np.random.default_rng(4)
    rows = np.flatnonzero(of_domains.population(work.table) & (rng.random(len(work.table.query)) < chance))
    asked = [Draw("", 0, *work.pair_at(row), 0, 0.0, chance) for row in rows.tolist()]
    judge(work, [replace(one, repeat=True) for one in asked])
    with pytest.raises(ReviewError, match="found none"):
        audit.estimate(work)  # repeats measure their reviewer and nothing else
    judge(work, asked, arm="priority")
    told = audit.estimate(work)
    assert told.plans == ("queue",)
    assert told.numbers.false_negative_rate.low < 1 / 9 < told.numbers.false_negative_rate.high
    # Only the first of each query: nobody else could have been picked with that chance.
    few = open_workspace(work.run.folder, "sqlite://")
    judge(few, asked[:25], arm="priority")
    with pytest.raises(ReviewError, match="found none"):
        audit.estimate(few)


def say_as_model(work, rows, verdict, name="model:toy"):
    start = work.standing.last_seq
    event = Event(query_id="q", doc_id="d", verdict=verdict, reviewer=name, client_id=name, client_seq=0, decided_at=1)
    pairs = [work.pair_at(row) for row in rows]
    work.append(
        [
            replace(event, query_id=q, doc_id=d, client_seq=start + number, arm=f"{JUDGE}0123")
            for number, (q, d) in enumerate(pairs, 1)
        ]
    )


def test_what_a_judge_said_before_a_plan_is_in_its_proxy_and_what_it_says_later_in_the_next_one(work):
    kept = np.flatnonzero(of_domains.domains(work.table, work.policy).kept)
    early, late = kept[:20].tolist(), kept[20:40].tolist()
    scores = proxy(work)
    judge(work, [Draw("", 0, *work.pair_at(row), 0, 0.0, 1.0) for row in early[:4]], "not_relevant", arm="priority")
    say_as_model(work, early, "relevant")
    made, draws = audit.plan(work, 60)
    say_as_model(work, early[:5] + late, "not_relevant")
    [known] = made.facts["judges"]
    assert (known["judge"], known["candidates"], known["pairs"]) == ("model:toy", 20, 4)
    assert known["specificity"] == pytest.approx(8.5 / 14)
    own = proxy_of(work, made)
    changed = np.flatnonzero(own != scores)
    assert changed.tolist() == sorted(early)
    odds = own[early] / (1 - own[early]) * (1 - scores[early]) / scores[early]
    np.testing.assert_allclose(odds, 0.7 / (5.5 / 14), rtol=1e-6)
    assert {draw.proxy for draw in draws if work.row_of(draw.pair) in early} <= set(own[early])
    following, _ = audit.plan(work, 60)
    assert set(np.flatnonzero(proxy_of(work, following) != scores)) == {*early, *late}
    judge(work, draws)
    told = audit.estimate(work)
    assert told.judges == ("model:toy",)
    words = " ".join(sentences.of_estimate(told, None, 0.02, audit.reviewers(work)))
    assert "What model:toy said before the draws is used beside the scores" in words
    words = " ".join(sentences.of_plan(made, audit.expected_precision(work, made, 0.02)))
    assert "model:toy had judged 20 candidates" in words
    assert "as scores and models estimate" in words


def test_of_two_judges_the_more_reliable_one_counts(work):
    rows = np.flatnonzero(of_domains.domains(work.table, work.policy).kept)[:12].tolist()
    judge(work, [Draw("", 0, *work.pair_at(row), 0, 0.0, 1.0) for row in rows[:10]], "not_relevant", arm="priority")
    say_as_model(work, rows, "relevant", "model:always")
    say_as_model(work, rows, "not_relevant", "model:better")
    made, _ = audit.plan(work, 60)
    assert [one["judge"] for one in made.facts["judges"]] == ["model:better", "model:always"]
    assert (proxy_of(work, made)[rows] < proxy(work)[rows]).all()


# Second looks.


def test_a_found_answer_asks_another_reviewer_and_then_no_one(work):
    _, draws = audit.plan(work, 60)
    judge(work, draws, "not_relevant", reviewer="bob")
    kept = {number for number, one in enumerate(work.log.plans()[0].facts["strata"]) if one["domain"] == "kept"}
    hit = next(one for one in draws if one.stratum in kept)
    judge(work, [hit], "relevant", reviewer="bob")
    asked = audit.waiting(work, "ann")
    assert [(one.pair, one.second, one.repeat) for one in asked] == [(hit.pair, True, False)]
    assert asked[0].arm == hit.arm
    assert [one.repeat for one in audit.waiting(work, "bob")] == [True]  # nobody else ever judged here
    judge(work, asked, "not_relevant", reviewer="ann")
    assert audit.waiting(work, "ann") == audit.waiting(work, "bob") == []
    people = audit.reviewers(work)
    assert people.people == ("ann", "bob")
    assert people.negatives_overturned.pairs == 1  # bob's first word on it was no


def test_alone_one_looks_again_oneself(work):
    _, draws = audit.plan(work, 60)
    judge(work, draws, "relevant")
    asked = audit.waiting(work, "ann")
    assert {one.arm for one in asked} == {REPEAT}
    judge(work, asked, "not_relevant")
    assert audit.waiting(work, "ann") == []
    people = audit.reviewers(work)
    assert (people.answers_overturned.value, people.answers_overturned.pairs) == (1, len(asked))
    assert people.corrected(0.2) is None  # nothing is known of negatives
    both = replace(people, negatives_overturned=replace(people.answers_overturned, value=0.1))
    assert both.corrected(0.2) == pytest.approx(0.08)


# The log, on both databases.


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request, tmp_path):
    if request.param == "sqlite":
        opened = open_log(tmp_path / "reviews.db")
        yield opened
        opened.close()
        return
    if not POSTGRES:
        pytest.skip("no PostgreSQL (NEARMISS_TEST_POSTGRES is its URL)")
    engine, schema = sql.create_engine(POSTGRES), f"test_{uuid.uuid4().hex}"
    with engine.begin() as connection:
        connection.execute(sql.text(f"CREATE SCHEMA {schema}"))
    url = engine.url.update_query_dict({"options": f"-csearch_path={schema}"})
    opened = open_log(url.render_as_string(hide_password=False))
    yield opened
    opened.close()
    with engine.begin() as connection:
        connection.execute(sql.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def test_plans_come_back_as_they_were_written(log):
    first = AuditPlan("a", 1000.25, "Ελένη", {"labels": 2, "strata": [{"domain": "kept", "proxy": 0.1}]})
    draws = [Draw("a", 0, "q'1", "d\u202e1", 3, 0.25, 1 / 3), Draw("a", 1, "q2", "é", 0, 1e-9, 1.0)]
    log.write_plan(first, draws)
    log.write_plan(replace(first, plan="b", made_at=999.0), [])
    assert log.plans() == [replace(first, plan="b", made_at=999.0), first]
    assert log.draws("a") == draws
    assert log.draws("b") == log.draws("unknown") == []


def test_a_plan_is_never_written_over(log):
    made = AuditPlan("a", 1000.0, "", {})
    log.write_plan(made, [Draw("a", 0, "q", "d", 0, 0.5, 0.5)])
    with pytest.raises(ReviewError, match="plan 'a': wanted a new name"):
        log.write_plan(made, [Draw("a", 0, "q", "other", 0, 0.5, 0.5)])
    assert [one.doc_id for one in log.draws("a")] == ["d"]


# The commands.


def run_command(*words):
    from nearmiss.cli import app, auditing  # noqa: F401

    return CliRunner().invoke(app, ["audit", *map(str, words)])


def test_the_commands_tell_numbers_and_sentences(work):
    reviews = ("--reviews", str(work.log._engine.url))
    made = run_command("plan", work.run.folder, "--labels", 80, "--json", *reviews)
    told = json.loads(made.stdout)
    assert (told["draws"], told["round"]) == (80, 1)
    assert told["expected_precision"]["labels_needed"] > 80
    judge(work, audit.waiting(work, "ann"))
    told = json.loads(run_command("estimate", work.run.folder, "--json", *reviews).stdout)
    for name in ("false_negative_rate", "over_filtering", "filter_recall"):
        assert set(told[name]) == {"estimate", "low", "high", "labels"}
        assert told[name]["low"] <= told[name]["estimate"] <= told[name]["high"]
    words = run_command("estimate", work.run.folder, *reviews).stdout
    rate = told["false_negative_rate"]
    assert f"In {rate['labels']} labels: between {rate['low']:.1%} and {rate['high']:.1%} of the kept" in words


def test_so_many_more_labels_narrow_the_interval_to_what_was_wanted():
    low, high = proportion_confint(10, 200, method="wilson")
    more = audit.labels_to_add(audit.Rate(0.05, low, high, 200), 0.02)
    low, high = proportion_confint(round(0.05 * (200 + more)), 200 + more, method="wilson")
    assert (high - low) / 2 == pytest.approx(0.02, abs=3e-4)
    assert audit.labels_to_add(audit.Rate(0.05, 0.04, 0.06, 200), 0.02) == 0
    assert audit.labels_to_add(audit.Rate(None, None, None, 0), 0.02) is None
