"""
The same policy as a call of sentence-transformers' `mine_hard_negatives`, as close as possible, and what it leaves out.

In:  a `Mining` recipe, a `Policy`
Out: `Call`: code to copy, and sentences on how that code differs

The call's behaviour was read in its code: its range_min counts what no threshold refused, its margins start from the
weakest positive, and it asks the cross-encoder only where a threshold is set.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nearmiss.presets import PRESETS
from nearmiss.settings import LATE_INTERACTION, Mining, Policy, source_name

SHARED = ("max_score", "min_score", "absolute_margin", "relative_margin")  # named alike, and meaning the same
EMBEDDED = PRESETS["default"].encoders[0].model


@dataclass(frozen=True)
class Call:
    """Python to copy, and how it differs from the policy, a sentence each."""

    code: str
    leaves_out: tuple[str, ...]


def as_call(mining: Mining, policy: Policy) -> Call:
    """The nearest call, over a `dataset` of (query, positive) and a `corpus` of texts that the reader has."""
    lines = [
        "from sentence_transformers import SentenceTransformer",
        "from sentence_transformers.util import mine_hard_negatives",
    ]
    if _has_cross_encoder(mining):
        lines[0] = "from sentence_transformers import CrossEncoder, SentenceTransformer"
        lines.append("from torch.nn import Identity")
    written = [f"    {name}={value}," for name, value in arguments(mining, policy).items()]
    code = "\n".join([*lines, "", "mined = mine_hard_negatives(", *written, ")", ""])
    return Call(code, tuple(_leaves_out(mining, policy)))


def arguments(mining: Mining, policy: Policy) -> dict[str, str]:
    """The call's keywords, each with the Python that stands for it."""
    named: dict[str, Any] = {
        "range_min": policy.skip_survivors or None,
        "range_max": max(_depth(mining, policy), policy.skip_survivors + policy.negatives_per_query),
        **{name: getattr(policy, name) for name in SHARED},
        "num_negatives": policy.negatives_per_query,
        "sampling_strategy": "random" if policy.sampling == "random" else "top",
        "query_prompt": mining.query_prompt,
        "corpus_prompt": mining.document_prompt,
        # Only this format leaves a query out when it has too few.
        "output_format": "n-tuple" if policy.shortfall == "drop" else None,
    }
    models = {"model": f"SentenceTransformer({json.dumps(mining.encoder or EMBEDDED)})"}
    if _has_cross_encoder(mining):
        # Scores here are logits; the call's own would be pressed through a sigmoid.
        models["cross_encoder"] = f"CrossEncoder({json.dumps(mining.teacher)}, activation_fn=Identity())"
    values = {name: json.dumps(value) for name, value in named.items() if value is not None}
    return {"dataset": "dataset", "corpus": "corpus"} | models | values


def _has_cross_encoder(mining: Mining) -> bool:
    return mining.teacher not in ("", LATE_INTERACTION)


def _depth(mining: Mining, policy: Policy) -> int:
    return policy.max_rank or mining.depth_of("dense")


def _leaves_out(mining: Mining, policy: Policy) -> Iterator[str]:
    yield (
        "Copies and near copies of a positive, and the query's own text, stay in: it removes a positive by its exact "
        "text alone."
    )
    if not policy.allow_twin_answers:
        yield "Labelled answers to a query that asks the same stay in: it looks at one query at a time."
    if not policy.allow_siblings:
        yield "Other passages of a positive's page stay in: it knows no group_id."
    yield "It keeps no table: labelled negatives, what reviewers judged and why a candidate was refused are lost."
    others = [source_name(source) for source in mining.sources if source != "dense"]
    if others:
        yield f"It searches with the encoder alone; this run also asked {', '.join(others)}."
    if mining.teacher == LATE_INTERACTION:
        yield "It has no late interaction: the encoder's own cosine decides, and is what a threshold is set on."
    elif mining.teacher and all(getattr(policy, name) is None for name in SHARED):
        yield "Without a threshold it never asks the cross-encoder: the encoder's order decides."
    if policy.anchor != "min":
        yield f"Its margins start from the weakest positive; anchor {policy.anchor} has no counterpart."
    yield from _without_counterpart(policy)


def _without_counterpart(policy: Policy) -> Iterator[str]:
    if policy.skip_top:
        yield f"skip_top {policy.skip_top}: its range_min counts what no threshold refused, which is skip_survivors."
    if policy.max_rank is not None:
        yield f"max_rank {policy.max_rank}: its range_max counts the encoder's ranks alone, without the positives."
    for name in ("absolute_floor", "relative_floor", "max_p_relevant", "min_p_relevant", "reuse_cap"):
        if getattr(policy, name) is not None:
            yield f"{name} {getattr(policy, name)} has no counterpart."
    if policy.different_cluster:
        yield "different_cluster has no counterpart."
    if policy.quota:
        yield f"quota {', '.join(f'{source}={share}' for source, share in policy.quota)} has no counterpart."
    if policy.sampling in ("simans", "stratified"):
        yield f'sampling {policy.sampling} has no counterpart; the code says "top".'
    if policy.sampling == "random":
        yield f"It draws with Python's random numbers: random.seed({policy.seed}) makes it repeat its own picks."
    if policy.shortfall == "deepen":
        yield "shortfall deepen has no counterpart: a query with too few keeps fewer."
