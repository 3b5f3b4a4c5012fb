"""Vendors' own forms over real HTTP, held to their published references; the vendors themselves were never asked."""

import numpy as np
import pytest

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.errors import ModelError
from nearmiss.models.encoder import load_encoder
from nearmiss.models.served import Budget, address_of, without_url
from nearmiss.models.served.keys import key_for
from nearmiss.models.served.reranker import QUESTION
from nearmiss.models.served.served_encoder import PROBE
from nearmiss.models.served.vendors import VENDORS
from nearmiss.models.teacher import load_teacher
from nearmiss.pipeline.served_estimate import estimated
from nearmiss.settings import SERVED_ENCODERS, Mining, Serving
from tests.nearmiss.models.test_served import KEY, SHALLOW, pairs  # noqa: F401  (a fixture)
from tests.served import serving
from tests.vendors import TOO_LONG, VendorModels
from tests.words import OverlapTeacher, WordEncoder

RERANKERS = sorted(name for name, vendor in VENDORS.items() if vendor.rerank)
REFUSING = ["cohere", "jina", "voyage"]


@pytest.fixture
def models(monkeypatch):
    for vendor in VENDORS.values():
        for name in vendor.variables:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("NEARMISS_API_KEY", raising=False)
    with serving(VendorModels) as served:
        yield served


def name_of(models, vendor):
    return f"{vendor}:toy@{models.url_of(vendor)}"


def test_every_vendor_has_a_name_in_the_settings():
    assert ("openai", *VENDORS) == SERVED_ENCODERS


@pytest.mark.parametrize("vendor", VENDORS)
def test_queries_and_documents_are_asked_for_as_what_they_are(models, vendor):
    encoder = load_encoder(Mining(encoder=name_of(models, vendor)))
    as_is = WordEncoder().encode_document
    np.testing.assert_allclose(encoder.encode_query(["a b"]), as_is(["query: a b"]), rtol=1e-6)
    found = encoder.encode_document(["a b", "c"])
    np.testing.assert_allclose(found, as_is(["document: a b", "document: c"]), rtol=1e-6)
    reported = "toy-1" if vendor in ("voyage", "jina") else vendor  # the others do not say what their model is
    assert encoder.engine == f"server ({reported})"


