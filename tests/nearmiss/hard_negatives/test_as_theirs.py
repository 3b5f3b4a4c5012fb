"""`mine_hard_negatives` of sentence-transformers and ours, put through the same tests: one changed import."""

import inspect
import logging
import random
import re

import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers.util import mine_hard_negatives as theirs

import nearmiss
from nearmiss.hard_negatives import mine_hard_negatives as ours
from tests.nearmiss.hard_negatives.models import CORPUS, PAIRS, PROMPTS, CrossEncoder, dataset, encoder


@pytest.fixture(params=[theirs, ours], ids=["theirs", "ours"])
def mine(request):
    """Either function, silent unless a test wants to hear it."""
    random.seed(7)
    return lambda data, model, **given: request.param(data, model, **{"verbose": False} | given)


@pytest.fixture(scope="module")
def model():
    return encoder()


def cosine(model, query, document):
    return float(model.similarity(model.encode_query([query]), model.encode_document([document])))


def nearest(model, query, documents):
    return sorted(documents, key=lambda text: -cosine(model, query, text))


EVERYTHING = [*dict.fromkeys([*CORPUS, *PAIRS["answer"]])]


def others(query):
    own = PAIRS["answer"][PAIRS["query"].index(query)]
    return [text for text in EVERYTHING if text != own]


def test_the_arguments_have_their_names_order_and_defaults():
    wanted, found = (list(inspect.signature(one).parameters.values()) for one in (theirs, ours))
    assert [(p.name, p.default, p.kind) for p in found[: len(wanted)]] == [(p.name, p.default, p.kind) for p in wanted]
    assert [p.kind for p in found[len(wanted) :]] == [inspect.Parameter.KEYWORD_ONLY] * 2
    assert nearmiss.mine_hard_negatives is ours


# The formats


def test_triplets_hold_the_nearest_that_are_no_positives(mine, model):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=2)
    assert rows.column_names == ["query", "answer", "negative"]
    assert {name: feature.dtype for name, feature in rows.features.items()} == dict.fromkeys(
        rows.column_names, "string"
    )
    wanted = [
        {"query": query, "answer": answer, "negative": negative}
        for query, answer in zip(PAIRS["query"], PAIRS["answer"], strict=True)
        for negative in nearest(model, query, others(query))[:2]
    ]
    assert rows.to_list() == wanted


def test_triplets_with_scores(mine, model):
    rows = mine(dataset(), model, num_negatives=1, output_scores=True)
    assert rows.column_names == ["query", "answer", "negative", "scores"]
    for row in rows:
        wanted = [cosine(model, row["query"], row[name]) for name in ("answer", "negative")]
        assert row["scores"] == pytest.approx(wanted, abs=1e-5)
    assert rows.features["scores"].feature.dtype == "float64"


@pytest.mark.parametrize("scores", [False, True])
def test_tuples_have_a_column_for_each_negative(mine, model, scores):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=3, output_format="n-tuple", output_scores=scores)
    names = ["query", "answer", "negative_1", "negative_2", "negative_3"]
    assert rows.column_names == names + ["scores"] * scores
    for row in rows:
        wanted = nearest(model, row["query"], others(row["query"]))[:3]
        assert [row[name] for name in names[2:]] == wanted
        if scores:
            of = [row["answer"], *wanted]
            assert row["scores"] == pytest.approx([cosine(model, row["query"], text) for text in of], abs=1e-5)


@pytest.mark.parametrize("scores", [False, True])
def test_labeled_pairs_put_positives_first(mine, model, scores):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=2, output_format="labeled-pair", output_scores=scores)
    assert rows.column_names == ["query", "answer", "score" if scores else "label"]
    assert len(rows) == 15
    assert rows["answer"][:3] == [PAIRS["answer"][0], *nearest(model, PAIRS["query"][0], others(PAIRS["query"][0]))[:2]]
    if scores:
        assert rows["score"][:3] == pytest.approx(
            [cosine(model, PAIRS["query"][0], text) for text in rows["answer"][:3]], abs=1e-5
        )
    else:
        assert list(rows["label"]) == [1, 0, 0] * 5
        assert rows.features["label"].dtype == "int64"


