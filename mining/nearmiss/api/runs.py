"""
A run, opened from Python: decide, explain, report, export.

In:  a run folder
Out: `OpenRun`, whose candidates always carry the verdicts; `Selection`, one policy's decision on them
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nearmiss import run as stored
from nearmiss import selection
from nearmiss.errors import RecipeError
from nearmiss.export import Manifest
from nearmiss.reports import explanation, funnel
from nearmiss.reports.explanation import Explanation
from nearmiss.session.export_inputs import ExportInputs, prepare
from nearmiss.settings import Export, FormatName, Policy, Training
from nearmiss.workspace import open_to_read

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset, DatasetDict

    from nearmiss.training.student_result import StudentResult


@dataclass(frozen=True)
class OpenRun(stored.Run):
    """
    A run folder, opened; nothing is read before it is needed.

    `folder` is its path, `reviews` the URL of a log of reviews that lies elsewhere.

    Example:
        >>> import nearmiss as nm
        >>> run = nm.open_run("runs/demo")
        >>> run.rounds
        [1]
    """

    def candidates(self, number: int | None = None) -> "pd.DataFrame":
        """
        Every candidate of a round, with every score, p_relevant and, where people judged, the `verdict` that counts.

        One row for each query and document, the rows of one query side by side, best fused rank first; scores rise with
        likeness, ranks start at 1, p_relevant is a probability. `number` is the round, the latest one unless given.
        Raises RunError where no round is finished.

        Example:
            >>> import nearmiss as nm
            >>> run = nm.open_run("runs/demo")
            >>> list(run.candidates().columns[:2])
            ['query_id', 'doc_id']
        """
        return stored.Run(self.folder, self.reviews).judged(number)

    def judged(self, number: int | None = None) -> "pd.DataFrame":
        """The same as `candidates(number)`, which here always carry the verdicts."""
        return self.candidates(number)

    def select(self, policy: Policy | None = None, *, round: int | None = None, **changes: Any) -> "Selection":
        """
        Decide again, which costs milliseconds: the policy in force, or `policy`, with `changes` to its settings.

        What people judged counts, as it does for `nearmiss select` and for an export. Nothing is written: `save` on the
        answer puts its policy in force. `round` is the latest one unless given. Raises RecipeError for a setting that
        does not exist or is out of range.

        Example:
            >>> import nearmiss as nm
            >>> run = nm.open_run("runs/demo")
            >>> strict, loose = run.select(max_p_relevant=0.02), run.select(max_p_relevant=0.5)
            >>> strict.counts["too_close"] > loose.counts["too_close"]
            True
        """
        known = {field.name for field in fields(Policy)}
        if unknown := sorted(changes.keys() - known):
            raise RecipeError(f"select: wanted settings of Policy, as {', '.join(sorted(known))}; found {unknown}")
        return Selection(self, replace(policy or self.policy, **changes), round)

    def explain(self, query_id: str, doc_id: str, *, round: int | None = None) -> Explanation:
        """
        Why a candidate was kept or refused under the policy in force: every score, threshold and rule, in words.

        Raises RunError where the round has no such query, or no source found the document for it.

        Example:
            >>> import nearmiss as nm
            >>> run = nm.open_run("runs/demo")
            >>> positive = run.dataset.positives.iloc[0]
            >>> run.explain(positive.query_id, positive.doc_id).reasons[0]
            'known_positive: labelled as an answer'
        """
        return self.select(round=round).explain(query_id, doc_id)

    def report(self, round: int | None = None) -> dict[str, Any]:
        """
        The funnel of a round: found by each source, refused by each rule, kept; quantiles of the scores.

        Example:
            >>> import nearmiss as nm
            >>> nm.open_run("runs/demo").report()["queries"]
            84
        """
        return funnel.report(self, round)

    def export(
        self, out: str | Path, format: FormatName = "triplet", *, round: int | None = None, **choices: Any
    ) -> Manifest:
        """
        Write the kept negatives as training shards into the new folder `out`; see `Selection.export`.

        `choices` are the other settings of `Export`; `round` is the latest one unless given.

        Example:
            >>> import nearmiss as nm
            >>> run = nm.open_run("runs/demo")
            >>> run.export("shards/pairs", format="labeled-pair").format
            'labeled-pair'
        """
        return self.select(round=round).export(out, format, **choices)

    def train(self, out: str | Path, settings: Training | None = None, *, round: int | None = None) -> "StudentResult":
        """
        Train a student on what the policy in force keeps, into the folder `out`; see `nearmiss.train`.

        `settings` are the usual ones and `round` the latest one unless given.

        Example:
            >>> import nearmiss as nm
            >>> run = nm.open_run("runs/demo")
            >>> run.train("students/quick", nm.Training(student="static", epochs=1)).held_out["queries"]
            17
        """
        from nearmiss.training.student_training import train

        return train(self.folder, out, settings, reviews=self.reviews, round=round)

    def to_dataset(
        self, format: FormatName = "triplet", *, round: int | None = None, **choices: Any
    ) -> "Dataset | DatasetDict":
        """
        The rows that `export` would write in this `format`, in memory; see `Selection.to_dataset`.

        `choices` are the other settings of `Export`; `round` is the latest one unless given.

        Example:
            >>> import nearmiss as nm
            >>> nm.open_run("runs/demo").to_dataset("triplet").column_names
            ['query', 'answer', 'negative']
        """
        return self.select(round=round).to_dataset(format, **choices)


@dataclass(frozen=True)
class Selection:
    """
    One policy's decision on a round, with everything that people judged.

    Example:
        >>> import nearmiss as nm
        >>> chosen = nm.open_run("runs/demo").select(negatives_per_query=3)
        >>> int(chosen.rows["slot"].max())
        3
    """

    run: OpenRun
    policy: Policy
    round: int | None = None

    @cached_property
    def rows(self) -> "pd.DataFrame":
        """The candidates with `status`, "kept" or the rule that refused, and `slot`, 1 to k where kept."""
        return selection.select(self.run.candidates(self.round), self.policy)

    @property
    def counts(self) -> dict[str, int]:
        """Candidates by status, in the rules' order; they sum to all."""
        return {str(status): int(count) for status, count in self.rows["status"].value_counts(sort=False).items()}

    def explain(self, query_id: str, doc_id: str) -> Explanation:
        """
        Why a candidate is kept or refused under this policy: every score, threshold and rule, in words.

        Raises RunError where the round has no such query, or no source found the document for it.

        Example:
            >>> import nearmiss as nm
            >>> run = nm.open_run("runs/demo")
            >>> positive = run.dataset.positives.iloc[0]
            >>> run.select(max_p_relevant=0.2).explain(positive.query_id, positive.doc_id).status
            'known_positive'
        """
        candidates, calibration = self.run.candidates(self.round), self.run.calibration(self.round)
        return explanation.explain(candidates, self.policy, query_id, doc_id, calibration)[0]

    def save(self) -> None:
        """Put this policy in force for the run, as `nearmiss select` does."""
        self.run.save_policy(self.policy)

    def export(self, out: str | Path, format: FormatName = "triplet", **choices: Any) -> Manifest:
        """
        Write the kept negatives as training shards into the new folder `out`, with a manifest and a card.

        `choices` are the other settings of `Export`, as `scores=True`. Returns the manifest: what was written and why
        the rest was not. Raises RunError where the folder holds something else, RecipeError where the format does not
        allow the settings.

        Example:
            >>> import nearmiss as nm
            >>> chosen = nm.open_run("runs/demo").select(negatives_per_query=2)
            >>> chosen.export("shards/tuples", format="n-tuple", scores=True).exported_queries > 0
            True
        """
        return self._prepared(format, choices).write(Path(out), lambda rows: None)

    def to_dataset(self, format: FormatName = "triplet", **choices: Any) -> "Dataset | DatasetDict":
        """
        The rows that `export` would write, in memory, as a `datasets.Dataset`.

        A `format` of several tables gives a `DatasetDict`, one entry for each; `choices` are as for `export`. Columns
        are in the order in which losses read them.

        Example:
            >>> import nearmiss as nm
            >>> rows = nm.open_run("runs/demo").select(negatives_per_query=2).to_dataset("n-tuple", negatives=2)
            >>> rows.column_names
            ['query', 'answer', 'negative_1', 'negative_2']
        """
        from datasets import Dataset, DatasetDict

        tables = {name: Dataset.from_list(list(rows)) for name, rows in self._prepared(format, choices).tables()}
        return next(iter(tables.values())) if len(tables) == 1 else DatasetDict(tables)

    def _prepared(self, format: FormatName, choices: dict[str, Any]) -> ExportInputs:
        known = {field.name for field in fields(Export)}
        if unknown := sorted(choices.keys() - known):
            raise RecipeError(f"export: wanted settings of Export, as {', '.join(sorted(known))}; found {unknown}")
        work = open_to_read(self.run.folder, self.run.reviews, self.round)
        return prepare(work, Export(format=format, **choices), self.policy)


def open_run(folder: str | Path, reviews: str = "") -> OpenRun:
    """
    Open the run in `folder`; `reviews` is the URL of a log of reviews that lies elsewhere.

    Raises RunError where there is no run.

    Example:
        >>> import nearmiss as nm
        >>> nm.open_run("runs/demo").policy.negatives_per_query
        7
    """
    opened = stored.open_run(Path(folder), reviews)
    return OpenRun(opened.folder, opened.reviews)
