"""Calibration: signals worked out by hand, fits against a slow optimiser, and the prior on queries it never saw."""

import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from nearmiss import audit, pipeline
from nearmiss import data as dataset
from nearmiss.calibration import p_relevant, stored
from nearmiss.calibration.fitting import CalibrationLabels, Fitted, fit, moved
from nearmiss.calibration.model import fit_weights, from_prior
from nearmiss.calibration.prior import load
from nearmiss.calibration.reliability import auc, by_slice, reliability
from nearmiss.calibration.signals import WORDS, in_words, signals
from nearmiss.errors import ReviewError
from nearmiss.review import Event
from nearmiss.run import open_run
from nearmiss.session import refit
from nearmiss.session.labels import labels_of
from nearmiss.settings import LATE_INTERACTION, Mining
from nearmiss.workspace import open_workspace
from tests.benchmarks import weighing
from tests.nearmiss.cli.test_cli import call
from tests.tools import learn_prior
from tests.words import OverlapTeacher, WordEncoder


def candidates(queries=3, each=12, seed=1, teacher=False):
    """Two sources' candidates, the first of each query its positive; every third is alike to it."""
    rng = np.random.default_rng(seed)
    rows = []
    for query in range(queries):
        dense = np.sort(rng.uniform(0.1, 0.9, each))[::-1]
        for place in range(each):
            found = place % 2 == 0
            rows.append(
                {
                    "query_id": f"q{query}",
                    "doc_id": f"d{query}-{place}",
                    "is_positive": place == 0,
                    "bm25_rank": place // 2 + 1 if found else pd.NA,
                    "bm25_score": 9.0 - place if found else np.nan,
                    "dense_rank": place + 1,
                    "dense_score": dense[place],
                    "fused_rank": place + 1,
                    "positive_cosine": 1.0 if place == 0 else rng.uniform(0, 1),
                    "positive_words": rng.uniform(0, 1),
                    "pool_cosine": rng.uniform(0, 1),
                    "teacher_score": rng.normal() if teacher else dense[place],
                }
            )
    return pd.DataFrame(rows).astype({"bm25_rank": "Int32", "dense_rank": "Int32", "fused_rank": "Int32"})


def column(frame, name):
    found = signals(frame)
    return found.values[:, found.names.index(name)]


def test_signals_of_one_query_by_hand():
    frame = pd.DataFrame(
        {
            "query_id": ["q"] * 4,
            "doc_id": list("abcd"),
            "is_positive": [False, True, False, False],
            "bm25_rank": pd.array([1, 2, 3, None], "Int32"),
            "bm25_score": [8.0, 6.0, 5.0, np.nan],
            "dense_score": [0.6, 0.8, 0.2, 0.4],
            "teacher_score": [0.6, 0.8, 0.2, 0.4],
        }
    )
    np.testing.assert_allclose(column(frame, "dense_place"), -np.log([2, 1, 4, 3]), rtol=1e-6)
    np.testing.assert_allclose(column(frame, "positive_place"), [0, 0, 0, 0], atol=1e-7)
    np.testing.assert_allclose(column(frame, "dense_in_query"), [0.4472, 1.3416, -1.3416, -0.4472], atol=1e-4)
    np.testing.assert_allclose(
        column(frame, "bm25_margin"), [2 / 8, 0, -1 / 8, (4 - 6) / 8]
    )  # unfound: 0.8 of the last
    np.testing.assert_allclose(column(frame, "bm25_place"), -np.log([1, 2, 3, 4.5]), rtol=1e-6)  # 1.5 of the deepest
    assert not any(name.startswith("teacher") for name in signals(frame).names)  # the dense score stood in for it


def test_a_teacher_speaks_where_there_is_one():
    frame = candidates(teacher=True)
    margin = frame["teacher_score"] - frame["teacher_score"].where(frame["is_positive"]).groupby(
        frame["query_id"]
    ).transform("min")
    np.testing.assert_allclose(column(frame, "teacher_margin"), margin, rtol=1e-5, atol=1e-6)
    assert {"teacher_score", "teacher_in_query", "teacher_place"} <= set(signals(frame).names)


def test_every_signal_says_what_it_is():
    for name in signals(candidates(teacher=True)).names:
        assert in_words(name)
    assert in_words("splade_margin") == "score of splade against that of the labelled answer"
    assert set(load()["signals"]) >= set(WORDS) - {name for name in WORDS if name.startswith("teacher")}


