"""Students trained to be used: what is saved is what was measured, it mines, and a killed training goes on."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from nearmiss import cli, data, pipeline
from nearmiss.errors import RecipeError, RunError
from nearmiss.models.adapted import taken_apart
from nearmiss.models.encoder import ModelEncoder, load_encoder
from nearmiss.pipeline import silent
from nearmiss.run import open_run
from nearmiss.settings import Mining, Policy, Training, Trial
from nearmiss.training import round_quality
from nearmiss.training.round_quality import quality
from nearmiss.training.round_series import Series, rounds, stored_series
from nearmiss.training.student_result import ROUND, START, TRAINED
from nearmiss.training.student_training import stored_result, train, workshop_of
from nearmiss.training.trials.certainty import Difference
from nearmiss.training.trials.classroom import open_classroom
from nearmiss.training.trials.measures import measure
from nearmiss.training.trials.students.adapter import Adapter, Turned
from nearmiss.training.trials.students.encoder_student import EncoderStudent
from nearmiss.workspace import open_to_read
from tests import toys
from tests.nearmiss.training.dying import killed
from tests.words import OverlapTeacher

ROOT = Path(__file__).parents[3]
NOUNS = ["apple", "bank", "bread", "bridge", "butter", "castle", "cherry", "city", "dog", "garden", "harbour", "loan"]
ADAPTER = Training(student="adapter", epochs=4, learning_rate=0.01, batch_size=16, resamples=200)
STATIC = Training(student="static", epochs=4, learning_rate=0.02, batch_size=16, resamples=200, max_length=8)
ENCODER = Training(student="encoder", epochs=2, learning_rate=0.0005, batch_size=16, resamples=200, max_length=16)


def made(folder: Path) -> Path:
    """Sixty queries that ask for one thing in words of another: what an untrained encoder cannot know."""
    (folder / "qrels").mkdir(parents=True)
    documents, queries, judged = [], [], ["query-id\tcorpus-id\tscore"]
    for one, noun in enumerate(NOUNS):
        for other in range(5):
            near, far = NOUNS[(one + other + 1) % 12], NOUNS[(one + 5) % 12]
            documents.append(
                {"_id": f"d{one}-{other}", "title": "", "text": f"the {far} and the {near} open the water"}
            )
            queries.append({"_id": f"q{one}-{other}", "text": f"where is {noun} {near}"})
            judged.append(f"q{one}-{other}\td{one}-{other}\t1")
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels" / "train.tsv").write_text("\n".join(judged))
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run mined by a tiny encoder."""
    folder = tmp_path_factory.mktemp("students")
    encoder = toys.encoder(folder / "toy", "bert", "mean")
    recipe = Mining(encoder=str(encoder), depth=(("bm25", 20), ("dense", 20)), language="en", teacher="toy")
    policy = Policy(max_p_relevant=None, relative_margin=None, negatives_per_query=3)
    pipeline.mine(folder / "run", recipe, data.read(made(folder / "data")), policy, teacher=OverlapTeacher())
    return folder / "run"


@pytest.fixture
def fresh(first, tmp_path):
    return Path(shutil.copytree(first, tmp_path / "run"))


def mine_again(run, model):
    recipe = replace(open_run(run).last_recipe(), encoder=str(model))
    return pipeline.mine(run, recipe, teacher=OverlapTeacher())


def reached(run, number):
    """nDCG@10 of a round's encoder on the held-out queries, from the vectors that it wrote."""
    room = open_classroom(open_to_read(run, number=number), Trial(), silent)
    turned = Turned(room.space)
    return measure(room.questions, turned.questions(), turned.documents())["ndcg"].mean()