@pytest.mark.parametrize("scores", [False, True])
def test_labeled_lists_begin_with_the_positive(mine, model, scores):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=2, output_format="labeled-list", output_scores=scores)
    last = "scores" if scores else "labels"
    assert rows.column_names == ["query", "answer", last]
    for row, positive in zip(rows, PAIRS["answer"], strict=True):
        assert row["answer"] == [positive, *nearest(model, row["query"], others(row["query"]))[:2]]
        wanted = [cosine(model, row["query"], text) for text in row["answer"]] if scores else [1, 0, 0]
        assert row[last] == pytest.approx(wanted, abs=1e-5)


def test_extra_columns_are_left_out_and_columns_can_be_named(mine, model):
    data = dataset(source=["a"] * 5).select_columns(["source", "answer", "query"])
    rows = mine(data, model, anchor_column_name="query", positive_column_name="answer", num_negatives=1)
    assert rows.column_names == ["query", "answer", "negative"]
    assert list(rows["query"]) == PAIRS["query"]


def test_the_first_two_columns_are_taken_where_none_is_named(mine, model):
    rows = mine(dataset(source=["a"] * 5), model, num_negatives=1)
    assert rows.column_names == ["query", "answer", "negative"]


# Several positives


TWICE = Dataset.from_dict(
    {"query": [*PAIRS["query"], PAIRS["query"][0]], "answer": [*PAIRS["answer"], "bees drink sugar water too"]}
)


def test_rows_of_one_query_are_its_positives(mine, model):
    rows = mine(TWICE, model, corpus=CORPUS, num_negatives=2)
    bees = [row for row in rows if row["query"] == PAIRS["query"][0]]
    positives = [PAIRS["answer"][0], "bees drink sugar water too"]
    negatives = nearest(model, PAIRS["query"][0], [t for t in EVERYTHING if t not in positives])[:2]
    assert [(row["answer"], row["negative"]) for row in bees] == [(p, n) for p in positives for n in negatives]
    # Side by side, although they stood apart.
    assert [row["query"] for row in rows] == [
        q for q in PAIRS["query"] for _ in range(4 if q == PAIRS["query"][0] else 2)
    ]


def test_tuples_and_lists_have_a_row_for_each_positive(mine, model):
    for form in ("n-tuple", "labeled-list"):
        rows = mine(TWICE, model, corpus=CORPUS, num_negatives=2, output_format=form)
        assert len(rows) == 6
        assert list(rows["query"])[:2] == [PAIRS["query"][0]] * 2


def test_labeled_pairs_hold_each_negative_once(mine, model):
    rows = mine(TWICE, model, corpus=CORPUS, num_negatives=2, output_format="labeled-pair")
    assert list(rows["label"])[:4] == [1, 1, 0, 0]
    assert len(rows) == 6 + 10


def test_a_pair_that_comes_twice_counts_once(mine, model):
    data = Dataset.from_dict({name: [*texts, texts[0]] for name, texts in PAIRS.items()})
    assert mine(data, model, num_negatives=1).to_list() == mine(dataset(), model, num_negatives=1).to_list()


def test_a_corpus_with_repetitions_and_without_the_positives_will_do(mine, model):
    rows = mine(dataset(), model, corpus=[*CORPUS, *CORPUS], num_negatives=2)
    assert rows.to_list() == mine(dataset(), model, corpus=CORPUS, num_negatives=2).to_list()


def test_without_a_corpus_other_queries_positives_are_the_candidates(mine, model):
    rows = mine(dataset(), model, num_negatives=4)
    assert set(rows["negative"]) == set(PAIRS["answer"])
    assert len(rows) == 20