@settings(max_examples=30)
@given(st.floats(0.1, 20), st.floats(-5, 5))
def test_the_unit_of_a_score_changes_no_probability(scale, shift):
    frame = candidates(teacher=True)
    moved = frame.assign(teacher_score=frame["teacher_score"] * scale + shift)
    np.testing.assert_allclose(p_relevant(moved), p_relevant(frame), atol=2e-3)


def test_what_a_run_does_not_know_says_nothing():
    frame = candidates()
    for missing in ("positive_words", "pool_cosine"):
        blank = frame.assign(**{missing: np.nan})
        np.testing.assert_allclose(p_relevant(blank), p_relevant(frame.drop(columns=missing)), rtol=1e-5)
    only_dense = frame.drop(columns=["bm25_rank", "bm25_score"])
    assert np.isfinite(p_relevant(only_dense)).all()


def test_more_of_every_signal_makes_an_answer_likelier_by_the_prior():
    for kind, weights in load()["weights"].items():
        # Late interaction reads what the encoder reads: beside it, the cosine hardly counts, up or down.
        own = ("dense_score", "dense_in_query", "dense_place") if "teacher" in kind else ()
        for name, weight in weights.items():
            assert weight > 0 or name in ("intercept", "positive_place", *own), (kind, name)
        assert sum(weights[name] for name in own) > -0.05


def test_a_teacher_that_the_weights_do_not_know_is_a_doubt():
    assert len(stored.by_prior(signals(candidates()), candidates(), "").doubts) == 1
    with_teacher = candidates(teacher=True)
    assert "another teacher" in stored.by_prior(signals(with_teacher), with_teacher, "mine").doubts[1]
    assert len(stored.by_prior(signals(with_teacher), with_teacher, LATE_INTERACTION).doubts) == 1


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 80))
def test_a_fit_is_where_a_slow_optimiser_ends(seed, labels):
    rng = np.random.default_rng(seed)
    values, answers, weights = rng.normal(size=(labels, 4)), rng.random(labels) < 0.3, rng.uniform(0.2, 3, labels)
    center, spread = rng.normal(size=5), rng.uniform(0.1, 2, 5)

    def cost(at):
        logits = values @ at[:-1] + at[-1]
        losses = np.logaddexp(0, logits) - answers * logits
        return (weights * losses).sum() + 0.5 * (((at - center) / spread) ** 2).sum()

    slow = minimize(cost, center, method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(fit_weights(values, answers, weights, center, spread), slow.x, atol=2e-4)


def labelled(frame, rate, seed=3, labels=None):
    """Labels that follow the cosine to the positive, whatever the prior thinks."""
    rng = np.random.default_rng(seed)
    others = np.flatnonzero(~frame["is_positive"].to_numpy())
    rows = others if labels is None else rng.choice(others, labels, replace=False)
    chance = expit(6 * (frame["positive_cosine"].to_numpy()[rows] - 1 + rate))
    return CalibrationLabels(rows, rng.random(len(rows)) < chance, np.ones(len(rows)))


def test_without_labels_the_fit_is_the_prior():
    frame = candidates()
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    none = CalibrationLabels(np.zeros(0, np.int64), np.zeros(0, bool), np.zeros(0))
    fitted = fit(found, from_prior(found, positive), np.zeros(len(frame), np.int64), none)
    calibration, told = fitted.calibration, fitted.reliability
    prior = from_prior(found, positive)
    assert (calibration.weights, calibration.intercept) == (prior.weights, prior.intercept)
    assert told.labels == 0
    assert "no judgement" in calibration.doubts[0]


def test_ten_labels_move_little_and_a_thousand_take_over():
    frame = candidates(queries=150)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    query = pd.factorize(frame["query_id"])[0]
    prior = np.array(from_prior(found, positive).weights)
    place = found.names.index("positive_cosine")
    furthest = []
    for count in (10, 1000):
        calibration = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=count)).calibration
        furthest.append(np.abs(np.array(calibration.weights) - prior).max())
    assert furthest[0] < 0.05 < 0.3 < furthest[1]
    assert calibration.weights[place] == max(calibration.weights)


@pytest.mark.parametrize("labels", [0, 12, 600])
def test_what_orders_candidates_has_the_weights_of_the_whole_fit(labels):
    frame = candidates(queries=150)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    prior, judged = from_prior(found, positive), labelled(frame, 0.4, labels=labels)
    whole = fit(found, prior, pd.factorize(frame["query_id"])[0], judged).calibration
    assert moved(found, prior, judged) == replace(whole, steps=(), doubts=())


