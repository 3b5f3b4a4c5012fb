"""Money for servers: prices that a user writes, an estimate, a limit that is not passed, and what was paid."""

import json

import pytest

from nearmiss import data as dataset
from nearmiss import pipeline
from nearmiss.errors import ModelError, RecipeError
from nearmiss.models.served import Budget
from nearmiss.models.served.prices import Price, paid_so_far, read_prices
from nearmiss.models.served.reranker import QUESTION
from nearmiss.models.served.served_encoder import PROBE
from nearmiss.models.teacher import load_teacher
from nearmiss.pipeline.served_estimate import estimated
from nearmiss.settings import Mining, Serving
from tests.nearmiss.models.test_served import encoder_of, models, pairs, recipe_of  # noqa: F401  (fixtures)

# A request of the toy's /embeddings counts one token; its reranker counts none, so 4 bytes are one.
TABLE = "[models.toy]\nper_request = 0.01\n"


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text('currency = "EUR"\n' + TABLE)
    return str(path)


def test_a_price_is_by_the_million_tokens_and_by_the_request():
    price = Price(per_million_tokens_read=2.0, per_million_tokens_written=8.0, per_request=0.5)
    assert price.of(requests=2, read=500_000, written=250_000) == 1.0 + 1.0 + 2.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[models.toy", "wanted TOML"),
        (TABLE, 'wanted currency = "USD"'),
        ('currency = "EUR"\nmodels.toy = 3', 'toy"]: wanted one or more of per_million_tokens_read'),
        ('currency = "EUR"\n[models.toy]\nper_token = 1', "found {'per_token': 1}"),
        ('currency = "EUR"\n[models.toy]\nper_request = -1', "as numbers from 0"),
        ('currency = "EUR"\n[models.toy]\nper_request = nan', "as numbers from 0"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "prices.toml"
    path.write_text(content)
    with pytest.raises(RecipeError, match="--prices") as refused:
        read_prices(str(path))
    assert message in str(refused.value)


def test_a_limit_needs_prices_and_a_model_needs_one(prices, models):  # noqa: F811
    with pytest.raises(RecipeError, match="--max-cost: wanted --prices FILE"):
        Serving(max_cost=1.0)
    with pytest.raises(RecipeError, match=r'wanted \[models."other"\]; found toy'):
        read_prices(prices).of("other")


def test_the_estimate_is_in_money(prices, models, pairs):  # noqa: F811
    serving = Serving(prices=prices, texts_per_request=10)
    data = dataset.read(pairs)
    texts = len(data.documents) + len(data.queries)
    said = estimated(recipe_of(models, teacher=""), data, serving)
    assert f", some {-(-texts // 10) / 100:.2f} EUR" in said[0]


def test_a_limit_is_never_passed_and_the_same_command_goes_on(prices, models, pairs, tmp_path):  # noqa: F811
    data, recipe = dataset.read(pairs), recipe_of(models)
    serving = Serving(prices=prices, max_cost=0.095, texts_per_request=20, requests_at_once=2)
    for number in (1, 2):
        with pytest.raises(ModelError, match=r"--max-cost 0\.095 EUR: wanted to send one more request"):
            pipeline.mine(tmp_path / "run", recipe, data, serving=serving)
        assert len(models.requests) == 9 * number  # the tenth would cost the hundredth part of an euro too much
    pipeline.mine(tmp_path / "run", recipe, data, serving=Serving(prices=prices))
    assert {times for asked, times in models.answered.items() if asked != PROBE and asked[0] != QUESTION} == {1}
    requests = len(models.requests)
    assert paid_so_far(tmp_path / "run") == {"EUR": (requests, pytest.approx(0.01 * requests))}


def test_what_is_paid_is_what_the_server_counted_and_what_may_be_paid_is_more(tmp_path, models):  # noqa: F811
    path = tmp_path / "prices.toml"
    path.write_text('currency = "EUR"\n[models.toy]\nper_million_tokens_read = 1_000_000')
    budget = Budget(Serving(prices=str(path)))
    encoder_of(models, budget).encode_document(["bread and salt"])
    assert (budget.spent, budget.cost) == (2, 2.0)  # a token each, the server says
    budget.keep_in(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "served_requests.jsonl").read_text("utf-8").splitlines()]
    assert [(line["model"], line["read"], line["cost"], line["currency"]) for line in lines] == [
        ("toy", 1, 1.0, "EUR"),
        ("toy", 1, 1.0, "EUR"),
    ]
    # The next request has some 100 bytes and so at most as many tokens.
    few = Budget(Serving(prices=str(path), max_cost=50.0))
    with pytest.raises(ModelError, match=r"--max-cost 50\.00 EUR"):
        encoder_of(models, few)
    assert few.spent == 0


def test_a_refused_request_costs_nothing(prices, models):  # noqa: F811
    budget = Budget(Serving(prices=prices))
    models.faults.append(models.fails(429))
    encoder_of(models, budget)
    assert (budget.spent, round(budget.cost, 6)) == (1, 0.01)


def test_a_reranker_whose_server_counts_no_tokens_pays_by_what_was_sent(tmp_path, models):  # noqa: F811
    path = tmp_path / "prices.toml"
    path.write_text('currency = "EUR"\n[models.toy]\nper_million_tokens_read = 4_000_000')
    budget = Budget(Serving(prices=str(path)))
    load_teacher(Mining(teacher=f"rerank:toy@{models.url}"), budget=budget)
    sent = len(json.dumps(models.requests[0][1], separators=(",", ":")))
    assert budget.cost == 4 * -(-sent // 4)