# Thresholds


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ({"max_score": 0.2}, lambda positive, score: score <= 0.2),
        ({"min_score": 0.1}, lambda positive, score: score >= 0.1),
        ({"absolute_margin": 0.1}, lambda positive, score: score <= positive - 0.1),
        ({"absolute_margin": 0.0}, lambda positive, score: score <= positive),
        ({"relative_margin": 0.3}, lambda positive, score: score <= positive - 0.3 * abs(positive)),
        ({"margin": 0.1}, lambda positive, score: score <= positive - 0.1),
        ({"max_score": 0.3, "min_score": 0.0, "relative_margin": 0.1},
         lambda positive, score: 0 <= score <= min(0.3, positive - 0.1 * abs(positive))),
    ],
)  # fmt: skip
def test_only_scores_within_the_thresholds_stay(mine, model, limits, allowed):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=4, range_max=13, output_scores=True, **limits)
    found = {(row["query"], row["negative"]) for row in rows}
    wanted = set()
    for query, answer in zip(PAIRS["query"], PAIRS["answer"], strict=True):
        positive = cosine(model, query, answer)
        fit = [text for text in nearest(model, query, others(query)) if allowed(positive, cosine(model, query, text))]
        wanted |= {(query, text) for text in fit[:4]}
    assert found == wanted


def test_a_relative_margin_below_a_negative_positive_score_lowers_the_bar():
    model = encoder()
    data = Dataset.from_dict({"query": ["who built rome"], "answer": ["x"]})
    scores = {"x": -0.5, **{text: -0.4 - 0.02 * place for place, text in enumerate(CORPUS)}}
    for mine in (theirs, ours):
        cross_encoder = CrossEncoder()
        cross_encoder.score = lambda query, document: scores[document]
        rows = mine(
            data, model, corpus=CORPUS, cross_encoder=cross_encoder, relative_margin=0.05, num_negatives=1,
            output_scores=True, range_max=9, verbose=False,
        )  # fmt: skip
        # -0.5 - 5% of 0.5 = -0.525: of -0.40, -0.42 ... -0.54 only the last lies below.
        assert [row["scores"] for row in rows] == [pytest.approx([-0.5, -0.54])]


def test_margins_start_from_the_lowest_of_several_positives(mine, model):
    low = min(cosine(model, PAIRS["query"][0], t) for t in (PAIRS["answer"][0], "bees drink sugar water too"))
    rows = mine(TWICE, model, corpus=CORPUS, num_negatives=3, absolute_margin=0.0, output_scores=True, range_max=14)
    assert all(row["scores"][1] <= low + 1e-6 for row in rows if row["query"] == PAIRS["query"][0])


def test_tuples_drop_a_query_with_too_few(mine, model):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=3, max_score=0.0, output_format="n-tuple", range_max=13)
    few = [q for q in PAIRS["query"] if sum(cosine(model, q, t) <= 0 for t in others(q)) < 3]
    assert list(rows["query"]) == [query for query in PAIRS["query"] if query not in few]
    assert few


def test_a_threshold_that_none_meets_leaves_an_empty_table_with_its_columns(mine, model):
    for form, last in (("triplet", "negative"), ("n-tuple", "negative_2"), ("labeled-list", "labels")):
        rows = mine(dataset(), model, max_score=-2.0, num_negatives=2, output_format=form)
        assert len(rows) == 0
        assert rows.column_names[0] == "query"
        assert rows.column_names[-1] == last
    assert (
        list(mine(dataset(), model, max_score=-2.0, num_negatives=2, output_format="labeled-pair")["label"]) == [1] * 5
    )


# Ranks and sampling


def test_range_min_leaves_out_the_best_that_stay(mine, model):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=2, range_min=3)
    assert list(rows["negative"])[:2] == nearest(model, PAIRS["query"][0], others(PAIRS["query"][0]))[3:5]
    low = mine(dataset(), model, corpus=CORPUS, num_negatives=1, range_min=1, max_score=0.2, range_max=13)
    query = PAIRS["query"][0]
    fit = [text for text in nearest(model, query, others(query)) if cosine(model, query, text) <= 0.2]
    assert low[0]["negative"] == fit[1]


def test_range_max_bounds_the_random_choice(mine, model):
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=2, range_min=2, range_max=6, sampling_strategy="random")
    assert len(rows) == 10
    for row in rows:
        assert row["negative"] in nearest(model, row["query"], others(row["query"]))[2:6]


def test_a_random_choice_is_ordered_by_score_and_holds_nothing_twice(mine, model):
    rows = mine(
        dataset(), model, corpus=CORPUS, num_negatives=4, range_max=12, sampling_strategy="random",
        output_format="n-tuple", output_scores=True,
    )  # fmt: skip
    for row in rows:
        assert row["scores"][1:] == sorted(row["scores"][1:], reverse=True)
        assert len({row[f"negative_{n}"] for n in range(1, 5)}) == 4


