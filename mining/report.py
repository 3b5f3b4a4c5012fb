"""
The report: what a run found, kept and refused, as one dictionary that stays the same from version to version.

In:  a `Run`, a policy
Out: counts, overlaps and quantiles, ready for JSON; and the comparison of two rounds

Prints nothing; `cli` and the app draw it.
"""

from typing import Any

import numpy as np
import pandas as pd

from mining import selection
from mining.recipe import Policy
from mining.run import Run

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def report(run: Run, number: int | None = None, policy: Policy | None = None) -> dict[str, Any]:
    """The funnel of one round (the latest unless told) under a policy (the run's own unless told)."""
    policy = policy or run.policy
    facts = run.round_facts(number)
    candidates = selection.select(run.candidates(number), policy)
    counts = candidates["status"].value_counts()
    kept = candidates["status"].eq(selection.KEPT)
    per_query = kept.groupby(candidates["query_id"], sort=False).sum()
    data = run.facts["dataset"]
    return {
        "run": str(run.folder),
        "round": facts["round"],
        "queries": data["queries"],
        "documents": data["documents"],
        "positives": data["positives"],
        "labelled_negatives": data["negatives"],
        "candidates": len(candidates),
        "status": {status: int(counts.get(status, 0)) for status in selection.STATUSES},
        "kept": int(kept.sum()),
        "short_queries": int(per_query.lt(policy.negatives_per_query).sum()),
        "empty_queries": int(per_query.eq(0).sum()),
        "negatives_per_query": policy.negatives_per_query,
        "sources": _sources(candidates),
        "found_together": _found_together(candidates),
        "positives_found": _positives_found(candidates),
        "scores": _scores(candidates),
        "language": facts["language"],
        "encoder": facts["encoder"],
        "teacher": facts["teacher"],
        "index": facts["index"],
        "seconds": facts["seconds"],
    }


def compare(run: Run, first: int, second: int) -> dict[str, Any]:
    """What a round changed: which negatives became easy, which are new, how far the positives stand from them."""
    before, after = (run.selected(number) for number in (first, second))
    keys = ["query_id", "doc_id"]
    old, new = (frame[frame["status"].eq(selection.KEPT)] for frame in (before, after))
    both = old[keys].merge(new[keys])
    gone = old[keys].merge(new[keys], how="left", indicator=True)
    gone = gone[gone["_merge"].eq("left_only")][keys]
    # A negative is now easy when the new model no longer finds it, or ranks it below those it keeps.
    reasons = gone.merge(after[[*keys, "status"]], how="left")["status"].astype("str").fillna("not_found")
    return {
        "rounds": [first, second],
        "kept": [len(old), len(new)],
        "in_both": len(both),
        "gone": len(gone),
        "gone_because": {str(reason): int(count) for reason, count in reasons.value_counts().items()},
        "new": len(new) - len(both),
        "dense_gap": [_gap(before), _gap(after)],
        "teacher_gap": [_gap(before, "teacher_score"), _gap(after, "teacher_score")],
    }


def _gap(judged: pd.DataFrame, score: str = "dense_score") -> float | None:
    """How far the lowest positive stands above the kept negatives: mean over queries of the mean difference."""
    positives = judged[judged["is_positive"]].groupby("query_id")[score].min()
    negatives = judged[judged["status"].eq(selection.KEPT)].groupby("query_id")[score].mean()
    gap = (positives - negatives).mean()
    return None if np.isnan(gap) else round(float(gap), 4)


def _sources(candidates: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Per source: rows it found, rows nobody else found, and how many of its rows were kept."""
    found = _found(candidates)
    alone = found.sum(axis=1).eq(1)
    kept = candidates["status"].eq(selection.KEPT)
    return {
        str(source): {
            "found": int(found[source].sum()),
            "only_here": int((found[source] & alone).sum()),
            "kept": int((found[source] & kept).sum()),
        }
        for source in found
    }


def _found_together(candidates: pd.DataFrame) -> dict[str, int]:
    """Rows by the exact set of sources that found them, as `bm25+dense`, most first; "none" for unfound positives."""
    found = _found(candidates)
    code = sum((found[source].astype(int) * 2**bit for bit, source in enumerate(found)), pd.Series(0, candidates.index))
    counts = code.value_counts()
    names = {
        value: "+".join(str(source) for bit, source in enumerate(found) if value >> bit & 1) or "none"
        for value in counts.index
    }
    return {names[value]: int(count) for value, count in counts.items()}


def _positives_found(candidates: pd.DataFrame) -> dict[str, float]:
    """Share of the labelled positives that each source found within its depth: its recall."""
    positives = candidates[candidates["is_positive"]]
    return {str(source): round(float(found.mean()), 4) for source, found in _found(positives).items()}


def _found(candidates: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({s: candidates[f"{s}_rank"].notna() for s in selection.sources_of(candidates)})


def _scores(candidates: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """Quantiles (5, 25, 50, 75, 95%) of each score over positives, kept and refused candidates."""
    kept = candidates["status"].eq(selection.KEPT)
    groups = {
        "positives": candidates["is_positive"],
        "kept": kept,
        "refused": ~kept & ~candidates["is_positive"],
    }
    return {
        score: {
            name: [round(float(q), 4) for q in candidates.loc[rows, score].quantile(list(QUANTILES))]
            for name, rows in groups.items()
            if rows.any()
        }
        for score in ("teacher_score", "dense_score")
    }
