"""
Refit: the calibration of a round, refitted to the judgements so far; previewed first, then put in force or not.

In:  a `Workspace`
Out: `Preview`: what another calibration would change, and whether it is offered; the calibration in force

A fit that is worse than the prior on queries that it has not seen is not offered: its log loss there must be lower, and
its AUC neither below one half nor below the prior's (by over .02, and surely: at 95%). Labels of an audit are left
out unless asked for: what chose the threshold may not also certify it.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nearmiss import audit, selection
from nearmiss.audit.samples import used_by_calibration
from nearmiss.calibration import stored
from nearmiss.calibration.fitting import FEWEST_LABELS, FEWEST_QUERIES, CalibrationLabels, Fitted, fit
from nearmiss.calibration.model import Calibration
from nearmiss.calibration.reliability import Auc, Reliability, auc, by_slice, surely_worse
from nearmiss.calibration.signals import Signals, signals
from nearmiss.counts import counted
from nearmiss.errors import ReviewError
from nearmiss.reports.funnel import kept_per_query
from nearmiss.session.labels import labels_of, slices_of
from nearmiss.types import Floats, Ints
from nearmiss.workspace import Workspace

FEWEST_OF_A_KIND = 5  # answers and negatives needed for a meaningful AUC


@dataclass(frozen=True)
class HeldOutFit:
    """How well the probabilities match judgements of queries that the fit had not seen."""

    overall: Reliability
    by_slice: dict[str, dict[str, Reliability]]


@dataclass(frozen=True)
class RefitOutcome:
    """The result of the policy in force under a calibration; `auc` is that on queries it has not seen."""

    kept: int  # candidates
    short: int  # queries with fewer kept than wanted
    answers: float  # estimated, among the kept
    draws: int  # of this round's audits, among the kept
    auc: Auc | None
    log_loss: float | None  # mean, on the same labels; None where nobody judged

    @property
    def rate(self) -> float:
        """The estimated share of answers among the kept."""
        return self.answers / max(self.kept, 1)


@dataclass(frozen=True)
class Preview:
    """
    A calibration that is not in force yet, beside the current one.

    `before` and `after` are measured on the same labels, `tested` in number: `before` by the prior where that is in
    force, else by what was stored when the calibration in force was fitted.
    """

    before: RefitOutcome
    after: RefitOutcome
    prior: RefitOutcome
    calibration: Calibration
    held_out: HeldOutFit
    queries: int
    tested: int
    draws: int  # of this round's audits
    spent: tuple[str, ...]  # audits that could then no longer measure or certify this round
    refused: str  # why it is not offered; empty where it is

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        facts = {name: asdict(getattr(self, name)) for name in ("before", "after", "prior", "calibration")}
        return facts | {
            "reliability": asdict(self.held_out),
            "queries": self.queries,
            "tested": self.tested,
            "draws": self.draws,
            "audits_spent": list(self.spent),
            "offered": not self.refused,
            "refused": self.refused,
        }


def preview(work: Workspace, *, with_audits: bool = False) -> Preview:
    """
    Fit the round's calibration to the verdicts that count, and show what it would change; nothing is written.

    Without verdicts it is the prior. Labels of audits are used where `with_audits`, each weighted by one over its
    inclusion probability; their plans can then no longer certify this round.
    """
    work.refresh()
    with work.unchanged():
        found = signals(work.candidates)
        labels = labels_of(work, with_audits=with_audits)
        prior = _prior(work, found)
        fitted = fit(found, prior, work.table.query, labels)
        now = work.run.calibration(work.number)
        by_prior = _outcome(work, prior.probabilities(prior.logits(found)), *_on_unseen(work, labels, fitted.by_prior))
        new = fitted.calibration if len(labels.rows) else prior
        after = _outcome(work, new.probabilities(new.logits(found)), *_on_unseen(work, labels, fitted.estimated))
        measured = (by_prior.auc, by_prior.log_loss) if not now.labels else (_stored_auc(work), None)
        before = _outcome(work, work.table.number("p_relevant"), *measured)
    return Preview(
        before=before,
        after=after,
        prior=by_prior,
        calibration=new,
        held_out=HeldOutFit(fitted.reliability, _by_slice(work, labels, fitted)),
        queries=len(work.query_ids),
        tested=int(labels.tested.sum()),
        draws=len(_drawn_rows(work)),
        spent=tuple(plan for plan in labels.plans if plan not in used_by_calibration(work)),
        refused=_refused(work, labels, fitted, by_prior, after),
    )


def put_in_force(work: Workspace, seen: Preview, by: str = "") -> None:
    """
    Put a previewed calibration in force; it can be undone.

    Raises ReviewError where it is not offered.
    """
    if seen.refused:
        raise ReviewError(f"calibrate: {seen.refused}")
    found = signals(work.candidates)
    before = work.run.calibration(work.number)
    stored.replace_with(work.folder, found, before, seen.calibration, asdict(seen.held_out), by)
    work.refresh()


def refit(work: Workspace, *, with_audits: bool = False, by: str = "") -> Preview:
    """Fit the round's calibration to the verdicts that count, and put it in force; ReviewError where it is worse."""
    seen = preview(work, with_audits=with_audits)
    put_in_force(work, seen, by)
    return seen


