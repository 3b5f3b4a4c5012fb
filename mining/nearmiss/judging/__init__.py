"""
Judging: a language model asked about the pairs whose answer matters most, and what it says, in the log.

In:  a `Workspace`, a model behind a URL, a prompt that the user may replace
Out: verdicts of the reviewer `model:NAME`, which count for no person; files of requests and of answers, for batches

The model sees a query and a document, and nothing else: no score, no label, nobody's verdict.
"""

from nearmiss.judging.asking import JudgeOutcome, confirm, judge, planned
from nearmiss.judging.batch_requests import BatchWritten, read_batch, write_batch
from nearmiss.judging.judge_costs import JudgeCost, costs, paid, spent
from nearmiss.judging.judge_estimate import estimate_in_words, tokens_to_read, within_limit

__all__ = [
    "BatchWritten",
    "JudgeCost",
    "JudgeOutcome",
    "confirm",
    "costs",
    "estimate_in_words",
    "judge",
    "paid",
    "planned",
    "read_batch",
    "spent",
    "tokens_to_read",
    "within_limit",
    "write_batch",
]
