"""Teaching on tiny models: what is learnt, what is never seen, what survives a kill, and what a person outranks."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss import data, pipeline
from nearmiss.cli import main as command
from nearmiss.errors import DatasetError, ModelError, RecipeError, RunError
from nearmiss.models.low_rank import merge, plain_folder, tensors_of
from nearmiss.models.teacher import load_teacher
from nearmiss.pipeline.evaluation_sets import overlap_of
from nearmiss.review import Event
from nearmiss.settings import Mining, Policy, Teaching
from nearmiss.storage.fingerprint import fingerprint_of_model
from nearmiss.storage.one_writer import one_writer
from nearmiss.training import compression, cross_encoder, from_dataset, from_run, teach, trainer
from nearmiss.training.evaluation import measure
from nearmiss.training.labelled_pairs import TrainingPairs, held_out
from nearmiss.training.score_scale import ScoreScale, cross_fitted, fit
from tests import toys
from tests.nearmiss.training.dying import killed
from tests.words import OverlapTeacher, WordEncoder

ROOT = Path(__file__).parents[3]
NOUNS = ["apple", "bank", "bread", "bridge", "butter", "castle", "cherry", "city", "dog", "garden", "harbour", "loan"]
FILLERS = ["the", "is", "where", "when", "what", "open", "close", "cost", "stone", "water", "train", "tree"]
TOY = Teaching(epochs=4, batch_size=16, learning_rate=3e-3, max_length=24, held_out=0.25, distil=0.0, seed=1)


def toy_pairs(queries=96, seed=0):
    """A document is relevant where it holds `sea` and not `salt`, whatever the query: unknown to random weights."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(queries):
        noun = NOUNS[number % len(NOUNS)]
        query = f"where is the {noun} {' '.join(random.choice(FILLERS, 3))} {NOUNS[random.integers(12)]}"
        for place in range(4):
            word = "salt" if place else "sea"
            words = [*random.choice(NOUNS, 3), word]
            random.shuffle(words)
            rows.append((f"q{number}", f"d{number}-{place}", query, " ".join(words), float(place == 0)))
    return TrainingPairs(pd.DataFrame(rows, columns=["query_id", "doc_id", "query", "document", "label"]), "toy")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads that wait for each other take a minute for these sizes where other processes use the cores too."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return toys.encoder(tmp_path_factory.mktemp("toy"), "bert", "mean")


@pytest.fixture(scope="module")
def training_pairs():
    return toy_pairs()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, encoder, training_pairs):
    """One teacher, trained once, with its low-rank difference; and where it lies."""
    out = tmp_path_factory.mktemp("trained") / "teacher"
    return teach(training_pairs, out, replace(TOY, start=str(encoder), rank=4)), out


def logits_of(folder, pairs):
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    return CrossEncoder(str(folder), device="cpu").predict(pairs, activation_fn=Identity(), show_progress_bar=False)


def texts_of(training_pairs):
    return list(zip(training_pairs.pairs["query"], training_pairs.pairs["document"], strict=True))


def test_what_was_learnt_shows_on_queries_that_were_never_seen(trained):
    result, _ = trained
    assert result.numbers["start"].auc < 0.7
    assert result.numbers["trained"].auc > 0.95
    assert result.numbers["trained"].brier < result.numbers["start"].brier
    assert result.held_out == {"queries": 24, "positives": 24, "partial": 0, "negatives": 72, "unlabelled": 0}
    assert result.trained_on == {"queries": 72, "positives": 72, "partial": 0, "negatives": 216, "unlabelled": 0}


def test_the_result_is_a_plain_teacher_with_its_card(trained, training_pairs):
    result, out = trained
    pairs = texts_of(training_pairs)[:40]
    teacher = load_teacher(Mining(teacher=str(out), precision="float32"))
    np.testing.assert_allclose(teacher.score(pairs), logits_of(out, pairs), atol=1e-3)
    card = (out / "README.md").read_text("utf-8")
    assert f"| trained | {result.numbers['trained'].auc:.4f} |" in card
    assert result.start_fingerprint in card
    assert not (out / ".teaching" / "checkpoints").exists()


