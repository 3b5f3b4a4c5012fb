"""
Refit: the calibration of a round, moved by what people judged so far.

In:  a `Workspace`
Out: another calibration in force, and how far it can be relied upon, also by slice

Labels of an audit are kept out unless asked for: what chose the threshold may not also certify it.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss import audit
from nearmiss.calibration import stored
from nearmiss.calibration.fitting import Labels, fit
from nearmiss.calibration.model import Calibration, from_prior
from nearmiss.calibration.reliability import Reliability, by_slice
from nearmiss.calibration.signals import signals
from nearmiss.selection.table import Ints
from nearmiss.workspace import Workspace

ANSWERS = ("relevant", "partial")  # neither may train as a negative


@dataclass(frozen=True)
class Told:
    """How well the probabilities foretold judgements that they had not seen."""

    overall: Reliability
    by_slice: dict[str, dict[str, Reliability]]


def refit(work: Workspace, *, with_audits: bool = False) -> tuple[Calibration, Told]:
    """
    Fit the round's calibration to the verdicts that count, and put it in force.

    Without verdicts the prior is put in force again. Labels of audits are used where `with_audits`, each weighted by
    one over its inclusion probability; their plans can then no longer certify this round.
    """
    with work.unchanged():
        found = signals(work.candidates)
        labels = labels_of(work, with_audits=with_audits)
        calibration, overall, unseen = fit(found, from_prior(found, work.table.positive), work.table.query, labels)
        slices = slices_of(work, labels.rows)
        told = Told(overall, by_slice(unseen, labels.answers, labels.weights, slices))
        stored.save(work.folder, found, calibration, asdict(told))
    work.refresh()
    return calibration, told


def labels_of(work: Workspace, *, with_audits: bool) -> Labels:
    """The verdicts that count, as labels; what nobody could tell and labelled answers are left out."""
    drawn = audit.drawn(work)
    rows, answers, weights, plans = [], [], [], set()
    for pair, verdict in work.standing.verdicts().items():
        row = work.row_of(pair)
        if row is None or verdict == "unsure" or work.table.positive[row]:
            continue
        if pair in drawn:
            if not with_audits:
                continue
            plans.add(drawn[pair].plan)
        rows.append(row)
        answers.append(verdict in ANSWERS)
        weights.append(1 / drawn[pair].inclusion_probability if pair in drawn else 1.0)
    return Labels(
        np.array(rows, np.int64),
        np.array(answers, bool),
        np.array(weights, np.float64),
        work.standing.last_seq,
        tuple(sorted(plans)),
    )


def slices_of(work: Workspace, rows: Ints) -> dict[str, npt.NDArray[Any]]:
    """What kind each of these rows is of, by slicing: length of the query, source, cluster, language."""
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