@pytest.mark.parametrize("vendor", VENDORS)
def test_fewer_dimensions_are_asked_for_in_the_vendors_word(models, vendor):
    rows = load_encoder(Mining(encoder=name_of(models, vendor), dimensions=8)).encode_query(["a b"])
    cut = WordEncoder().encode_document(["query: a b"])[:, :8]
    np.testing.assert_allclose(rows, cut / np.linalg.norm(cut, axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("vendor", RERANKERS)
def test_a_vendors_reranker_is_asked_in_its_form(models, vendor):
    teacher = load_teacher(Mining(teacher=name_of(models, vendor)))
    asked = [("bread rises", "bread rises by yeast"), ("sea salt", "the sea"), ("bread rises", "stones")]
    np.testing.assert_allclose(teacher.score(asked), 1 / (1 + np.exp(-OverlapTeacher().score(asked))), rtol=1e-5)


def test_a_vendor_without_a_reranker_is_no_teacher(models):
    with pytest.raises(ModelError, match=r"--teacher gemini:.*wanted rerank:MODEL@URL for a teacher; found gemini"):
        load_teacher(Mining(teacher=name_of(models, "gemini")))


@pytest.mark.parametrize("vendor", REFUSING)
def test_a_text_that_is_too_long_is_refused_by_name_and_not_cut_in_silence(models, vendor):
    encoder = load_encoder(Mining(encoder=name_of(models, vendor)))
    with pytest.raises(ModelError, match=r"400: .*a text of 6,000 characters that begins .*--max-length N"):
        encoder.encode_document(["short", "endless " * 750])


def test_a_vendor_that_cuts_in_silence_is_told_of_before_it_is_asked(pairs):  # noqa: F811
    data = dataset.read(pairs)
    data.documents.loc[0, "text"] = "endless " * 2000  # 16,000 characters, about 4,000 tokens

    def said(**recipe):
        return [one for one in estimated(Mining(**recipe), data, Serving()) if "cuts and does not say so" in one]

    [of_gemini] = said(encoder="gemini:m", teacher="")
    assert ": 1 text of more than about 2,048 tokens, where gemini cuts" in of_gemini
    assert "--max-length 2048 cuts here" in of_gemini
    assert said(encoder="gemini:m", teacher="", max_length=2048) == said(encoder="voyage:m", teacher="") == []
    assert said(teacher="cohere:m") == []
    data.documents.loc[0, "text"] = "endless " * 3000
    [of_cohere] = said(teacher="cohere:m")
    assert "--teacher-max-length 4096" in of_cohere


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_key_goes_in_the_vendors_header_and_into_no_error(models, vendor, monkeypatch):
    models.key = KEY
    monkeypatch.setenv("NEARMISS_API_KEY", KEY)
    load_encoder(Mining(encoder=name_of(models, vendor)))
    monkeypatch.setenv("NEARMISS_API_KEY", f"{KEY}-wrong")  # this server repeats what it was sent
    with pytest.raises(ModelError, match=r"401: .*\[key\].*Give the key with NEARMISS_API_KEY") as refused:
        load_encoder(Mining(encoder=name_of(models, vendor)))
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_own_variable_is_read_for_its_own_host_alone(models, vendor, monkeypatch):
    for name in reversed(VENDORS[vendor].variables):
        monkeypatch.setenv(name, f"of-{name}")
        assert key_for(address_of("--encoder", f"{vendor}:m")) == f"of-{name}"
    assert key_for(address_of("--encoder", name_of(models, vendor))) == ""


def test_a_vendors_url_is_known_and_may_be_given_with_its_path():
    known, given = (
        address_of("--teacher", name)
        for name in ("zeroentropy:zerank-2", "zeroentropy:zerank-2@https://api.zeroentropy.dev/v1/models/rerank")
    )
    assert (known.url, known.host) == (given.url, "api.zeroentropy.dev")
    assert without_url("cohere:m@https://a/v2") == "cohere:m"


def test_a_run_of_vendors_pays_for_nothing_twice(models, pairs, tmp_path):  # noqa: F811
    names = {"encoder": name_of(models, "cohere"), "teacher": name_of(models, "zeroentropy")}
    recipe, run = Mining(**names, depth=SHALLOW), tmp_path / "run"
    with pytest.raises(ModelError, match="--max-requests 20"):
        pipeline.mine(run, recipe, dataset.read(pairs), serving=Serving(max_requests=20, texts_per_request=10))
    mined = pipeline.mine(run, recipe, dataset.read(pairs))
    asked = {what: times for what, times in models.answered.items() if PROBE not in what and what[0] != QUESTION}
    assert set(asked.values()) == {1}
    texts = {what for what in asked if isinstance(what, str)}
    assert {text.partition(":")[0] for text in texts} == {"query", "document"}
    assert mined.round_facts()["encoder"]["engine"] == "server (cohere)"


@pytest.mark.parametrize(
    ("vendor", "read"), [("cohere", 7), ("voyage", 7), ("jina", 7), ("zeroentropy", 7), ("gemini", None)]
)
def test_tokens_are_those_that_the_vendor_bills(models, vendor, read, tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text('currency = "EUR"\n[models.toy]\nper_million_tokens_read = 1_000_000')
    budget = Budget(Serving(prices=str(path)))
    load_encoder(Mining(encoder=name_of(models, vendor)), budget)
    if read is None:  # it counts none: 4 bytes sent are one
        assert 20 < budget.cost < 100
    else:
        assert budget.cost == read
    if vendor in RERANKERS:
        before = budget.cost
        load_teacher(Mining(teacher=name_of(models, vendor)), budget=budget)
        billed = budget.cost - before
        assert billed == 11 if vendor != "cohere" else billed > 20


def test_what_the_toy_server_refuses_is_what_the_references_refuse(models):
    # Else the tests above could not fail.
    status, _, answer = models.routed("/cohere/v2/embed", {"model": "m", "input_type": "query", "texts": ["a"]})
    assert (status, "'query' is not one of" in answer["message"]) == (422, True)
    status, _, answer = models.routed("/voyage/v1/rerank", {"model": "m", "query": "q", "texts": ["a"]})
    assert status == 422
    assert len("endless " * 750) > TOO_LONG