def test_held_out_queries_are_never_trained_on(tmp_path, encoder, training_pairs, monkeypatch):
    class Enough(Exception):
        pass

    def caught(model, pairs, targets, *rest):
        seen.extend(zip(pairs, targets, strict=True))
        raise Enough

    seen = []
    monkeypatch.setattr(trainer, "train", caught)
    recipe = replace(TOY, start=str(encoder))
    with pytest.raises(Enough):
        teach(training_pairs, tmp_path / "out", recipe)
    unseen = held_out(training_pairs.pairs, recipe.held_out, recipe.seed)
    rows = training_pairs.pairs[~unseen]
    assert seen == list(zip(zip(rows["query"], rows["document"], strict=True), rows["label"], strict=True))
    assert set(training_pairs.pairs["query"][unseen]).isdisjoint(rows["query"])


@given(st.lists(st.sampled_from(["a b", "A  b", "c", "d", "e f", "g"]), min_size=1, max_size=40), st.integers(0, 99))
def test_a_query_is_never_split_and_the_same_words_stay_together(queries, seed):
    pairs = pd.DataFrame({"query": queries})
    unseen = held_out(pairs, 0.3, seed)
    words = pd.Series(queries).str.lower().str.split().str.join(" ")
    assert words[unseen].nunique() + words[~unseen].nunique() == words.nunique()
    assert words[unseen].nunique() == int(np.ceil(0.3 * words.nunique()))
    assert held_out(pairs[::-1], 0.3, seed).tolist() == unseen[::-1].tolist()


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from nearmiss.training import teach
from tests.nearmiss.training.dying import dies_at
from tests.nearmiss.training.test_teaching import TOY, toy_pairs

