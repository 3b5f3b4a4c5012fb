"""Mining from Python: any form of the data, and live models as they are, in the middle of their training."""

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset, DatasetDict

import nearmiss as nm
from nearmiss.errors import DatasetError, ModelError, RunError
from nearmiss.models import live
from tests import toys
from tests.nearmiss.hard_negatives.models import CORPUS, PAIRS, encoder
from tests.words import OverlapTeacher, WordEncoder

DENSE = nm.Mining(sources=("dense",), teacher="")
POSITIVES = pd.DataFrame({"query_id": list("abcde"), "doc_id": ["p0", "p1", "p2", "p3", "p4"]})
FRAMES = {
    "queries": pd.DataFrame({"query_id": list("abcde"), "text": PAIRS["query"], "topic": list("xxyyz")}),
    "documents": pd.DataFrame(
        {"doc_id": [f"p{n}" for n in range(5)] + [f"d{n}" for n in range(8)], "text": [*PAIRS["answer"], *CORPUS]}
    ),
    "positives": POSITIVES,
}


# Data in memory


def test_a_dataset_a_frame_and_a_file_of_pairs_are_the_same_data(tmp_path):
    frame = pd.DataFrame(PAIRS | {"topic": list("xxyyz")})
    frame.to_csv(tmp_path / "pairs.csv", index=False)
    wanted = nm.read(tmp_path / "pairs.csv")
    for given in (frame, Dataset.from_pandas(frame), DatasetDict({"train": Dataset.from_pandas(frame)})):
        found = nm.read(given)
        for table in ("queries", "documents", "positives"):
            pd.testing.assert_frame_equal(getattr(found, table), getattr(wanted, table))
        assert found.counts == wanted.counts


