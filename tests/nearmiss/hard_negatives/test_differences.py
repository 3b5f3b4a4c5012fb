"""Where our `mine_hard_negatives` does otherwise than sentence-transformers', and what it does beside."""

import logging
import random

import numpy as np
import pytest
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import mine_hard_negatives as theirs

from nearmiss.hard_negatives import embedding
from nearmiss.hard_negatives import mine_hard_negatives as ours
from nearmiss.models import live
from tests import toys
from tests.nearmiss.hard_negatives.models import CORPUS, PAIRS, CrossEncoder, dataset, encoder


@pytest.fixture(scope="module")
def model():
    return encoder()


def quietly(mine, data, model, **given):
    return mine(data, model, **{"verbose": False, "num_negatives": 2} | given)


# Copies and twins


def test_a_positive_in_other_case_or_spacing_is_no_negative(model):
    copy = "Bees  live on NECTAR and pollen"
    given = {"corpus": [copy, *CORPUS]}
    assert copy in quietly(theirs, dataset(), model, **given)["negative"]
    rows = quietly(ours, dataset(), model, **given)
    bees = [row["negative"] for row in rows if row["query"] == PAIRS["query"][0]]
    without = quietly(ours, dataset(), model, corpus=CORPUS)
    # Its place goes to the next, as if it had not been there.
    assert bees == list(without["negative"])[:2]
    assert copy not in bees


def test_the_query_s_own_text_is_no_negative(model):
    own = "What do bees eat"
    rows = quietly(ours, dataset(), model, corpus=[own, *CORPUS])
    assert own in quietly(theirs, dataset(), model, corpus=[own, *CORPUS])["negative"]
    assert own not in [row["negative"] for row in rows if row["query"] == PAIRS["query"][0]]


def test_queries_that_read_the_same_share_their_answers(model):
    pairs = {"query": ["what do bees eat", "What do  bees eat"], "answer": ["bees live on nectar and pollen", "krill"]}
    data = Dataset.from_dict({name: [*texts, *PAIRS[name][1:]] for name, texts in pairs.items()})
    assert len({*quietly(theirs, data, model, num_negatives=4)["negative"]} & set(pairs["answer"])) == 2
    twins = [row for row in quietly(ours, data, model, num_negatives=4) if row["query"] in pairs["query"]]
    assert {row["negative"] for row in twins} == set(PAIRS["answer"][1:])
    # Each keeps the positive that it came with.
    assert {(row["query"], row["answer"]) for row in twins} == set(zip(*pairs.values(), strict=True))


def test_queries_that_ask_nearly_the_same_do_not_get_each_other_s_answers():
    long = ["what do the bees of the forest eat in the spring", "in the spring what do the bees of the forest eat"]
    data = Dataset.from_dict(
        {"query": [*long, *PAIRS["query"][1:]], "answer": [PAIRS["answer"][0], "krill", *PAIRS["answer"][1:]]}
    )
    model = encoder()
    assert "krill" in [
        row["negative"] for row in quietly(theirs, data, model, num_negatives=5) if row["query"] == long[0]
    ]
    rows = quietly(ours, data, model, num_negatives=5)
    for query, others_answer in ((long[0], "krill"), (long[1], PAIRS["answer"][0])):
        assert others_answer not in [row["negative"] for row in rows if row["query"] == query]


# Seeds


def test_a_random_choice_is_the_same_again_and_in_any_order(model):
    given = {"corpus": CORPUS, "sampling_strategy": "random", "range_max": 12}
    first = quietly(ours, dataset(), model, **given)
    random.seed(1)
    assert quietly(ours, dataset(), model, **given).to_list() == first.to_list()
    turned = quietly(ours, dataset().select([4, 3, 2, 1, 0]), model, **given)
    assert sorted(map(str, turned.to_list())) == sorted(map(str, first.to_list()))
    assert quietly(ours, dataset(), model, seed=1, **given).to_list() != first.to_list()


# Ids


