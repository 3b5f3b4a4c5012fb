"""Each family of models that the presets name loads, reads its prompts, and answers as sentence-transformers does."""

import numpy as np
import pytest

from nearmiss.errors import ModelError
from nearmiss.models.encoder import load_encoder
from nearmiss.models.teacher import load_teacher
from nearmiss.presets import PRESETS
from nearmiss.settings import Mining
from tests import toys

TEXTS = [
    "the river bank",
    "a loan of the bank",
    "why is the sea salt",
    "bread and butter",
    "the",
    "open the castle when",
]
PAIRS = [(query, document) for query in TEXTS[:3] for document in TEXTS]
E5 = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
BGE = "Represent this sentence for searching relevant passages: "

ENCODERS = {
    "BERT with mean pooling (MiniLM, E5, GTE)": ("bert", "mean", {"query": "query: ", "document": "passage: "}),
    "BERT with CLS pooling (BGE)": ("bert", "cls", {"query": BGE}),
    "XLM-R with CLS pooling (BGE-M3, multilingual E5)": ("xlm-roberta", "cls", {}),
    "Mistral with its last token (E5-Mistral)": ("mistral", "lasttoken", {"query": E5}),
    "Qwen3 with its last token (zembed, GTE-Qwen)": ("qwen3", "lasttoken", {"query": E5}),
}
TEACHERS = ["bert", "xlm-roberta", "qwen3"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of toy models, each made once."""
    folders = {}

    def make(kind, *what):
        key = (kind, *map(str, what))
        if key not in folders:
            folders[key] = getattr(toys, kind)(tmp_path_factory.mktemp(kind), *what)
        return folders[key]

    return make


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoder_gives_the_vectors_of_sentence_transformers(made, family):
    from sentence_transformers import SentenceTransformer

    folder = made("encoder", *ENCODERS[family])
    encoder = load_encoder(Mining(encoder=str(folder), precision="float32"))
    plain = SentenceTransformer(str(folder), device="cpu")
    np.testing.assert_allclose(encoder.encode_query(TEXTS), plain.encode_query(TEXTS), atol=1e-4)
    np.testing.assert_allclose(encoder.encode_document(TEXTS), plain.encode_document(TEXTS), atol=1e-4)
    assert encoder.precision == "float32"


def test_a_query_prompt_given_takes_the_place_of_the_model_s_own(made):
    folder = made("encoder", *ENCODERS["Mistral with its last token (E5-Mistral)"])
    own = load_encoder(Mining(encoder=str(folder), precision="float32"))
    given = load_encoder(Mining(encoder=str(folder), precision="float32", query_prompt="search: "))
    none = load_encoder(Mining(encoder=str(folder), precision="float32", query_prompt=""))
    prompted = none.encode_query([f"search: {text}" for text in TEXTS])
    np.testing.assert_allclose(given.encode_query(TEXTS), prompted, atol=1e-5)
    assert np.abs(own.encode_query(TEXTS) - given.encode_query(TEXTS)).max() > 0.01
    assert len({own.fingerprint, given.fingerprint, none.fingerprint}) == 3


@pytest.mark.parametrize("architecture", TEACHERS)
def test_a_teacher_gives_the_raw_logits_of_sentence_transformers(made, architecture):
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    folder = made("teacher", architecture)
    teacher = load_teacher(Mining(teacher=str(folder), precision="float32"))
    plain = CrossEncoder(str(folder), device="cpu").predict(PAIRS, activation_fn=Identity())
    np.testing.assert_allclose(teacher.score(PAIRS), plain, atol=1e-4)
    assert plain.std() > 0.01


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_same_pairs_give_the_same_bytes_in_any_company(made, precision):
    teacher = load_teacher(Mining(teacher=str(made("teacher", "bert")), precision=precision))
    first = teacher.score(PAIRS)
    assert teacher.score(PAIRS).tobytes() == first.tobytes()
    np.testing.assert_allclose(teacher.score(PAIRS[::-1])[::-1], first, atol=1e-4 if precision == "float32" else 0.05)


def test_a_teacher_with_two_labels_is_refused(made):
    with pytest.raises(ModelError, match="wanted a model with one label; found 2"):
        load_teacher(Mining(teacher=str(made("teacher", "bert", 2))))


def test_a_folder_that_is_no_model_is_refused_by_name(tmp_path):
    for load, recipe in ((load_encoder, Mining(encoder=str(tmp_path))), (load_teacher, Mining(teacher=str(tmp_path)))):
        with pytest.raises(ModelError, match=r"wanted a model's folder; found no config\.json in it"):
            load(recipe)


def test_every_family_that_a_preset_names_pools_as_one_of_these_toys():
    pooled = {family.pooling for preset in PRESETS.values() for family in preset.encoders}
    assert pooled <= {pooling.removesuffix("token") for _, pooling, _ in ENCODERS.values()}