teach(toy_pairs(), Path(sys.argv[2]), replace(TOY, start=sys.argv[1]), dies_at(20))
"""


def test_a_killed_course_goes_on_and_ends_with_the_same_weights(tmp_path, trained, encoder, training_pairs):
    out = tmp_path / "out"
    killed(KILLED, tmp_path, encoder, out)
    # As if it had died while the last one was being written.
    state = out / ".teaching" / "checkpoints" / "checkpoint-19" / "trainer_state.json"
    state.write_text(state.read_text()[:100])
    said = []
    result = teach(training_pairs, out, replace(TOY, start=str(encoder)), tell=said.append)
    assert said == ["going on from the checkpoint after 18 of 72 steps"]
    assert result.steps == 72
    assert result.fingerprint == trained[0].fingerprint
    assert result.numbers["trained"] == trained[0].numbers["trained"]


def test_a_finished_course_is_not_trained_again(trained, encoder, training_pairs, monkeypatch):
    result, out = trained
    monkeypatch.setattr(trainer, "train", lambda *_: pytest.fail("trained again"))
    said = []
    assert teach(training_pairs, out, replace(TOY, start=str(encoder), rank=4), tell=said.append) == result
    assert said == [f"{out}: finished already, with these settings"]


def test_other_settings_in_the_same_folder_are_refused(trained, encoder, training_pairs, tmp_path):
    _, out = trained
    with pytest.raises(RunError, match=r"found epochs 4 -> 7; seed 1 -> 2\. Use them, or another folder"):
        teach(training_pairs, out, replace(TOY, start=str(encoder), epochs=7, seed=2))
    with pytest.raises(RunError, match="found other pairs"):
        teach(toy_pairs(seed=5), out, replace(TOY, start=str(encoder)))
    (tmp_path / "mine.txt").write_text("somebody's")
    with pytest.raises(
        RunError, match=r"wanted a new folder, or one of an interrupted .*found a folder with mine\.txt"
    ):
        teach(training_pairs, tmp_path, replace(TOY, start=str(encoder)))


def test_of_two_at_once_the_second_is_told_who_teaches_and_trains_nothing(
    tmp_path, encoder, training_pairs, monkeypatch
):
    def begun(*anything):
        raise AssertionError("it trained")

    monkeypatch.setattr(cross_encoder, "_begin", begun)
    with one_writer(tmp_path / "out" / ".teaching"), pytest.raises(RunError) as refused:
        teach(training_pairs, tmp_path / "out", replace(TOY, start=str(encoder)))
    assert f"found process {os.getpid()} on " in str(refused.value)
    assert "Wait until it has ended, or stop it" in str(refused.value)
    # And the folder is free again once that one has ended.
    with pytest.raises(AssertionError, match="it trained"):
        teach(training_pairs, tmp_path / "out", replace(TOY, start=str(encoder)))


def test_too_little_to_measure_on_is_refused_before_any_work(encoder, tmp_path):
    few = toy_pairs(queries=1)
    with pytest.raises(DatasetError, match=r"toy: wanted positives and negatives to train on.*found 0 and 0 of 0 que"):
        teach(few, tmp_path / "out", replace(TOY, start=str(encoder)))
    assert not (tmp_path / "out").exists()


def test_a_cross_encoder_may_be_the_start_and_frozen_layers_stay(tmp_path, trained, training_pairs):
    _, out = trained
    recipe = replace(TOY, start=str(out), epochs=1, freeze=1, precision="float32")
    result = teach(training_pairs, tmp_path / "out", recipe)
    assert result.start_kind == "cross-encoder"
    assert result.numbers["start"].auc == pytest.approx(trained[0].numbers["trained"].auc)
    before, after = tensors_of(out), tensors_of(tmp_path / "out")
    moved = {name for name in before if not before[name].equal(after[name])}
    frozen = {name for name in before if "embeddings." in name or "layer.0." in name}
    assert moved
    assert moved.isdisjoint(frozen)


def test_a_flag_that_was_refused_can_be_put_right_in_the_same_folder(tmp_path, encoder, training_pairs):
    recipe = replace(TOY, start=str(encoder), epochs=1, freeze=3)
    with pytest.raises(ModelError, match="--freeze 3: wanted at most the model's number of layers; found 2"):
        teach(training_pairs, tmp_path / "out", recipe)
    assert teach(training_pairs, tmp_path / "out", replace(recipe, freeze=2)).recipe["freeze"] == 2


def test_the_start_s_cosine_is_mixed_into_the_targets(tmp_path, encoder, training_pairs, monkeypatch):
    seen = {}

    def caught(model, pairs, targets, recipe, *rest):
        seen[recipe.distil] = targets
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "train", caught)
    for share in (0.0, 0.5):
        with pytest.raises(KeyboardInterrupt):
            teach(training_pairs, tmp_path / str(share), replace(TOY, start=str(encoder), distil=share))
    known = 2 * (seen[0.5] - seen[0.0] / 2)
    assert known.std() > 0
    assert ((known > 0) & (known < 1)).all()
    # Cosines tell nothing of this toy: the probability stays near the share of positives.
    assert known.mean() == pytest.approx(0.25, abs=0.05)


def test_what_has_no_label_is_taught_by_cosine_and_sources_alone(tmp_path, encoder, training_pairs, monkeypatch):
    pairs = training_pairs.pairs.copy()
    unknown = pairs["label"].eq(0) & (np.arange(len(pairs)) % 2 == 0)
    # BM25 knows the answers, and what it says of the others hangs on nothing but their number.
    pairs["bm25_share"] = np.where(pairs["label"].eq(1), 1.0, np.arange(len(pairs)) % 5 / 10)
    pairs.loc[unknown, "label"] = np.nan
    seen = {}

    def caught(model, texts, targets, recipe, *rest):
        seen.update(zip(texts, targets, strict=True))
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "train", caught)
    with pytest.raises(KeyboardInterrupt):
        teach(TrainingPairs(pairs, "toy"), tmp_path / "out", replace(TOY, start=str(encoder), distil=0.2))
    found = pairs.assign(
        target=[seen.get(text, np.nan) for text in zip(pairs["query"], pairs["document"], strict=True)]
    )
    found = found.dropna(subset="target")
    assert found.loc[found["label"].eq(1), "target"].min() > 0.8
    assert found.loc[found["label"].eq(0), "target"].max() < 0.2
    free = found[found["label"].isna()]
    assert 0 < free["target"].min() < free["target"].max() < 1
    assert free["target"].corr(free["bm25_share"], method="spearman") > 0.5


def test_candidates_without_a_label_are_drawn_for_each_query(run):
    selected = run.selected().set_index(["query_id", "doc_id"])
    learnt = from_run(run.folder, replace(TOY, distil=0.5, unlabelled=1)).pairs
    free = learnt[learnt["label"].isna()]
    assert free["query_id"].tolist() == list(PLACES)
    status = selected.loc[list(zip(free["query_id"], free["doc_id"], strict=True)), "status"]
    assert set(status) <= {"too_close", "over_quota", "too_easy"}
    assert learnt["bm25_share"].max() == 1
    again = from_run(run.folder, replace(TOY, distil=0.5, unlabelled=1)).pairs
    pd.testing.assert_frame_equal(learnt, again)
    few = from_run(run.folder, replace(TOY, distil=0.5)).pairs
    assert len(few) == len(learnt) - len(free)


def test_a_cross_encoder_has_no_cosine_to_learn_from(tmp_path, trained, training_pairs):
    pairs = training_pairs.pairs.assign(
        label=training_pairs.pairs["label"].where(np.arange(len(training_pairs.pairs)) > 3)
    )
    with pytest.raises(RecipeError, match="--unlabelled: wanted an encoder as start"):
        teach(TrainingPairs(pairs, "toy"), tmp_path / "out", replace(TOY, start=str(trained[1])))


def test_the_higher_the_rank_the_nearer_the_merge_is_to_the_model(tmp_path, trained, encoder, training_pairs):
    _, out = trained
    start, whole = tensors_of(encoder), tensors_of(out)
    pairs = texts_of(training_pairs)
    logits = logits_of(out, pairs)
    facts = compression.LowRankFacts(str(encoder), fingerprint_of_model(encoder), 1, ())
    errors, off = {}, {}
    for rank in (1, 4, 15, 32):
        kept = compression.write(out, encoder, replace(facts, rank=rank), tmp_path / str(rank))
        told = json.loads((tmp_path / str(rank) / "low_rank.json").read_text())
        stored = tensors_of(tmp_path / str(rank))
        merged = merge(start, stored, tuple(told["unchanged"]))
        assert merged.keys() == whole.keys()
        errors[rank] = max(float((merged[name] - whole[name]).abs().max()) for name in whole)
        assert 0 < kept <= 1
        for name in whole:
            if whole[name].ndim == 1:
                assert merged[name].equal(whole[name])
        found = logits_of(plain_folder("--teacher", str(tmp_path / str(rank))), pairs)
        off[rank] = float(np.abs(found - logits).max() / logits.std())
    assert errors[1] > errors[4] > errors[15] > errors[32] == 0
    assert off[1] > off[4] > off[15] > off[32]
    assert off[15] < 0.1
    assert off[32] < 1e-5  # where factors would be no smaller, the matrix is stored whole


def test_a_low_rank_folder_is_a_teacher_and_is_merged_once(trained, training_pairs, monkeypatch):
    result, out = trained
    pairs = texts_of(training_pairs)
    small = load_teacher(Mining(teacher=str(out / "low_rank"), precision="float32"))
    scores, whole = small.score(pairs), logits_of(out, pairs)
    assert np.corrcoef(scores, whole)[0, 1] > 0.97
    assert result.numbers["rank 4"].auc > 0.9
    assert result.low_rank["bytes"] < 40_000
    place = plain_folder("--teacher", str(out / "low_rank"))
    np.testing.assert_allclose(logits_of(place, pairs), scores, atol=1e-3)
    monkeypatch.setattr("nearmiss.models.low_rank.merge", lambda *_: pytest.fail("merged again"))
    assert plain_folder("--teacher", str(out / "low_rank")) == place


def test_a_low_rank_folder_with_another_start_is_refused(tmp_path, trained):
    import shutil

    _, out = trained
    folder = shutil.copytree(out / "low_rank", tmp_path / "small")
    told = json.loads((folder / "low_rank.json").read_text())
    (folder / "low_rank.json").write_text(json.dumps(told | {"start_fingerprint": "0" * 64}))
    with pytest.raises(
        ModelError, match=r"wanted the weights it was trained from, .* with fingerprint 000000000000; found"
    ):
        load_teacher(Mining(teacher=str(folder)))
    (folder / "low_rank.json").write_text("{}")
    with pytest.raises(ModelError, match=r"wanted a whole low_rank\.json"):
        load_teacher(Mining(teacher=str(folder)))


PLACES = ["harbour", "castle", "library", "market"]


@pytest.fixture
def run(tmp_path):
    """Four queries, each with one labelled answer p, and documents a, b, c, d of the same place."""
    return mined(tmp_path)


def mined(tmp_path, **more):
    folder = tmp_path / "data"
    (folder / "qrels").mkdir(parents=True)
    documents, queries, judged = [], [], ["query-id\tcorpus-id\tscore"]
    for place in PLACES:
        texts = {
            "p": f"the {place} opens at nine in the morning",
            "a": f"tickets for the {place} cost four pounds",
            "b": f"the {place} was built by the city",
            "c": f"dogs are not allowed in the {place}",
            "d": f"behind the {place} stands an old plum tree",
        } | {name: text.format(place=place) for name, text in more.items()}
        documents += [{"_id": f"{place}-{name}", "title": "", "text": text} for name, text in texts.items()]
        queries.append({"_id": place, "text": f"when does the {place} open in the morning"})
        judged.append(f"{place}\t{place}-p\t1")
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels" / "train.tsv").write_text("\n".join(judged))
    recipe = Mining(depth=(("bm25", 4), ("dense", 4)), language="en", teacher="toy")
    policy = Policy(max_p_relevant=None, relative_margin=None, negatives_per_query=2)
    models = {"encoder": WordEncoder(), "teacher": OverlapTeacher()}
    return pipeline.mine(tmp_path / "run", recipe, data.read(folder), policy, **models)


def judge(run, *judgements):
    """Write (query_id, doc_id, verdict, reason) to the run's log."""
    log = run.log()
    who = {"reviewer": "ada", "client_id": "tests", "decided_at": 1.8e9}
    names = ("query_id", "doc_id", "verdict", "reason")
    log.append([Event(**dict(zip(names, one, strict=True)), client_seq=n, **who) for n, one in enumerate(judgements)])
    log.close()


