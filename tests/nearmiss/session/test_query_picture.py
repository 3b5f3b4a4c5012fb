"""The picture of one query: true distances, angles that repeat, and shares of the gradient as a loss gives them."""

import shutil

import numpy as np
import pytest

from nearmiss.selection import decide
from nearmiss.session import query_limits, query_picture, query_view
from nearmiss.session.query_picture import angles, gradient_pull, gradient_shares
from nearmiss.settings import Policy
from nearmiss.workspace import open_to_read, open_workspace

POSITIVE = np.array([True, False, False, False])
KEPT = np.array([False, True, True, False])
COSINE = np.array([0.9, 0.8, 0.6, 0.7])


def test_the_kept_share_the_gradient_and_others_say_what_they_would_take():
    shares = gradient_shares(COSINE, KEPT, POSITIVE, 0.1)
    first, second, other = np.exp([8.0, 6.0, 7.0])
    np.testing.assert_allclose(
        shares, [0, first / (first + second), second / (first + second), other / (first + second + other)]
    )
    assert gradient_pull(COSINE, KEPT, POSITIVE, 0.1) == pytest.approx(
        (first + second) / (first + second + np.exp(9.0))
    )


def test_the_shares_are_those_of_the_gradient_of_the_loss():
    def loss(cosine):
        logits = np.append(cosine[POSITIVE], cosine[KEPT]) / 0.2
        return np.log(np.exp(logits).sum()) - logits[0]

    slope = np.array([(loss(COSINE + step) - loss(COSINE - step)) / 2e-5 for step in 1e-5 * np.eye(4)])
    shares = gradient_shares(COSINE, KEPT, POSITIVE, 0.2)
    np.testing.assert_allclose(slope[KEPT] / slope[KEPT].sum(), shares[KEPT], rtol=1e-6)
    assert slope[KEPT].sum() * 0.2 == pytest.approx(gradient_pull(COSINE, KEPT, POSITIVE, 0.2), rel=1e-6)


@pytest.mark.parametrize("temperature", query_picture.TEMPERATURES)
def test_the_shares_of_the_kept_add_up_at_every_temperature(temperature):
    shares = gradient_shares(COSINE, KEPT, POSITIVE, temperature)
    assert shares[KEPT].sum() == pytest.approx(1)
    assert np.isfinite(shares).all()


def test_a_query_without_negatives_has_no_gradient():
    nothing = np.zeros(4, bool)
    assert gradient_pull(COSINE, nothing, POSITIVE, 0.05) == 0
    assert np.isfinite(gradient_shares(COSINE, nothing, POSITIVE, 0.05)).all()


def test_documents_that_differ_one_way_lie_on_opposite_sides():
    query = np.array([1.0, 0, 0, 0], np.float32)
    documents = np.array([[0.6, 0.8, 0, 0], [0.6, -0.8, 0, 0], [0.8, 0, 0.6, 0], [0.8, 0, -0.6, 0]], np.float32)
    found = angles(query, documents)
    assert abs(np.cos(found[0] - found[1]) + 1) < 1e-6
    assert abs(np.cos(found[2] - found[3]) + 1) < 1e-6
    assert abs(np.cos(found[0] - found[2])) < 1e-6
    np.testing.assert_array_equal(found, angles(query, documents))


def test_documents_of_one_text_are_spread_evenly():
    query = np.array([1.0, 0, 0], np.float32)
    found = angles(query, np.tile(np.array([0.6, 0.8, 0], np.float32), (4, 1)))
    np.testing.assert_allclose(np.diff(found), np.pi / 2)


def test_distances_are_one_less_the_cosines_of_the_round(work):
    drawn = query_picture.picture(work, "q03", Policy())
    cosine = work.candidates["dense_score"].iloc[work.rows_of("q03")].to_numpy()
    np.testing.assert_allclose(drawn.distances, 1 - cosine, atol=1e-4)
    assert drawn.angled
    assert (drawn.ceiling, drawn.floor) == (None, None)
    assert drawn.temperatures[drawn.usual] == 0.05


def test_a_policy_moves_shares_and_neither_distances_nor_angles(work):
    first, again = (query_picture.picture(work, "q03", policy) for policy in (Policy(), Policy(negatives_per_query=2)))
    assert (first.angles, first.distances) == (again.angles, again.distances)
    assert first.shares != again.shares


def test_without_a_teacher_ceiling_and_floor_are_distances(without_teacher):
    work = open_to_read(without_teacher)
    policy = Policy(max_p_relevant=None, relative_margin=None, max_score=0.7, min_score=0.2)
    drawn = query_picture.picture(work, "q03", policy)
    assert (drawn.ceiling, drawn.floor) == (0.3, 0.8)
    statuses = [item.status for item in query_view.view(work, "q03", policy).documents]
    assert all(drawn.ceiling <= d <= drawn.floor for d, s in zip(drawn.distances, statuses, strict=True) if s == "kept")


def test_a_round_without_vectors_says_that_angles_mean_nothing(run):
    shutil.rmtree(run / "rounds" / "1" / "query_vectors")
    drawn = query_picture.picture(open_workspace(run), "q03", Policy())
    assert not drawn.angled
    assert len(set(drawn.angles)) == len(drawn.angles)


@pytest.mark.parametrize("name", ["max_p_relevant", "relative_margin", "negatives_per_query", "skip_top"])
def test_each_stop_says_what_the_policy_would_decide_there(work, name):
    policy = Policy()
    found = query_limits.along(work, "q03", policy, name)
    values, words = query_limits.stops_of(work, policy, name)
    table = query_view.rows_of_query(work, "q03")
    assert found.stops[found.at] == words[values.index(getattr(policy, name))]
    for place in (0, len(found.stops) // 2, len(found.stops) - 1):
        tried = query_limits.with_stop(policy, name, found.stops[place])
        assert found.statuses[place] == decide(table, tried).status.tolist()
        assert found.kept[place] == (decide(table, tried).slot > 0).sum()
        assert found.kept_in_all[place] == work.decision(tried).counts()["kept"]
