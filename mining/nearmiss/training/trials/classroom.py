"""
The classroom: what all students of one trial share.

In:  a workspace, a `Trial`, perhaps a test split
Out: questions, the exported pairs of any policy, and the student to be trained
"""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from nearmiss.data import Dataset, passages
from nearmiss.export.examples import row_numbers
from nearmiss.export.judgements import read
from nearmiss.export.trained import FOLDER
from nearmiss.models.encoder import load_encoder
from nearmiss.pipeline import Watch
from nearmiss.retrieval import vectors
from nearmiss.retrieval.vector_store import embed, open_vectors
from nearmiss.settings import Mining, Policy, Trial
from nearmiss.storage.fingerprint import fingerprint_of
from nearmiss.training.trials import questions
from nearmiss.training.trials.exported_pairs import ExportedPairs, pairs_of_policy
from nearmiss.training.trials.questions import Questions
from nearmiss.training.trials.students import Student
from nearmiss.training.trials.students.adapter import Adapter, Space
from nearmiss.training.trials.students.encoder_student import EncoderStudent
from nearmiss.training.trials.students.static import Static
from nearmiss.training.trials.students.trial_texts import TrialTexts
from nearmiss.types import Bools, Floats, Ints, Vectors
from nearmiss.workspace import Workspace


@dataclass(frozen=True)
class Classroom:
    """One round of a run, split into queries to train on and questions to test with."""

    work: Workspace
    trial: Trial
    questions: Questions
    trainable: Bools  # (n_queries,)
    watch: Watch
    start: Mining | None = None  # names another encoder to start from than the round's
    guide: Mining | None = None  # names an encoder, for the losses that have one
    searches: Ints | None = None  # the documents to search, rising, in place of those that the trial chooses

    def exported(self, policy: Policy | None) -> ExportedPairs:
        """The pairs that a policy would export for the training queries, under the verdicts that count now."""
        return self._pairs_of(policy, self.trainable)

    def fingerprint_of_export(self, policy: Policy | None) -> str:
        """The fingerprint of all rows that a policy would export, whichever queries are held out."""
        return self._pairs_of(policy, np.ones_like(self.trainable)).fingerprint

    def _pairs_of(self, policy: Policy | None, trainable: Bools) -> ExportedPairs:
        work = self.work
        with work.unchanged():
            judgements = read(work.standing, work.run.avoided)
            return pairs_of_policy(work.run.dataset, work.table, judgements, policy, trainable, work.same_document)

    def median_rank(self, exported: ExportedPairs) -> float | None:
        """The median dense rank of the negatives; None without dense retrieval."""
        found = self._of_negatives(exported, "dense_rank")
        return float(np.median(found)) if len(found) else None

    def estimated_answers(self, exported: ExportedPairs) -> float | None:
        """The estimated share of answers among the negatives: the mean of `p_relevant`; None without negatives."""
        found = self._of_negatives(exported, "p_relevant")
        return float(np.mean(found)) if len(found) else None

    def _of_negatives(self, exported: ExportedPairs, column: str) -> Floats:
        """The values of a column for the negatives, where they are known."""
        negative = ~exported.is_positive
        wanted = exported.query[negative] * self._base + exported.document[negative]
        keys, order = self._by_key
        found = self.work.table.number(column)[order[np.searchsorted(keys, wanted)]]
        return found[~np.isnan(found)]

    @cached_property
    def student(self) -> Student:
        """The student that the trial names, untrained."""
        if self.trial.student == "adapter":
            return Adapter(self.space, self.trial)
        if self.trial.student == "static":
            return Static(self.texts, self.trial)
        return EncoderStudent(self.texts, self.trial, self.guide)

    @cached_property
    def texts(self) -> TrialTexts:
        """The texts, and the encoder that students start from."""
        data = self.work.run.dataset
        return TrialTexts(
            queries=data.queries["text"].tolist(),
            documents=passages(data.documents),
            questions=self.questions.texts,
            searched=self.searched,
            mining=self.start or self.work.run.mining(self.work.number),
        )

    @cached_property
    def searched(self) -> Ints:
        """
        The documents that are searched, rising: all, or a sample where there are too many.

        A sample holds the known documents of the questions, their candidates, and a seeded draw of others.
        """
        if self.searches is not None:
            return self.searches
        count = len(self.work.run.dataset.documents)
        if count <= self.trial.corpus:
            return np.arange(count)
        asked = np.isin(self._pairs[0], self.questions.rows)
        needed = np.unique(np.concatenate([self.questions.document, self._pairs[1][asked]]))
        rest = np.setdiff1d(np.arange(count), needed, assume_unique=True)
        drawn = np.random.default_rng(self.trial.seed).permutation(rest)[: max(self.trial.corpus - len(needed), 0)]
        return np.sort(np.concatenate([needed, drawn]))

    @cached_property
    def _pairs(self) -> tuple[Ints, Ints]:
        """Row numbers of query and document of each candidate, (n,) each."""
        data, candidates = self.work.run.dataset, self.work.candidates
        documents = row_numbers(data.documents["doc_id"], self.work.table.doc_ids.to_series())
        queries = row_numbers(data.queries["query_id"], candidates["query_id"])
        return np.asarray(queries, np.int64), np.asarray(documents, np.int64)[self.work.table.document]

    @property
    def _base(self) -> int:
        return len(self.work.run.dataset.documents)

    @cached_property
    def _by_key(self) -> tuple[Ints, Ints]:
        """Each candidate's query and document as one number, rising, and the candidates in that order."""
        queries, documents = self._pairs
        keys = queries * self._base + documents
        order = np.argsort(keys)
        return keys[order], order

    @cached_property
    def space(self) -> Space:
        """The vectors that the round holds."""
        folder = self.work.folder
        documents, queries = open_vectors(folder / "document_vectors"), open_vectors(folder / "query_vectors")
        of_the_run = bool((self.questions.rows >= 0).all())
        asked = queries.take(self.questions.rows) if of_the_run else self._encoded()
        of = self.work.run.round_facts(self.work.number)["encoder"]["fingerprint"]
        return Space(
            partial(vectors.take, queries.shards()),
            partial(vectors.take, documents.shards()),
            asked,
            self.searched,
            fingerprint_of(of, self.trial.corpus if len(self.searched) < self._base else None),
        )

    def _encoded(self) -> Vectors:
        """The questions of a test split, encoded as the round encoded its queries, once."""
        encoder = load_encoder(self.work.run.mining(self.work.number))
        folder = self.work.run.folder / FOLDER / "questions" / self.questions.fingerprint[:16]
        with self.watch("questions", len(self.questions.texts), "texts") as advance:
            embed(
                self.questions.texts,
                encoder.encode_query,
                folder,
                fingerprint=encoder.fingerprint,
                advance=advance,
            )
        return open_vectors(folder).take(np.arange(len(self.questions.texts)))


def open_classroom(
    work: Workspace, trial: Trial, watch: Watch, test: Dataset | None = None, fold: int = 0
) -> Classroom:
    """A round prepared for a trial; `test` brings its own questions, else those of one of the trial's folds."""
    data = work.run.dataset
    mined = data.queries["query_id"].isin(work.query_ids).to_numpy(bool)
    if test is not None:
        asked, trainable = questions.from_split(data, test, mined)
    else:
        asked, trainable = questions.from_run(data, work.standing.verdicts(), trial, mined, fold)
    return Classroom(work, trial, asked, trainable, watch)
