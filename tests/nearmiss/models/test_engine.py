"""The engine: a converted model answers as the model does, whatever was kept on disk before, and always alike."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nearmiss.errors import ModelError
from nearmiss.models.engine import ModelRequest, compiled, graphs, open_engine, probe, processor, pytorch
from nearmiss.models.engine.contract import ModelFacts
from nearmiss.models.engine.first_token import first_token_only
from nearmiss.models.engine.loading import load_model
from nearmiss.models.engine.pytorch import PyTorchEngine, on_probe
from nearmiss.models.engine.tokens import TOKENS_PER_BATCH, batches
from nearmiss.storage.fingerprint import fingerprint_of_model
from tests import toys

FLAGS = {
    "AMX multiplies bfloat16 best": ({"amx_bf16", "avx512_bf16", "avx512_vnni"}, ("bfloat16", "float32")),
    "VNNI alone is for int8": ({"avx512_vnni"}, ("int8", "float32")),
    "VNNI beside bfloat16 has both": ({"avx512_vnni", "avx512_bf16"}, ("int8", "bfloat16", "float32")),
    "small processors have VNNI too": ({"avx_vnni"}, ("int8", "float32")),
    "an unknown processor counts in float32": (set(), ("float32",)),
}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return toys.teacher(tmp_path_factory.mktemp("toy"), "bert")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return toys.encoder(tmp_path_factory.mktemp("toy"), "bert", "mean")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def wanted(folder, kind="teacher", precision="float32"):
    return ModelRequest(kind, str(folder), folder, fingerprint_of_model(folder), precision=precision)


@pytest.mark.parametrize("case", FLAGS)
def test_the_number_type_follows_the_processor(case):
    flags, expected = FLAGS[case]
    assert processor.fastest(frozenset(flags)) == expected


def test_a_forced_number_type_is_the_only_one_tried():
    assert processor.precisions("float32") == ("float32",)


def test_batches_hold_every_text_once_the_longest_first_within_the_budget():
    lengths = [5, 700, 0, 64, 64, 2000, 64, 3]
    found = batches([[0] * length for length in lengths])
    assert np.concatenate(found).tolist() == [5, 1, 3, 4, 6, 0, 7, 2]
    assert [batch.tolist() for batch in found[:2]] == [[5], [1]]
    assert all(len(batch) == 1 or len(batch) * lengths[batch[0]] <= TOKENS_PER_BATCH for batch in found)


def test_no_texts_are_no_batches():
    assert batches([]) == []


def test_the_last_layer_for_the_first_token_scores_as_the_whole_one(teacher):
    request = wanted(teacher)
    model = load_model(request)
    plain = PyTorchEngine(model, ModelFacts({"pair": ""}, 1, 64))
    whole = on_probe(plain, request)[0]
    with first_token_only(model) as cut:
        assert cut
        np.testing.assert_allclose(on_probe(plain, request)[0], whole, atol=1e-5)
    np.testing.assert_array_equal(on_probe(plain, request)[0], whole)


def test_a_mean_over_all_tokens_is_not_cut_to_the_first(encoder):
    request = wanted(encoder, "encoder")
    engine = open_engine(request)
    model = load_model(request)
    reference = on_probe(PyTorchEngine(model, engine.facts), request)
    assert engine.name == "openvino"
    np.testing.assert_allclose(on_probe(engine, request)[0], reference[0], atol=1e-4)


def test_a_kept_graph_answers_with_the_same_bytes_and_no_model(teacher, monkeypatch):
    first = open_engine(wanted(teacher))
    monkeypatch.setattr("nearmiss.models.engine.load_model", lambda request: pytest.fail("the model was loaded again"))
    again = open_engine(wanted(teacher))
    pairs = probe.inputs("teacher")
    assert again(pairs, "pair", "").tobytes() == first(pairs, "pair", "").tobytes()
    assert again.agreement == first.agreement


def test_a_kept_graph_that_was_cut_short_is_made_again(teacher, own_cache):
    first = open_engine(wanted(teacher))
    [graph] = own_cache.rglob("model.xml")
    graph.write_text(graph.read_text()[:200])
    pairs = probe.inputs("teacher")
    assert open_engine(wanted(teacher))(pairs, "pair", "").tobytes() == first(pairs, "pair", "").tobytes()


def test_what_was_forced_before_does_not_change_an_automatic_choice(teacher):
    open_engine(wanted(teacher, precision="float32"))
    request = wanted(teacher, precision="auto")
    assert graphs.kept(request, ("int8", "float32")) is None


def test_an_engine_far_from_float32_is_never_chosen_automatically(teacher, own_cache):
    open_engine(wanted(teacher))
    [path] = own_cache.rglob("facts.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"trusted": False}))
    assert graphs.kept(wanted(teacher, precision="auto"), ("float32",)) is None
    assert graphs.kept(wanted(teacher, precision="float32"), ("float32",)).precision == "float32"


def test_a_model_that_cannot_be_converted_runs_through_pytorch(teacher, monkeypatch):
    def refuse(*_):
        raise RuntimeError("no such operation")

    monkeypatch.setattr(graphs.tracing, "write", refuse)
    monkeypatch.setattr(graphs.tracing, "write_first_token", refuse)
    assert open_engine(wanted(teacher)).name == "pytorch"
    with pytest.raises(ModelError, match="--precision int8: wanted a model that OpenVINO can convert"):
        open_engine(wanted(teacher, precision="int8"))


def test_agreement_is_measured_and_bad_agreement_is_not_good():
    rows = np.eye(4, dtype=np.float32)
    assert probe.agreement("encoder", [rows], [rows], "float32").good
    assert not probe.agreement("encoder", [rows], [rows[::-1]], "int8").good
    assert not probe.agreement("encoder", [rows * np.nan], [rows], "int8").good
    scores = np.arange(8, dtype=np.float32).reshape(-1, 1)
    assert probe.agreement("teacher", [scores + 0.1], [scores], "int8").good
    assert not probe.agreement("teacher", [scores + 1], [scores], "int8").good


def test_the_fingerprint_is_of_the_content_and_not_of_the_name(teacher, tmp_path):
    import shutil

    copy = shutil.copytree(teacher, tmp_path / "renamed")
    (copy / "README.md").write_text("another card")
    assert fingerprint_of_model(copy) == fingerprint_of_model(teacher)
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert fingerprint_of_model(copy) != fingerprint_of_model(teacher)


def test_a_graph_has_answered_alone_before_any_thread_asks(teacher, monkeypatch):
    import threading

    asked = []
    whole = compiled.OpenVinoEngine._answer

    def noted(self, *rest):
        asked.append(threading.current_thread())
        return whole(self, *rest)

    monkeypatch.setattr(compiled.OpenVinoEngine, "_answer", noted)
    engine = open_engine(wanted(teacher))
    assert set(asked) >= {threading.main_thread()}
    assert engine.name == "openvino"
    asked.clear()
    monkeypatch.setattr(compiled, "ThreadPoolExecutor", lambda *_: pytest.fail("a pool was made"))
    assert graphs.kept(wanted(teacher), ("float32",)) is not None
    assert asked == [threading.main_thread()]


def test_a_full_cache_is_passed_over_with_a_word(teacher, own_cache, monkeypatch, caplog):
    whole = graphs.shutil.copytree

    def full(source, target, **options):
        if str(own_cache) in str(target):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return whole(source, target, **options)

    graphs._say.cache_clear()
    monkeypatch.setattr(graphs.shutil, "copytree", full)
    engine = open_engine(wanted(teacher))
    assert engine.name == "openvino"
    assert "No space left on device; this model is kept for this time only" in caplog.text
    assert list(own_cache.rglob(".tmp-*")) == []


def test_without_a_home_models_are_kept_for_this_time_only(monkeypatch, caplog):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    graphs._say.cache_clear()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(graphs.Path, "home", homeless)
    assert graphs.cache_folder("graphs") == graphs.passing_folder()
    assert "no home folder is known" in caplog.text


@pytest.mark.parametrize(
    ("precision", "multiplies", "good", "chosen"),
    [
        ("auto", True, True, "bfloat16"),
        ("auto", True, False, "float32"),
        ("auto", False, True, "float32"),
        ("bfloat16", True, False, "bfloat16"),
        ("float32", True, True, "float32"),
    ],
)
def test_bfloat16_is_chosen_only_where_it_is_multiplied_and_agrees(
    encoder, monkeypatch, precision, multiplies, good, chosen
):
    monkeypatch.setattr(pytorch, "_multiplies_bfloat16_here", lambda: multiplies)
    monkeypatch.setattr(pytorch.probe, "agreement", lambda *_: probe.EngineAgreement("as told", good))
    request = wanted(encoder, "encoder", precision)
    engine = pytorch.fastest(request, load_model(request))
    assert engine.precision == chosen
    assert {str(weight.dtype) for weight in engine.model.parameters()} == {f"torch.{chosen}"}


def test_a_cuda_device_is_asked_whether_it_has_bfloat16_of_its_own(teacher, monkeypatch):
    import torch

    asked = {}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **options: asked.update(options) or False)
    processor.multiplies_bfloat16_on_cuda.cache_clear()
    assert processor.multiplies_bfloat16_on_cuda() is False
    assert asked == {"including_emulation": False}
    monkeypatch.setattr(processor, "has_cuda", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *_: self)
    request = wanted(teacher, precision="auto")
    assert pytorch.fastest(request, load_model(request)).precision == "float32"
    with pytest.raises(ModelError, match="--precision bfloat16: wanted a CUDA device that multiplies it"):
        pytorch.fastest(wanted(teacher, precision="bfloat16"), load_model(request))
    processor.multiplies_bfloat16_on_cuda.cache_clear()


OF_A_GRAPH = ModelRequest("encoder", "toy", Path("toy"), "f" * 64, max_length=64)
LIBRARIES_OF_A_GRAPH = ("openvino", "sentence-transformers", "transformers", "tokenizers", "torch")


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ({"kind": "teacher"}, True),
        ({"fingerprint": "e" * 64}, True),
        ({"max_length": 128}, True),
        ({"name": "other"}, False),  # the same weights by another name
        ({"folder": Path("elsewhere")}, False),
    ],
)
def test_what_changes_a_graph_changes_where_it_is_kept(own_cache, change, is_another):
    now = graphs.place(OF_A_GRAPH, "int8")
    assert (graphs.place(replace(OF_A_GRAPH, **change), "int8") != now) == is_another


def test_the_number_type_the_processor_and_each_library_change_where_a_graph_is_kept(own_cache, monkeypatch):
    places = {graphs.place(OF_A_GRAPH, precision) for precision in ("float32", "bfloat16", "int8")}
    known = graphs.version
    for name in LIBRARIES_OF_A_GRAPH:
        monkeypatch.setattr(graphs, "version", lambda library, name=name: "9.9" if library == name else known(library))
        places.add(graphs.place(OF_A_GRAPH, "int8"))
    monkeypatch.setattr(graphs, "version", known)
    for flags in ({"amx_bf16"}, {"avx512_vnni"}, set()):
        monkeypatch.setattr(processor, "features", lambda flags=flags: frozenset(flags))
        places.add(graphs.place(OF_A_GRAPH, "int8"))
    monkeypatch.setattr(graphs, "MAKING", graphs.MAKING + 1)
    places.add(graphs.place(OF_A_GRAPH, "int8"))
    # One of the three processors is this one.
    assert len(places) == 3 + len(LIBRARIES_OF_A_GRAPH) + 2 + 1
