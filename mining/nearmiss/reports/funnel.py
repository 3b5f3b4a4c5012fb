"""
The report: what a run found, kept and refused, as one dictionary that stays the same from version to version.

In:  a `Run`, a policy; or, for each of its parts, a `Table` and a `Decision` on it
Out: counts, overlaps and quantiles, ready for JSON; and the comparison of two rounds

Prints nothing; `cli` and the app draw it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nearmiss import selection
from nearmiss.calibration.answer_rate import rate_of
from nearmiss.data.avoided import in_words
from nearmiss.reports.ceiling import what_the_ceiling_did
from nearmiss.reports.doubts import of_models
from nearmiss.run import Run
from nearmiss.selection import Decision, Table
from nearmiss.settings import Mining, Policy, source_name
from nearmiss.types import Bools, Ints

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
NOT_FOUND = "not_found"  # in the place of a status: no source of the round found the pair
# Statuses of a lost negative that the new model no longer confuses.
EASY = (NOT_FOUND, "over_quota", "too_easy")
MODELS = ("encoder", "teacher", "sparse_encoder")


@dataclass(frozen=True)
class SourceOverlap:
    """The candidates that exactly these sources found; no source where only a label names them."""

    sources: tuple[str, ...]
    found: int
    kept: int


def report(run: Run, number: int | None = None, policy: Policy | None = None) -> dict[str, Any]:
    """The funnel of one round (by default the latest) under a policy (by default the run's own)."""
    policy = policy or run.policy
    facts = run.round_facts(number)
    table = selection.prepare(run.judged(number))
    decision = selection.decide(table, policy)
    counts = decision.counts()
    per_query = kept_per_query(table, decision)
    together = found_together(table, decision)
    data = run.facts["dataset"]
    calibration = run.calibration(number)
    rate = rate_of(calibration)
    return {
        "run": str(run.folder),
        "round": facts["round"],
        **{name: data[name] for name in ("queries", "documents", "positives")},
        "labelled_negatives": data["negatives"],
        "shared_answers": shared_answers(table, data["positives"]),
        "avoided": avoided(run),
        "candidates": len(table.query),
        "status": counts,
        "kept": counts[selection.KEPT],
        "short_queries": int((per_query < policy.negatives_per_query).sum()),
        "empty_queries": int((per_query == 0).sum()),
        "negatives_per_query": policy.negatives_per_query,
        "sources": {source: _of_source(source, together) for source in table.sources},
        "found_together": {"+".join(entry.sources) or "none": entry.found for entry in together},
        "positives_found": positives_found(table),
        "doubts": list(calibration.doubts),
        "estimated_rate": None if rate is None else asdict(rate) | {"says": rate.sentence()},
        "model_doubts": of_models(facts),
        "ceiling": what_the_ceiling_did(table, decision, policy),
        "estimated_false_negatives": round(estimated_false_negatives(table, decision), 4),
        "scores": _scores(table, decision),
        **{name: facts[name] for name in ("language", "encoder", "teacher", "index", "seconds")},
    }


def avoided(run: Run) -> dict[str, Any] | None:
    """What of the run stands in evaluation sets, in counts and as a sentence; None where it avoids none."""
    facts = run.facts
    if "avoid" not in facts:
        return None
    return {**facts["avoid"], "says": in_words(facts["avoid"], facts["dataset"]["queries"])}


def shared_answers(table: Table, labelled: int) -> int:
    """Positives only because another query with the same text has them as its answers."""
    return max(0, int(table.positive.sum()) - labelled)


def kept_per_query(table: Table, decision: Decision) -> Ints:
    """How many negatives each query keeps, (n_queries,)."""
    return np.bincount(table.query[decision.slot > 0], minlength=len(table.starts) - 1)


def estimated_false_negatives(table: Table, decision: Decision) -> float:
    """The share of kept negatives that are answers by p_relevant, except those that a reviewer confirmed."""
    open_rows = (decision.slot > 0) & ~table.reviewed_negative
    return float(
        np.nan_to_num(table.number("p_relevant")[open_rows], nan=0.0).sum() / max((decision.slot > 0).sum(), 1)
    )


def found_together(table: Table, decision: Decision) -> list[SourceOverlap]:
    """Rows by the exact set of sources that found them, most first."""
    sources = table.sources
    codes = found_codes(table)
    found = np.bincount(codes, minlength=2 ** len(sources))
    kept = np.bincount(codes[decision.slot > 0], minlength=2 ** len(sources))
    sets = [tuple(source for bit, source in enumerate(sources) if code >> bit & 1) for code in range(len(found))]
    order = [int(code) for code in np.argsort(-found, kind="stable") if found[code]]
    return [SourceOverlap(sets[code], int(found[code]), int(kept[code])) for code in order]


def found_codes(table: Table) -> Ints:
    """Which sources found each row, as a sum of 2 ** (place in `table.sources`), (n,)."""
    codes = np.zeros(len(table.query), np.int64)
    for bit, source in enumerate(table.sources):
        codes += table.found_by(source) * np.int64(2**bit)
    return codes


def positives_found(table: Table) -> dict[str, float]:
    """Share of the labelled positives that each source found within its depth: its recall."""
    return {source: round(float(table.found_by(source)[table.positive].mean()), 4) for source in table.sources}


def groups(table: Table, decision: Decision) -> dict[str, Bools]:
    """The rows of the labelled positives, of the kept and of the refused, each (n,); every row is in one."""
    kept = decision.slot > 0
    return {"positives": table.positive, "kept": kept, "refused": ~kept & ~table.positive}


def _of_source(source: str, together: list[SourceOverlap]) -> dict[str, int]:
    """Rows a source found, rows nobody else found, and how many of its rows were kept."""
    own = [entry for entry in together if source in entry.sources]
    return {
        "found": sum(entry.found for entry in own),
        "only_here": sum(entry.found for entry in own if len(entry.sources) == 1),
        "kept": sum(entry.kept for entry in own),
    }


def compare(run: Run, first: int, second: int) -> dict[str, Any]:
    """What a round changed: which negatives are gone, which are new, and the gap between positives and negatives."""
    change = compared(run.selected(first), run.selected(second))
    less_far = looks_less_far(run.mining(first), run.mining(second))
    easy = sum(change["gone_because"].get(status, 0) for status in EASY if not (less_far and status == NOT_FOUND))
    changed = changed_settings(run, first, second)
    return {"rounds": [first, second], "changed": changed, "looks_less_far": less_far, "easy": easy, **change}


def looks_less_far(before: Mining, after: Mining) -> bool:
    """Whether a round asks fewer sources, or asks one less deeply: what it does not find need not be easy."""
    names = [source_name(source) for source in before.sources], [source_name(source) for source in after.sources]
    return any(name not in names[1] or after.depth_of(name) < before.depth_of(name) for name in names[0])


def changed_settings(run: Run, first: int, second: int) -> list[str]:
    """The settings and models that differ in the second round, a sentence each."""
    before, after = run.mining(first), run.mining(second)
    changes = [
        f"{field.name} {_spelled(getattr(before, field.name))} -> {_spelled(getattr(after, field.name))}"
        for field in fields(Mining)
        if field.name not in ("depth", *MODELS) and getattr(before, field.name) != getattr(after, field.name)
    ]
    for name in dict.fromkeys(source_name(source) for source in (*before.sources, *after.sources)):
        depths = before.depth_of(name), after.depth_of(name)
        if depths[0] != depths[1]:
            changes.append(f"depth of {name} {depths[0]:,} -> {depths[1]:,}")
    for role in MODELS:
        one, other = (run.round_facts(number).get(role) for number in (first, second))
        names = [model_name(run, entry) or "none" for entry in (one, other)]
        if names[0] != names[1]:
            changes.append(f"{role} {names[0]} -> {names[1]}")
        elif one and other and one["fingerprint"] != other["fingerprint"]:
            changes.append(f"other weights of the {role} {names[0]}")
    return changes


def model_name(run: Run, model: Mapping[str, Any] | None) -> str:
    """A round's model by its name, a folder of the run as seen from there; empty for none."""
    name = str((model or {}).get("name", ""))
    within = Path(name).is_absolute() and Path(name).is_relative_to(run.folder.absolute())
    return Path(name).relative_to(run.folder.absolute()).as_posix() if within else name


def _spelled(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def compared(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    """The same for the candidates of two rounds with their `status`."""
    old, new = (int(frame["status"].eq(selection.KEPT).sum()) for frame in (before, after))
    reasons = kept_here_alone(before, after)["elsewhere"].value_counts()
    gone = int(reasons.sum())
    return {
        "kept": [old, new],
        "in_both": old - gone,
        "gone": gone,
        "gone_because": {str(reason): int(count) for reason, count in reasons.items()},
        "new": new - (old - gone),
        "dense_gap": [_gap(before), _gap(after)],
        "teacher_gap": [_gap(before, "teacher_score"), _gap(after, "teacher_score")],
    }


def kept_here_alone(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """
    The rows that one round keeps and the other does not, hardest first.

    `elsewhere` is their status in the other round, NOT_FOUND where no source of it found them.
    """
    keys = ["query_id", "doc_id"]
    kept = here[here["status"].eq(selection.KEPT)]
    beside = kept.merge(there[[*keys, "status"]].rename(columns={"status": "elsewhere"}), how="left", on=keys)
    beside["elsewhere"] = beside["elsewhere"].astype("str").where(beside["elsewhere"].notna(), NOT_FOUND)
    alone = beside[beside["elsewhere"].ne(selection.KEPT)]
    return alone.sort_values("teacher_score", ascending=False, kind="stable", ignore_index=True)


def _gap(judged: pd.DataFrame, score: str = "dense_score") -> float | None:
    """Gap between the lowest positive and the kept negatives: mean over queries of the mean difference."""
    positives = judged[judged["is_positive"]].groupby("query_id")[score].min()
    negatives = judged[judged["status"].eq(selection.KEPT)].groupby("query_id")[score].mean()
    gap = (positives - negatives).mean()
    return None if np.isnan(gap) else round(float(gap), 4)


def _scores(table: Table, decision: Decision) -> dict[str, dict[str, list[float]]]:
    """Quantiles (5, 25, 50, 75, 95%) of each score over positives, kept and refused candidates."""
    return {
        score: {
            name: [round(float(q), 4) for q in pd.Series(table.number(score)[rows]).quantile(list(QUANTILES))]
            for name, rows in groups(table, decision).items()
            if rows.any()
        }
        for score in ("teacher_score", "dense_score")
    }