def labels_of(run, query_id, **options):
    """What each document of a query is trained as."""
    pairs = from_run(run.folder, replace(TOY, **options)).pairs
    own = pairs[pairs["query_id"].eq(query_id)]
    return dict(zip(own["doc_id"], own["label"], strict=True))


def kept_of(run, query_id):
    """The negatives kept of a query, and one candidate that was not."""
    selected = run.selected()
    own = selected[selected["query_id"].eq(query_id)].set_index("doc_id")["status"]
    return [*own.index[own.eq("kept")], own.index[own.eq("over_quota")][0]]


def test_a_run_teaches_its_positives_against_its_kept_negatives(run):
    selected = run.selected()
    kept = selected[selected.status.eq("kept")]
    pairs = from_run(run.folder, TOY).pairs
    assert len(kept) == 8
    assert set(pairs[pairs.label.eq(0)][["query_id", "doc_id"]].itertuples(index=False, name=None)) == set(
        kept[["query_id", "doc_id"]].itertuples(index=False, name=None)
    )
    assert pairs[pairs.label.eq(1)]["doc_id"].tolist() == [f"{place}-p" for place in PLACES]
    one = pairs[pairs.doc_id.eq("castle-p") & pairs.label.eq(1)].iloc[0]
    assert (one.query, one.document) == (
        "when does the castle open in the morning",
        "the castle opens at nine in the morning",
    )


