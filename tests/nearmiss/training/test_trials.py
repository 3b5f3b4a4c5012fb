"""Trials: what students are trained on, how they are tested, and when one policy is called better than another."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearmiss import cli
from nearmiss.data import Dataset
from nearmiss.errors import RecipeError, RunError
from nearmiss.export import Export, examples
from nearmiss.export.judgements import judge, read
from nearmiss.export.plan import plan
from nearmiss.pipeline import silent
from nearmiss.pipeline.own_process import JobProgress
from nearmiss.review import Event
from nearmiss.run import open_run
from nearmiss.session.tuning import saved
from nearmiss.settings import Mining, Policy, Trial
from nearmiss.training import trials
from nearmiss.training.trials import job, policies, trial_files
from nearmiss.training.trials.batches import Order
from nearmiss.training.trials.certainty import difference
from nearmiss.training.trials.classroom import open_classroom
from nearmiss.training.trials.exported_pairs import ExportedPairs, pairs_of_policy
from nearmiss.training.trials.losses import loss_of, on_scale_of
from nearmiss.training.trials.measures import measure
from nearmiss.training.trials.questions import Questions
from nearmiss.training.trials.students.adapter import Adapter, Space
from nearmiss.training.trials.students.encoder_student import EncoderStudent
from nearmiss.training.trials.students.static import Static
from nearmiss.training.trials.students.trial_texts import TrialTexts
from nearmiss.workspace import open_to_read, open_workspace
from tests import toys
from tests.words import margins

QUICK = Trial(seeds=2, epochs=2, resamples=200)


def made_pairs(rows):
    """Exported pairs of (query, document, is_positive) rows, grouped by query."""
    query, document, positive = (np.array(column) for column in zip(*rows, strict=True))
    return ExportedPairs(query, document, positive.astype(bool), np.linspace(1, 0, len(rows), dtype=np.float32))


def questions(known, count):
    """Questions of (query, document, grade) rows."""
    query, document, grade = (np.array(column) for column in zip(*known, strict=True))
    return Questions([f"q{n}" for n in range(count)], np.arange(count), query, document, grade.astype(np.float32))


def ranked(*orders):
    """Vectors of questions and documents in which each question ranks the documents in its order."""
    documents = np.eye(len(orders[0]), dtype=np.float32)
    asked = np.array([[1.0 / (1 + order.index(document)) for document in range(len(order))] for order in orders])
    return (asked / np.linalg.norm(asked, axis=1, keepdims=True)).astype(np.float32), documents


# What a student is trained on.


def test_lessons_are_what_an_export_holds(run):
    work = open_workspace(run)
    judged = [("relevant", work.pair_at(9)), ("not_relevant", work.pair_at(40)), ("partial", work.pair_at(90))]
    work.append(
        [
            Event(
                query_id=query,
                doc_id=doc,
                verdict=verdict,
                reviewer="ann",
                decided_at=0.0,
                client_id="t",
                client_seq=number,
            )
            for number, (verdict, (query, doc)) in enumerate(judged)
        ]
    )
    data, policy, export = work.run.dataset, margins(), Export()
    selected, reviews = judge(work.table, read(work.standing), policy, export, work.same_document)
    planned = plan(data, selected, export, reviews.withheld)
    expected = {
        (example.query_id, passage.doc_id, label)
        for example in examples(data, planned.selected)
        for passage, label in zip(example.passages, example.labels, strict=True)
    }
    everything = np.ones(len(data.queries), bool)
    exported = pairs_of_policy(data, work.table, read(work.standing), policy, everything, work.same_document)
    query, document = data.queries.query_id.to_numpy(object), data.documents.doc_id.to_numpy(object)
    found = zip(query[exported.query], document[exported.document], exported.is_positive.astype(int), strict=True)
    assert planned.promoted == 1
    assert set(found) == expected


def test_without_a_policy_every_query_has_its_positives_alone(run):
    work = open_to_read(run)
    data = work.run.dataset
    half = np.arange(len(data.queries)) % 2 == 0
    exported = pairs_of_policy(data, work.table, read(work.standing), None, half)
    assert exported.is_positive.all()
    assert exported.queries.tolist() == np.flatnonzero(half).tolist()


def test_a_policy_that_exports_nothing_is_named_and_the_others_are_tried(run):
    opened = open_run(run)
    opened.save_policy(Policy(max_p_relevant=None, relative_margin=None, max_score=-1000.0))
    outcome = trials.trial(run, QUICK)
    assert [one.tried.name for one in outcome.reached] == ["in-batch only", "no filter", "95% rule"]
    best, unsure, last = outcome.sentences()
    assert best.startswith(f"Best here: {outcome.best.tried.name}, nDCG@10 ")
    lead = [
        (one.tried.name, outcome.difference(outcome.best, one)) for one in outcome.reached if one is not outcome.best
    ]
    named = ", ".join(f"{name} (lower by {gap.mean:.4f})" for name, gap in lead)
    assert unsure.startswith(f"{outcome.questions} unseen queries cannot tell it from {named}")
    assert last == "in force exports nothing of the training queries, and was not tried."


def test_a_batch_masks_empty_places_and_other_answers():
    exported = made_pairs([(0, 5, 1), (0, 6, 1), (0, 7, 0), (1, 6, 1), (1, 5, 0), (1, 8, 0)])
    [batch] = Order(exported, batch_size=2).batches(1, seed=0)
    columns = batch.document.tolist()
    at = {query: place for place, query in enumerate(batch.query.tolist())}
    for query, answers in ((0, {5, 6}), (1, {6})):
        place = at[query]
        own = columns[place]
        assert own in answers
        assert not batch.masked[place, place]
        for column, document in enumerate(columns):
            if column != place and document in answers:
                assert batch.masked[place, column]
    # Query 0 has one negative where query 1 has two: its second place is empty, for everybody.
    empty = 2 + at[0] * 2 + 1
    assert batch.masked[:, empty].all()
    assert np.isnan(batch.score[at[0], 2])


@given(seed=st.integers(0, 50), size=st.integers(2, 9))
def test_every_query_comes_once_an_epoch(seed, size):
    exported = made_pairs([row for query in range(11) for row in ((query, query, 1), (query, 20 + query, 0))])
    order = Order(exported, batch_size=size)
    seen = [query for batch in order.batches(2, seed) for query in batch.query.tolist()]
    assert sorted(seen[:11]) == sorted(seen[11:]) == list(range(11))
    assert len(list(order.batches(2, seed))) == order.steps(2)


def test_fewer_negatives_are_the_first_slots():
    exported = made_pairs([(0, 1, 1), (0, 7, 0), (0, 3, 0), (0, 9, 0), (1, 2, 1), (1, 4, 0), (1, 5, 0), (1, 6, 0)])
    [batch] = Order(exported, batch_size=2, negatives=2).batches(1, seed=0)
    assert sorted(batch.document[2:].tolist()) == [3, 4, 5, 7]


# How it is tested.


def test_measures_worked_out_by_hand():
    asked, documents = ranked([3, 1, 0, 2], [0, 1, 2, 3])
    known = questions([(0, 0, 1), (0, 1, 2), (1, 3, 1), (1, 1, 0)], 2)
    found = measure(known, asked, iter([(np.arange(4), documents)]))
    discount = 1 / np.log2(np.arange(2, 6))
    ideal = 2 * discount[0] + discount[1]
    np.testing.assert_allclose(found["ndcg"], [(2 * discount[1] + discount[2]) / ideal, discount[3]])
    np.testing.assert_allclose(found["mrr"], [1 / 2, 1 / 4])
    np.testing.assert_allclose(found["recall"], [1, 1])
    # Only of the second question is a document known to be wrong; it stands before the answer.
    np.testing.assert_allclose(found["judged_ndcg"], [np.nan, discount[1]])


def test_a_document_that_is_partly_relevant_is_left_out_of_the_lists():
    asked, documents = ranked([3, 1, 0, 2])
    plain = measure(questions([(0, 1, 1)], 1), asked, iter([(np.arange(4), documents)]))
    unclear = measure(questions([(0, 1, 1), (0, 3, np.nan)], 1), asked, iter([(np.arange(4), documents)]))
    assert (plain["mrr"][0], unclear["mrr"][0]) == (1 / 2, 1)


def test_blocks_of_documents_change_no_measure():
    random = np.random.default_rng(0)
    documents = random.normal(size=(300, 8)).astype(np.float32)
    documents /= np.linalg.norm(documents, axis=1, keepdims=True)
    asked = documents[:20] + random.normal(size=(20, 8)).astype(np.float32) * 0.3
    known = questions([(query, query, 1) for query in range(20)], 20)
    whole = measure(known, asked, iter([(np.arange(300), documents)]))
    cut = measure(known, asked, ((np.arange(n, n + 50), documents[n : n + 50]) for n in range(0, 300, 50)))
    for name, values in whole.items():
        np.testing.assert_array_equal(values, cut[name])


def test_a_query_and_its_twin_are_on_one_side_only(run):
    room = open_classroom(open_to_read(run), replace(QUICK, held_out=0.3), silent)
    data = room.work.run.dataset
    twin = replace_text(data, int(room.questions.rows[0]), int(np.flatnonzero(room.trainable)[0]))
    vars(room.work.run)["dataset"] = twin
    again = open_classroom(room.work, replace(QUICK, held_out=0.3), silent)
    words = twin.queries["text"].str.casefold().str.split().str.join(" ").to_numpy(object)
    assert not set(words[again.questions.rows]) & set(words[again.trainable])


def replace_text(data: Dataset, source: int, target: int) -> Dataset:
    queries = data.queries.copy()
    queries.loc[target, "text"] = "  " + queries.loc[source, "text"].upper()
    return replace(data, queries=queries)


def test_a_verdict_outranks_a_label_in_what_is_asked(run):
    work = open_workspace(run)
    room = open_classroom(work, QUICK, silent)
    data = work.run.dataset
    query_id = data.queries.query_id.iloc[int(room.questions.rows[0])]
    answer = room.questions.document[room.questions.query == 0][0]
    other = next(doc for doc in work.doc_ids_of(query_id) if doc != data.documents.doc_id.iloc[answer])
    verdicts = {(query_id, other): "relevant", (query_id, data.documents.doc_id.iloc[answer]): "not_relevant"}
    from nearmiss.training.trials.questions import from_run

    mined = np.ones(len(data.queries), bool)
    asked, _ = from_run(data, verdicts, QUICK, mined)
    own = {data.documents.doc_id.iloc[d]: g for q, d, g in zip(asked.query, asked.document, asked.grade) if q == 0}  # noqa: B905
    assert own == {other: 1.0, data.documents.doc_id.iloc[answer]: 0.0}


def test_too_few_queries_to_test_on_are_refused(run):
    with pytest.raises(
        RunError, match=r"held-out queries: wanted 10 or more to test on, with --held-out 0\.01; found 1"
    ):
        trials.trial(run, replace(QUICK, held_out=0.01))


# How sure it is.


def test_better_is_said_only_where_the_interval_says_so():
    random = np.random.default_rng(1)
    base = random.random((5, 300))
    noise = random.normal(0, 0.1, (5, 300))
    assert difference(base + 0.05 + noise, base, 0.95, 1000, 0).verdict == "better"
    assert difference(base - 0.05 + noise, base, 0.95, 1000, 0).verdict == "worse"
    unclear = difference(base + 0.001 + noise - noise.mean(), base, 0.95, 1000, 0)
    assert unclear.verdict == ""
    assert unclear.queries > 300


def test_what_is_alike_is_not_told_apart_by_any_number_of_queries():
    same = np.random.default_rng(0).random((3, 40))
    found = difference(same, same, 0.95, 200, 0)
    assert (found.mean, found.low, found.high, found.queries) == (0, 0, 0, None)


def test_four_times_the_queries_halve_the_interval():
    random = np.random.default_rng(2)
    gaps = random.normal(0.01, 0.3, (1, 4000))
    few, many = (difference(gaps[:, :n], np.zeros((1, n)), 0.95, 2000, 0) for n in (1000, 4000))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(2, rel=0.12)


# The students.


def turned_space(trainable=60, asked=40):
    """Documents, and queries that are their documents turned by one fixed rotation: an adapter can undo it."""
    random = np.random.default_rng(0)
    documents = random.normal(size=(trainable + asked, 16)).astype(np.float32)
    documents /= np.linalg.norm(documents, axis=1, keepdims=True)
    rotation = np.linalg.qr(random.normal(size=(16, 16)))[0].astype(np.float32)
    queries = documents @ rotation
    space = Space(
        queries.__getitem__, documents.__getitem__, queries[trainable:], np.arange(trainable + asked), "turned"
    )
    known = questions([(place, trainable + place, 1) for place in range(asked)], asked)
    near = {n: np.argsort(-documents[:trainable] @ documents[n])[1:5].tolist() for n in range(trainable)}
    exported = made_pairs([row for n in near for row in ((n, n, 1), *((n, other, 0) for other in near[n]))])
    teacher = np.vecdot(documents[exported.query], documents[exported.document])
    return space, known, replace(exported, score=teacher)


def reached(known, student):
    return measure(known, student.questions(), student.documents())["ndcg"].mean()


@pytest.mark.parametrize("loss", ["mnrl", "kl", "margin-mse"])
def test_an_adapter_learns_what_turns_queries_into_answers(loss):
    space, known, exported = turned_space()
    adapter = Adapter(space, Trial(loss=loss, epochs=60, learning_rate=0.01, batch_size=20))
    before, after = reached(known, adapter.untrained()), reached(known, adapter.train(exported, 0))
    assert before < 0.3
    assert after > before + 0.3


def test_the_same_seed_trains_the_same_student_and_another_does_not():
    space, _, exported = turned_space()
    adapter = Adapter(space, Trial(epochs=3))
    first, again, other = (adapter.train(exported, seed).of_queries for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_vectors_read_batch_by_batch_train_the_same_student(monkeypatch):
    space, _, exported = turned_space()
    held = Adapter(space, Trial(epochs=2)).train(exported, 0).of_queries
    monkeypatch.setattr("nearmiss.training.trials.students.adapter.MOST_IN_MEMORY", 0)
    # Those that are held are in half precision, as on disk.
    np.testing.assert_allclose(Adapter(space, Trial(epochs=2)).train(exported, 0).of_queries, held, atol=2e-3)


def test_a_loss_of_two_queries_worked_out_by_hand():
    import torch

    cosines = torch.tensor([[0.9, 0.1, 0.5, 0.2], [0.3, 0.8, 0.4, 0.6]])
    masked = torch.zeros(2, 4, dtype=torch.bool)
    masked[1, 2] = True
    teacher = torch.tensor([[0.7, 0.4], [0.9, float("nan")]])
    expected = -np.log(np.exp(9) / np.exp([9, 1, 5, 2]).sum()) - np.log(np.exp(8) / np.exp([3, 8, 6]).sum())
    assert float(loss_of("mnrl", cosines, masked, teacher, 0.1)) == pytest.approx(expected / 2, rel=1e-5)
    # Only the first query has a negative of its own: margin .4 of the student, .3 of the teacher.
    assert float(loss_of("margin-mse", cosines, masked, teacher, 0.1)) == pytest.approx((0.1 / 0.1) ** 2, rel=1e-4)
    student, target = (np.exp(row) / np.exp(row).sum() for row in (np.array([9, 5]), np.array([7, 4])))
    assert float(loss_of("kl", cosines, masked, teacher, 0.1)) == pytest.approx(-(target @ np.log(student)) / 2)


def test_a_teachers_scores_are_put_on_the_scale_of_cosines():
    scores = np.array([1.0, 3.0, 5.0], np.float32)
    assert on_scale_of(scores * 0.1 + 0.2, scores) == pytest.approx((0.1, 0.2), abs=1e-6)
    assert on_scale_of(np.array([0.2, 0.4], np.float32), np.ones(2, np.float32)) == pytest.approx((1.0, -0.7))


WORDS = ["apple", "bank", "bread", "bridge", "butter", "castle", "cherry", "city", "dog", "garden", "harbour", "heat"]


@pytest.fixture(scope="module")
def little(tmp_path_factory):
    """A tiny encoder, and texts where a query of one word asks for the document of another."""
    folder = toys.encoder(tmp_path_factory.mktemp("toy"), "bert", "mean")
    queries = [f"what {word}" for word in WORDS]
    documents = [f"the {word} of {WORDS[(n + 5) % len(WORDS)]}" for n, word in enumerate(WORDS)]
    return TrialTexts(queries, documents, queries, np.arange(len(documents)), Mining(encoder=str(folder)))


@pytest.mark.parametrize(("student", "rate", "epochs"), [(Static, 0.05, 60), (EncoderStudent, 0.005, 30)])
def test_students_that_read_texts_learn_their_lessons(little, student, rate, epochs):
    exported = made_pairs([row for n in range(len(WORDS)) for row in ((n, n, 1), (n, (n + 3) % len(WORDS), 0))])
    known = questions([(n, n, 1) for n in range(len(WORDS))], len(WORDS))
    pupil = student(little, Trial(epochs=epochs, learning_rate=rate, batch_size=8, max_length=16))
    before, after = reached(known, pupil.untrained()), reached(known, pupil.train(exported, 0))
    assert after > before + 0.05


# The whole of it.


def test_a_trial_finds_again_what_was_trained_and_tells_each_policy(run, monkeypatch):
    heard = []
    first = trials.trial(run, QUICK, tell=lambda one: heard.append(one.tried.name))
    assert heard == ["in-batch only", "no filter", "95% rule", "in force"]
    monkeypatch.setattr(Adapter, "train", lambda self, exported, seed: pytest.fail("trained again"))
    second = trials.trial(run, QUICK)
    assert second.as_json() == first.as_json()
    assert json.loads((run / "trials" / "latest.json").read_text()) == json.loads(json.dumps(first.as_json()))


def test_what_is_trained_so_far_can_be_read_until_the_outcome_is_written(run):
    seen = []
    outcome = trials.trial(run, QUICK, tell=lambda one: seen.append((one.tried.name, trial_files.so_far(run))))
    names = [name for name, _ in seen]
    for place, (_, content) in enumerate(seen):
        points = trial_files.points(content)
        assert [point.name for point in points] == names[: place + 1]
        assert content["waiting"] == names[place + 1 :]
        assert (points[-1].low, points[-1].high) == outcome.interval(outcome.reached[place])
    assert trial_files.so_far(run) is None
    assert trial_files.latest(run) == json.loads(json.dumps(outcome.as_json()))


def test_the_points_along_a_setting_are_those_that_differ_in_it_alone():
    policy = Policy(relative_margin=None)
    asked = policies.around(policy, policy, "max_p_relevant", (0.2, None, 0.3))
    assert [one.name for one in asked][1:] == [
        "no filter = max_p_relevant off",
        "95% rule",
        "in force",
        "max_p_relevant 0.2",
        "max_p_relevant 0.3",
    ]
    found = [trial_files.TrialPoint(one.name, one.policy, 0.5, 0.4, 0.6) for one in asked]
    values = [value for value, _ in trial_files.along(found, policy, "max_p_relevant")]
    assert values == [0.1, 0.2, 0.3]
    assert trial_files.along(found, replace(policy, skip_top=3), "max_p_relevant") == []


def test_an_export_says_what_was_trained_on_its_very_rows(run, tmp_path):
    import nearmiss as nm

    def trial_of(format_, name, **choices):
        nm.open_run(run).export(tmp_path / name, format_, **choices)
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        return manifest["provenance"]["trial"], (tmp_path / name / "card.md").read_text()

    nothing, card = trial_of("labeled-list", "before")
    assert nothing is None
    assert "No students were trained on these rows" in card
    outcome = trials.trial(run, QUICK)
    found, card = trial_of("labeled-list", "after")
    own = outcome.named("in force")
    assert found["ndcg"] == own.mean("ndcg")
    assert f"**{own.mean('ndcg'):.4f}**" in card
    other = open_run(run)
    other.save_policy(replace(other.policy, negatives_per_query=2))
    assert trial_of("labeled-list", "another")[0] is None


def test_a_process_of_its_own_trains_what_was_ordered_and_goes_on_after_a_stop(run):
    opened = open_run(run)
    asked = policies.tried(opened)[:2]
    job.start(opened, asked, QUICK, 1)
    job.stop(run)
    assert job.progress(run) is None
    assert job.ordered(run) == (asked, QUICK, 1)
    job.again(run)
    deadline = time.monotonic() + 300
    while isinstance(job.progress(run), JobProgress):
        assert time.monotonic() < deadline, job.progress(run)
        time.sleep(0.1)
    assert job.progress(run) is None
    assert [one["name"] for one in trial_files.latest(run)["policies"]] == ["in-batch only", "no filter"]


def test_a_trial_that_was_stopped_goes_on_where_it_was(run, monkeypatch):
    whole = trials.trial(run, replace(QUICK, seed=7)).as_json()
    for path in sorted((run / "trials" / "students").glob("*.npz"))[:3]:
        path.unlink()
    sorted((run / "trials" / "students").glob("*.npz"))[0].write_bytes(b"cut off")
    again = trials.trial(run, replace(QUICK, seed=7)).as_json()
    for one, other in zip(whole["policies"], again["policies"], strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}


def test_only_what_changes_an_export_trains_again(run):
    trials.trial(run, QUICK)
    before = set((run / "trials" / "students").glob("*.npz"))
    opened = open_run(run)
    opened.save_policy(replace(opened.policy, negatives_per_query=3))
    trials.trial(run, replace(QUICK, resamples=300))
    new = set((run / "trials" / "students").glob("*.npz")) - before
    # The references take as many negatives as the policy in force; in-batch only has none, and stays.
    assert len(new) == 2 * 3


def test_policies_are_named_once_and_the_references_are_always_there(run):
    opened = open_run(run)
    opened.save_policy(Policy(max_p_relevant=None, relative_margin=0.05))
    saved.save(opened, Policy(max_p_relevant=0.3), "ann")
    names = [one.name for one in policies.tried(opened, ["nv-retriever", "saved-1", "saved-2"])]
    assert names == ["in-batch only", "no filter", "95% rule = saved-1", "in force = saved-2", "nv-retriever"]


def test_a_ladder_has_its_usual_stops_or_those_that_are_typed(run):
    opened = open_run(run)
    usual = [one for one in policies.tried(opened, along="max-p-relevant") if "max_p_relevant" in one.name]
    assert [one.name for one in usual] == [
        "95% rule = max_p_relevant off",
        "in force = max_p_relevant 0.1",
        *(f"max_p_relevant {stop}" for stop in (0.05, 0.2, 0.3, 0.5)),
    ]
    typed = policies.tried(opened, along="skip_top", stops=["3", "0"])
    assert [one.name for one in typed][3:] == ["in force = skip_top 0", "skip_top 3"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"names": ["nobody"]}, "--policy: wanted one of in force, default, .*; found 'nobody'"),
        ({"names": ["saved-9"]}, "--policy: wanted one of in force, .*saved-1; found 'saved-9'"),
        ({"along": "anchor"}, "--along: wanted one of .*max_p_relevant.*; found 'anchor'"),
        ({"along": "max_score"}, "--along max_score: wanted its stops"),
        ({"along": "skip_top", "stops": ["off"]}, "--stop: wanted a whole number for skip_top; found 'off'"),
        ({"stops": ["1"]}, "--stop: wanted --along FIELD"),
    ],
)
def test_what_cannot_be_tried_is_refused_by_name(run, asked, message):
    with pytest.raises(RecipeError, match=message):
        policies.tried(open_run(run), **asked)


def test_the_corpus_is_searched_in_part_where_it_is_too_large(run):
    room = open_classroom(open_to_read(run), replace(QUICK, corpus=700), silent)
    documents = len(room.work.run.dataset.documents)
    assert 700 <= len(room.searched) < documents
    assert set(room.questions.document) <= set(room.searched)
    assert (np.diff(room.searched) > 0).all()


def test_the_command_prints_json_and_a_table(run, capsys, monkeypatch):
    asked = ["trial", str(run), "--seeds", "2", "--epochs", "1", "--resamples", "100"]
    monkeypatch.setattr("sys.argv", ["nearmiss", *asked, "--json"])
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert done.value.code == 0
    printed = capsys.readouterr().out
    assert printed == trial_files.as_text(trial_files.latest(run))
    told = json.loads(printed)
    assert [one["name"] for one in told["policies"]] == ["in-batch only", "no filter", "95% rule", "in force"]
    assert told["questions"] == 17
    monkeypatch.setattr("sys.argv", ["nearmiss", *asked])
    with pytest.raises(SystemExit):
        cli.main()
    shown = capsys.readouterr().out
    assert "in-batch only" in shown
    assert "all 952 documents" in shown


def test_in_folds_every_query_is_tested_once_by_students_that_never_saw_it(run):
    trial = replace(QUICK, folds=4, seeds=1)
    rooms = [open_classroom(open_to_read(run), trial, silent, fold=number) for number in range(4)]
    asked = np.concatenate([room.questions.rows for room in rooms])
    answered = set(rooms[0].work.run.dataset.positives["query_id"])
    of_all = rooms[0].work.run.dataset.queries["query_id"].iloc[np.sort(asked)]
    assert len(asked) == len(set(asked.tolist()))
    assert set(of_all) == answered
    assert not any(room.trainable[room.questions.rows].any() for room in rooms)
    outcome = trials.trial(run, trial)
    assert outcome.questions == len(asked)
    table = rooms[0].work.decision()
    kept = table.slot > 0
    by_name = {one.tried.name: one for one in outcome.reached}
    for one in outcome.reached:
        assert one.measures["ndcg"].shape == (1, len(asked))
    assert by_name["in-batch only"].estimated_answers is None
    mean = rooms[0].work.table.number("p_relevant")[kept].mean()
    assert by_name["in force"].estimated_answers == pytest.approx(mean, rel=0.05)
    # A fold's students are those of a trial with its questions alone.
    room, pairs = rooms[2], rooms[2].exported(outcome.best.tried.policy)
    student = room.student.train(pairs, 2)
    own = measure(room.questions, student.questions(), student.documents())["ndcg"]
    begin = sum(len(room.questions.texts) for room in rooms[:2])
    np.testing.assert_allclose(outcome.best.measures["ndcg"][0, begin : begin + len(own)], own, atol=1e-6)


def made_result(name, policy, ndcg):
    """Results of one policy's students, (n_seeds, n_questions)."""
    return trials.Reached(policies.Tried(name, policy), {}, name, None, {"ndcg": np.array(ndcg)}, 0.0)


