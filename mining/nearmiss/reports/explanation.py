"""
Explanations: why one candidate was kept or refused, with every score, threshold and rule, in words.

In:  the candidates of a round, a policy, the calibration behind their probabilities
Out: for each candidate the facts and the sentences that decided it

Decides nothing itself: it asks each rule of `selection` again and reports the answer.
"""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from nearmiss import selection
from nearmiss.calibration import Calibration
from nearmiss.calibration.signals import Signals, in_words, signals
from nearmiss.errors import RunError
from nearmiss.selection import Table
from nearmiss.settings import Policy
from nearmiss.types import Bools

LOUDEST = 4
TO_A_POSITIVE = ("positive_cosine", "positive_jaccard")


@dataclass(frozen=True)
class Explanation:
    """One candidate: its facts, and the sentence of each rule that refuses or concerns it."""

    query_id: str
    doc_id: str
    status: str
    slot: int | None
    scores: dict[str, float | None]  # None where a source did not find it
    thresholds: dict[str, float]
    reasons: tuple[str, ...]
    signals: tuple[str, ...] = ()  # what made its probability, the strongest first; empty without a calibration

    def __str__(self) -> str:
        place = f", place {self.slot}" if self.slot else ""
        return "\n".join([f"{self.query_id} and {self.doc_id}: {self.status}{place}", *self.reasons])


def explain(
    candidates: pd.DataFrame,
    policy: Policy,
    query_id: str,
    doc_id: str | None = None,
    calibration: Calibration | None = None,
) -> list[Explanation]:
    """
    Explanations of a query's candidates, in slot order and then by falling score; or of one of them.

    With a `calibration` they name the signals behind p_relevant.
    """
    judged = selection.select(candidates, policy)
    own = judged["query_id"].eq(query_id).to_numpy()
    rows = judged[own].reset_index(drop=True)
    if rows.empty:
        raise RunError(f"wanted a query of this run; found none with query_id {query_id!r}")
    table = selection.prepare(rows.drop(columns=["status", "slot"]))
    order = np.lexsort(
        (-rows["teacher_score"].to_numpy(np.float64, na_value=np.nan), rows["slot"].to_numpy(float, na_value=np.inf))
    )
    chosen = [row for row in order.tolist() if doc_id in (None, rows["doc_id"].iat[row])]
    if not chosen:
        raise RunError(
            f"query {query_id!r}: wanted one of its {len(rows)} candidates; found none with doc_id {doc_id!r}. "
            "No source ranked that document within its depth"
        )
    signals_in_words = _signals_in_words(candidates, own, calibration) if calibration is not None else [()] * len(rows)
    return [_explain(table, policy, rows, row, signals_in_words[row]) for row in chosen]


def _signals_in_words(candidates: pd.DataFrame, of_query: Bools, calibration: Calibration) -> list[tuple[str, ...]]:
    """For each of the query's rows, its LOUDEST (strongest) signals with what they add to the logit."""
    found = signals(candidates)
    added = calibration.contributions(Signals(found.names, found.values[of_query]))
    loudest = np.argsort(-np.abs(added), axis=1, kind="stable")[:, :LOUDEST]
    return [
        tuple(f"{in_words(calibration.names[place])} {added[row, place]:+.2f}" for place in places)
        for row, places in enumerate(loudest.tolist())
    ]


def _explain(
    table: Table, policy: Policy, rows: pd.DataFrame, row: int, signals_in_words: tuple[str, ...]
) -> Explanation:
    candidate = rows.iloc[row]
    slot = candidate["slot"]
    return Explanation(
        query_id=candidate["query_id"],
        doc_id=candidate["doc_id"],
        status=str(candidate["status"]),
        slot=None if pd.isna(slot) else int(slot),
        scores=_scores(candidate),
        thresholds={} if candidate["is_positive"] else _thresholds(table, policy, row),
        reasons=tuple(_reasons(table, policy, rows, row)),
        signals=() if candidate["is_positive"] else signals_in_words,
    )


def _scores(candidate: pd.Series) -> dict[str, float | None]:
    shown = [
        name for name in candidate.index if name.endswith(("_score", "_rank", "_cosine", "_jaccard", "p_relevant"))
    ]
    if candidate["is_positive"]:
        shown = [name for name in shown if name not in TO_A_POSITIVE]  # how near it is to itself
    return {name: _number(candidate[name]) for name in shown}


def _number(value: Any) -> float | None:
    if pd.isna(value):
        return None
    return int(value) if isinstance(value, Integral) else float(value)


def _thresholds(table: Table, policy: Policy, row: int) -> dict[str, float]:
    limits = {"ceiling": selection.ceiling(table, policy), "floor": selection.floor(table, policy)}
    return {name: float(limit[row]) for name, limit in limits.items() if limit is not None}