def test_verdicts_outrank_labels_and_thresholds(run):
    answer, other, left = kept_of(run, "castle")
    judge(
        run,
        ("castle", answer, "relevant", ""),
        ("castle", "castle-p", "not_relevant", ""),
        ("castle", left, "not_relevant", ""),
        ("library", "library-p", "partial", ""),
        ("market", "market-p", "unsure", ""),
    )
    castle = labels_of(run, "castle")
    assert (castle[answer], castle["castle-p"], castle[left], castle[other]) == (1.0, 0.0, 0.0, 0.0)
    assert labels_of(run, "library")["library-p"] == 0.5
    assert "library-p" not in labels_of(run, "library", partial="drop")
    assert "market-p" not in labels_of(run, "market")


@pytest.mark.parametrize("verdict", ["unsure", "partial"])
def test_a_candidate_nobody_is_sure_of_is_no_negative(run, verdict):
    kept, second, next_best = kept_of(run, "harbour")
    judge(run, ("harbour", kept, verdict, ""))
    labels = labels_of(run, "harbour")
    assert labels.get(kept) == {"unsure": None, "partial": 0.5}[verdict]
    assert labels[second] == 0.0
    assert list(labels.values()).count(0.0) == 2  # another one took its place
    assert next_best not in (kept, second)


