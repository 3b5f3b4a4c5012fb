"""Saturation: the weights worked out by hand, and which pairs stand for each kind of negative."""

import numpy as np
import pytest

from nearmiss.retrieval.vector_store import open_vectors
from nearmiss.session.saturation import (
    EACH,
    IN_BATCH,
    KEPT_BEFORE,
    RANDOM,
    REFUSED,
    Cosines,
    cosines,
    weights,
)
from nearmiss.workspace import open_to_read


@pytest.fixture(scope="module")
def work(mined):
    return open_to_read(mined)


@pytest.fixture(scope="module")
def found(work):
    return cosines(work, work)


def test_loss_pull_and_share_worked_out_by_hand():
    two = {"kept": np.array([[0.5, 0.3], [0.1, np.nan]]), "random": np.array([[0.0, np.nan], [0.1, np.nan]])}
    kept, random = weights(Cosines(1, "", np.array([0.5, 0.6]), two, 2, 2), 0.1)
    sums = {"kept": [1 + np.exp(-2), np.exp(-5)], "random": [np.exp(-5), np.exp(-5)]}
    assert (kept.negatives, random.negatives) == (1.5, 1.0)
    assert kept.loss == pytest.approx(np.mean(np.log1p(sums["kept"])))
    assert kept.pull == pytest.approx(np.mean([s / (1 + s) for s in sums["kept"]]))
    both = np.add(*sums.values())
    assert kept.share == pytest.approx((sums["kept"] / (1 + both)).sum() / (both / (1 + both)).sum())
    assert kept.share + random.share == pytest.approx(1)


def test_the_gradient_is_the_softmax_weight_over_the_temperature():
    torch = pytest.importorskip("torch")
    values = torch.tensor([0.7, 0.6, 0.2, 0.1], dtype=torch.float64, requires_grad=True)
    torch.nn.functional.cross_entropy(values[None, :] / 0.05, torch.tensor([0])).backward()
    kinds = {"kept": np.array([[0.6]]), "random": np.array([[0.2, 0.1]])}
    kept, random = weights(Cosines(1, "", np.array([0.7]), kinds, 1, 1), 0.05)
    slopes = values.grad.numpy()
    assert kept.share == pytest.approx(slopes[1] / slopes[1:].sum())
    assert random.share == pytest.approx(slopes[2:].sum() / slopes[1:].sum())


def test_every_kind_holds_the_pairs_it_says(work, found):
    candidates = work.run.selected()
    asked = list(work.query_ids)
    assert list(found.negatives) == [RANDOM, IN_BATCH, "BM25 alone", "dense alone", REFUSED, "kept", KEPT_BEFORE]
    assert found.queries == found.of == len(asked)
    not_chosen = candidates.status.isin(["over_quota", "overused", "short_query"])
    alone = {"BM25 alone": candidates.dense_rank.isna(), "dense alone": candidates.bm25_rank.isna()}
    oracle = {kind: candidates[not_chosen & of] for kind, of in alone.items()}
    oracle["kept"] = candidates[candidates.status.eq("kept")]
    oracle[REFUSED] = candidates[candidates.status.isin(["too_close", "sibling", "too_easy"])]
    for kind, rows in oracle.items():
        for place, query in enumerate(asked):
            expected = rows[rows.query_id.eq(query)].dense_score.to_numpy()[:EACH]
            own = found.negatives[kind][place]
            np.testing.assert_allclose(own[~np.isnan(own)], expected, atol=1e-6, err_msg=f"{kind} of {query}")


def test_former_negatives_are_measured_with_this_rounds_vectors(found):
    order = np.sort(found.negatives["kept"], axis=1), np.sort(found.negatives[KEPT_BEFORE], axis=1)
    np.testing.assert_allclose(*order, atol=2e-3)


def test_no_answer_of_a_query_stands_among_its_random_or_in_batch_negatives(work, found):
    data, documents = work.run.dataset, open_vectors(work.folder / "document_vectors")
    queries = open_vectors(work.folder / "query_vectors").take(np.arange(len(data.queries)))
    every = documents.take(np.arange(len(data.documents)))
    own = data.positives.groupby("query_id")["doc_id"].agg(set)
    for place, query in enumerate(work.query_ids):
        at = int(np.flatnonzero(data.queries.query_id.eq(query))[0])
        others = ~data.documents.doc_id.isin(own[query]).to_numpy()
        possible = np.sort(queries[at] @ every[others].T)
        for kind in (RANDOM, IN_BATCH):
            values = found.negatives[kind][place]
            values = values[~np.isnan(values)]
            nearest = possible[np.minimum(np.searchsorted(possible, values - 1e-5), len(possible) - 1)]
            np.testing.assert_allclose(values, nearest, atol=1e-4)


def test_of_many_queries_a_seeded_sample_is_looked_at(work):
    some, again, other = (cosines(work, seed=seed, most=20) for seed in (1, 1, 2))
    assert (some.queries, some.of) == (20, 84)
    np.testing.assert_array_equal(some.answer, again.answer)
    assert not np.array_equal(some.answer, other.answer)