def test_frames_keep_their_ids_and_own_columns():
    data = nm.read(FRAMES | {"negatives": pd.DataFrame({"query_id": ["a"], "doc_id": ["d0"]})})
    assert data.queries["query_id"].tolist() == list("abcde")
    assert data.queries["topic"].tolist() == list("xxyyz")
    assert data.documents["doc_id"].tolist() == FRAMES["documents"]["doc_id"].tolist()
    assert data.positives["grade"].tolist() == [1.0] * 5
    assert data.negatives.to_numpy().tolist() == [["a", "d0"]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"positives": POSITIVES.assign(doc_id="nowhere")}, "no document 'nowhere'"),
        ({"documents": pd.DataFrame({"doc_id": ["p0", "p0"], "text": ["x", "y"]})}, "each id once"),
        ({"strange": POSITIVES}, "frames: wanted queries, documents, positives and perhaps negatives"),
        ({"queries": pd.DataFrame({"query_id": list("abcde"), "text": [None] * 5})}, "queries:1: wanted"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(change, told):
    with pytest.raises(DatasetError, match=told):
        nm.read(FRAMES | change)


def test_what_is_no_data_is_named():
    with pytest.raises(DatasetError, match=r"wanted a path, a datasets.Dataset.*found builtins.int"):
        nm.read(7)
    with pytest.raises(DatasetError, match="a column for the query"):
        nm.read(pd.DataFrame({"a": ["x"], "b": ["y"]}))


# Live models


def test_a_live_encoder_needs_no_wrapper_and_is_left_as_it_was(tmp_path):
    model = encoder().train()
    run = nm.mine(FRAMES, tmp_path / "run", encoder=model, mining=DENSE)
    found = run.candidates().set_index(["query_id", "doc_id"])["dense_score"]
    wanted = model.similarity(model.encode_query(PAIRS["query"]), model.encode_document([*PAIRS["answer"], *CORPUS]))
    order = FRAMES["documents"]["doc_id"].tolist()
    for row, query_id in enumerate("abcde"):
        np.testing.assert_allclose(found[query_id].reindex(order), wanted[row].numpy(), atol=2e-3)
    assert run.round_facts()["encoder"]["name"] == "SentenceTransformer in memory"
    model.train()
    nm.mine(None, tmp_path / "run", encoder=model)
    assert all(part.training for part in model.modules())
    assert torch.is_grad_enabled()
    assert next(model.parameters()).requires_grad


def test_a_step_of_training_makes_another_round(tmp_path):
    model = encoder()
    run = nm.mine(FRAMES, tmp_path / "run", encoder=model, mining=DENSE)
    assert nm.mine(None, run.folder, encoder=model).rounds == [1]
    with torch.no_grad():
        next(model.parameters()).mul_(torch.rand(24))
    later = nm.mine(None, run.folder, encoder=model)
    assert later.rounds == [1, 2]
    assert not np.allclose(later.candidates(1)["dense_score"], later.candidates(2)["dense_score"], atol=1e-3)


class Overlap:
    """Only predict, as a stranger's reranker might have."""

    def predict(self, pairs):
        return [OverlapTeacher().score([pair])[0] for pair in pairs]


def test_anything_with_predict_teaches(tmp_path):
    run = nm.mine(FRAMES, tmp_path / "run", encoder=WordEncoder(), teacher=Overlap(), mining=DENSE)
    rows = run.candidates()
    queries, documents = (
        FRAMES[name].set_index(key)["text"] for name, key in (("queries", "query_id"), ("documents", "doc_id"))
    )
    wanted = OverlapTeacher().score(
        [(queries[q], documents[d]) for q, d in zip(rows["query_id"], rows["doc_id"], strict=True)]
    )
    np.testing.assert_allclose(rows["teacher_score"], wanted, atol=1e-6)
    assert run.round_facts()["teacher"]["name"] == "Overlap in memory"


class Words:
    """Only the two methods, and vectors that are not of unit length."""

    def encode_query(self, texts):
        return [torch.tensor(vector * 3) for vector in WordEncoder().encode_query(texts)]

    def encode_document(self, texts):
        return WordEncoder().encode_document(texts) * 2


def test_anything_with_the_two_methods_encodes(tmp_path):
    runs = [
        nm.mine(FRAMES, tmp_path / str(n), encoder=one, mining=DENSE) for n, one in enumerate((Words(), WordEncoder()))
    ]
    scores = [run.candidates().set_index(["query_id", "doc_id"])["dense_score"].sort_index() for run in runs]
    np.testing.assert_allclose(scores[0], scores[1], atol=2e-3)
    assert live.weights_fingerprint(Words()) == live.weights_fingerprint(Words())


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    from sentence_transformers import CrossEncoder, SentenceTransformer

    folder = tmp_path_factory.mktemp("toys")
    made = toys.encoder(folder / "e", "bert", "mean", {"query": "query : "}), toys.teacher(folder / "t", "bert")
    return SentenceTransformer(str(made[0]), device="cpu"), CrossEncoder(str(made[1]), device="cpu")


def test_at_rest_a_model_runs_on_the_engine_and_in_training_by_itself(bert):
    encoder, _ = bert
    resting = live.live_encoder(encoder, DENSE)
    encoder.train()
    training = live.live_encoder(encoder, DENSE)
    assert (resting.engine, training.engine) == ("openvino", "the model itself")
    texts = ["why is the sea salty", "open the bank"]
    np.testing.assert_allclose(resting.encode_query(texts), training.encode_query(texts), atol=2e-2)
    wanted = encoder.encode([f"query : {text}" for text in texts], normalize_embeddings=True)
    np.testing.assert_allclose(training.encode_query(texts), wanted, atol=1e-5)
    encoder.eval()


def test_a_gradient_that_waits_means_training(bert):
    encoder, _ = bert
    assert live.is_at_rest(encoder)
    weight = next(encoder.parameters())
    weight.grad = torch.zeros_like(weight)
    assert not live.is_at_rest(encoder)
    weight.grad = None


def test_a_cross_encoder_gives_its_logits_either_way(bert):
    _, teacher = bert
    pairs = [("why is the sea salty", "salt"), ("open the bank", "money law")]
    logits = teacher.predict(pairs, activation_fn=torch.nn.Identity())
    resting = live.live_teacher(teacher, DENSE)
    teacher.train()
    training = live.live_teacher(teacher, DENSE)
    assert (resting.engine, training.engine) == ("openvino", "the model itself")
    for one in (resting, training):
        np.testing.assert_allclose(one.score(pairs), logits, atol=0.05 * np.abs(logits).max() + 1e-4)
    assert resting.fingerprint != training.fingerprint or resting.precision == training.precision
    teacher.eval()


def test_the_fingerprint_is_of_weights_and_settings(bert):
    encoder, _ = bert
    before = live.weights_fingerprint(encoder)
    assert live.weights_fingerprint(encoder.train()) == before
    encoder.eval()
    encoder.max_seq_length = 16
    assert live.weights_fingerprint(encoder) != before
    encoder.max_seq_length = 64
    assert live.weights_fingerprint(encoder) == before


def test_what_is_no_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"encoder: wanted a folder.*found builtins.object"):
        nm.mine(FRAMES, tmp_path / "run", encoder=object())
    with pytest.raises(ModelError, match=r"teacher: wanted a folder.*found builtins.object"):
        nm.mine(FRAMES, tmp_path / "run", encoder=WordEncoder(), teacher=object(), mining=DENSE)


def test_another_round_of_no_run_is_named(tmp_path):
    with pytest.raises(RunError, match="wanted a run folder"):
        nm.mine(None, tmp_path / "run")


def test_a_live_sparse_encoder_is_a_source(tmp_path):
    class Sparse:
        """One weight a word."""

        def encode_query(self, texts, prompt=None, batch_size=32, show_progress_bar=False, save_to_cpu=True):
            words = sorted({word for text in [*PAIRS["query"], *PAIRS["answer"], *CORPUS] for word in text.split()})
            return torch.tensor([[float(text.split().count(word)) for word in words] for text in texts]).to_sparse()

        encode_document = encode_query

    run = nm.mine(FRAMES, tmp_path / "run", encoder=WordEncoder(), sparse_encoder=Sparse(), mining=DENSE)
    rows = run.candidates().set_index(["query_id", "doc_id"])
    assert rows.loc[("b", "d6"), "sparse_score"] == 0.0 or np.isnan(rows.loc[("b", "d6"), "sparse_score"])
    assert rows.loc[("b", "d7"), "sparse_score"] == 1.0  # whales
    assert run.mining().sources == ("dense", "sparse")
    assert run.round_facts()["sparse_encoder"]["name"] == "Sparse in memory"
