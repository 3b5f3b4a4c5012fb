"""
Labels: the verdicts of a round that count, as a calibration learns from them.

In:  a `Workspace`
Out: `CalibrationLabels`; and the kind of each, to report reliability by slice
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss import audit
from nearmiss.calibration.fitting import CalibrationLabels
from nearmiss.review import ANSWERS
from nearmiss.types import Bools, Ints, Pair
from nearmiss.workspace import Workspace


def labels_of(work: Workspace, *, with_audits: bool) -> CalibrationLabels:
    """
    The verdicts that count, as labels; "cannot tell" and labelled answers are left out.

    Without audits, copies of their draws are left out too: a verdict applies to all copies.
    """
    drawn = audit.drawn(work)
    copied = _copies_of(work, drawn) if drawn and not with_audits else np.zeros(len(work.table.query), bool)
    rows, answers, weights, by_audit, plans = [], [], [], [], set()
    for pair, verdict in work.standing.verdicts().items():
        row = work.row_of(pair)
        if row is None or verdict == "unsure" or work.table.positive[row] or copied[row]:
            continue
        if pair in drawn:
            if not with_audits:
                continue
            plans.add(drawn[pair].plan)
        # The weight of a draw is that of an answer to it; judged by choice, a pair stands for itself.
        answer = work.standing.drawn_verdict(pair) if pair in drawn else None
        as_drawn = answer is not None
        if answer == "unsure":
            continue
        rows.append(row)
        answers.append((answer or verdict) in ANSWERS)
        by_audit.append(as_drawn)
        weights.append(1 / drawn[pair].inclusion_probability if as_drawn else 1.0)
    return CalibrationLabels(
        np.array(rows, np.int64),
        np.array(answers, bool),
        np.array(weights, np.float64),
        work.standing.last_seq,
        tuple(sorted(plans)),
        np.array(by_audit, bool),
    )


def _copies_of(work: Workspace, drawn: Iterable[Pair]) -> Bools:
    """Which candidates have the same words, in query and document, as one of these pairs, (n,)."""
    rows = [row for pair in drawn if (row := work.row_of(pair)) is not None]
    return np.asarray(np.isin(work.digests, work.digests[rows]))


def slices_of(work: Workspace, rows: Ints) -> dict[str, npt.NDArray[Any]]:
    """The slice of each of these rows, by slicing: length of the query, source, cluster, language."""
    table = work.table
    lengths = np.array([len(work.query_text(query_id).split()) for query_id in work.query_ids])
    words = lengths[table.query[rows]]
    found = [(source, table.found_by(source)[rows]) for source in table.sources]
    both = np.logical_and.reduce([by for _, by in found]) if found else np.zeros(len(rows), bool)
    alone = np.array(["by label alone"] * len(rows), object)
    for source, by in found:
        alone[by] = f"{source} alone" if len(found) == 2 else f"{source} and perhaps others"
    slices = {
        "query length": np.where(words <= 4, "up to 4 words", np.where(words <= 10, "5 to 10 words", "more than 10")),
        "found by": np.where(both, "every source", alone).astype(str),
    }
    if "cluster" in work.candidates:
        slices["cluster"] = work.candidates["cluster"].to_numpy()[rows].astype(str)
    if "language" in work.run.dataset.queries:
        language = work.run.dataset.queries.set_index("query_id")["language"].astype(str)
        slices["language"] = language.loc[work.query_ids].to_numpy(object)[table.query[rows]].astype(str)
    return slices