def test_the_prior_standardises_by_what_is_known_of_the_unlabelled():
    frame = candidates()
    frame.loc[3:9, "positive_words"] = np.nan
    frame["positive_cosine"] = np.nan
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    prior, others = from_prior(found, positive), found.values[~positive].astype(np.float64)
    known = found.names.index("positive_words")
    np.testing.assert_allclose(prior.center[known], np.nanmean(others[:, known]), atol=1e-6)
    np.testing.assert_allclose(prior.scale[known], np.nanstd(others[:, known]), atol=1e-6)
    nowhere = found.names.index("positive_cosine")
    assert (prior.center[nowhere], prior.scale[nowhere]) == (0.0, 0.0)


def test_probabilities_come_true_after_a_few_hundred_labels():
    frame = candidates(queries=150)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    query = pd.factorize(frame["query_id"])[0]
    before = from_prior(found, positive)
    fitted = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=600))
    calibration, told = fitted.calibration, fitted.reliability
    assert calibration.steps  # isotonic, from 300 labels on
    rest = labelled(frame, 0.4, seed=9)
    errors = [
        reliability(one.probabilities(one.logits(found))[rest.rows], rest.answers).error
        for one in (before, calibration)
    ]
    assert errors[1] < 0.06 < errors[0]
    assert told.error < 0.06


def test_a_logit_never_lowers_its_probability():
    frame = candidates(queries=150)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    query = pd.factorize(frame["query_id"])[0]
    calibration = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=600)).calibration
    assert (np.diff(calibration.probabilities(np.linspace(-8, 8, 400))) >= 0).all()


def test_it_says_when_it_does_not_trust_itself():
    frame = candidates(queries=40)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    query = pd.factorize(frame["query_id"])[0]
    few = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=12)).calibration
    assert "wanted at least 30" in few.doubts[0]
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(~positive)
    by_luck = CalibrationLabels(rows, rng.random(len(rows)) < 0.5, np.ones(len(rows)))
    chance = fit(found, from_prior(found, positive), query, by_luck).calibration
    assert any("hardly tells" in doubt for doubt in chance.doubts)
    good = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=400)).calibration
    assert good.doubts == ()


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    labels=st.sampled_from([1, 12, 60, 400]),
    queries=st.sampled_from([1, 2, 4, 40]),
    rate=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    audited=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
)
def test_any_labels_of_however_few_queries_can_be_fitted(seed, labels, queries, rate, audited):
    frame = candidates(queries=max(queries, 2), each=450 // queries)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    query = pd.factorize(frame["query_id"])[0]
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.flatnonzero(~positive & (query < queries)))[:labels]
    drawn = rng.random(len(rows)) < audited
    weights = np.where(drawn, rng.uniform(1, 500, len(rows)), 1.0)
    judged = CalibrationLabels(rows, rng.random(len(rows)) < rate, weights, drawn=drawn)
    fitted = fit(found, from_prior(found, positive), query, judged)
    for p in (fitted.estimated, fitted.by_prior, fitted.calibration.probabilities(fitted.calibration.logits(found))):
        assert np.isfinite(p).all()
        assert ((p >= 0) & (p <= 1)).all()
    too_few = len(np.unique(query[rows])) < 5
    assert any("to try it on queries that it has not seen" in one for one in fitted.calibration.doubts) == too_few
    if too_few:
        assert fitted.calibration.steps == ()


def test_an_audited_label_among_many_plain_ones_takes_nothing_from_them():
    rows = np.arange(200)
    drawn = rows == 0
    labels = CalibrationLabels(rows, rows % 5 == 0, np.where(drawn, 1000.0, 1.0), drawn=drawn)
    assert labels.of_weight().tolist() == [1.0] * 200
    many = CalibrationLabels(rows, rows % 5 == 0, np.where(rows % 2 == 0, 10.0, 30.0), drawn=rows < 190)
    assert many.of_weight()[:4].tolist() == pytest.approx([0.5, 1.5, 0.5, 1.5])
    assert many.of_weight()[190:].tolist() == [1.0] * 10


@pytest.mark.parametrize(("drawn", "most"), [(10, 1.0), (100, 0.25), (190, 0.1)])
def test_people_who_record_answers_rather_than_negatives_hardly_raise_the_level(drawn, most):
    # The benchmark's table has bias and coverage; here few repetitions, always the same ones.
    case = weighing.Case(audited=drawn, chosen="by outcome")
    own, alike = (weighing.of_rule(rule, case, repetitions=12) for rule in ("own intercept", "one each"))
    assert abs(own.bias) < most
    assert abs(own.bias) < 0.7 * abs(alike.bias)
    assert own.covered >= 0.8