def test_ids_are_kept_and_not_shown_to_a_trainer(model):
    data = dataset(query_id=list("abcde"), positive_id=["p1", "p2", "p3", "p4", "p5"])
    rows = quietly(ours, data, model, corpus={f"d{place}": text for place, text in enumerate(CORPUS)})
    assert rows.column_names == ["query", "answer", "negative", "query_id", "positive_id", "negative_id"]
    assert list(rows[0]) == ["query", "answer", "negative"]
    named = {f"d{place}": text for place, text in enumerate(CORPUS)} | dict(
        zip(data["positive_id"], PAIRS["answer"], strict=True)
    )
    for row in rows.with_format(None):
        assert named[row["negative_id"]] == row["negative"]
        assert named[row["positive_id"]] == row["answer"]
        assert row["query_id"] == "abcde"[PAIRS["query"].index(row["query"])]


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("n-tuple", {"query_id": "a", "positive_id": "p1", "negative_id_1": "p3", "negative_id_2": "p5"}),
        ("labeled-pair", {"query_id": "a", "positive_id": "p1"}),
        ("labeled-list", {"query_id": "a", "positive_id": ["p1", "p3", "p5"]}),
    ],
)
def test_each_format_keeps_ids(model, form, wanted):
    data = dataset(query_id=list("abcde"), positive_id=["p1", "p2", "p3", "p4", "p5"])
    first = quietly(ours, data, model, output_format=form).with_format(None)[0]
    named = dict(zip(PAIRS["answer"], data["positive_id"], strict=True))
    if form == "n-tuple":
        wanted |= {f"negative_id_{n}": named[first[f"negative_{n}"]] for n in (1, 2)}
    if form == "labeled-list":
        wanted["positive_id"] = [named[text] for text in first["answer"]]
    assert {name: first[name] for name in wanted} == wanted


def test_a_trainer_takes_rows_with_ids_and_reads_no_id(model, tmp_path):
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.losses import MultipleNegativesRankingLoss

    student = encoder()
    rows = quietly(ours, dataset(query_id=list("abcde"), positive_id=list("vwxyz")), student, num_negatives=1)
    read = []
    loss = MultipleNegativesRankingLoss(student)
    loss.register_forward_pre_hook(lambda _, inputs: read.append(len(inputs[0])))
    options = SentenceTransformerTrainingArguments(str(tmp_path), max_steps=1, report_to=[], save_strategy="no")
    SentenceTransformerTrainer(student, options, rows, loss=loss).train()
    assert read == [3]


# The state of the model


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was_found(training):
    model = encoder().train(training)
    weight = next(model.parameters())
    before = weight.detach().clone()
    quietly(ours, dataset(), model)
    assert [part.training for part in model.modules()] == [training] * len(list(model.modules()))
    assert weight.requires_grad
    assert weight.grad is None
    assert (weight == before).all()


def test_other_weights_never_meet_vectors_that_were_kept(tmp_path):
    model = encoder()
    first = quietly(ours, dataset(), model, cache_folder=str(tmp_path), output_scores=True)
    next(model.parameters()).data += 1.0
    later = quietly(ours, dataset(), model, cache_folder=str(tmp_path), output_scores=True)
    assert later.to_list() == quietly(ours, dataset(), model, output_scores=True).to_list()
    assert later["scores"][:] != first["scores"][:]


# Other faults that are not copied


def test_faiss_and_the_rest_score_on_one_scale():
    model = encoder("euclidean")
    rows = [quietly(ours, dataset(), model, use_faiss=use, output_scores=True).to_list() for use in (True, False)]
    assert rows[0] == rows[1]
    # Theirs with FAISS: the positive's Euclidean score, and the negative's dot product.
    positive, negative = quietly(theirs, dataset(), model, use_faiss=True, output_scores=True)[0]["scores"]
    assert positive < 0 < negative


def test_min_score_counts_only_what_it_took_away(model, capsys):
    ours(dataset(), model, num_negatives=2, min_score=-1.0, range_max=50)
    assert "Skipped" not in capsys.readouterr().out
    theirs(dataset(), model, num_negatives=2, min_score=-1.0, range_max=50)
    # Of 4 candidates for each of 5 queries it says that more were skipped than there are.
    assert "Skipped 235 potential negatives" in capsys.readouterr().out


def test_min_score_is_named_among_what_to_change(model, capsys):
    ours(dataset(), model, num_negatives=4, min_score=0.9)
    assert "Consider adjusting the range_max and min_score parameters" in capsys.readouterr().out