def test_a_random_choice_never_takes_what_a_threshold_refused(mine, model):
    rows = mine(
        dataset(), model, corpus=CORPUS, num_negatives=3, max_score=0.1, sampling_strategy="random", range_max=13,
        output_scores=True,
    )  # fmt: skip
    assert len(rows) > 0
    assert all(row["scores"][1] <= 0.1 for row in rows)


@pytest.mark.parametrize("strategy", ["top", "random"])
def test_a_corpus_smaller_than_the_range_gives_what_there_is(mine, model, strategy):
    rows = mine(dataset(), model, num_negatives=7, range_max=500, sampling_strategy=strategy)
    assert len(rows) == 20
    assert all(row["negative"] != row["answer"] for row in rows)
    assert len(mine(dataset(), model, num_negatives=7, output_format="n-tuple")) == 0


def test_include_positives_ranks_them_among_the_rest(mine, model, caplog):
    with caplog.at_level(logging.WARNING):
        rows = mine(dataset(), model, corpus=CORPUS, include_positives=True, num_negatives=len(EVERYTHING))
    assert "`output_format` will be set to" in caplog.text
    assert len(rows) == 5
    for row in rows:
        assert [row[f"negative_{n}"] for n in range(1, len(EVERYTHING) + 1)] == nearest(model, row["query"], EVERYTHING)


def test_include_positives_warns_of_thresholds(mine, model, caplog):
    with caplog.at_level(logging.WARNING):
        mine(dataset(), model, include_positives=True, output_format="n-tuple", max_score=0.9, num_negatives=1)
    assert "may still discard the positive values" in caplog.text
    assert "will be set to" not in caplog.text


# Search, prompts, cache


@pytest.mark.parametrize("options", [{"use_faiss": True}, {"faiss_batch_size": 2}, {"batch_size": 1},
                                     {"use_faiss": True, "faiss_batch_size": 1}])  # fmt: skip
def test_how_texts_are_searched_and_read_changes_nothing(mine, model, options):
    plain = mine(dataset(), model, corpus=CORPUS, num_negatives=3)
    assert mine(dataset(), model, corpus=CORPUS, num_negatives=3, **options).to_list() == plain.to_list()


@pytest.mark.parametrize("similarity", ["dot", "euclidean", "manhattan"])
def test_the_model_s_own_similarity_scores(mine, similarity):
    model = encoder(similarity)
    rows = mine(dataset(), model, corpus=CORPUS, num_negatives=2, output_scores=True)
    for row in rows:
        query, *documents = (
            model.encode([row[name]], normalize_embeddings=True) for name in ("query", "answer", "negative")
        )
        wanted = [float(model.similarity_pairwise(query, document)) for document in documents]
        assert row["scores"] == pytest.approx(wanted, abs=1e-5)
    best = model.similarity(
        model.encode(PAIRS["query"], normalize_embeddings=True), model.encode(EVERYTHING, normalize_embeddings=True)
    )
    order = [EVERYTHING[place] for place in best[0].argsort(descending=True) if EVERYTHING[place] != PAIRS["answer"][0]]
    assert list(rows["negative"])[:2] == order[:2]


def heard(model, monkeypatch):
    """What the model is asked to encode, with its prompts."""
    asked = []
    for name in ("encode_query", "encode_document"):
        own = getattr(model, name)

        def spy(texts, *rest, _own=own, _name=name, **named):
            asked.append((_name, list(texts), named.get("prompt_name"), named.get("prompt")))
            return _own(texts, *rest, **named)

        monkeypatch.setattr(model, name, spy)
    return asked


def test_prompts_reach_the_model(mine, monkeypatch):
    model = encoder(prompts=PROMPTS)
    asked = heard(model, monkeypatch)
    mine(dataset(), model, query_prompt_name="query", corpus_prompt="text : ", num_negatives=1)
    assert sorted((name, prompt_name, prompt) for name, _, prompt_name, prompt in asked) == [
        ("encode_document", None, "text : "),
        ("encode_query", "query", None),
    ]
    texts = {name: texts for name, texts, _, _ in asked}
    assert texts == {"encode_query": PAIRS["query"], "encode_document": PAIRS["answer"]}