@pytest.mark.parametrize("settings", [ADAPTER, STATIC, ENCODER], ids=lambda one: one.student)
def test_what_is_saved_loads_anywhere_and_mines_with_the_numbers_that_were_measured(fresh, tmp_path, settings):
    from sentence_transformers import SentenceTransformer

    out = tmp_path / "student"
    result = train(fresh, out, settings)
    assert result.after != result.before
    assert result.gain.mean == pytest.approx(result.after.ndcg - result.before.ndcg, abs=1e-5)
    assert result.numbers[ROUND].ndcg == pytest.approx(reached(fresh, 1), abs=1e-5)
    mined = mine_again(fresh, out)
    if settings.student == "adapter":  # run as its encoder and a product, so on the same engine
        assert mined.round_facts(2)["encoder"]["engine"] == mined.round_facts(1)["encoder"]["engine"]
    assert result.numbers[TRAINED].ndcg == pytest.approx(reached(fresh, 2), abs=0.01)
    # Loaded plainly, it gives the vectors that the round holds.
    work = open_to_read(fresh)
    room, texts = open_classroom(work, Trial(), silent), work.run.dataset.documents["text"].tolist()
    model = SentenceTransformer(str(out), device="cpu")
    held = room.space.read_documents(np.arange(len(texts)))
    np.testing.assert_allclose(model.encode_document(texts), held, atol=2e-3)
    asked = model.encode_query(room.questions.texts)
    np.testing.assert_allclose(asked / np.linalg.norm(asked, axis=1, keepdims=True), room.space.questions, atol=2e-3)


def test_an_adapter_on_an_adapter_is_one_pair_of_matrices(fresh, tmp_path):
    from sentence_transformers import SentenceTransformer

    train(fresh, tmp_path / "one", replace(ADAPTER, epochs=2))
    mine_again(fresh, tmp_path / "one")
    train(fresh, tmp_path / "two", replace(ADAPTER, epochs=2))
    first, second = (SentenceTransformer(str(tmp_path / name), device="cpu") for name in ("one", "two"))
    assert [type(module).__name__ for module in second] == [type(module).__name__ for module in first]
    old, new = taken_apart(first)[1], taken_apart(second)[1]
    assert not np.allclose(old.of_queries, new.of_queries)
    mine_again(fresh, tmp_path / "two")
    assert stored_result(tmp_path / "two").numbers[TRAINED].ndcg == pytest.approx(reached(fresh, 3), abs=0.01)


def test_an_adapter_needs_the_encoder_that_mined(run, tmp_path):
    with pytest.raises(
        RunError, match=r"wanted the encoder that gave the round's vectors.*found vectors of 384 numbers"
    ):
        train(run, tmp_path / "student", ADAPTER)


def test_the_card_says_what_it_was_trained_on(fresh, tmp_path):
    result = train(fresh, tmp_path / "student", replace(ADAPTER, epochs=1))
    card = (tmp_path / "student" / "README.md").read_text()
    counts = result.trained_on
    assert counts["queries"] == 48
    assert f"48 queries, {counts['positives']} positives and {counts['negatives']} negatives" in card
    assert f"on round 1 of the run {fresh}" in card
    assert "They are not certified." in card
    assert '"negatives_per_query": 3' in card
    assert f"12 held-out queries: {result.numbers[ROUND].ndcg:.4f} before, {result.numbers[TRAINED].ndcg:.4f}" in card


KILLED = """
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock
from nearmiss.training.student_training import train
from tests.nearmiss.training.dying import dies_at
from tests.nearmiss.training.test_students import ENCODER

train(Path(sys.argv[1]), Path(sys.argv[2]), ENCODER, watch=dies_at(4))
"""


def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(first, tmp_path, monkeypatch):
    import torch

    torch.set_num_threads(1)
    killed(KILLED, tmp_path, first, tmp_path / "killed")
    said = []
    result = train(first, tmp_path / "killed", ENCODER, tell=said.append)
    assert said == ["going on from the checkpoint after 3 of 6 steps"]
    whole = train(first, tmp_path / "whole", ENCODER)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert result.numbers == whole.numbers
    # Called once more, it trains nothing.
    monkeypatch.setattr(EncoderStudent, "trained", lambda *_: pytest.fail("trained again"))
    assert train(first, tmp_path / "whole", ENCODER) == whole


