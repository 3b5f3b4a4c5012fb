"""
What asking a judge will cost, about, before it is asked.

In:  pairs, a prompt, the prices of a `Budget`
Out: tokens and money; of a batch, the pairs that stay below `--max-cost`

A batch is answered hours later, when nothing can be stopped any more, so its limit goes by the estimate.
"""

from collections.abc import Sequence
from itertools import accumulate

from nearmiss.counts import counted
from nearmiss.errors import ModelError
from nearmiss.judging.judge_prompt import JudgePrompt
from nearmiss.models.served import Budget
from nearmiss.models.served.client import CHARACTERS_PER_TOKEN
from nearmiss.types import Pair
from nearmiss.workspace import Workspace

WRITTEN_FOR_ONE = 100  # tokens of an answer, about: a grade, a sentence and a quote


def tokens_to_read(work: Workspace, pairs: Sequence[Pair], prompt: JudgePrompt) -> list[int]:
    """How many tokens the question about each pair has, about."""
    texts = zip(pairs, work.texts([doc_id for _, doc_id in pairs]), strict=True)
    asked = (prompt.messages(work.query_text(query_id), text) for (query_id, _), text in texts)
    return [sum(len(one["content"]) for one in messages) // CHARACTERS_PER_TOKEN for messages in asked]


def estimate_in_words(tokens: Sequence[int], budget: Budget, model: str, *, batch: bool = False) -> str:
    """The questions of these tokens, and what they cost where there are prices."""
    said = f"{counted(len(tokens), 'pair')}, a request each, some {sum(tokens):,} tokens to read"
    if budget.prices is None:
        return said
    written = WRITTEN_FOR_ONE * len(tokens)
    cost = budget.prices.of(model).of(len(tokens), sum(tokens), written, batch=batch)
    return f"{said} and {written:,} to write, some {budget.prices.in_words(cost)}{' as a batch' if batch else ''}"


def within_limit(tokens: Sequence[int], budget: Budget, model: str) -> int:
    """How many questions of a batch, from the first on, cost no more than the budget; ModelError where none does."""
    limit = budget.serving.max_cost
    if budget.prices is None or limit is None or not tokens:
        return len(tokens)
    price, words = budget.prices.of(model), budget.prices.in_words
    costs = [price.of(1, read, WRITTEN_FOR_ONE, batch=True) for read in tokens]
    fitting = sum(so_far <= limit for so_far in accumulate(costs))
    if not fitting:
        raise ModelError(
            f"--max-cost {words(limit)}: wanted to write one question at least; found that it costs some "
            f"{words(costs[0])}. Nothing was written"
        )
    return fitting