def test_a_prompt_given_by_name_is_the_same_as_its_text(mine):
    model = encoder(prompts=PROMPTS)
    spellings = (
        {},
        {"query_prompt_name": "query", "corpus_prompt_name": "document"},
        {"query_prompt": "find : ", "corpus_prompt": "text : "},
        {"query_prompt": "", "corpus_prompt": ""},
    )
    found = [mine(dataset(), model, num_negatives=1, output_scores=True, **given)["scores"][:] for given in spellings]
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    np.testing.assert_allclose(found[1], found[2], atol=1e-6)
    assert not np.allclose(found[2], found[3], atol=1e-3)


def test_an_unknown_prompt_is_an_error(mine, model):
    with pytest.raises(ValueError, match="nonsense"):
        mine(dataset(), model, query_prompt_name="nonsense", num_negatives=1)


def test_each_text_is_encoded_once(mine, model, monkeypatch):
    model = encoder()
    asked = heard(model, monkeypatch)
    mine(TWICE, model, corpus=[*CORPUS, *CORPUS], num_negatives=1)
    texts = [text for _, some, _, _ in asked for text in some]
    assert len(texts) == len(set(texts)) == 5 + 8 + 6


def test_vectors_are_kept_and_used_again(mine, tmp_path, monkeypatch, capsys):
    model = encoder()
    asked = heard(model, monkeypatch)
    folder = tmp_path / "new" / "cache"
    first = mine(dataset(), model, num_negatives=1, cache_folder=str(folder), verbose=True)
    assert capsys.readouterr().out.count("[Cache] Saved") == 2
    assert sorted(re.sub("[0-9a-f]{64}", "HASH", path.name) for path in folder.iterdir()) == [
        "corpus_embeddings_HASH.npy",
        "query_embeddings_HASH.npy",
    ]
    assert len(asked) == 2
    again = mine(dataset(), model, num_negatives=1, cache_folder=str(folder), verbose=True)
    assert capsys.readouterr().out.count("[Cache] Loaded") == 2
    assert len(asked) == 2
    assert again.to_list() == first.to_list()


@pytest.mark.parametrize(
    ("change", "new"),
    [({"query_prompt": "find : "}, 1), ({"corpus_prompt_name": "document"}, 1), ({"corpus": CORPUS}, 1)],
)
def test_another_prompt_or_corpus_is_encoded_anew(mine, tmp_path, monkeypatch, change, new):
    model = encoder(prompts=PROMPTS)
    asked = heard(model, monkeypatch)
    mine(dataset(), model, num_negatives=1, cache_folder=str(tmp_path))
    mine(dataset(), model, num_negatives=1, cache_folder=str(tmp_path), **change)
    assert len(asked) == 2 + new
    assert len(list(tmp_path.glob("*.npy"))) == 2 + new


# The cross-encoder


def test_the_cross_encoder_scores_and_orders(mine, model):
    cross_encoder = CrossEncoder()
    rows = mine(
        dataset(), model, corpus=CORPUS, cross_encoder=cross_encoder, max_score=0.9, num_negatives=3, range_max=13,
        output_scores=True,
    )  # fmt: skip
    for row in rows:
        wanted = [cross_encoder.score(row["query"], row[name]) for name in ("answer", "negative")]
        assert row["scores"] == pytest.approx(wanted, abs=1e-6)
    query = PAIRS["query"][0]
    order = sorted(others(query), key=lambda text: -cross_encoder.score(query, text))
    assert list(rows["negative"])[:3] == order[:3]


@pytest.mark.parametrize(
    "limit", [{"absolute_margin": 0.2}, {"relative_margin": 0.5}, {"min_score": 0.1}, {"max_score": 0.3}]
)
def test_thresholds_are_in_the_cross_encoder_s_units(mine, model, limit):
    cross_encoder = CrossEncoder()
    rows = mine(
        dataset(), model, corpus=CORPUS, cross_encoder=cross_encoder, num_negatives=3, range_max=13, output_scores=True,
        **limit,
    )  # fmt: skip
    assert len(rows) > 0
    for row in rows:
        positive, negative = row["scores"]
        assert negative <= positive - limit.get("absolute_margin", -9)
        assert negative <= positive - limit.get("relative_margin", -99) * abs(positive)
        assert limit.get("min_score", -9) <= negative <= limit.get("max_score", 9)