@pytest.mark.slow
def test_the_auc_and_its_interval_by_hand_and_by_resampling():
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])).value == 0.75
    assert auc(np.array([0.5, 0.5]), np.array([False, True])).value == 0.5
    assert auc(np.array([0.5]), np.array([True])) is None
    rng = np.random.default_rng(0)
    answers = rng.random(300) < 0.3
    p, query, weights = rng.normal(size=300) + answers, np.repeat(np.arange(60), 5), rng.uniform(0.5, 2, 300)
    found = auc(p, answers, weights, query)
    assert found.value == pytest.approx(roc_auc_score(answers, p, sample_weight=weights))
    again = []
    for _ in range(400):
        rows = np.concatenate([np.flatnonzero(query == one) for one in rng.integers(0, 60, 60)])
        again.append(roc_auc_score(answers[rows], p[rows], sample_weight=weights[rows]))
    low, high = np.quantile(again, [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))
    sure = auc(np.array([0.1] * 20 + [0.9] * 3), np.arange(23) >= 20)
    assert sure.value == 1.0
    assert sure.low < 0.8  # three answers prove little


def test_reliability_by_hand():
    told = reliability(
        np.array([0.1] * 20 + [0.9] * 20), np.array([False] * 18 + [True] * 2 + [True] * 18 + [False] * 2)
    )
    assert [(bin.estimated, bin.judged, bin.labels) for bin in told.curve] == [
        (pytest.approx(0.1), 0.1, 20),
        (pytest.approx(0.9), 0.9, 20),
    ]
    assert told.error == 0.0
    assert told.brier == pytest.approx(0.09)
    assert told.auc == pytest.approx(0.9)
    off = reliability(np.full(400, 0.5), np.arange(400) % 10 == 0)
    assert off.error == pytest.approx(0.4, abs=0.01)
    sliced = by_slice(
        np.full(60, 0.5), np.arange(60) < 30, np.ones(60), {"kind": np.array(["a"] * 30 + ["b"] * 20 + ["c"] * 10)}
    )
    assert {value: one.answers for value, one in sliced["kind"].items()} == {"a": 30, "b": 0}  # ten tell nothing


