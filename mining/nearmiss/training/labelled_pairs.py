"""
Labelled pairs: pairs of a query and a document with a teacher's target label.

In:  a `Dataset` with labelled negatives, or a run with its policy and its reviews
Out: `TrainingPairs`: pairs with a label from 0 (no answer) to 1 (an answer) or none, and which queries are held out
     for evaluation
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nearmiss.calibration.signals import sources
from nearmiss.data import Dataset, passages
from nearmiss.data.avoided import NOTHING_AVOIDED, Avoided
from nearmiss.errors import DatasetError, RunError
from nearmiss.export.judgements import IN_EVALUATION_SET, RELEVANT, WRONG_POSITIVE, read
from nearmiss.selection import KEPT
from nearmiss.session.export_inputs import prepare
from nearmiss.settings import Export, OfPartly, Teaching
from nearmiss.types import Bools, Floats, Pair
from nearmiss.workspace import Workspace, open_workspace

SHARE = "_share"
# Statuses that are certain, or that must not be learnt from.
NO_QUESTION = ("known_positive", "is_the_query", "duplicate", "answers_twin_query", IN_EVALUATION_SET)
POSITIVE, PARTLY, NEGATIVE = 1.0, 0.5, 0.0


@dataclass(frozen=True)
class TrainingPairs:
    """
    Training pairs and their origin.

    `pairs` has the columns query_id, doc_id, query, document (as models read it: title and text) and label, NaN where
    unknown; and for each source of a run beside the encoder {source}_share: its score as a share of the highest
    that it gave for the query.
    """

    pairs: pd.DataFrame
    origin: str

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the pairs, in their order."""
        rows = pd.util.hash_pandas_object(self.pairs, index=False).to_numpy()
        return hashlib.sha256(rows.tobytes()).hexdigest()

    def counts(self, rows: Bools | None = None) -> dict[str, int]:
        """Queries, and pairs by their label; of `rows` (n,) where given."""
        pairs = self.pairs if rows is None else self.pairs[rows]
        label = pairs["label"]
        return {
            "queries": int(pairs["query_id"].nunique()),
            "positives": int(label.eq(POSITIVE).sum()),
            "partial": int(label.between(NEGATIVE, POSITIVE, inclusive="neither").sum()),
            "negatives": int(label.eq(NEGATIVE).sum()),
            "unlabelled": int(label.isna().sum()),
        }

    @property
    def shares(self) -> Floats:
        """The share of each pair from each source beside the encoder, (n, sources); 0 where not found."""
        return self.pairs[_names_of_shares(self.pairs)].fillna(0.0).to_numpy(np.float64)


def from_dataset(data: Dataset, origin: str, avoided: Avoided = NOTHING_AVOIDED) -> TrainingPairs:
    """
    The labelled positives and negatives of a data set, but for what is `avoided`.

    DatasetError where it names no negatives, and where nothing is left.
    """
    if data.negatives.empty:
        raise DatasetError(
            f"{origin}: wanted labelled negatives beside the positives; found none. Mine some, and teach from the run: "
            f"nearmiss mine {origin} RUN; nearmiss teach RUN OUT"
        )
    labelled = [(data.positives, POSITIVE), (data.negatives, NEGATIVE)]
    pairs = pd.concat([pairs[["query_id", "doc_id"]].assign(label=label) for pairs, label in labelled])
    left = ~pairs["query_id"].isin(list(avoided.queries)) & ~pairs["doc_id"].isin(list(avoided.documents))
    if not left.all() and pairs.loc[left, "label"].nunique() < len(labelled):
        raise DatasetError(
            f"{origin}: wanted labelled positives and negatives that stand in no evaluation set; found none of a kind. "
            "Where train and test share a corpus, --no-avoid-answers leaves out queries alone"
        )
    return _training_pairs(data, pairs[left], origin)


def from_run(folder: Path, recipe: Teaching, reviews: str = "", number: int | None = None) -> TrainingPairs:
    """
    The positives of a run against its own kept negatives, under the policy in force and people's verdicts; and
    `recipe.unlabelled` others of each query, drawn at random and without a label.

    A verdict outranks a label and a threshold: relevant is a positive, not relevant a negative, partly lies between or
    is left out, cannot tell is left out; a reason counts as it does in an export. Judged pairs that are no
    candidates are included too. RunError where nothing is kept.
    """
    work = open_workspace(folder, reviews, number)
    export_inputs = prepare(work, Export())
    selected, withheld = export_inputs.selected, set(export_inputs.reviews.withheld)
    verdicts = work.standing.verdicts()
    work.log.close()
    status = selected["status"]
    verdict = pd.Series(list(map(verdicts.get, _pairs(selected))), selected.index, dtype=object)
    positive = status.eq(RELEVANT) | (selected["is_positive"] & ~verdict.isin(["unsure", "partial"]))
    vouched = _nobody_against(status) | _told_apart(work, selected, positive)
    negative = status.eq(KEPT) | (verdict.eq("not_relevant") & vouched)
    partly = verdict.eq("partial") & (status.eq("reviewed_partial") | selected["is_positive"])
    label = pd.Series(np.nan, selected.index)
    label[negative], label[positive] = NEGATIVE, POSITIVE
    if recipe.partial == "half":
        label[partly] = PARTLY
    open_question = label.isna() & verdict.isin([None, "unsure"]) & ~status.isin(NO_QUESTION)
    drawn = _drawn(selected["query_id"][open_question], recipe.unlabelled, recipe.seed)
    judged = selected[["query_id", "doc_id"]].assign(label=label, **_shares(selected))
    judged = judged[(label.notna() | judged.index.isin(drawn)) & ~judged["query_id"].isin(list(withheld))]
    strangers = _strangers(work, verdicts, withheld, set(_pairs(selected)), recipe.partial)
    pairs = pd.concat([judged, strangers], ignore_index=True)
    if not pairs["label"].eq(NEGATIVE).any():
        raise RunError(f"{folder}: wanted kept negatives; found none under the policy in force: see nearmiss report")
    return _training_pairs(export_inputs.dataset, pairs, f"{folder}, round {work.number}")