def test_labeled_pairs_that_are_whole_miss_none(model, capsys):
    data = Dataset.from_dict({name: [*texts, texts[0]] for name, texts in PAIRS.items()})
    given = {"num_negatives": 2, "corpus": CORPUS, "output_format": "labeled-pair"}
    assert len(ours(data, model, **given)) == 15
    assert "Could not find" not in capsys.readouterr().out
    theirs(data, model, **given)
    assert "Could not find enough negatives for 1 samples" in capsys.readouterr().out


def test_a_cross_encoder_that_decides_nothing_is_told(model, caplog):
    with caplog.at_level(logging.WARNING):
        quietly(ours, dataset(), model, cross_encoder=CrossEncoder())
    assert "The cross_encoder is not asked" in caplog.text


def test_a_column_that_is_not_there_is_told(model, caplog):
    with caplog.at_level(logging.WARNING):
        rows = quietly(ours, dataset(), model, anchor_column_name="qeury")
    assert "no column 'qeury'" in caplog.text
    assert rows.column_names == ["query", "answer", "negative"]


def test_no_column_is_its_own_positive(model):
    rows = quietly(ours, dataset(), model, anchor_column_name="answer")
    assert rows.column_names == ["answer", "query", "negative"]
    assert list(rows["query"][:1]) == PAIRS["query"][:1]


def test_an_unknown_strategy_is_an_error(model):
    with pytest.raises(ValueError, match="Invalid sampling_strategy: best"):
        quietly(ours, dataset(), model, sampling_strategy="best")


@pytest.mark.parametrize(("value", "told"), [(None, "found None"), (["a", "b"], "each positive a row of its own")])
def test_what_is_no_text_is_named_with_its_row(model, value, told):
    broken = Dataset.from_dict({"query": ["a", "b"], "answer": [value, value]})
    with pytest.raises(ValueError, match=f"'answer', row 0: wanted a text; .*{told}"):
        quietly(ours, broken, model)


def test_vectors_that_are_no_numbers_are_an_error():
    model = encoder()
    next(model.parameters()).data[:] = np.nan
    with pytest.raises(ValueError, match="found NaN"):
        quietly(ours, dataset(), model)


def test_an_empty_table_has_types(model):
    rows = quietly(ours, dataset(), model, max_score=-2.0, output_scores=True)
    assert rows.features["negative"].dtype == "string"
    assert rows.features["scores"].feature.dtype == "float64"
    lists = quietly(ours, dataset(), model, max_score=-2.0, output_format="labeled-list")
    assert lists.features["answer"].feature.dtype == "string"


# The chance to be an answer


def test_a_lower_chance_never_admits_more(model):
    def pairs(**given):
        rows = quietly(ours, dataset(), model, corpus=CORPUS, num_negatives=12, **given)
        return {(row["query"], row["negative"]) for row in rows}

    found = [pairs(max_p_relevant=p) for p in (0.0, 0.05, 0.3, 1.0)]
    assert found[0] == set()
    assert found[0] <= found[1] <= found[2] <= found[3]
    assert found[1] < found[3]
    assert found[3] == pairs()


def test_the_cross_encoder_has_a_say_in_the_chance(model, capsys):
    cross_encoder = CrossEncoder()
    ours(dataset(), model, corpus=CORPUS, cross_encoder=cross_encoder, max_p_relevant=0.1)
    assert "due to the max_p_relevant of 0.1." in capsys.readouterr().out
    assert len(cross_encoder.asked) == len(set(cross_encoder.asked)) == 5 * 13


def test_the_engine_gives_the_negatives_and_scores_of_the_model_s_own_methods(tmp_path, monkeypatch):
    model = SentenceTransformer(str(toys.encoder(tmp_path, "bert", "mean")), device="cpu")
    given = {"corpus": CORPUS, "output_scores": True, "output_format": "n-tuple"}
    by_itself = quietly(ours, dataset(), model, **given)
    monkeypatch.setattr(live, "WORTH_A_GRAPH", 0)
    asked = []
    monkeypatch.setattr(
        embedding, "engine_if_worth_it", lambda *of: asked.append(live.engine_if_worth_it(*of)) or asked[0]
    )
    on_engine = quietly(ours, dataset(), model, **given)
    assert asked[0].name == "openvino"
    assert on_engine.remove_columns("scores").to_list() == by_itself.remove_columns("scores").to_list()
    np.testing.assert_allclose(on_engine["scores"], by_itself["scores"], atol=1e-4)