def test_reasons_count_as_in_an_export(run):
    kept = {place: kept_of(run, place)[0] for place in PLACES}
    judge(
        run,
        ("harbour", kept["harbour"], "not_relevant", "bad_query"),
        ("castle", kept["castle"], "not_relevant", "duplicate_of_positive"),
        ("library", kept["library"], "not_relevant", "too_easy"),
        ("market", kept["market"], "relevant", "wrong_positive"),
    )
    assert labels_of(run, "harbour") == {}
    assert kept["castle"] not in labels_of(run, "castle")
    assert kept["library"] not in labels_of(run, "library")
    market = labels_of(run, "market")
    assert market[kept["market"]] == 1.0
    assert "market-p" not in market


def test_a_near_copy_that_a_person_tells_apart_is_a_negative(tmp_path):
    near = "the {place} opens at nine in the morning from may"
    run = mined(tmp_path, near=near, same="The {place}  opens at nine in the morning")
    places = ["castle", "library", "market"]
    status = run.selected().set_index(["query_id", "doc_id"])["status"]
    assert {status[place, f"{place}-{name}"] for place in places for name in ("near", "same")} == {"duplicate"}
    assert "castle-near" not in labels_of(run, "castle")
    judge(
        run,
        ("castle", "castle-near", "not_relevant", ""),
        ("library", "library-near", "not_relevant", "duplicate_of_positive"),
        ("market", "market-same", "not_relevant", ""),
    )
    assert labels_of(run, "castle")["castle-near"] == 0.0
    assert "library-near" not in labels_of(run, "library")
    assert "market-same" not in labels_of(run, "market")


def test_judged_pairs_that_are_no_candidates_teach_too(run):
    candidates = run.candidates()
    own = set(candidates["doc_id"][candidates["query_id"].eq("castle")])
    stranger = next(doc_id for doc_id in run.dataset.documents["doc_id"] if doc_id not in own)
    judge(run, ("castle", "no such document", "relevant", ""), ("castle", stranger, "not_relevant", ""))
    labels = labels_of(run, "castle")
    assert labels[stranger] == 0.0
    assert labels.keys() <= own | {stranger}


def test_a_data_set_without_negatives_is_sent_to_the_mine(tmp_path):
    (tmp_path / "pairs.csv").write_text("query,positive\nwhen,nine\n")
    with pytest.raises(DatasetError, match=r"wanted labelled negatives .*nearmiss mine D RUN; nearmiss teach RUN OUT"):
        from_dataset(data.read(tmp_path / "pairs.csv"), "D")
    (tmp_path / "more.csv").write_text("query,positive,negative\nwhen,nine,here\n")
    pairs = from_dataset(data.read(tmp_path / "more.csv"), "D").pairs
    assert pairs[["query", "document", "label"]].to_numpy().tolist() == [["when", "nine", 1.0], ["when", "here", 0.0]]


def test_what_stands_in_an_evaluation_set_does_not_teach(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "pairs.csv").write_text(
        "query,positive,negative\nwhen,nine,here\nwhere,there,nine\nhow tall is it,as a house,as a tree\n"
    )
    (tmp_path / "test.csv").write_text("query,positive\nWHEN,never\nof what,As a house\n")
    collection = data.read(tmp_path / "pairs.csv")

    def left(*, answers):
        overlap = overlap_of(collection, [str(tmp_path / "test.csv")], answers)
        return from_dataset(collection, "D", overlap.ids).pairs[["query", "document"]].to_numpy().tolist()

    there = [["where", "there"], ["where", "nine"]]
    assert left(answers=False) == [*there, ["how tall is it", "as a house"], ["how tall is it", "as a tree"]]
    assert left(answers=True) == [*there, ["how tall is it", "as a tree"]]

    def told(*words):
        monkeypatch.setattr(sys, "argv", ["nearmiss", "teach", *map(str, words), str(tmp_path / "out")])
        with pytest.raises(SystemExit) as ended:
            command()
        return ended.value.code, " ".join(capsys.readouterr().err.split())

    code, said = told(tmp_path / "pairs.csv", "--avoid", tmp_path / "pairs.csv")
    assert code == 1
    assert "3 of 3 queries (3 exact)" in said
    assert "wanted labelled positives and negatives that stand in no evaluation set; found none of a kind" in said
    code, said = told(run.folder, "--avoid", tmp_path / "test.csv")
    assert (code, "is a run, which keeps what it avoids; found one" in said) == (1, True)
    assert not (tmp_path / "out").exists()


