"""Models behind a URL, asked over real HTTP: nothing is paid twice, no key is written down, every failure is said."""

import os
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.cli import main as command
from nearmiss.errors import ModelError, RecipeError, RunError
from nearmiss.models.encoder import load_encoder
from nearmiss.models.served import Budget, address_of, without_url
from nearmiss.models.served.answers import Answers, key_of
from nearmiss.models.served.budget import LONGEST_WAIT, Pace
from nearmiss.models.served.client import MOST_REFUSED
from nearmiss.models.served.keys import key_for
from nearmiss.models.served.reranker import QUESTION, REPLIES
from nearmiss.models.served.served_encoder import PROBE
from nearmiss.models.teacher import load_teacher
from nearmiss.pipeline.served_estimate import estimated
from nearmiss.reports import funnel
from nearmiss.run import open_run
from nearmiss.settings import Mining, Serving
from tests.served import serving
from tests.words import OverlapTeacher, WordEncoder

ROOT = Path(__file__).parents[3]
NOUNS = ["bread", "salt", "tower", "river", "harbour", "cheese", "winter", "garden"]
NOUNS += ["money", "stone", "bridge", "plum", "law", "milk", "ship", "cherry"]
KEY = "sk-a-key-that-nobody-may-read"
SHALLOW = (("bm25", 8), ("dense", 8))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Twenty-nine queries, each with an answer and three other documents."""
    path = tmp_path_factory.mktemp("data") / "pairs.csv"
    chosen = [*pairwise(NOUNS), *zip(NOUNS, NOUNS[2:], strict=False)]
    rows = [
        {
            "query": f"where is the {noun} of the {other}",
            "positive": f"the {noun} of the {other} is here, number {place}",
            "negative_1": f"the {other} is old and the {noun} is not, number {place}",
            "negative_2": f"a {noun} and {place} more",
            "negative_3": f"nobody saw {other} number {place}",
        }
        for place, (noun, other) in enumerate(chosen)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def models(monkeypatch):
    monkeypatch.delenv("NEARMISS_API_KEY", raising=False)
    with serving() as served:
        yield served


def encoder_of(models, budget=None, **settings):
    return load_encoder(Mining(encoder=f"openai:toy@{models.url}", **settings), budget)


def recipe_of(models, **settings):
    names = {"encoder": f"openai:toy@{models.url}", "teacher": f"rerank:toy@{models.url}"}
    return Mining(**{**names, "depth": SHALLOW, **settings})


@pytest.mark.parametrize("as_lists", [False, True])
def test_vectors_are_those_of_the_model_behind_the_server(models, as_lists):
    models.as_lists = as_lists
    encoder = encoder_of(models, query_prompt="query: ", document_prompt="")
    np.testing.assert_allclose(encoder.encode_document(["a b", "c"]), WordEncoder().encode_document(["a b", "c"]), 1e-6)
    np.testing.assert_allclose(encoder.encode_query(["a b"]), WordEncoder().encode_query(["query: a b"]), 1e-6)
    assert encoder.engine == "server (toy-1)"


def test_fewer_dimensions_are_asked_for_and_made_unit_vectors(models):
    rows = encoder_of(models, dimensions=8).encode_document(["a b", "c"])
    whole = WordEncoder().encode_document(["a b", "c"])[:, :8]
    np.testing.assert_allclose(rows, whole / np.linalg.norm(whole, axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(("form", "under"), [("documents", "results"), ("documents", "data"), ("texts", "")])
def test_a_reranker_is_asked_in_the_form_that_it_speaks(models, form, under):
    models.rerank_form, models.rows_under = form, under
    teacher = load_teacher(Mining(teacher=f"rerank:toy@{models.url}/rerank"))
    pairs = [("bread rises", "bread rises by yeast"), ("sea salt", "the sea"), ("bread rises", "stones")]
    logits = OverlapTeacher().score(pairs)
    np.testing.assert_allclose(teacher.score(pairs), 1 / (1 + np.exp(-logits)), rtol=1e-5)
    # One request holds what is asked of one query.
    assert sorted(len(body[form]) for path, body in models.requests if form in body)[-2:] == [2, 2]


def test_refusals_failures_and_cut_connections_are_repeated_and_answered_once(models):
    encoder = encoder_of(models, Budget(Serving(texts_per_request=4)))
    models.faults.extend([models.fails(429), models.fails(500), models.cuts, models.fails(503)])
    texts = [f"text {number}" for number in range(40)]
    np.testing.assert_allclose(encoder.encode_document(texts), WordEncoder().encode_document(texts), rtol=1e-5)
    assert models.answered == dict.fromkeys([PROBE, *texts], 1)


def test_no_proxy_stands_between_this_machine_and_itself(models, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert encoder_of(models).dimension == 32


def test_a_text_that_occurs_often_is_asked_for_once(models):
    encoder_of(models).encode_document(["same", "other", "same", "same"])
    assert models.answered == {PROBE: 1, "same": 1, "other": 1}


def test_a_server_that_takes_fewer_texts_gets_fewer(models):
    models.most = 5
    texts = [f"text {number}" for number in range(32)]
    np.testing.assert_allclose(encoder_of(models).encode_document(texts), WordEncoder().encode_document(texts), 1e-5)
    assert models.answered == dict.fromkeys([PROBE, *texts], 1)


def test_a_text_that_the_server_refuses_is_named_and_the_others_are_kept(models, tmp_path):
    encoder = encoder_of(models).keeping(tmp_path)
    texts = [*(f"text {number}" for number in range(7)), "endless " * 1000]
    with pytest.raises(ModelError, match=r"400: .*maximum context.*a text of 8,000 characters that begins 'endless"):
        encoder.encode_document(texts)
    encoder_of(models).keeping(tmp_path).encode_document(texts[:7])
    assert {text: models.answered[text] for text in texts} == {**dict.fromkeys(texts[:7], 1), texts[7]: 0}


def test_texts_that_are_refused_are_listed_and_alone_asked_for_again(models, tmp_path):
    encoder = encoder_of(models, Budget(Serving(texts_per_request=4, requests_at_once=1))).keeping(tmp_path)
    long = [f"{name} " * 1000 for name in ("endless", "eternal")]
    texts = [long[0], *(f"text {number}" for number in range(9)), long[1], "last"]
    with pytest.raises(ModelError, match=r"that begins 'endless .*Refused, too: a text of 8,000 .*'eternal"):
        encoder.encode_document(texts)
    short = [text for text in texts if text not in long]
    assert {text: models.answered[text] for text in texts} == {**dict.fromkeys(short, 1), **dict.fromkeys(long, 0)}
    before = len(models.requests)
    encoder.at_length(100).keeping(tmp_path).encode_document(texts)
    assert [body["input"] for _, body in models.requests[before:]] == [[text[:400] for text in long]]


def test_a_server_that_refuses_every_text_is_not_asked_about_all(models):
    encoder = encoder_of(models, Budget(Serving(texts_per_request=1, requests_at_once=1)))
    models.most = 0
    with pytest.raises(ModelError, match=r"413: .*Refused, too: "):
        encoder.encode_document([f"text {number}" for number in range(50)])
    assert len(models.requests) == 1 + MOST_REFUSED


def test_a_round_that_met_too_long_a_text_goes_on_with_shorter_ones_and_pays_for_none_again(models, pairs, tmp_path):
    data = dataset.read(pairs)
    data.documents.loc[3, "text"] = "endless " * 1000
    with pytest.raises(ModelError, match="a text of 8,000 characters"):
        pipeline.mine(tmp_path / "run", recipe_of(models), data)
    run = pipeline.mine(tmp_path / "run", recipe_of(models, max_length=1000, teacher_max_length=1000), data)
    assert [entry["finished"] for entry in run.facts["rounds"]] == [True]
    assert run.round_facts()["recipe"]["max_length"] == 1000
    assert {times for asked, times in models.answered.items() if asked != PROBE and asked[0] != QUESTION} == {1}
    with pytest.raises(RunError, match="wanted the recipe of round 1, a finished round; found max_length 1000"):
        pipeline.mine(tmp_path / "run", recipe_of(models, max_length=900, teacher_max_length=1000), data)


def test_long_texts_are_cut_where_that_is_asked_for(models):
    encoder = encoder_of(models, max_length=8)
    long, cut = "word " * 3000, ("word " * 3000)[:32]
    np.testing.assert_allclose(encoder.encode_document([long]), WordEncoder().encode_document([cut]), rtol=1e-5)
    assert encoder.fingerprint != encoder_of(models).fingerprint
    teacher = load_teacher(Mining(teacher=f"rerank:toy@{models.url}", teacher_max_length=8))
    teacher.score([("word", long)])
    assert models.answered["word", cut] == 1


def test_the_budget_ends_a_command_and_the_next_one_goes_on(models, pairs, tmp_path):
    data, run = dataset.read(pairs), tmp_path / "run"
    with pytest.raises(ModelError, match="--max-requests 12: wanted to send one more"):
        pipeline.mine(run, recipe_of(models), data, serving=Serving(max_requests=12, texts_per_request=4))
    assert len(models.requests) == 12
    pipeline.mine(run, recipe_of(models), data)
    assert {times for asked, times in models.answered.items() if asked != PROBE and asked[0] != QUESTION} == {1}


def test_a_second_round_and_another_address_pay_for_no_text_again(models, pairs, tmp_path):
    data, run = dataset.read(pairs), tmp_path / "run"
    pipeline.mine(run, recipe_of(models), data)
    before = dict(models.answered)
    elsewhere = recipe_of(models, encoder=f"openai:toy@{models.url.replace('127.0.0.1', 'localhost')}")
    assert len(pipeline.mine(run, elsewhere, data).facts["rounds"]) == 1
    # The sources are the same, so that every pair is known.
    again = pipeline.mine(run, recipe_of(models, clusters=4))
    assert len(again.facts["rounds"]) == 2
    paid = {asked for asked in models.answered if models.answered[asked] != before.get(asked)}
    assert paid == {PROBE} | {asked for asked in paid if asked[0] == QUESTION}
    first, second = (again.candidates(number) for number in (1, 2))
    assert first["teacher_score"].tolist() == second["teacher_score"].tolist()


def test_a_run_holds_what_the_same_models_give_here(models, pairs, tmp_path):
    data = dataset.read(pairs)
    served = pipeline.mine(tmp_path / "served", recipe_of(models), data).candidates()
    here = pipeline.mine(tmp_path / "here", Mining(depth=SHALLOW, teacher="x"), data, encoder=WordEncoder(),
                         teacher=OverlapTeacher()).candidates()  # fmt: skip
    both = served.merge(here, on=["query_id", "doc_id"])
    assert len(both) > 0.99 * len(here)  # vectors of a server are kept in float16: near ties may fall otherwise
    logits = both["teacher_score_y"].to_numpy(float)
    np.testing.assert_allclose(both["teacher_score_x"], 1 / (1 + np.exp(-logits)), rtol=1e-5)
    facts = open_run(tmp_path / "served").round_facts()
    assert facts["encoder"]["engine"] == facts["teacher"]["engine"] == "server (toy-1)"
    assert not (tmp_path / "served/rounds/1/served_answers").exists()


def test_a_server_that_changes_its_model_is_noticed(models, tmp_path):
    encoder = encoder_of(models)
    first = encoder.fingerprint
    models.name = "toy-2"
    with pytest.raises(ModelError, match=r"wanted one model for all texts, 'toy-1'.*found 'toy-2'"):
        encoder.encode_document(["a"])
    assert encoder_of(models).fingerprint != first


@pytest.mark.parametrize("kind", ["encoder", "teacher"])
def test_a_model_that_is_changed_under_its_name_is_noticed_by_what_it_answers(models, pairs, tmp_path, kind):
    data, run = dataset.read(pairs), tmp_path / "run"
    with pytest.raises(ModelError, match="--max-requests"):
        pipeline.mine(run, recipe_of(models), data, serving=Serving(max_requests=5))
    as_before = models.encoder.encode_document, models.teacher.score
    if kind == "encoder":
        models.encoder = WordEncoder("another")
    else:
        models.teacher.score = lambda pairs: as_before[1](pairs) + 3
    asked = len(models.requests)
    with pytest.raises(ModelError, match=rf"--{kind} .*found another under the same name: its .*The server changed"):
        pipeline.mine(run, recipe_of(models), data)
    assert len(models.requests) == asked + 2  # nothing but who they are
    # Rounding is no other model.
    models.encoder.encode_document = lambda texts: np.float16(as_before[0](texts)).astype(np.float32)
    models.teacher.score = lambda pairs: as_before[1](pairs) + 0.01
    pipeline.mine(run, recipe_of(models), data)


def test_a_served_model_that_tells_nothing_apart_raises_a_doubt(models, pairs, tmp_path):
    models.encoder.encode_document = lambda texts: np.ones((len(texts), 4), np.float32)
    models.teacher.score = lambda pairs: np.zeros(len(pairs), np.float32)
    run = pipeline.mine(tmp_path / "run", recipe_of(models), dataset.read(pairs))
    said = " ".join(funnel.report(run)["model_doubts"])
    assert "encoder" in said
    assert "teacher" in said


def test_no_key_is_written_or_said(models, pairs, tmp_path, monkeypatch, capfd, caplog):
    monkeypatch.setenv("NEARMISS_API_KEY", KEY)
    models.key = KEY
    caplog.set_level("DEBUG")
    run = tmp_path / "run"
    words = ["mine", pairs, str(run), "--encoder", f"openai:toy@{models.url}", "--teacher", f"rerank:toy@{models.url}"]
    assert typed(monkeypatch, *words, "--depth", "8") == 0
    assert typed(monkeypatch, "export", str(run), str(tmp_path / "shards")) == 0
    monkeypatch.setenv("NEARMISS_API_KEY", f"{KEY}-wrong")  # this server repeats what it was sent
    assert typed(monkeypatch, "mine", str(run), "--depth", "9") == 1
    out, err = capfd.readouterr()
    assert "401: " in err
    assert "[key]" in err
    assert "Give the key with NEARMISS_API_KEY or --key-file" in err
    assert KEY not in out + err + caplog.text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    assert len(written) > 20


def typed(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["nearmiss", *words])
    with pytest.raises(SystemExit) as ended:
        command()
    return ended.value.code


def test_a_key_goes_to_its_own_host_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("NEARMISS_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "of-openai")
    openai, own = (address_of("--encoder", name) for name in ("openai:m", "openai:m@https://models.example/v1"))
    assert (key_for(openai), key_for(own)) == ("of-openai", "")
    keys = tmp_path / "keys"
    keys.write_text("models.example one\napi.openai.com two\n")
    assert (key_for(openai, str(keys)), key_for(own, str(keys))) == ("two", "one")
    keys.write_text("api.openai.com two\nother.example three\n")
    with pytest.raises(ModelError, match=r"wanted one key, or a line `models\.example KEY`; found 2 other hosts"):
        key_for(own, str(keys))


def test_without_a_key_none_is_sent(models):
    models.key = "wanted"
    with pytest.raises(ModelError, match=r"401: .*wrong key: None"):
        encoder_of(models)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai:m@http://user:secret@host/v1", "without password and query"),
        ("openai:m@https://host/v1?api_key=secret", "without password and query"),
        ("openai:m@http:///v1", "a URL without a host"),
        ("rerank:m", "wanted rerank:MODEL@URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(name, found):
    with pytest.raises(ModelError, match=found) as error:
        address_of("--encoder", name)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://localhost:8000/v1", False),
        ("http://127.0.0.9/v1", False),
        ("http://[::1]:80/v1", False),
        ("https://far.example/v1", False),
        ("http://far.example/v1", True),
        ("http://10.0.0.1/v1", True),
    ],
)
def test_plain_http_is_warned_of_beyond_this_machine(url, warned):
    assert bool(address_of("--encoder", f"openai:m@{url}").warning) is warned


def test_a_model_is_the_same_wherever_it_is_served():
    assert without_url("openai:@cf/bge@http://a/v1") == without_url("openai:@cf/bge@https://b/v1") == "openai:@cf/bge"
    assert without_url("BAAI/bge-m3") == "BAAI/bge-m3"


def test_a_server_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("nearmiss.models.served.client.REPEATS", 0)
    with pytest.raises(ModelError, match=r"--encoder openai:m@http://127\.0\.0\.1:9/v1: wanted a server that answers"):
        load_encoder(Mining(encoder="openai:m@http://127.0.0.1:9/v1"))


def test_requests_at_once_grow_with_answers_and_are_halved_by_a_refusal():
    clock = [100.0]
    pace = Pace(8, lambda: clock[0])
    for _ in range(40):
        pace.answered()
    assert pace.limit == 8
    pace.refused({"retry-after": "20"})
    assert (pace.limit, pace.wait) == (4, 20)
    clock[0] += 30
    pace.refused({})
    pace.refused({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})  # has passed
    pace.refused({})
    assert (pace.limit, pace.wait) == (1, 0)
    pace.refused({"retry-after": "86400"})
    assert pace.wait == LONGEST_WAIT


def test_no_more_requests_are_sent_at_once_than_allowed(models):
    encoder = encoder_of(models, Budget(Serving(requests_at_once=2, texts_per_request=1)))
    encoder.encode_document([f"text {number}" for number in range(30)])
    assert models.most_busy <= 2


def test_answers_outlive_a_record_that_was_cut_off(tmp_path):
    keys, rows = [key_of("a"), key_of("b"), key_of("c")], np.arange(6, dtype=np.float32).reshape(3, 2)
    Answers(tmp_path, 2).put(keys, rows)
    path = tmp_path / "00000.answers"
    os.truncate(path, path.stat().st_size - 3)
    later = Answers(tmp_path, 2)
    later.put(keys[2:], rows[2:] + 10)
    found = Answers(tmp_path, 2).look_up([*keys, key_of("d")])
    assert [None if row is None else row.tolist() for row in found] == [[0, 1], [2, 3], [14, 15], None]


def test_settings_of_servers_are_refused_where_all_models_run_here(pairs, tmp_path, monkeypatch, capsys):
    assert typed(monkeypatch, "mine", pairs, str(tmp_path / "run"), "--max-requests", "3") == 1
    assert "wanted a model behind a server" in capsys.readouterr().err
    with pytest.raises(RecipeError, match="--max-requests: wanted 1 or more"):
        Serving(max_requests=0)


def test_what_will_be_asked_is_said_before_it_is(models, pairs, tmp_path, monkeypatch, capsys):
    words = ["--encoder", f"openai:toy@{models.url}", "--teacher", "", "--max-requests", "1"]
    assert typed(monkeypatch, "mine", pairs, str(tmp_path / "run"), *words) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "at most 145 texts in 5 requests, some" in said


def test_each_labelled_answer_may_cost_its_query_a_request():
    sample = dataset.read(str(ROOT / "sample_data"))  # 84 queries with an answer each
    recipe = Mining(teacher="rerank:toy@http://127.0.0.1:9/v1", teacher_depth=10)
    [said] = estimated(recipe, sample, Serving(texts_per_request=10))
    assert ": about 924 pairs in 168 requests, some" in said
    [said] = estimated(recipe, sample, Serving(texts_per_request=11))
    assert ": about 924 pairs in 84 requests, some" in said


def test_ten_kills_pay_for_nothing_twice(models, pairs, tmp_path):
    pid_file = tmp_path / "pid"
    chance = random.Random(14)
    for _ in range(10):
        models.faults.extend([None] * chance.randrange(1, 9))
        models.faults.append(models.kills(pid_file))
    words = [pairs, str(tmp_path / "run"), models.url, str(pid_file)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.served_and_killed", "mine", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.stdout.strip() == "10", ended.stderr
    # Each start asks each model once who it is, with texts of its own.
    twice = {asked for asked, times in models.answered.items() if times > 1}
    assert twice <= {PROBE, *((QUESTION, reply) for reply in REPLIES)}
    whole = pipeline.mine(tmp_path / "whole", recipe_of(models), dataset.read(pairs)).candidates()
    killed = open_run(tmp_path / "run").candidates()
    pd.testing.assert_frame_equal(killed, whole)


def test_logits_are_put_on_the_scale_of_chances_and_kept_as_they_were(models, pairs, tmp_path):
    data = dataset.read(pairs)
    as_chances = pipeline.mine(tmp_path / "chances", recipe_of(models), data).candidates()
    models.squash = lambda logits: logits  # as llama.cpp's server answers, and TEI where it is told to
    run = pipeline.mine(tmp_path / "logits", recipe_of(models), data)
    both = run.candidates().merge(as_chances, on=["query_id", "doc_id"])
    assert len(both) > 100
    np.testing.assert_allclose(both["teacher_score_x"], both["teacher_score_y"], rtol=1e-5)
    assert run.round_facts()["teacher"]["engine"] == "server (toy-1, logits made chances)"
    kept = pd.concat([pd.read_parquet(path) for path in run.folder.glob("teacher_scores/*/*.parquet")])
    assert kept["score"].max() > 1