def test_without_a_threshold_the_cross_encoder_is_not_asked(mine, model):
    cross_encoder = CrossEncoder()
    rows = mine(dataset(), model, cross_encoder=cross_encoder, num_negatives=2)
    assert cross_encoder.asked == []
    assert rows.to_list() == mine(dataset(), model, num_negatives=2).to_list()


def test_a_corpus_smaller_than_the_range_is_scored_without_inventing_candidates(mine, model):
    rows = mine(dataset(), model, cross_encoder=CrossEncoder(), min_score=-9.0, num_negatives=10, range_max=200)
    assert len(rows) == 20
    assert len({(row["query"], row["negative"]) for row in rows}) == 20


# Several processes


def test_processes_are_the_model_s_own_pool(mine, monkeypatch):
    model = encoder()
    pools = []
    monkeypatch.setattr(
        model, "start_multi_process_pool", lambda target_devices=None: pools.append(target_devices) or {"pool": 1}
    )
    monkeypatch.setattr(model, "stop_multi_process_pool", lambda pool: pools.append("stopped"))
    for name in ("encode_query", "encode_document"):
        own = getattr(model, name)
        monkeypatch.setattr(
            model, name, lambda texts, pool=None, _own=own, **named: pools.append(pool) or _own(texts, **named)
        )
    mine(dataset(), model, use_multi_process=["cpu", "cpu"], num_negatives=1)
    assert pools == [["cpu", "cpu"], {"pool": 1}, {"pool": 1}, "stopped"]
    pools.clear()
    mine(dataset(), model, use_multi_process=True, num_negatives=1)
    assert pools[0] is None


def test_the_pool_is_closed_when_encoding_fails(mine, monkeypatch):
    model = encoder()
    closed = []
    monkeypatch.setattr(model, "start_multi_process_pool", lambda target_devices=None: {})
    monkeypatch.setattr(model, "stop_multi_process_pool", lambda pool: closed.append(pool))

    def broken(*rest, **named):
        raise RuntimeError("a worker died")

    monkeypatch.setattr(model, "encode_document", broken)
    with pytest.raises(RuntimeError, match="a worker died"):
        mine(dataset(), model, use_multi_process=True, num_negatives=1)
    assert closed == [{}]


# What is said


def printed(mine, capsys, data, model, **given):
    capsys.readouterr()
    mine(data, model, verbose=True, **given)
    return capsys.readouterr().out


def test_the_statistics_are_printed_alike(model, capsys):
    cases = [
        {},
        {"output_format": "n-tuple"},
        {"output_format": "labeled-list"},
        {"output_format": "labeled-pair"},
        {"max_score": 0.2},
        {"absolute_margin": 0.1, "range_min": 1},
        {"relative_margin": 0.3, "max_score": 0.25, "num_negatives": 5},
        {"num_negatives": 5, "range_max": 7},
    ]
    for given in cases:
        for data in (dataset(), TWICE):
            wanted, found = (
                printed(mine, capsys, data, model, **{"corpus": CORPUS, "num_negatives": 2} | given)
                for mine in (theirs, ours)
            )
            assert found == wanted, given


def test_verbose_is_quiet_when_it_is_off(mine, model, capsys):
    mine(dataset(), model, num_negatives=1, max_score=0.2)
    assert capsys.readouterr().out == ""


def test_the_range_is_told(mine, model, capsys):
    for given, wanted in (
        ({}, 3 + 1),
        ({"max_score": 0.9}, 30 + 1),
        ({"range_min": 2, "relative_margin": 0.1}, 2 + 30 + 1),
        ({"min_score": 0.0}, 3 + 1),
    ):
        assert f"Setting range_max to {wanted} based" in printed(mine, capsys, dataset(), model, **given)
    told = printed(mine, capsys, dataset(), model, min_score=-9.0, cross_encoder=CrossEncoder())
    assert "Setting range_max to 31 based" in told
    assert "Setting range_max" not in printed(mine, capsys, dataset(), model, range_max=9)


