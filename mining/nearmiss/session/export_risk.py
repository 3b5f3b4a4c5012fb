"""
Export risk: how many of the negatives that an export would write may be unlabelled answers.

In:  a `Workspace`, an `ExportInputs`
Out: `ExportRisk`: the share estimated by p_relevant, measured by audits, and certified; and the same in sentences
"""

from dataclasses import dataclass

import numpy as np

from nearmiss import audit
from nearmiss.audit import sentences
from nearmiss.audit.estimates import Rate
from nearmiss.audit.exported import mask
from nearmiss.audit.samples import NEGATIVE
from nearmiss.counts import counted
from nearmiss.errors import ReviewError
from nearmiss.session.export_inputs import ExportInputs
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class ExportRisk:
    """What is known of the mined negatives of an export."""

    negatives: int
    estimated: float | None  # share of answers by p_relevant; those judged not relevant count as none
    measured: Rate | None  # of what the policy keeps, by random draws
    certified: bool
    bound: float | None  # of the certificate
    confidence: float | None
    certification: str

    @property
    def words(self) -> list[str]:
        """The strongest statement first."""
        told = []
        if self.certified and self.bound is not None and self.confidence is not None:
            told.append(f"Certified: with {self.confidence:.0%} confidence at most {self.bound:.1%} are answers.")
        rate = self.measured
        if rate is not None and rate.low is not None and rate.high is not None:
            told.append(f"Measured: {rate.low:.1%} to {rate.high:.1%} of the kept, by {rate.labels} random judgements.")
        if self.estimated is not None:
            answers = counted(round(self.estimated * self.negatives), "answer")
            told.append(f"Estimated by the scores: {self.estimated:.1%}, about {answers} among {self.negatives:,}.")
        return told if self.certified else [*told, self.certification]


def risk(work: Workspace, inputs: ExportInputs) -> ExportRisk:
    """The risk of the rows that would be written now."""
    chances = work.table.number("p_relevant")
    likely = np.where(work.table.verdicts == NEGATIVE, 0.0, chances)[mask(work, inputs.rows)]
    certificate = inputs.provenance["certificate"]
    return ExportRisk(
        negatives=len(likely),
        estimated=float(likely.mean()) if len(likely) and not np.isnan(likely).any() else None,
        measured=_measured(work),
        certified=certificate is not None,
        bound=certificate["bound"] if certificate else None,
        confidence=certificate["confidence"] if certificate else None,
        certification=sentences.of_certification(inputs.provenance["certification"]),
    )


def _measured(work: Workspace) -> Rate | None:
    try:
        return audit.estimate(work).numbers.false_negative_rate
    except ReviewError:
        return None
