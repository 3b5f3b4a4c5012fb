"""The rate of answers before anyone judged: made collections of a known rate, and limits worked out by hand."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.calibration import stored
from nearmiss.calibration.answer_rate import AnswerRate, _limit, answer_rate, at_rate, rate_of
from nearmiss.calibration.model import from_prior
from nearmiss.calibration.signals import signals


def collection(rate, queries=150, each=30, apart=2.5, seed=0):
    """Candidates whose answers score `apart` standard deviations higher; one answer of each query is labelled."""
    rng = np.random.default_rng(seed)
    answer = rng.random((queries, each)) < rate
    answer[:, 0] = True
    shape = answer.shape
    frame = pd.DataFrame(
        {
            "query_id": np.repeat([f"q{number:03}" for number in range(queries)], each),
            "doc_id": [f"d{number}" for number in range(answer.size)],
            "is_positive": np.tile(np.arange(each) == 0, queries),
            "dense_score": (0.3 + 0.1 * (rng.normal(size=shape) + apart * answer)).ravel(),
            "teacher_score": (rng.normal(size=shape) + apart * answer).ravel(),
            "answer": answer.ravel(),
        }
    )
    frame["dense_rank"] = frame.groupby("query_id")["dense_score"].rank(ascending=False).astype("Int32")
    return frame


def prior_of(frame):
    found = signals(frame)
    return found, from_prior(found, frame["is_positive"].to_numpy(bool))


@pytest.mark.parametrize(("rate", "labelled"), [(0.003, 500), (0.01, 150), (0.05, 150), (0.2, 150)])
def test_the_rate_of_a_made_collection_is_found_within_a_factor_of_two(rate, labelled):
    frame = collection(rate, queries=labelled)
    found, prior = prior_of(frame)
    calibration = at_rate(prior, found, frame)
    others = ~frame["is_positive"].to_numpy(bool)
    truth, estimated = frame["answer"][others].mean(), rate_of(calibration)
    assert truth / 2 < estimated.estimate < truth * 2
    assert estimated.low < truth < estimated.high
    assert estimated.labelled == labelled
    p = calibration.probabilities(calibration.logits(found))
    assert p[others].mean() == pytest.approx(estimated.estimate, rel=1e-3)
    # Only the scale moves: who is likelier than whom stays.
    before, after = (np.array(one.weights) for one in (prior, calibration))
    slope = after[before != 0] / before[before != 0]
    np.testing.assert_allclose(slope, slope.mean(), rtol=1e-3)
    assert 0.5 <= slope.mean() <= 1.5


def test_a_bound_above_what_the_prior_expects_moves_the_rate_half_way():
    frame = collection(0.02, apart=0.0)  # the scores say nothing: no bound below the highest that is allowed
    found, prior = prior_of(frame)
    others = ~frame["is_positive"].to_numpy(bool)
    expected = prior.probabilities(prior.logits(found))[others].mean()
    assert rate_of(at_rate(prior, found, frame)).estimate == pytest.approx(np.sqrt(0.6 * expected), rel=1e-3)


def test_few_labelled_answers_say_less_than_many():
    answers, others = np.ones(25), np.r_[np.zeros(9_990), np.ones(10)]
    labelled = np.arange(10_025) < 25
    rate = answer_rate([np.r_[answers, others]], labelled, ~labelled, expected=0.1)
    assert rate.estimate == pytest.approx(np.sqrt(_limit(others, answers) * 0.1))
    labelled = np.arange(12_000) < 2_000
    rate = answer_rate([np.r_[np.ones(2_000), others]], labelled, ~labelled, expected=0.1)
    assert rate.estimate == pytest.approx(_limit(others, np.ones(2_000)), rel=0.1)


@pytest.mark.parametrize(("apart", "least", "most"), [(0.5, 0.5, 1.2), (4.0, 1.4, 1.5)])
def test_the_further_labelled_answers_stand_out_the_surer_the_probabilities_are(apart, least, most):
    frame = collection(0.05, apart=apart)
    found, prior = prior_of(frame)
    slope = max(at_rate(prior, found, frame).weights) / max(prior.weights)
    assert least <= slope <= most


def test_few_labelled_answers_leave_the_rate_of_other_collections():
    frame = collection(0.02, queries=19)
    found, prior = prior_of(frame)
    assert at_rate(prior, found, frame) == prior
    assert rate_of(prior) is None
    # Those that no source found are no draw of what was found.
    frame = collection(0.02, queries=25)
    frame["dense_rank"] = frame["dense_rank"].mask(frame["is_positive"] & frame["query_id"].lt("q006"))
    found, prior = prior_of(frame)
    assert at_rate(prior, found, frame) == prior


def test_copies_and_labelled_negatives_are_not_counted_among_the_unlabelled():
    frame = collection(0.01)
    copies = frame.sample(400, random_state=1).assign(teacher_score=9.0, dense_score=0.99, is_positive=False)
    frame = pd.concat([frame, copies], ignore_index=True).sort_values("query_id", kind="stable", ignore_index=True)
    estimates = []
    for column in ({"duplicate_of": None}, {"is_labelled_negative": False}):
        (name, blank), marked = *column.items(), frame["teacher_score"].eq(9.0)
        value = pd.Series(blank, frame.index, dtype=object).mask(marked, True)
        own = frame.assign(**{name: value})
        found, prior = prior_of(own)
        estimates.append(rate_of(at_rate(prior, found, own)).estimate)
    found, prior = prior_of(frame)
    assert max(estimates) < rate_of(at_rate(prior, found, frame)).estimate / 3


def test_a_limit_by_hand():
    # 100 labelled answers at 1; of 1,000 others 10 as high: at most 10 + 1 + 1.645 * sqrt(10.25) of them by chance,
    # over at least 100% less Wilson's reach, 1.645**2 / (100 + 1.645**2).
    unlabelled, labelled = np.r_[np.zeros(990), np.ones(10)], np.ones(100)
    assert _limit(unlabelled, labelled) == pytest.approx(
        (11 + 1.645 * 10.25**0.5) / 1000 / (1 - 2.706 / 102.706), rel=1e-3
    )


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 50))
def test_more_candidates_that_score_as_answers_do_never_lower_the_limit(seed, more):
    rng = np.random.default_rng(seed)
    unlabelled, labelled = rng.normal(size=300), rng.normal(1, 1, 40)
    like_answers = np.where(np.arange(300) < more, 9.0, unlabelled)
    assert _limit(like_answers, labelled) >= _limit(unlabelled, labelled)


def test_what_the_rate_rests_on_is_stored_and_a_folder_from_before_opens(tmp_path):
    frame = collection(0.05, queries=40)
    found = signals(frame)
    stored.save(tmp_path, found, made := stored.by_prior(found, frame))
    assert stored.load(tmp_path) == made
    assert rate_of(made).labelled == 40
    content = json.loads((tmp_path / "calibration.json").read_text())
    for name in ("estimated_rate", "labelled_found"):
        del content["calibration"][name]
    (tmp_path / "calibration.json").write_text(json.dumps(content))
    before = stored.load(tmp_path)
    assert rate_of(before) is None
    assert asdict(before) == asdict(made) | {"estimated_rate": (), "labelled_found": 0}


def test_the_rate_in_words():
    assert AnswerRate(0.0187, 0.0075, 0.047, 84).sentence() == (
        "Of the candidates without a label about 1.9% (0.75% to 4.7%) are answers too: as many score like the 84 "
        "labelled answers that the sources found."
    )