def held_out(pairs: pd.DataFrame, share: float, seed: int) -> Bools:
    """
    Which pairs belong to queries kept for measuring, (n,): the share of the queries, drawn by a seeded hash.

    A query is never split, and queries of the same words stay together.
    """
    words, texts = _shuffled(pairs, seed)
    return np.asarray(words.isin(texts[: math.ceil(share * len(texts))]).to_numpy(bool))


def fold(pairs: pd.DataFrame, number: int, folds: int, seed: int) -> Bools:
    """Which pairs belong to one of `folds` equal shares of the queries, (n,); each query is in one of them."""
    words, texts = _shuffled(pairs, seed)
    return np.asarray(words.isin(texts[number::folds]).to_numpy(bool))


def _shuffled(pairs: pd.DataFrame, seed: int) -> tuple[pd.Series, list[str]]:
    """The words of each pair's query, and all of them in an order by a seeded hash."""
    words = pairs["query"].str.casefold().str.split().str.join(" ")
    return words, sorted(words.unique(), key=lambda text: hashlib.sha256(f"{seed}\0{text}".encode()).digest())


def _drawn(query_id: pd.Series, number: int, seed: int) -> pd.Index:
    """The rows that are drawn: `number` of each query, or all that it has."""
    shuffled = query_id.sample(frac=1, random_state=seed)
    return shuffled.groupby(shuffled, sort=False).head(number).index


def _shares(candidates: pd.DataFrame) -> dict[str, pd.Series]:
    """{source}_share of each candidate, for the sources that are not the encoder."""
    found = {}
    for source in sources(candidates):
        score = candidates[f"{source}_score"].astype(np.float64)
        best = score.groupby(candidates["query_id"]).transform("max")
        found[f"{source}{SHARE}"] = (score / best.where(best > 0)).clip(lower=0)
    return found


def _names_of_shares(pairs: pd.DataFrame) -> list[str]:
    return [name for name in pairs.columns.astype(str) if name.endswith(SHARE)]


def _nobody_against(status: pd.Series) -> pd.Series:
    """Rows that become negatives once a person judges so: those only not chosen, or labelled positives."""
    return status.isin(["over_quota", "overused", "short_query", "skipped_survivor", WRONG_POSITIVE])


def _told_apart(work: Workspace, selected: pd.DataFrame, positive: pd.Series) -> pd.Series:
    """Near copies of a positive, which a person can tell apart; not exact copies, nor those judged a copy."""
    answers, reasons = set(_pairs(selected[positive])), read(work.standing).reasons
    near = selected["status"].eq("duplicate")
    for row, (query_id, doc_id) in zip(selected.index[near], _pairs(selected[near]), strict=True):
        same = any((query_id, twin) in answers for twin in work.same_document(doc_id))
        near[row] = not same and "duplicate_of_positive" not in reasons.get((query_id, doc_id), ())
    return near


def _pairs(frame: pd.DataFrame) -> Iterable[Pair]:
    return zip(frame["query_id"].tolist(), frame["doc_id"].tolist(), strict=True)


def _strangers(
    work: Workspace, verdicts: dict[Pair, str], withheld: set[str], known: set[Pair], partial: OfPartly
) -> pd.DataFrame:
    """Judged pairs of the run's queries and documents that are no candidates."""
    labels = {"relevant": POSITIVE, "not_relevant": NEGATIVE} | ({"partial": PARTLY} if partial == "half" else {})
    documents = set(work.run.dataset.documents["doc_id"]) - work.run.avoided.documents
    found = [
        (query_id, doc_id, labels[verdict])
        for (query_id, doc_id), verdict in sorted(verdicts.items())
        if verdict in labels
        and (query_id, doc_id) not in known
        and query_id not in withheld
        and work.has_query(query_id)
        and doc_id in documents
    ]
    return pd.DataFrame(found, columns=["query_id", "doc_id", "label"])


def _training_pairs(data: Dataset, labelled: pd.DataFrame, origin: str) -> TrainingPairs:
    """The labelled pairs with their texts, the queries in the data's order."""
    queries = data.queries.set_index("query_id")["text"]
    documents = pd.Series(passages(data.documents), data.documents["doc_id"])
    place = pd.Series(range(len(queries)), queries.index)
    pairs = labelled.drop_duplicates(["query_id", "doc_id"])
    pairs = pairs.iloc[np.argsort(place[pairs["query_id"]].to_numpy(), kind="stable")].reset_index(drop=True)
    query, document = queries[pairs["query_id"]].to_numpy(), documents[pairs["doc_id"]].to_numpy()
    ordered = pairs.assign(query=query, document=document)
    columns = ["query_id", "doc_id", "query", "document", "label", *_names_of_shares(ordered)]
    return TrainingPairs(ordered[columns], origin)