def outcome_of(*found, in_force):
    return trials.Outcome(QUICK, list(found), [], {}, in_force, 1, 0, 40, 40, 100, 100)


def test_another_policy_is_chosen_where_it_is_better_than_the_one_in_force():
    usual, bare = Policy(), Policy(max_p_relevant=None)
    base = np.random.default_rng(0).random((2, 40)) / 2
    none = made_result("in-batch only", None, base + 0.3)
    before, better = made_result("in force = default", usual, base), made_result("no filter", bare, base + 0.1)
    choice = outcome_of(none, better, before, in_force=before.tried.name).choice
    assert choice.reached is better
    assert choice.changes
    assert choice.sentence.startswith("no filter should be in force: nDCG@10 0.3")
    assert "0.1000 above in force = default (+0.1000 to +0.1000)" in choice.sentence
    assert "by the estimate" not in choice.sentence
    looser, strict = replace(better, estimated_answers=0.081), replace(before, estimated_answers=0.034)
    said = outcome_of(looser, strict, in_force=before.tried.name).choice.sentence
    assert "Of what it keeps 8.1% are answers by the estimate, 3.4% of what was kept." in said
    assert "Students are better without hard negatives, by 0.2000 (+0.2000 to +0.2000)." in choice.sentence
    # Half of the questions gain .1 and half lose nearly as much: higher in the mean, and not told apart.
    uneven = made_result("no filter", bare, base + np.tile([0.1, -0.09], 20))
    choice = outcome_of(uneven, before, in_force=before.tried.name).choice
    assert choice.reached is before
    assert not choice.changes
    assert choice.sentence.startswith("in force = default should stay in force")
    assert "no filter is 0.0050 higher" in choice.sentence
    equal = made_result("no filter", bare, base)
    assert outcome_of(equal, before, in_force=before.tried.name).choice.reached is before
    alone = outcome_of(better, in_force="keeps nothing").choice
    assert alone.reached is better
    assert "keeps nothing of the training queries" in alone.sentence
    assert outcome_of(none, in_force="keeps nothing").choice is None


def test_a_choice_is_a_save_that_can_be_undone(run, capsys, monkeypatch):
    opened, bare = open_run(run), Policy(max_p_relevant=None, relative_margin=None, negatives_per_query=1)
    saved.save(opened, bare, "ann")

    def typed(*flags):
        monkeypatch.setattr("sys.argv", ["nearmiss", "trial", str(run), "--epochs", "1", *flags])
        with pytest.raises(SystemExit):
            cli.main()
        printed = capsys.readouterr()
        return " ".join((printed.out + printed.err).split())

    printed = typed("--choose")
    assert "1 seed in each of 5 folds" in printed
    assert "no filter = in force should stay in force: nDCG@10" in printed
    worse = made_result("in force", bare, [[0.1, 0.2]])
    better = made_result("default", Policy(), [[0.2, 0.4]])
    trials.put_in_force(opened, outcome_of(worse, better, in_force="in force"), "ann")
    assert opened.policy == Policy()
    assert saved.undo(opened, "ann") == bare
    assert "--held-out 0.3: wanted none, since --folds 2" in typed("--folds", "2", "--held-out", "0.3")