def _reasons(table: Table, policy: Policy, rows: pd.DataFrame, row: int) -> list[str]:
    """The rules that refuse this candidate, in order, then how the places were filled."""
    candidate = rows.iloc[row]
    if candidate["is_positive"]:
        # Other rules that would refuse it, such as for being a copy of itself, are left out.
        return [f"known_positive: {_in_words('known_positive', table, policy, candidate, row)}"]
    refusing = [rule for rule in selection.RULES if rule(table, policy)[row]]
    if table.column("is_unscored")[row]:
        # It stands in the table with the lowest score of its query, which no limit is about.
        refusing = [rule for rule in refusing if rule.__name__ not in ("too_close", "too_easy")]
    reasons = [f"{rule.__name__}: {_in_words(rule.__name__, table, policy, candidate, row)}" for rule in refusing]
    if table.reviewed_negative[row]:
        reasons.append("judged not relevant: a reviewer outranks the teacher, so no threshold refuses it")
    if not refusing or candidate["status"] == selection.KEPT:
        reasons.append(_place_in_words(policy, rows, candidate))
    return reasons


def _in_words(rule: str, table: Table, policy: Policy, candidate: pd.Series, row: int) -> str:
    score, limits = candidate["teacher_score"], _thresholds(table, policy, row)
    anchor = float(table.anchors[policy.anchor][row])
    sentences = {
        "known_positive": "labelled as an answer",
        "reviewed_relevant": "a reviewer judged it an answer",
        "reviewed_partial": "a reviewer judged it partly an answer, so it is neither positive nor negative",
        "is_the_query": "its text is the query's own text",
        "duplicate": _duplicate_in_words(policy, candidate),
        "answers_twin_query": _twin_in_words(candidate),
        "sibling": "it comes from the same page (group_id) as a positive",
        "skipped_rank": f"best rank {table.best_rank[row]:.0f} is within skip_top {policy.skip_top}",
        "too_deep": f"best rank {table.best_rank[row]:.0f} is below max_rank {policy.max_rank}",
        "same_cluster": "it lies in the cluster of a positive",
        "unscored": "it lies beyond --teacher-depth by fused rank, so the teacher did not read it",
    }
    if rule == "too_close":
        beyond = []
        if score > limits.get("ceiling", np.inf):
            positive = f"the positive scores {anchor:.4g}"
            beyond.append(f"teacher score {score:.4g} is above the ceiling {limits['ceiling']:.4g} ({positive})")
        if policy.max_p_relevant is not None and candidate["p_relevant"] > np.float32(policy.max_p_relevant):
            beyond.append(f"p_relevant {candidate['p_relevant']:.3f} is above {policy.max_p_relevant:g}")
        return f"{' and '.join(beyond)}: probably an unlabelled answer"
    if rule == "too_easy":
        beyond = []
        if score < limits.get("floor", -np.inf):
            beyond.append(f"teacher score {score:.4g} is below the floor {limits['floor']:.4g}")
        if policy.min_p_relevant is not None and candidate["p_relevant"] < np.float32(policy.min_p_relevant):
            beyond.append(f"p_relevant {candidate['p_relevant']:.3f} is below {policy.min_p_relevant:g}")
        return " and ".join(beyond)
    return sentences[rule]


def _duplicate_in_words(policy: Policy, candidate: pd.Series) -> str:
    positive, kind = candidate.get("duplicate_of"), candidate.get("duplicate_kind", "")
    if kind == "same_text":
        return f"the same text as the positive {positive}"
    if kind == "contained":
        return f"one text lies within the other: positive {positive}"
    return (
        f"nearly the text of a positive: cosine {candidate.get('positive_cosine', np.nan):.3f} "
        f"(at least {policy.duplicate_cosine}), shared words {candidate.get('positive_jaccard', np.nan):.2f} "
        f"(at least {policy.duplicate_jaccard})"
    )


def _twin_in_words(candidate: pd.Series) -> str:
    twin, cosine, shared = (candidate.get(name) for name in ("twin_query", "twin_cosine", "twin_jaccard"))
    if cosine is None or pd.isna(cosine):
        return ""
    how = "the same text" if cosine >= 1 else f"nearly the same: cosine {cosine:.3f}, shared words {shared:.2f}"
    return f"labelled as an answer to the query {twin}, which asks the same ({how})"


def _place_in_words(policy: Policy, rows: pd.DataFrame, candidate: pd.Series) -> str:
    kept = int(rows["status"].eq(selection.KEPT).sum())
    ceiling_kept = f"no rule refused it; the query keeps {kept} of at most {policy.negatives_per_query}"
    return {
        "kept": f"kept: {ceiling_kept}",
        "skipped_survivor": f"skipped_survivor: among the first {policy.skip_survivors} that no rule refused",
        "overused": f"overused: its document is already a negative of {policy.reuse_cap} other queries",
        "over_quota": f"over_quota: {ceiling_kept}, and others were preferred (sampling {policy.sampling})",
        "short_query": f"short_query: fewer than {policy.negatives_per_query} survived, and shortfall is drop",
    }[str(candidate["status"])]