def test_the_queries_are_counted(mine, model, capsys):
    told = printed(mine, capsys, TWICE, model)
    assert "Found 5 unique queries out of 6 total queries." in told
    assert "Found an average of 1.200 positives per query." in told
    assert "unique queries" not in printed(mine, capsys, dataset(), model)


def test_deprecated_names_still_work(mine, model, caplog):
    with caplog.at_level(logging.WARNING):
        assert mine(dataset(), model, as_triplets=True, num_negatives=1).column_names[-1] == "negative"
        assert mine(dataset(), model, as_triplets=False, num_negatives=1).column_names[-1] == "negative_1"
        scored = mine(dataset(), model, output_format="n-tuple-scores", num_negatives=1)
        mine(dataset(), model, margin=0.1, num_negatives=1)
    assert scored.column_names == ["query", "answer", "negative_1", "scores"]
    for told in ("Setting `output_format` to `triplet`", "Setting `output_format` to `n-tuple`",
                 '`output_format="n-tuple-scores"` is deprecated', "Setting `absolute_margin` to `0.1`"):  # fmt: skip
        assert told in caplog.text


# Errors


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"output_format": "pairs"}, "Invalid output_format: pairs"),
        ({"num_negatives": 0}, "num_negatives must be at least 1"),
        ({"faiss_batch_size": 0}, "faiss_batch_size must be a positive integer"),
        ({"range_min": -1}, "range_min must be non-negative"),
        ({"range_min": 5, "range_max": 5}, "range_min must be smaller than range_max"),
        ({"range_min": 5, "range_max": 7}, "Cannot mine 3 negatives per query: only 2 candidates remain"),
    ],
)
def test_arguments_out_of_range_are_named(mine, model, given, told):
    with pytest.raises(ValueError, match=told):
        mine(dataset(), model, **given)


def test_an_empty_dataset_is_an_error(mine, model):
    with pytest.raises(ValueError, match="The dataset is empty"):
        mine(Dataset.from_dict({"query": [], "answer": []}), model)


def test_one_column_is_an_error(mine, model):
    with pytest.raises(ValueError, match="at least two columns"):
        mine(dataset().select_columns(["query"]), model)


def test_faiss_is_named_where_it_is_missing(mine, model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(ImportError, match="faiss-cpu"):
        mine(dataset(), model, use_faiss=True)


def test_on_a_gpu_faiss_caps_the_range(mine, model, monkeypatch, capsys):
    import faiss

    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)
    told = printed(mine, capsys, dataset(), model, use_faiss=True, num_negatives=300, max_score=0.9)
    assert "Setting range_max to 2047." in told
    with pytest.raises(ValueError, match="capped to 2047"):
        mine(dataset(), model, use_faiss=True, num_negatives=3000)


# Objects with the model's methods


class Looks:
    """Not a SentenceTransformer: it has its methods, and scores as it likes."""

    device = torch.device("cpu")

    def __init__(self):
        self.scores = {"p": 0.5, "a": 0.8, "b": 0.5, "c": 0.4, "d": 0.3}

    def encode_query(self, texts, **named):
        return np.eye(8, dtype=np.float32)[: len(texts)]

    def encode_document(self, texts, **named):
        self.texts = list(texts)
        return np.eye(8, dtype=np.float32)[: len(texts)]

    def similarity(self, queries, documents):
        return torch.tensor([[self.scores[text] for text in self.texts]])

    def similarity_pairwise(self, queries, documents):
        return torch.tensor([self.scores["p"]])


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({}, ["a", "b", "c"]),
        ({"absolute_margin": 0.0}, ["b", "c", "d"]),
        ({"absolute_margin": 0.1}, ["c", "d"]),
        ({"relative_margin": 0.2}, ["c", "d"]),
        ({"max_score": 0.5}, ["b", "c", "d"]),
        ({"min_score": 0.4}, ["a", "b", "c"]),
    ],
)
def test_scores_on_the_edge_stay(mine, limits, wanted):
    data = Dataset.from_dict({"query": ["q"], "answer": ["p"]})
    rows = mine(data, Looks(), corpus=["a", "b", "c", "d"], num_negatives=3, **limits)
    assert list(rows["negative"]) == wanted
