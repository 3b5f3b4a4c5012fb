"""Any list of sentence-transformers modules is an encoder, with that library's own vectors."""

import json
import shutil

import numpy as np
import pytest

from nearmiss.errors import ModelError
from nearmiss.models.encoder import load_encoder
from nearmiss.models.engine.loading import load_model
from nearmiss.models.teacher import load_teacher
from nearmiss.settings import Mining
from nearmiss.storage.fingerprint import fingerprint_of_model
from tests import toys

TEXTS = ["the river bank", "a loan of the bank", "why is the sea salt", "the", "bread and butter " * 30]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with a toy of BERT, as transformers saves it."""
    folder = tmp_path_factory.mktemp("toy")
    toys.encoder(folder, "bert", "mean")
    return folder / "base"


def static(base):
    from sentence_transformers.sentence_transformer import modules
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base).backend_tokenizer
    return [modules.StaticEmbedding(tokenizer, embedding_dim=16), modules.Normalize()]


def transformer(base, *more):
    from sentence_transformers.sentence_transformer import modules

    return [modules.Transformer(str(base), max_seq_length=64), *more]


def dense(base):
    from sentence_transformers.sentence_transformer import modules

    return transformer(base, modules.Pooling(32, "mean"), modules.Dense(32, 8), modules.LayerNorm(8))


def routed(base):
    from sentence_transformers.sentence_transformer import modules

    return [modules.Router.for_query_document(static(base)[:1], static(base)[:1]), modules.Normalize()]


def recurrent(base):
    from sentence_transformers.sentence_transformer import modules
    from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

    words = toys.TEXT.split()
    table = np.random.default_rng(0).normal(size=(len(words), 8)).astype(np.float32)
    known = WhitespaceTokenizer(words, stop_words=[], do_lower_case=True)
    return [modules.WordEmbeddings(known, table), modules.LSTM(8, 8), modules.Pooling(16, "max")]


def convolved(base):
    from sentence_transformers.sentence_transformer import modules

    return transformer(base, modules.CNN(32, out_channels=8, kernel_sizes=[1, 3]), modules.Pooling(16, "mean"))


MODULES = {"static": static, "dense": dense, "router": routed, "lstm": recurrent, "cnn": convolved}


@pytest.fixture(scope="module")
def made(base, tmp_path_factory):
    """Folders of encoders by the name of their modules, each made once."""
    folders = {}

    def make(name):
        import torch
        from sentence_transformers import SentenceTransformer

        if name not in folders:
            torch.manual_seed(1)
            model = SentenceTransformer(modules=MODULES[name](base), device="cpu")
            folders[name] = tmp_path_factory.mktemp(name) / "model"
            model.save_pretrained(str(folders[name]))
        return folders[name]

    return make


@pytest.mark.parametrize("name", MODULES)
def test_modules_of_any_kind_give_the_vectors_of_sentence_transformers(made, name):
    from sentence_transformers import SentenceTransformer

    encoder = load_encoder(Mining(encoder=str(made(name)), precision="float32"))
    plain = SentenceTransformer(str(made(name)), device="cpu")
    for ours, theirs in (
        (encoder.encode_query(TEXTS), plain.encode_query(TEXTS)),
        (encoder.encode_document(TEXTS), plain.encode_document(TEXTS)),
    ):
        np.testing.assert_allclose(ours, theirs / np.linalg.norm(theirs, axis=1, keepdims=True), atol=1e-4)


def test_a_router_answers_queries_and_documents_each_by_its_own_way(made):
    encoder = load_encoder(Mining(encoder=str(made("router")), precision="float32"))
    assert np.abs(encoder.encode_query(TEXTS) - encoder.encode_document(TEXTS)).max() > 0.1


def test_weights_that_lie_two_folders_deep_change_the_fingerprint(made, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(made("router"), copy / "1_Router")  # each way of it one folder deeper
    ways = sorted(copy.glob("1_Router/*/*.safetensors"))
    assert len(ways) == 2
    for path in ways:
        before, content = fingerprint_of_model(copy), bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert fingerprint_of_model(copy) != before


# Every file that changes a model's numbers, and how each may change.
@pytest.mark.parametrize(
    "name",
    [
        *("model.safetensors", "config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json"),
        *("2_Dense/config.json", "2_Dense/model.safetensors", "config_sentence_transformers.json"),
        *("sentence_bert_config.json", "modeling_own.py"),
    ],
)
def test_every_file_that_changes_a_model_changes_its_fingerprint(made, tmp_path, name):
    copy = shutil.copytree(made("dense"), tmp_path / "model")
    before, path = fingerprint_of_model(copy), copy / name
    if name.endswith(".safetensors"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    elif name.endswith(".json"):
        fields = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps([*fields, 1] if isinstance(fields, list) else fields | {"another": 1}))
    else:
        path.write_text("# other code")
    assert fingerprint_of_model(copy) != before


@pytest.mark.parametrize("kind", ["encoder", "teacher"])
def test_a_model_without_its_tokenizer_s_files_is_refused(tmp_path, kind):
    folder = getattr(toys, kind)(tmp_path, "bert", *(["mean"] if kind == "encoder" else []))
    for path in [*folder.glob("tokenizer*"), *folder.glob("vocab*"), *folder.glob("special_tokens*")]:
        path.unlink()
    load = load_encoder if kind == "encoder" else load_teacher
    with pytest.raises(ModelError, match=rf"--{kind} .*: wanted a tokenizer that knows words"):
        load(Mining(**{kind: str(folder)}))


def test_a_tokenizer_that_knows_no_word_is_refused_with_what_to_do(tmp_path):
    folder = toys.encoder(tmp_path, "bert", "mean")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["vocab"] = {word: n for word, n in content["model"]["vocab"].items() if n < 4}
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"wanted a tokenizer that knows words, .*Copy the tokenizer's files"):
        load_encoder(Mining(encoder=str(folder)))


def test_a_module_that_fails_on_a_text_is_a_clear_error_and_no_bug(made, monkeypatch):
    def broken(wanted):
        model = load_model(wanted)

        def fail(*_, **__):
            raise ZeroDivisionError("no such width")

        monkeypatch.setattr(type(model), "encode_query", fail)
        return model

    monkeypatch.setattr("nearmiss.models.engine.load_model", broken)
    monkeypatch.setattr("nearmiss.models.engine.graphs.kept", lambda *_: None)
    wanted = "wanted vectors of texts from sentence-transformers; found ZeroDivisionError: no such width"
    with pytest.raises(ModelError, match=wanted):
        load_encoder(Mining(encoder=str(made("static"))))
