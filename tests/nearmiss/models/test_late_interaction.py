"""Late interaction: its arithmetic against a plain one, and what the real MiniLM makes of real sentences."""

import numpy as np
import pandas as pd
import pytest

from nearmiss.models import late_interaction
from nearmiss.models.late_interaction import GRID, WINDOW, Text, likeness
from nearmiss.models.teacher import load_teacher
from nearmiss.settings import LATE_INTERACTION, Mining

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
    places = {word: teacher._tokenizer.token_to_id(word) for word in ("[CLS]", ",", "the", "dough", "castle")}
    weights = {word: teacher._rarity[place] for word, place in places.items()}
    assert weights["[CLS]"] == weights[","] == 0
    assert 0 < weights["the"] < weights["dough"] < weights["castle"]


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
