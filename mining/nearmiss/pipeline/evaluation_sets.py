"""
Evaluation sets: which queries and answers of the training data stand in what a model will be evaluated on.

In:  a `Dataset`, data sets to avoid
Out: `Overlap`: a line for each query or document that was found, and counts for run.json

Queries are compared with queries, and documents with answers (documents that the evaluation set has as answers, not its
whole corpus: seeing a document is no leak, being told what it answers is). Near copies are told apart by MiniLM,
whatever the round's encoder is, so that other models give the same list and no server is asked.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from nearmiss.candidates.near_texts import KINDS, copies
from nearmiss.candidates.twins import COSINE
from nearmiss.data import Dataset, format_of, passages, read
from nearmiss.data.avoided import AVOIDED_FILE, Avoided, write_avoided
from nearmiss.data.beir_qrels import splits_of
from nearmiss.errors import DatasetError
from nearmiss.models.encoder import Encoder, load_model_encoder
from nearmiss.run import RUN_FILE, Run
from nearmiss.settings import Mining, Policy
from nearmiss.storage.files import write_json
from nearmiss.types import Vectors

IN_MEMORY, TEST = "data in memory", "test"
Line = dict[str, Any]


@dataclass(frozen=True)
class EvaluationSet:
    """Queries, and documents that answer one of them; `name` says where they were read."""

    name: str
    queries: pd.DataFrame  # id, text, set
    answers: pd.DataFrame  # the same; text as models read it

    def facts(self) -> dict[str, Any]:
        """What run.json holds of it."""
        digest = hashlib.sha256()
        for text in [*self.queries["text"], "", *self.answers["text"]]:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        counts = {"queries": len(self.queries), "answers": len(self.answers)}
        return {"name": self.name, **counts, "fingerprint": digest.hexdigest()}


@dataclass(frozen=True)
class Overlap:
    """What of a run's data stands in evaluation sets: lines for its list, and counts."""

    lines: list[Line]
    facts: dict[str, Any]

    @property
    def ids(self) -> Avoided:
        """The queries and documents."""
        queries, documents = (
            frozenset(line[key] for line in self.lines if key in line) for key in ("query_id", "doc_id")
        )
        return Avoided(queries, documents)


def overlap_of(data: Dataset, avoid: Sequence[Any], answers: bool = True) -> Overlap:
    """
    What of `data` stands in the sets named by `avoid`: paths (FOLDER#SPLIT names a split), or data in memory.

    Without `answers` only queries count. DatasetError where a set cannot be read.
    """
    sets = [evaluation_set(one) for one in avoid]
    encoder = cache(partial(load_model_encoder, Mining()))  # loaded once, and not where no vector tells texts apart
    lines = [*_queries(data, sets, encoder), *(_documents(data, sets, encoder) if answers else ())] if sets else []
    return Overlap(lines, _facts(data, sets, lines, answers))


def evaluation_set(given: Any) -> EvaluationSet:
    """One set; of a folder with several splits, the test split unless another is named."""
    if not isinstance(given, str | Path):
        return _set_of(IN_MEMORY, given if isinstance(given, Dataset) else read(given))
    path, split = Path(given).expanduser(), None
    if not path.exists():
        before, mark, after = str(given).rpartition("#")
        if mark and Path(before).expanduser().exists():
            path, split = Path(before).expanduser(), after
    try:
        if split is None and path.is_dir() and format_of(path) == "beir" and len(found := splits_of(path)) > 1:
            split = TEST if TEST in found else None
        data = read(path, split=split)
    except DatasetError as error:
        raise DatasetError(f"--avoid {given}: {error}. FOLDER#SPLIT names one of several splits") from error
    return _set_of(f"{path.absolute()}#{split}" if split else str(path.absolute()), data)


def keep(run: Run, overlap: Overlap) -> None:
    """Write into the run what it avoids from now on, in the place of what it avoided before."""
    path, facts = run.folder / AVOIDED_FILE, run.facts
    if overlap.facts["sets"]:
        write_avoided(path, overlap.lines)
        write_json(run.folder / RUN_FILE, facts | {"avoid": overlap.facts})
    else:
        write_json(run.folder / RUN_FILE, {name: value for name, value in facts.items() if name != "avoid"})
        path.unlink(missing_ok=True)


def _set_of(name: str, data: Dataset) -> EvaluationSet:
    answering = data.documents[data.documents["doc_id"].isin(data.positives["doc_id"])]
    answers = pd.DataFrame({"id": answering["doc_id"].tolist(), "text": passages(answering)})
    queries = data.queries[["query_id", "text"]].set_axis(["id", "text"], axis=1)
    return EvaluationSet(name, queries.assign(set=name), answers.assign(set=name))


def _queries(data: Dataset, sets: Sequence[EvaluationSet], encoder: Callable[[], Encoder]) -> Iterator[Line]:
    ids, texts = data.queries["query_id"].tolist(), data.queries["text"].tolist()
    others = pd.concat([one.queries for one in sets], ignore_index=True)
    for row, found in _found(texts, others, lambda texts: encoder().encode_query(texts), COSINE):
        yield {"query_id": ids[row], "text": texts[row]} | found


def _documents(data: Dataset, sets: Sequence[EvaluationSet], encoder: Callable[[], Encoder]) -> Iterator[Line]:
    """Every document that stands there, labelled or not, since reviewers may find that it is an answer."""
    ids, texts = data.documents["doc_id"].tolist(), passages(data.documents)
    answers = data.positives.groupby("doc_id")["query_id"].agg(list).to_dict()
    others = pd.concat([one.answers for one in sets], ignore_index=True)
    cosine = Policy().duplicate_cosine
    for row, found in _found(texts, others, lambda texts: encoder().encode_document(texts), cosine, inside=True):
        yield {"doc_id": ids[row], "answers": answers.get(ids[row], []), "text": texts[row]} | found


def _found(
    texts: Sequence[str],
    others: pd.DataFrame,
    encode: Callable[[list[str]], Vectors],
    cosine: float,
    *,
    inside: bool = False,
) -> Iterator[tuple[int, Line]]:
    """The rows of `texts` that stand among the others, with how, where and as what."""
    found = copies(texts, others["text"].tolist(), encode, cosine, inside=inside)
    its = others.iloc[found["other"].to_numpy()]
    columns = found["row"].tolist(), found["kind"], its["set"], its["id"], its["text"]
    for row, kind, name, its_id, its_text in zip(*columns, strict=True):
        yield row, {"kind": kind, "set": name, "its_id": its_id, "its_text": its_text}


def _facts(data: Dataset, sets: Sequence[EvaluationSet], lines: Sequence[Line], answers: bool) -> dict[str, Any]:
    """Sets and counts: queries, and labelled answers of the other queries, by the kind of copy."""
    queries = {line["query_id"]: line["kind"] for line in lines if "query_id" in line}
    documents = {line["doc_id"]: line["kind"] for line in lines if "doc_id" in line}
    labelled = data.positives[~data.positives["query_id"].isin(list(queries))]
    standing = labelled["doc_id"].map(documents)
    left = labelled.loc[standing.isna(), "query_id"].nunique()
    return {
        "sets": [one.facts() for one in sets],
        "answers": answers,
        "queries": _by_kind(queries.values()),
        "positives": _by_kind(standing.dropna()),
        "queries_without_positive": labelled["query_id"].nunique() - left,
    }


def _by_kind(kinds: Iterable[str]) -> dict[str, int]:
    counted = Counter(kinds)
    return {kind: counted[kind] for kind in KINDS if counted[kind]}
