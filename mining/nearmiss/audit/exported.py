"""
Exported: the exact rows that a certificate names, and the set that its draws stand for.

In:  a `Workspace`, a policy, an `Export`
Out: the mined negatives of that export as pairs, and their fingerprint; the candidates as they stood when a plan drew

Verdicts change what is exported: an answer that was found, a negative judged too easy or a duplicate leaves, and the
next best takes its place. So a certificate names rows, not thresholds.
"""

import hashlib
import json

import numpy as np
import pandas as pd

from nearmiss.data.avoided import NOTHING_AVOIDED
from nearmiss.export.judgements import judge, read, settled
from nearmiss.export.plan import plan
from nearmiss.review import AuditPlan
from nearmiss.selection import Table, verdict_code
from nearmiss.settings import Export, Policy
from nearmiss.types import Bools
from nearmiss.workspace import Workspace

DEFAULT = Export()
SETS_KEPT = 32
_PAIR = ["query_id", "doc_id"]


def rows_of(selected: pd.DataFrame, written: pd.DataFrame) -> pd.DataFrame:
    """
    The mined negatives among the rows that an export writes, a row a pair; `query_id` and `doc_id`, sorted.

    Labelled negatives of `selected` are the user's own, and left out.
    """
    negatives = written.loc[~written["is_positive"], _PAIR].astype(str)
    if "is_labelled_negative" in selected and (labelled := selected["is_labelled_negative"].to_numpy(bool)).any():
        own = pd.MultiIndex.from_frame(selected.loc[labelled, _PAIR].astype(str))
        negatives = negatives[~pd.MultiIndex.from_frame(negatives).isin(own)]
    return negatives.sort_values(_PAIR, kind="stable", ignore_index=True)


def exported(work: Workspace, policy: Policy, export: Export = DEFAULT) -> pd.DataFrame:
    """The mined negatives of an export by the verdicts that count now; `query_id` and `doc_id`, sorted."""
    avoided = work.run.avoided

    def make() -> pd.DataFrame:
        with work.unchanged():
            judgements = read(work.standing, avoided)
            table = work.table.judged(work.table.verdicts.copy(), work.table.positive)
        selected, reviews = judge(table, judgements, policy, export, work.same_document)
        return rows_of(selected, plan(work.run.dataset, selected, export, reviews.withheld).selected)

    return work.cached("exported", make, (policy, export, work.version, avoided), SETS_KEPT)


def fingerprint_of_rows(rows: pd.DataFrame) -> str:
    """Hex SHA-256 of the pairs, whatever their order: of lines of JSON, `["query_id", "doc_id"]`, sorted."""
    lines = sorted(json.dumps(pair, ensure_ascii=False) for pair in zip(rows["query_id"], rows["doc_id"], strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def mask(work: Workspace, rows: pd.DataFrame) -> Bools:
    """Which candidates are among these pairs, (n,)."""
    own = pd.MultiIndex.from_frame(work.candidates[_PAIR].astype(str))
    return np.asarray(own.isin(pd.MultiIndex.from_frame(rows)))


def that_differ(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """How many pairs are in one of the two sets alone."""
    first, second = (pd.MultiIndex.from_frame(rows) for rows in (one, other))
    return len(first.symmetric_difference(second))


def before(work: Workspace, drawn: AuditPlan) -> Table:
    """
    The candidates as an export read them when the plan was drawn: with the verdicts up to then.

    What is kept of these was settled before anyone judged a draw, so that the draws are a valid sample of it. For plans
    of version 0.1, which did not record the log's state, as if nobody had judged any.
    """
    return as_of(work, int(drawn.facts.get("last_seq", 0)))


def as_of(work: Workspace, last_seq: int) -> Table:
    """The candidates as an export reads them with the log up to this entry."""
    codes = np.zeros_like(work.table.verdicts)
    table = work.table.judged(codes, work.table.positive)
    avoided = work.run.avoided
    if not last_seq and avoided == NOTHING_AVOIDED:
        return table
    standing = work.standing.until(last_seq)
    for pair, verdict in standing.verdicts().items():
        if (row := work.row_of(pair)) is not None:
            codes[row] = verdict_code(verdict)
    return settled(table, read(standing, avoided), DEFAULT, work.same_document)
