"""
A teacher's model card: its data, its training, and its quality on queries it never saw.

In:  `TrainingResult`
Out: Markdown with the hub's front matter
"""

import json
from typing import Any

from nearmiss.counts import counted
from nearmiss.training.evaluation import NDCG_AT
from nearmiss.training.result import TrainingResult

FRONT = "---\nlibrary_name: sentence-transformers\npipeline_tag: text-ranking\ntags:\n- cross-encoder\n- nearmiss\n---"
CAUTION = """\
The numbers are of the pairs that this data holds: positives and their negatives, not whole collections. Where the
negatives of a run were chosen with the start's own scores, those scores are not judged fairly by them: neither their
rank nor their margins below the positive are chance."""


def card(result: TrainingResult) -> str:
    """The text of README.md."""
    return (
        "\n\n".join(
            [FRONT, "# A teacher for hard negatives", _description(result), *_numbers(result), *_making(result)]
        )
        + "\n"
    )


def _description(result: TrainingResult) -> str:
    return (
        f"A cross-encoder trained with nearmiss from {result.start} ({result.start_kind}, fingerprint "
        f"{result.start_fingerprint[:12]}) on {result.origin}. Its logit is that of a probability of relevance, and "
        "means the same in every query. `nearmiss mine DATA RUN --teacher THIS_FOLDER` uses it."
    )


def _numbers(result: TrainingResult) -> list[str]:
    held, trained = result.held_out, result.trained_on
    heads = ["", "AUC, all pairs", f"nDCG@{NDCG_AT}", "MRR", "Brier", "log loss"]
    rows = [
        [name, *(f"{value:.4f}" for value in (of.auc, of.ndcg, of.mrr, of.brier, of.log_loss))]
        for name, of in result.numbers.items()
    ]
    scaled = result.scale.slope != 1 or result.scale.shift != 0
    how = (
        f"The trained logits were scaled by {result.scale.slope:.3f} and shifted by {result.scale.shift:+.3f}; Brier "
        "and log loss are of scales that did not see the query (five folds)."
        if scaled
        else "No scale made the trained logits better probabilities, so none was folded in."
    )
    return [
        "## On held-out queries",
        _table(heads, rows),
        f"{_pairs(held)}, none of which was trained on. {how} The start's scores were scaled for Brier and log loss in "
        "the same way.",
        CAUTION,
        f"Trained on {_pairs(trained)}.",
    ]


def _pairs(counts: dict[str, int]) -> str:
    more = "".join(
        f", {counts[name]:,} {words}"
        for name, words in (("partial", "partly relevant"), ("unlabelled", "without a label"))
        if counts.get(name)
    )
    named = (("queries", "query"), ("positives", "positive"), ("negatives", "negative"))
    return ", ".join(counted(counts[name], noun) for name, noun in named) + more


def _making(result: TrainingResult) -> list[str]:
    facts: dict[str, Any] = {
        "recipe": result.recipe,
        "number_type": result.number_type,
        "steps": result.steps,
        "seconds": result.seconds,
        "start_fingerprint": result.start_fingerprint,
        "fingerprint": result.fingerprint,
        "low_rank": result.low_rank,
        "versions": result.versions,
    }
    return ["## How it was made", "```json\n" + json.dumps(facts, indent=2, ensure_ascii=False) + "\n```"]


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