def weights(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.safetensors")}


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        ("cached-mnrl", "CachedMultipleNegativesRankingLoss"),
        ("gist", "GISTEmbedLoss"),
        ("cached-gist", "CachedGISTEmbedLoss"),
        ("margin-mse", "MarginMSELoss"),
        ("kl", "DistillKLDivLoss"),
    ],
)
def test_each_loss_is_sentence_transformers_own_and_learns(first, loss, name, capsys):
    room = open_classroom(open_to_read(first), replace(ENCODER, loss=loss, epochs=1).as_trial, silent)
    exported = room.exported(room.work.policy)
    assert type(room.student._loss(room.student._model())).__name__ == name
    before, after = (one.questions() for one in (room.student.untrained(), room.student.train(exported, 0)))
    assert np.abs(before - after).max() > 0.01
    assert capsys.readouterr().err == ""  # no progress but ours


def test_an_adapted_model_may_be_fine_tuned_on(first, tmp_path):
    train(first, tmp_path / "adapter", replace(ADAPTER, epochs=1))
    further = replace(ENCODER, start=str(tmp_path / "adapter"), epochs=1)
    result = train(first, tmp_path / "further", further)
    assert list(result.numbers) == [ROUND, START, TRAINED]
    assert result.numbers[START].ndcg == pytest.approx(
        stored_result(tmp_path / "adapter").numbers[TRAINED].ndcg, abs=0.02
    )


# Rounds.

SERIES = replace(ADAPTER, epochs=2)


