"""
A student's model card: what it was trained on, how sure those negatives are, and its numbers on queries it never saw.

In:  `StudentResult`
Out: Markdown with the hub's front matter
"""

import json
from typing import Any

from nearmiss.counts import counted
from nearmiss.training.student_result import StudentResult

FRONT = (
    "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n"
    "tags:\n- sentence-transformers\n- feature-extraction\n- nearmiss\n---"
)
HEADS = ("| | nDCG@10 (95% interval) | MRR@10 | Recall@100 | judged documents alone |", "|---|---|---|---|---|")
KINDS = {
    "adapter": "Behind the encoder's own modules stands a Router with one matrix for queries and one for documents, so "
    "use `encode_query` and `encode_document`; plain `encode` reads texts as documents.",
    "static": "A text's vector is the mean of its token vectors: no transformer is run.",
    "encoder": "The whole model was fine-tuned by sentence-transformers' trainer.",
}


def card(result: StudentResult) -> str:
    """The text of README.md."""
    parts = [FRONT, "# An encoder trained on mined hard negatives", _description(result), *_numbers(result)]
    return "\n\n".join([*parts, *_data(result), *_making(result)]) + "\n"


def _description(result: StudentResult) -> str:
    return (
        f"Trained with nearmiss from {result.start} on round {result.round} of the run {result.run}. "
        f"{KINDS[result.student]} Any SentenceTransformer loads it, and `nearmiss mine RUN --encoder THIS_FOLDER` "
        "mines another round with it."
    )


def _numbers(result: StudentResult) -> list[str]:
    rows = [
        f"| {name} | {of.ndcg:.4f} ({of.low:.4f} to {of.high:.4f}) | {of.mrr:.4f} | {of.recall:.4f} | "
        f"{'–' if of.judged_ndcg is None else f'{of.judged_ndcg:.4f}'} |"
        for name, of in result.numbers.items()
    ]
    held = result.held_out
    where = f"all {counted(held['documents'], 'document')}"
    if held["searched"] < held["documents"]:
        where = f"a sample of {held['searched']:,} of {held['documents']:,} documents, in which numbers come out higher"
    return [
        "## On held-out queries",
        "\n".join([*HEADS, *rows]),
        f"{result.sentence()} They have {counted(held['answers'], 'answer')} among {where}; neither "
        "they nor queries of the "
        "same words were trained on. The intervals are from a bootstrap over these queries, for one seed of the "
        "training: another seed gives other numbers.",
    ]


def _data(result: StudentResult) -> list[str]:
    counts, facts = result.trained_on, result.certification
    certified = "They are certified: see the certificate of the run."
    if not facts.get("certified"):
        certified = f"They are not certified. {facts.get('to_certify', '')}".strip()
    return [
        "## What it was trained on",
        f"{counted(counts['queries'], 'query')}, {counted(counts['positives'], 'positive')} and "
        f"{counted(counts['negatives'], 'negative')}, as "
        f"the policy below keeps them. An estimated {result.false_negatives:.1%} of the kept negatives are answers. "
        f"{certified}",
        _json(result.policy),
    ]


def _making(result: StudentResult) -> list[str]:
    facts: dict[str, Any] = {
        "settings": result.settings,
        "steps": result.steps,
        "seconds": result.seconds,
        "fingerprint": result.fingerprint,
        "versions": result.versions,
    }
    return ["## How it was made", _json(facts)]


def _json(facts: dict[str, Any]) -> str:
    return "```json\n" + json.dumps(facts, indent=2, ensure_ascii=False) + "\n```"