@pytest.fixture(scope="module")
def mined(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "sample"
    recipe = Mining(sources=("bm25", "dense"), teacher="overlap")
    return pipeline.mine(folder, recipe, dataset.read("sample_data"), encoder=WordEncoder(), teacher=OverlapTeacher())


def test_mining_stores_what_reading_would_compute(mined):
    frame = mined.candidates()
    np.testing.assert_array_equal(frame["p_relevant"].to_numpy(), p_relevant(frame))
    assert stored.load(mined.round_folder()).labels == 0
    assert mined.calibration().doubts


def judge(work, rows, verdict_of, start=0, **more):
    """Verdicts on rows, each as `verdict_of(place, row)` gives it."""
    events = [
        Event(
            query_id=work.pair_at(row)[0],
            doc_id=work.pair_at(row)[1],
            verdict=verdict_of(place, row),
            reviewer="ana",
            client_id="c",
            client_seq=start + place,
            decided_at=1.0,
            **more,
        )
        for place, row in enumerate(rows)
    ]
    work.append(events)


def spread_rows(work, count):
    """Rows that are no labelled answer, spread over all queries."""
    others = np.flatnonzero(~work.table.positive)
    return others[np.linspace(0, len(others) - 1, count).astype(int)].tolist()


def frequent_answers(work):
    """Verdicts under which answers are far more frequent than the prior thinks, and likelier where it thinks so."""
    p = work.table.number("p_relevant")
    likely = p > np.median(p)

    def verdict(place, row):
        if place % 5 == 4:
            return "unsure"
        return "relevant" if likely[row] != (place % 20 == 0) else "not_relevant"

    return verdict


@pytest.fixture
def opened(mined, tmp_path):
    return open_workspace(shutil.copytree(mined.folder, tmp_path / "run"))


def test_judgements_change_the_calibration_and_what_stands_on_it(opened):
    work, before, decided = opened, opened.candidates["p_relevant"].copy(), opened.decision()
    judge(work, spread_rows(work, 200), frequent_answers(work))
    seen = refit.preview(work)
    assert (work.candidates["p_relevant"] == before).all()  # so far it was only looked at
    assert seen.calibration.labels == seen.held_out.overall.labels == 160  # nobody could tell of the others
    assert seen.calibration.seq == work.standing.last_seq
    refit.put_in_force(work, seen)
    assert work.candidates["p_relevant"].mean() > before.mean() + 0.05
    assert (work.table.number("p_relevant") == work.candidates["p_relevant"].to_numpy()).all()
    assert work.decision() is not decided
    other = open_workspace(work.run.folder)
    np.testing.assert_array_equal(other.candidates["p_relevant"], work.candidates["p_relevant"])
    assert len(list(work.folder.glob("p_relevant-*.npy"))) == 1


def test_what_was_foreseen_is_what_comes(opened):
    work = opened
    judge(work, spread_rows(work, 200), frequent_answers(work))
    seen = refit.preview(work)
    for outcome in (seen.before, seen.after):
        if outcome is seen.after:
            refit.put_in_force(work, seen)
        kept = work.decision().slot > 0
        per_query = np.bincount(work.table.query[kept], minlength=len(work.query_ids))
        assert (outcome.kept, outcome.short) == (kept.sum(), (per_query < work.policy.negatives_per_query).sum())
        unknown = kept & ~work.table.verdict("not_relevant")
        assert outcome.answers == pytest.approx(work.table.number("p_relevant")[unknown].sum(), rel=1e-4)
    assert seen.after.kept != seen.before.kept


def test_a_calibration_is_undone_and_redone_to_the_last_bit(opened):
    work = opened
    assert refit.undo(work) is None
    first = work.candidates["p_relevant"].copy()
    judge(work, spread_rows(work, 200), frequent_answers(work))
    refit.refit(work, by="ana")
    second, told = work.candidates["p_relevant"].copy(), stored.reliability_of(work.folder)
    assert refit.undo(work, "bob").labels == 0
    np.testing.assert_array_equal(work.candidates["p_relevant"], first)
    assert stored.can_step(work.folder) == (False, True)
    assert refit.redo(work, "bob").labels == 160
    np.testing.assert_array_equal(work.candidates["p_relevant"], second)
    assert stored.reliability_of(work.folder) == told
    assert stored.can_step(work.folder) == (True, False)


ORDERED, LEVEL = np.repeat([0.1, 0.3, 0.5, 0.9], 10), np.full(40, 0.5)
TRUE = ORDERED > 0.4


@pytest.mark.parametrize(
    ("estimated", "by_prior", "answers", "said"),
    [
        (ORDERED, LEVEL, TRUE, ""),
        (LEVEL, ORDERED, TRUE, "no nearer to the truth"),
        (ORDERED, ORDERED, TRUE, "no nearer to the truth"),
        (1 - ORDERED, np.where(TRUE, 0.001, 0.999), TRUE, "less often than luck would"),  # AUC 0, and prior's too
        (0.5 + 0 * ORDERED, np.where(TRUE, 0.21, 0.2), TRUE, "less often than the shipped weights do"),
        (np.full(40, 0.01), LEVEL, TRUE & False, ""),  # no answer among them: the level alone can be told
    ],
)
def test_a_fit_that_is_worse_than_the_prior_on_unseen_queries_is_not_offered(
    opened, estimated, by_prior, answers, said
):
    work = opened
    labels = CalibrationLabels(np.array(spread_rows(work, 40)), answers, np.ones(40))
    fitted = Fitted(work.run.calibration(), reliability(estimated, answers), estimated, by_prior, np.ones(40))
    both = (refit.RefitOutcome(0, 0, 0.0, 0, *refit._on_unseen(work, labels, p)) for p in (by_prior, estimated))
    refused = refit._refused(work, labels, fitted, *both)
    assert (said in refused) if said else not refused


def test_what_is_not_offered_cannot_be_put_in_force(opened):
    judge(opened, spread_rows(opened, 29), frequent_answers(opened))
    seen = refit.preview(opened)
    assert "wanted at least 30 judgements of 5 queries" in seen.refused
    with pytest.raises(ReviewError, match="Judge more first"):
        refit.put_in_force(opened, seen)
    assert stored.load(opened.folder).labels == 0


def test_what_an_audit_drew_teaches_only_where_asked_and_neither_do_its_copies(opened):
    work = opened
    made, draws = audit.plan(work, 60)
    rows = [work.row_of(draw.pair) for draw in draws]
    judge(work, rows, lambda place, row: "not_relevant")
    assert len(labels_of(work, with_audits=False).rows) == 0
    all_of_them = labels_of(work, with_audits=True)
    assert (len(all_of_them.rows), all_of_them.audited.all(), all_of_them.plans) == (60, True, (made.plan,))
    digests = work.digests.copy()
    twin = next(row for row in spread_rows(work, 200) if row not in rows)
    digests[twin] = digests[rows[0]]
    vars(work)["digests"] = digests
    judge(work, [twin], lambda place, row: "relevant", start=100)
    assert len(labels_of(work, with_audits=False).rows) == 0


def test_a_workspace_takes_in_a_calibration_put_in_force_elsewhere(opened):
    here, there = opened, open_workspace(opened.run.folder)
    judge(there, spread_rows(there, 200), frequent_answers(there))
    refit.refit(there)
    here.refresh()
    np.testing.assert_array_equal(here.table.number("p_relevant"), there.table.number("p_relevant"))


def test_what_version_0_1_stored_of_reliability_is_read(opened):
    content = json.loads((opened.folder / "calibration.json").read_text())
    old = {"overall": {"labels": 20, "curve": [{"foretold": 0.1, "came": 0.2, "low": 0, "high": 1, "labels": 20}]}}
    (opened.folder / "calibration.json").write_text(json.dumps(content | {"reliability": old}))
    [one] = stored.reliability_of(opened.folder)["overall"]["curve"]
    assert (one["estimated"], one["judged"]) == (0.1, 0.2)


@pytest.mark.slow
def test_the_prior_learnt_on_one_collection_holds_on_another(tmp_path):
    """A small version of what made prior.json: two halves of the sample, by query."""
    data = dataset.read("sample_data")
    run = pipeline.mine(tmp_path / "run", Mining(sources=("bm25", "dense"), teacher=""), data, encoder=WordEncoder())
    frame, answers = run.candidates(), learn_prior.answers_of(learn_prior.Path("sample_data"))
    first = frame["query_id"].isin(sorted(frame["query_id"].unique())[::2])
    halves = [
        learn_prior.known_of(name, part.reset_index(drop=True), answers)
        for name, part in (("one", frame[first]), ("two", frame[~first]))
    ]
    rows = list(learn_prior.left_out(halves, "dense+bm25"))
    assert [row[:2] for row in rows] == [("one", 100), ("two", 100)]
    for _, _, found, removed in rows:
        assert found > 0.75
        assert removed > 0.5
    best_single = max(learn_prior.removed(halves[1].values[:, place], halves[1].answers) for place in range(8))
    assert rows[1][3] > best_single - 0.02


def test_the_shipped_prior_says_how_it_was_made():
    content = load()
    assert json.dumps(content)
    assert content["fitted_by"].startswith("python -m tests.tools.learn_prior")
    assert {name.partition(",")[0] for name in content["fitted_on"]} == {*learn_prior.COLLECTIONS, "sample"}
    removed = [row[1] for name, row in content["left_out"]["dense+bm25"].items() if not name.startswith("sample")]
    assert np.mean(removed) > 0.65


def test_the_command_shows_asks_puts_in_force_and_goes_back(opened, capsys, monkeypatch):
    folder = opened.run.folder
    judge(opened, spread_rows(opened, 200), frequent_answers(opened))

    def labels():
        return open_run(folder).calibration().labels

    code, out, _ = call(capsys, monkeypatch, "calibrate", folder, "--dry-run")
    assert (code, labels(), out.splitlines()[-1]) == (0, 0, "Nothing was written.")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    code, _, err = call(capsys, monkeypatch, "calibrate", folder)
    assert (code, labels()) == (1, 0)
    assert "wanted your word that this is to be put in force; add --yes" in err
    code, out, _ = call(capsys, monkeypatch, "calibrate", folder, "--yes")
    assert (code, labels()) == (0, 160)
    assert "In force: 160 judgements of this run" in out
    for flag, expected in (("--undo", 0), ("--redo", 160), ("--undo", 0)):
        assert call(capsys, monkeypatch, "calibrate", folder, flag)[0] == 0
        assert labels() == expected
    code, _, err = call(capsys, monkeypatch, "calibrate", folder, "--undo")
    assert (code, labels()) == (1, 0)
    assert "wanted a calibration to undo; found none" in err
    code, _, err = call(capsys, monkeypatch, "calibrate", folder, "--undo", "--dry-run")
    assert (code, "wanted one of --dry-run, --undo and --redo; found several" in err) == (1, True)
