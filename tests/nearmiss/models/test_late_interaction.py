"""Late interaction: its arithmetic against a plain one, and what the real MiniLM makes of real sentences."""

import numpy as np
import pandas as pd
import pytest

from nearmiss import pipeline
from nearmiss.data import read
from nearmiss.models import late_interaction
from nearmiss.models.encoder import load_encoder
from nearmiss.models.engine import probe
from nearmiss.models.late_interaction import WINDOW, likeness
from nearmiss.models.live import live_encoder
from nearmiss.models.teacher import load_teacher
from nearmiss.models.token_texts import GRID, Text
from nearmiss.pipeline.reading_once import TOKENS
from nearmiss.settings import LATE_INTERACTION, Mining
from tests import toys
from tests.words import WordEncoder

DOCUMENTS = [
    "Bread rises because yeast eats the sugar in the dough and gives off carbon dioxide.",
    "The bridge over the strait was opened in 1973, after three years of work.",
    "Labetalol and nifedipine are the usual first choices for high blood pressure in pregnancy.",
    "Gluons carry the strong force between quarks.",
    "A tenant may withhold rent only after giving the landlord notice of the defect.",
    "The Danube rises in the Black Forest and flows into the Black Sea.",
]
COLLECTION = pd.DataFrame({"title": "", "text": DOCUMENTS})
BREAD = "why does dough swell when it rests?"


@pytest.fixture(scope="module")
def teacher():
    return load_teacher(Mining(), COLLECTION, "some collection")


def some_text(rng, tokens):
    weights = rng.random(tokens)
    rows = rng.normal(size=(tokens, 8))
    mean = weights @ rows
    unit = [np.rint(one / np.linalg.norm(one) * GRID) / GRID for one in (*rows, mean)]
    return Text(np.float32(unit[:-1]), weights / weights.sum(), np.float32(unit[-1]))