def test_rounds_mine_again_with_each_student_and_are_done_once(fresh, monkeypatch):
    said = []
    with monkeypatch.context() as patch:
        patch.setattr(ModelEncoder, "_encode", lambda *_: pytest.fail("a text was encoded"))
        series = rounds(fresh, 2, SERIES, keep_going=True, teacher=OverlapTeacher(), tell=said.append)
    assert [result.round for result in series.results] == [1, 2]
    assert series.ended == "All the rounds that were asked for are done."
    run = open_run(fresh)
    assert run.rounds == [1, 2]
    assert run.mining(2).encoder == series.students[0]
    assert run.round_facts(2)["teacher"]["cached"] > 0
    assert series.results[1].numbers[ROUND].ndcg == pytest.approx(series.results[0].after.ndcg, abs=0.01)
    facts = run.round_facts(2)["encoder"]
    assert facts["fingerprint"] == load_encoder(run.mining(2)).fingerprint
    assert facts["engine"].endswith("by the vectors of round 1")
    assert [line.partition(":")[0] for line in said] == ["round 1", "round 1", "round 2", "round 2", "round 2"]
    found = quality(run, run.log_to_read())
    assert [one.number for one in found.encoders] == [1, 2, None]
    assert [one.left_out for one in found.encoders] == [False, True, True]
    assert found.ended == [series.ended, series.advice()]
    assert [one.ndcg for one in found.encoders[:2]] == pytest.approx([reached(fresh, 1), reached(fresh, 2)], abs=1e-5)
    # Its number is of the answers known then: beside those of more answers it would look like a gain or a loss.
    path = workshop_of(Path(series.students[-1])).result
    content = path.read_bytes()
    path.write_text(json.dumps(json.loads(content) | {"questions": "other answers"}))
    later = quality(open_run(fresh), run.log_to_read())
    assert [one.number for one in later.encoders] == [1, 2]
    assert later.ended == [series.ended, series.advice(), round_quality.OTHER_ANSWERS]
    path.write_bytes(content)
    monkeypatch.setattr(Adapter, "train", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(pipeline, "mine", lambda *_, **__: pytest.fail("mined again"))
    assert rounds(fresh, 2, SERIES, keep_going=True) == series
    assert stored_series(run) == [series]
    monkeypatch.undo()
    run.save_policy(replace(run.policy, negatives_per_query=2))
    other = rounds(fresh, 2, replace(SERIES, epochs=1, learning_rate=1e-9), teacher=OverlapTeacher())
    assert (other.results[0].round, Path(other.students[0]).name) == (2, "2-adapter-2")
    assert stored_series(run) == [series, other]


def test_rounds_are_compared_over_the_same_documents_where_each_has_a_sample_of_its_own(monkeypatch):
    run = SimpleNamespace(dataset=SimpleNamespace(documents=range(9)), rounds=[1, 2])
    samples = {1: np.array([0, 2, 4]), 2: np.array([1, 2, 8])}
    monkeypatch.setattr(round_quality, "_room", lambda _run, _log, number, _: SimpleNamespace(searched=samples[number]))
    assert round_quality._searched(run, None, Training(corpus=3)).tolist() == [0, 1, 2, 4, 8]
    assert round_quality._searched(run, None, Training(corpus=9)).tolist() == list(range(9))


def test_a_series_that_was_stopped_ends_like_one_that_was_not(first, tmp_path, monkeypatch):
    whole, stopped = (Path(shutil.copytree(first, tmp_path / name / "run")) for name in ("whole", "stopped"))
    expected = rounds(whole, 2, SERIES, keep_going=True, teacher=OverlapTeacher())
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "mine", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rounds(stopped, 2, SERIES, keep_going=True, teacher=OverlapTeacher())
    found = rounds(stopped, 2, SERIES, keep_going=True, teacher=OverlapTeacher())
    assert [one.numbers for one in found.results] == [one.numbers for one in expected.results]
    assert weights(stopped / "students") == weights(whole / "students")


def test_rounds_end_where_nothing_is_gained(fresh):
    series = rounds(fresh, 3, replace(SERIES, learning_rate=1e-9), teacher=OverlapTeacher())
    assert [result.round for result in series.results] == [1]
    assert series.ended.startswith("Round 1 gained nothing that can be told from chance: +0.0000")
    assert series.advice() == "No student is shown to be better than the encoder of round 1."
    assert open_run(fresh).rounds == [1]


def test_a_gain_over_a_student_that_lost_is_no_gain(fresh):
    one = train(fresh, fresh.parent / "one", replace(SERIES, epochs=1))
    up, down = (replace(one, gain=Difference(gap, gap - 0.01, gap + 0.01)) for gap in (0.02, -0.02))
    advised = [
        ((up, down), "what it began with: a"),
        ((up, up), "what it began with, as each before it was: b"),
        ((down, up), "No student is shown to be better than the encoder of round 1."),
    ]
    for results, words in advised:
        assert Series("run", ["a", "b"], list(results), "").advice().endswith(words)


@pytest.mark.parametrize("count", [1, 6])
def test_two_to_five_rounds(first, count):
    with pytest.raises(RecipeError, match=f"--rounds: wanted 2 to 5; found {count}"):
        rounds(first, count)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"student": "static", "loss": "gist"}, "--loss gist: wanted --student encoder, .*found static"),
        ({"guide": "x"}, "--guide: wanted --loss gist or cached-gist, which reads it; found mnrl"),
        ({"student": "adapter", "start": "x"}, "--start x: wanted none, since an adapter begins with the vectors"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(RecipeError, match=message):
        Training(**settings)


def test_a_folder_with_something_else_and_other_settings_are_refused(fresh, tmp_path):
    (tmp_path / "mine.txt").write_text("somebody's")
    with pytest.raises(RunError, match=r"wanted a new folder, or one of an interrupted `nearmiss train`; found"):
        train(fresh, tmp_path, ADAPTER)
    out = tmp_path / "student"
    train(fresh, out, replace(ADAPTER, epochs=1))
    with pytest.raises(RunError, match=r"wanted the settings this student was begun with; found epochs 1 -> 2"):
        train(fresh, out, replace(ADAPTER, epochs=2))
    opened = open_run(fresh)
    opened.save_policy(replace(opened.policy, negatives_per_query=2))
    with pytest.raises(RunError, match="found other rows, after another policy or other reviews"):
        train(fresh, out, replace(ADAPTER, epochs=1))


def test_the_command_prints_a_table_and_json(fresh, tmp_path, capsys, monkeypatch):
    asked = ["train", str(fresh), str(tmp_path / "s"), "--student", "adapter", "--epochs", "1", "--resamples", "100"]
    for more in ([], ["--json"]):
        monkeypatch.setattr("sys.argv", ["nearmiss", *asked, *more])
        with pytest.raises(SystemExit) as done:
            cli.main()
        assert done.value.code == 0
        shown = capsys.readouterr()
        if not more:
            assert "the round's encoder" in shown.out
            assert f"nearmiss mine {fresh} --encoder {tmp_path / 's'}" in shown.out
    assert json.loads(shown.out)["held_out"]["queries"] == 12
    assert os.path.exists(tmp_path / "s" / "modules.json")