def undo(work: Workspace, by: str = "") -> Calibration | None:
    """Put the previous calibration in force again; None where there is none. Draws are valid again as before."""
    calibration = stored.undo(work.folder, work.candidates, by)
    work.refresh()
    return calibration


def redo(work: Workspace, by: str = "") -> Calibration | None:
    """Put the last undone calibration in force again; None where there is none."""
    calibration = stored.redo(work.folder, work.candidates, by)
    work.refresh()
    return calibration


def _prior(work: Workspace, found: Signals) -> Calibration:
    """The prior, with its own warnings."""
    return stored.by_prior(found, work.candidates, work.run.mining(work.number).teacher)


def _outcome(work: Workspace, p: Floats, of_auc: Auc | None, log_loss: float | None) -> RefitOutcome:
    table, policy = work.table.with_number("p_relevant", p), work.policy
    decision = selection.decide(table, policy)
    kept = decision.slot > 0
    unknown = kept & ~table.reviewed_negative & ~table.labelled
    return RefitOutcome(
        kept=int(kept.sum()),
        short=int((kept_per_query(table, decision) < policy.negatives_per_query).sum()),
        answers=float(np.nan_to_num(p[unknown], nan=0.0).sum(dtype=np.float64)),
        draws=int(kept[_drawn_rows(work)].sum()),
        auc=of_auc,
        log_loss=log_loss,
    )


def _drawn_rows(work: Workspace) -> Ints:
    rows = [work.row_of(pair) for pair in audit.drawn(work)]
    return np.array([row for row in rows if row is not None], np.int64)


def _on_unseen(work: Workspace, labels: CalibrationLabels, p: Floats) -> tuple[Auc | None, float | None]:
    """AUC and mean log loss of probabilities (m,) on the labels that test a fit."""
    tested = labels.tested
    if not tested.any():
        return None, None
    weight, answers = labels.of_weight()[tested], labels.answers[tested]
    right = np.clip(np.where(answers, p[tested], 1 - p[tested]), 1e-6, 1)
    loss = float(np.average(-np.log(right), weights=weight))
    return auc(p[tested], answers, weight, work.table.query[labels.rows[tested]]), loss


def _stored_auc(work: Workspace) -> Auc | None:
    """The AUC measured when the calibration in force was fitted."""
    overall = (stored.reliability_of(work.folder) or {}).get("overall") or {}
    value, low, high = (overall.get(name) for name in ("auc", "auc_low", "auc_high"))
    return None if value is None or low is None or high is None else Auc(value, low, high)


def _refused(
    work: Workspace, labels: CalibrationLabels, fitted: Fitted, prior: RefitOutcome, after: RefitOutcome
) -> str:
    """Why a fit is not offered, as a sentence; empty where it is no worse than the prior on unseen queries."""
    count = len(labels.rows)
    if not count:
        return ""
    queries = len(np.unique(work.table.query[labels.rows]))
    if count < FEWEST_LABELS or queries < FEWEST_QUERIES:
        return (
            f"wanted at least {FEWEST_LABELS} judgements of {FEWEST_QUERIES} queries, to try it on queries that it has "
            f"not seen; found {count} of {queries}. Judge more first"
        )
    tried = f"on {counted(int(labels.tested.sum()), 'judgement')} of queries that it has not seen"
    if after.log_loss is not None and prior.log_loss is not None and after.log_loss >= prior.log_loss:
        return (
            f"{tried} its probabilities are no nearer to the truth than those of the shipped weights (log loss "
            f"{after.log_loss:.3f}, theirs {prior.log_loss:.3f}). Judge more first"
        )
    tested = labels.tested
    answers, query = labels.answers[tested], work.table.query[labels.rows[tested]]
    if after.auc is None or prior.auc is None or min(answers.sum(), (~answers).sum()) < FEWEST_OF_A_KIND:
        return ""
    both = fitted.estimated[tested], fitted.by_prior[tested]
    if after.auc.value < 0.5 or surely_worse(*both, answers, fitted.weight[tested], query):
        better = "the shipped weights do" if after.auc.value >= 0.5 else "luck would"
        return (
            f"{tried} it puts answers above negatives less often than {better} (AUC {after.auc.value:.2f}; that of the "
            f"shipped weights {prior.auc.value:.2f}). Judge more first"
        )
    return ""


def _by_slice(work: Workspace, labels: CalibrationLabels, fitted: Fitted) -> dict[str, dict[str, Reliability]]:
    tested = labels.tested
    rows = labels.rows[tested]
    slices = slices_of(work, rows)
    query = work.table.query[rows]
    return by_slice(fitted.estimated[tested], labels.answers[tested], fitted.weight[tested], slices, query)