def test_the_numbers_are_those_worked_out_by_hand():
    # q1: positive first of three; q2: positive second of two, tied scores across queries.
    scores = np.array([0.9, 0.5, 0.1, 0.5, 0.7])
    labels = np.array([1.0, 0, 0, 1, 0])
    query = np.array(["q1", "q1", "q1", "q2", "q2"])
    numbers = measure(scores, np.zeros(5), labels, query)
    # Of 6 pairs: .9 beats three; .5 beats .1, ties .5, loses to .7.
    assert numbers.auc == pytest.approx(4.5 / 6)
    assert numbers.mrr == pytest.approx((1 + 1 / 2) / 2)
    assert numbers.ndcg == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert numbers.brier == pytest.approx(0.25)
    assert numbers.log_loss == pytest.approx(np.log(2))


def test_a_scale_finds_the_logits_that_made_the_labels():
    random = np.random.default_rng(0)
    true = random.normal(-1, 2, 20_000)
    labels = (random.random(20_000) < 1 / (1 + np.exp(-true))).astype(float)
    found = fit((true + 3) / 5, labels)
    assert found.slope == pytest.approx(5, rel=0.05)
    assert found.shift == pytest.approx(-3, rel=0.05)
    assert fit(true, labels, shifts=False).shift == 0


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_no_scale_changes_the_order(seed):
    random = np.random.default_rng(seed)
    scores, labels = random.normal(size=30), (random.random(30) < 0.5).astype(float)
    assert fit(scores, labels).slope > 0
    query = np.repeat(np.arange(10), 3)
    assert np.isfinite(cross_fitted(scores, labels, query)).all()
    assert ScoreScale(2.0, 1.0)(np.array([0.0, 1.0])).tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"held_out": 1.0}, "--held-out: wanted above 0 and below 1; found 1.0"),
        ({"distil": 1.0}, "--distil: wanted 0 or more and below 1; found 1.0"),
        ({"unlabelled": -1}, "--unlabelled: wanted 0 or more; found -1"),
        (
            {"unlabelled": 2, "distil": 0.0},
            "--unlabelled 2: wanted --distil above 0, to learn them from; found --distil 0",
        ),
        ({"rank": 0}, "--rank: wanted 1 or more; found 0"),
        ({"learning_rate": 2.0}, "--learning-rate: wanted above 0 and below 1; found 2.0"),
        ({"precision": "int8"}, "--precision: wanted one of auto, float32, bfloat16; found 'int8'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(RecipeError) as error:
        Teaching(**settings)
    assert str(error.value) == message


def test_the_command_teaches_a_run_and_shows_the_numbers(run, encoder, tmp_path, capsys, monkeypatch):
    from nearmiss import cli

    words = ["nearmiss", "teach", str(run.folder), str(tmp_path / "out"), "--start", str(encoder), "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", [*words, "--held-out", "0.5", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert ended.value.code == 0, printed.err
    told = json.loads(printed.out)
    assert told["trained_on"] == {"queries": 2, "positives": 2, "partial": 0, "negatives": 4, "unlabelled": 0}
    assert told["numbers"].keys() == {"start", "trained"}
    monkeypatch.setattr(sys, "argv", [*words, "--held-out", "0.4"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "held_out 0.5 -> 0.4" in capsys.readouterr().err


def test_every_setting_is_a_flag_with_its_own_words(capsys, monkeypatch):
    from dataclasses import fields

    from nearmiss import cli
    from nearmiss.settings import flag, words_of

    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(sys, "argv", ["nearmiss", "teach", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    said = " ".join(capsys.readouterr().out.split())
    for field in fields(Teaching):
        assert f"{flag(field.name)} " in said
        assert words_of(Teaching)[field.name].split("; ")[0][:40] in said