def plain_likeness(query, document):
    """The formula word for word, for one pair in float32, as the first version computed it."""
    near = query.tokens @ document.tokens.T
    windows = [near[:, start : start + WINDOW].max(axis=1) for start in range(0, near.shape[1], WINDOW // 2)]
    return max(float(query.weights.astype(np.float32) @ best) for best in windows) + float(query.mean @ document.mean)


@pytest.mark.parametrize("tokens", [1, 19, 20, 21, 40, 41, 60, 61, 130])
def test_the_best_window_is_found_as_by_trying_each(tokens):
    rng = np.random.default_rng(tokens)
    queries, document = [some_text(rng, count) for count in (5, 1, 40, 7)], some_text(rng, tokens)
    one_by_one = [plain_likeness(query, document) for query in queries]
    np.testing.assert_allclose(likeness(queries, document), one_by_one, rtol=0, atol=1e-6)


def test_a_score_is_the_same_bytes_whatever_is_multiplied_beside_it(monkeypatch):
    rng = np.random.default_rng(0)
    queries, document = [some_text(rng, int(count)) for count in rng.integers(1, 30, 50)], some_text(rng, 77)
    together = likeness(queries, document)
    np.testing.assert_array_equal(np.concatenate([likeness([query], document) for query in queries]), together)
    monkeypatch.setattr(late_interaction, "QUERY_TOKENS", 40)
    np.testing.assert_array_equal(likeness(queries, document), together)
    backwards = Text(queries[7].tokens[:, ::-1], queries[7].weights, queries[7].mean[::-1])
    turned = Text(document.tokens[:, ::-1], document.weights, document.mean[::-1])
    # No order of the sums matters: they are exact.
    assert likeness([backwards], turned) == together[7]


def test_without_a_name_it_is_the_teacher_and_an_empty_one_means_none():
    assert Mining().teacher == LATE_INTERACTION
    assert load_teacher(Mining(teacher="")) is None


def test_an_answer_in_other_words_comes_first_and_chance_lies_at_zero(teacher):
    scores = teacher.score([(BREAD, document) for document in DOCUMENTS])
    assert scores.argmax() == 0
    # The collection is smaller than what is drawn from it: its mean is the level itself.
    assert scores.mean() == pytest.approx(0, abs=1e-5)


def test_a_score_depends_on_its_own_texts_alone(teacher):
    pairs = [(query, document) for query in (BREAD, "quarks", "when was it built") for document in DOCUMENTS]
    together = teacher.score(pairs)
    other = load_teacher(Mining(), COLLECTION, "some collection")
    apart = np.concatenate([other.score([pair]) for pair in reversed(pairs)])[::-1]
    np.testing.assert_array_equal(together, apart)


@pytest.mark.parametrize("text", ["", "???", "🙂", "word " * 5000])
def test_strange_texts_have_a_finite_score(teacher, text):
    assert np.isfinite(teacher.score([(BREAD, text), (text, DOCUMENTS[0])])).all()


def test_signs_weigh_nothing_and_rare_words_most(teacher):
    [encoding] = teacher.model.tokenizer.encode([", the dough castle"], "")
    cls, comma, the, dough, castle, sep = teacher.texts.rarity[encoding.ids]
    assert cls == sep == comma == 0
    assert 0 < the < dough < castle


def test_another_collection_is_another_teacher(teacher):
    assert load_teacher(Mining(), COLLECTION, "another one").fingerprint != teacher.fingerprint
    assert load_teacher(Mining(), COLLECTION, "some collection").fingerprint == teacher.fingerprint


def test_token_rows_are_those_of_sentence_transformers():
    from sentence_transformers import SentenceTransformer

    from nearmiss.models.encoder import embedded_folder

    model = SentenceTransformer(str(embedded_folder()), device="cpu")
    plain = model.encode(DOCUMENTS, output_value="token_embeddings")
    exact = load_teacher(Mining(precision="float32"), COLLECTION, "")
    rows = exact.model(DOCUMENTS, "token", "")
    np.testing.assert_allclose(rows, np.concatenate([one.numpy() for one in plain]), atol=1e-4)


def test_the_scores_are_those_of_the_plain_formula_on_sentence_transformers_token_vectors():
    from sentence_transformers import SentenceTransformer

    from nearmiss.models.encoder import embedded_folder

    model = SentenceTransformer(str(embedded_folder()), device="cpu")
    teacher = load_teacher(Mining(precision="float32"), COLLECTION, "")

    def plain(text):
        ids = model.tokenizer(text)["input_ids"]
        rows = model.encode(text, output_value="token_embeddings").numpy()
        weights = teacher.texts.rarity[ids]
        rows, weights = rows[weights > 0], weights[weights > 0] / weights.sum()
        mean = weights @ rows
        return Text(rows / np.linalg.norm(rows, axis=1, keepdims=True), weights, mean / np.linalg.norm(mean))

    documents, queries = [plain(text) for text in DOCUMENTS], (BREAD, "quarks", DOCUMENTS[1])
    wanted = [
        plain_likeness(plain(query), document) - np.mean([plain_likeness(plain(query), other) for other in documents])
        for query in queries
        for document in documents
    ]
    found = teacher.score([(query, document) for query in queries for document in DOCUMENTS])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("architecture", "pooling"), [("bert", "mean"), ("qwen3", "lasttoken")])
def test_the_run_s_own_encoder_gives_the_tokens_and_its_prompts_weigh_nothing(tmp_path, architecture, pooling):
    folder = toys.encoder(tmp_path, architecture, pooling, {"query": "query : ", "document": "passage : "})
    recipe = Mining(encoder=str(folder), precision="float32")
    documents = pd.DataFrame({"title": "", "text": ["boil water", "the castle garden", "", "bread and butter"]})
    encoder = load_encoder(recipe)
    teacher = load_teacher(recipe, documents, "c", encoder)
    [query], [document] = teacher.texts.of_queries(["castle garden"]), teacher.texts.of_documents(["castle garden"])
    assert [len(text.weights) for text in (query, document)] == [2, 2]
    # The prompts are read all the same, so the rows of one word differ.
    assert not np.allclose(query.tokens, document.tokens)
    scores = teacher.score([("castle garden", text) for text in documents["text"]])
    assert np.isfinite(scores).all()
    assert teacher.gives_vectors_of(encoder) == (pooling == "mean")


def test_a_model_in_memory_gives_its_tokens_and_stays_in_training(tmp_path):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(toys.encoder(tmp_path, "bert", "mean")), device="cpu")
    documents = pd.DataFrame({"title": "", "text": ["boil water", "the castle garden"]})
    at_rest = load_teacher(
        Mining(precision="float32"), documents, "c", live_encoder(model, Mining(precision="float32"))
    )
    model.train()
    training = load_teacher(Mining(precision="float32"), documents, "c", live_encoder(model, Mining()))
    pairs = [("castle", text) for text in documents["text"]]
    np.testing.assert_allclose(training.score(pairs), at_rest.score(pairs), atol=1e-4)
    assert model.training


def test_an_encoder_without_token_vectors_has_no_late_interaction():
    assert load_teacher(Mining(), COLLECTION, "c", live_encoder(WordEncoder(), Mining())) is None


@pytest.fixture(scope="module")
def pairs_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    questions = [BREAD, "when was the bridge opened", "drugs in pregnancy", "quarks", "rent", "where is the river"]
    pd.DataFrame({"query": questions, "positive": DOCUMENTS}).to_csv(path, index=False)
    return path


def test_documents_are_read_once_and_twice_with_the_same_scores(tmp_path, pairs_file, monkeypatch):
    from nearmiss.models.engine.compiled import OpenVinoEngine

    asked, answer = [], OpenVinoEngine.__call__
    # One of them is also a sentence on which every engine is tried.
    counted = set(DOCUMENTS) - set(probe.SENTENCES)

    def counting(self, inputs, task, prompt):
        asked.extend(text for text in inputs if text in counted)
        return answer(self, inputs, task, prompt)

    monkeypatch.setattr(OpenVinoEngine, "__call__", counting)
    found = {}
    for megabytes in (4000, 0):
        asked.clear()
        run = pipeline.mine(tmp_path / str(megabytes), Mining(token_disk=megabytes), read(pairs_file, format="pairs"))
        found[megabytes] = run.candidates(), len(asked)
        assert not (run.folder / "rounds/1" / TOKENS).exists()
    (once, readings), (twice, more) = found[4000], found[0]
    assert readings == len(counted) == 5
    assert more >= 2 * len(counted)
    np.testing.assert_array_equal(once["teacher_score"], twice["teacher_score"])
    np.testing.assert_allclose(once["dense_score"], twice["dense_score"], atol=1e-3)
