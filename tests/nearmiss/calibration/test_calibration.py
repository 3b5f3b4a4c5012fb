"""Calibration: signals worked out by hand, fits against a slow optimiser, and the prior on queries it never saw."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.calibration import p_relevant, stored
from nearmiss.calibration.fitting import Labels, fit, moved
from nearmiss.calibration.model import fit_weights, from_prior
from nearmiss.calibration.prior import load
from nearmiss.calibration.reliability import by_slice, reliability
from nearmiss.calibration.signals import WORDS, in_words, signals
from nearmiss.review import Event
from nearmiss.session import refit
from nearmiss.settings import LATE_INTERACTION, Mining
from nearmiss.workspace import open_workspace
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


@settings(max_examples=30, deadline=None)
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


@settings(max_examples=25, deadline=None)
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
    return Labels(rows, rng.random(len(rows)) < chance, np.ones(len(rows)))


def test_without_labels_the_fit_is_the_prior():
    frame = candidates()
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    none = Labels(np.zeros(0, np.int64), np.zeros(0, bool), np.zeros(0))
    calibration, told, _ = fit(found, from_prior(found, positive), np.zeros(len(frame), np.int64), none)
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
        calibration, _, _ = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=count))
        furthest.append(np.abs(np.array(calibration.weights) - prior).max())
    assert furthest[0] < 0.05 < 0.3 < furthest[1]
    assert calibration.weights[place] == max(calibration.weights)


@pytest.mark.parametrize("labels", [0, 12, 600])
def test_what_orders_candidates_has_the_weights_of_the_whole_fit(labels):
    frame = candidates(queries=150)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    prior, judged = from_prior(found, positive), labelled(frame, 0.4, labels=labels)
    whole, _, _ = fit(found, prior, pd.factorize(frame["query_id"])[0], judged)
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
    calibration, told, _ = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=600))
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
    calibration, _, _ = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=600))
    assert (np.diff(calibration.probabilities(np.linspace(-8, 8, 400))) >= 0).all()


def test_it_says_when_it_does_not_trust_itself():
    frame = candidates(queries=40)
    found, positive = signals(frame), frame["is_positive"].to_numpy()
    query = pd.factorize(frame["query_id"])[0]
    few, _, _ = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=12))
    assert "wanted at least 30" in few.doubts[0]
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(~positive)
    chance, _, _ = fit(
        found, from_prior(found, positive), query, Labels(rows, rng.random(len(rows)) < 0.5, np.ones(len(rows)))
    )
    assert any("hardly tells" in doubt for doubt in chance.doubts)
    good, _, _ = fit(found, from_prior(found, positive), query, labelled(frame, 0.4, labels=400))
    assert good.doubts == ()


def test_reliability_by_hand():
    told = reliability(
        np.array([0.1] * 20 + [0.9] * 20), np.array([False] * 18 + [True] * 2 + [True] * 18 + [False] * 2)
    )
    assert [(bin.foretold, bin.came, bin.labels) for bin in told.curve] == [
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


def test_judgements_change_the_calibration_and_what_stands_on_it(mined, tmp_path):
    import shutil

    folder = shutil.copytree(mined.folder, tmp_path / "run")
    work = open_workspace(folder)
    before, decided = work.candidates["p_relevant"].copy(), work.decision()
    rows = np.flatnonzero(~work.table.positive)[::37][:200].tolist()
    events = [
        Event(
            query_id=work.pair_at(row)[0],
            doc_id=work.pair_at(row)[1],
            verdict=("relevant", "not_relevant", "not_relevant", "partial", "unsure")[place % 5],
            reviewer="ana",
            client_id="c",
            client_seq=place,
            decided_at=1.0,
        )
        for place, row in enumerate(rows)
    ]
    work.append(events)
    calibration, told = refit.refit(work)
    assert (calibration.labels, calibration.answers) == (160, 80)  # nobody could tell of the others
    assert calibration.seq == work.standing.last_seq
    assert told.overall.labels == 160
    assert work.candidates["p_relevant"].mean() > before.mean() + 0.1
    assert (work.table.number("p_relevant") == work.candidates["p_relevant"].to_numpy()).all()
    assert work.decision() is not decided
    other = open_workspace(folder)
    np.testing.assert_array_equal(other.candidates["p_relevant"], work.candidates["p_relevant"])
    assert len(list(work.folder.glob("p_relevant-*.npy"))) == 1


def test_a_workspace_takes_in_a_calibration_put_in_force_elsewhere(mined, tmp_path):
    import shutil

    folder = shutil.copytree(mined.folder, tmp_path / "run")
    here, there = open_workspace(folder), open_workspace(folder)
    row = int(np.flatnonzero(~here.table.positive)[0])
    pair = here.pair_at(row)
    event = Event(
        query_id=pair[0], doc_id=pair[1], verdict="relevant", reviewer="a", client_id="c", client_seq=1, decided_at=1.0
    )
    there.append([event])
    refit.refit(there)
    here.refresh()
    np.testing.assert_array_equal(here.table.number("p_relevant"), there.table.number("p_relevant"))


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
    for _, _, auc, removed in rows:
        assert auc > 0.75
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
