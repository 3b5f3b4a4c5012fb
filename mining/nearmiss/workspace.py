"""
The workspace: one round of a run, opened for a person to look at, decide on and judge.

In:  a run folder, a log of reviews
Out: candidates as arrays, the decision of any policy on them, texts, and the verdicts that stand

Read once and shared by all viewers; new verdicts are added as people give them.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock, RLock
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss import selection
from nearmiss.calibration import stored
from nearmiss.data import passages
from nearmiss.review import Entry, Event, ReviewLog, Standing
from nearmiss.run import Run, open_run
from nearmiss.selection import Decision
from nearmiss.settings import Policy
from nearmiss.storage.mixing import paired
from nearmiss.types import Bools, Pair

DECISIONS_KEPT = 16
TEXTS_KEPT = 8  # that were looked for
Version = tuple[int, int]
Made = TypeVar("Made")


class Workspace:
    """A round of a run with its reviews; safe to share between threads."""

    def __init__(self, run: Run, log: ReviewLog, number: int | None = None) -> None:
        self.run = run
        self.log = log
        self.folder = run.round_folder(number)
        self.number = int(self.folder.name)
        self.standing = Standing()
        self._lock = RLock()
        self._cached: dict[str, OrderedDict[Hashable, Any]] = {}
        self._caching = Lock()
        self._calibrated = stored.version(self.folder)
        # The candidates with all scores, rows of one query together; then the same as arrays, with the verdicts.
        self.candidates = run.candidates(self.number)
        self.table = selection.prepare(self.candidates)
        self.refresh()

    @property
    def version(self) -> Version:
        """Changes with every verdict and every calibration, since both change what a policy decides."""
        return self.standing.last_seq, self._calibrated

    @cached_property
    def query_ids(self) -> list[str]:
        """The queries, in the candidates' order."""
        ids: list[str] = self.candidates["query_id"].iloc[self.table.starts[:-1]].tolist()
        return ids

    @cached_property
    def doc_ids(self) -> list[str]:
        """The documents among the candidates, as `table.document` numbers them."""
        ids: list[str] = self.table.doc_ids.tolist()
        return ids

    @cached_property
    def _number_of_document(self) -> dict[str, int]:
        return {doc_id: number for number, doc_id in enumerate(self.doc_ids)}

    @cached_property
    def _place_of_query(self) -> dict[str, int]:
        return {query_id: place for place, query_id in enumerate(self.query_ids)}

    @cached_property
    def _queries(self) -> pd.DataFrame:
        return self.run.dataset.queries.set_index("query_id")

    @cached_property
    def _documents(self) -> pd.DataFrame:
        return self.run.dataset.documents.set_index("doc_id")

    def has_query(self, query_id: str) -> bool:
        """Whether the round has this query."""
        return query_id in self._place_of_query

    def rows_of(self, query_id: str) -> slice:
        """The rows of a query; KeyError where the round does not have it."""
        place = self._place_of_query[query_id]
        return slice(int(self.table.starts[place]), int(self.table.starts[place + 1]))

    def row_of(self, pair: Pair) -> int | None:
        """The row of a pair, None where it is no candidate."""
        if not self.has_query(pair[0]):
            return None
        rows = self.rows_of(pair[0])
        found = np.flatnonzero(self.table.document[rows] == self._number_of_document.get(pair[1], -1))
        return rows.start + int(found[0]) if len(found) else None

    def pair_at(self, row: int) -> Pair:
        """The query and the document of a row."""
        return self.query_ids[int(self.table.query[row])], self.doc_ids[int(self.table.document[row])]

    def doc_ids_of(self, query_id: str) -> list[str]:
        """The candidates of a query, in the order of its rows."""
        return [self.doc_ids[number] for number in self.table.document[self.rows_of(query_id)].tolist()]

    def query_text(self, query_id: str) -> str:
        """The text of a query."""
        return str(self._queries.at[query_id, "text"])

    def texts(self, doc_ids: Sequence[str]) -> list[str]:
        """The passages of documents, as the models read them: title and text."""
        return passages(self._documents.loc[list(doc_ids)].reset_index())

    def titles(self, doc_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Title (perhaps empty) and text of each document; KeyError for an unknown one."""
        titles, texts, rows = self._reading
        return [(str(titles[row]), str(texts[row])) for row in map(rows.__getitem__, doc_ids)]

    @cached_property
    def _reading(self) -> tuple[Any, Any, dict[str, int]]:
        # Arrays and a dictionary: a frame takes a millisecond for each look.
        columns = (self._documents[name].fillna("").array for name in ("title", "text"))
        return *columns, {str(doc_id): row for row, doc_id in enumerate(self._documents.index.tolist())}

    def row_in_queries(self, query_id: str) -> npt.NDArray[np.int64]:
        """Where a query stands in the data, and so its vector, (1,)."""
        return np.array([self._queries.index.get_loc(query_id)], np.int64)

    def rows_in_documents(self, doc_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where documents stand in the data, and so their vectors, (n,)."""
        rows = self._reading[2]
        return np.array([rows[doc_id] for doc_id in doc_ids], np.int64)

    def same_query(self, query_id: str) -> list[str]:
        """The queries with the same text, including this one."""
        return self._twins_of_queries.same_as(query_id)

    def same_document(self, doc_id: str) -> list[str]:
        """The documents with the same text, including this one."""
        return self._twins_of_documents.same_as(doc_id)

    @cached_property
    def digests(self) -> npt.NDArray[np.uint64]:
        """A number for each candidate, (n,), equal where both query and document have the same text."""
        of_query, of_document = self._digests
        return paired(of_query[self.table.query], of_document[self.table.document])

    @property
    def twinned(self) -> Bools:
        """Candidates whose query or document shares its text with another, (n,); all others have a unique digest."""
        twins = self._twins_of_queries, self._twins_of_documents
        queries, documents = (
            np.isin(own, np.array(list(known.ids), np.uint64)) for own, known in zip(self._digests, twins, strict=True)
        )
        return np.asarray(queries[self.table.query] | documents[self.table.document])

    @cached_property
    def _digests(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Digests of each query, and of each document as `table.document` numbers them."""
        queries, documents = self._twins_of_queries.digests, self._twins_of_documents.digests
        return (
            np.array([queries[name] for name in self.query_ids], np.uint64),
            np.array([documents[name] for name in self.doc_ids], np.uint64),
        )

    def with_text(self, text: str) -> tuple[Bools, Bools]:
        """Which queries, (n_queries,), and which documents, as `table.document` numbers them, hold this text."""
        wanted = text.casefold()

        def make() -> tuple[Bools, Bools]:
            queries = np.array([wanted in self.query_text(query_id).casefold() for query_id in self.query_ids], bool)
            found = self._documents.loc[self.doc_ids, ["title", "text"]].fillna("")
            documents = found.apply(lambda column: column.str.casefold().str.contains(wanted, regex=False)).any(axis=1)
            return queries, documents.to_numpy(bool)

        return self.cached("with text", make, wanted, TEXTS_KEPT)

    @cached_property
    def language(self) -> str:
        """The language in which BM25 read the texts; "und" where BM25 was not used."""
        return str(self.run.round_facts(self.number).get("language") or "und")

    @cached_property
    def has_teacher(self) -> bool:
        """Whether a teacher scored the pairs, or the dense score stands in for it."""
        return self.run.round_facts(self.number).get("teacher") is not None

    @cached_property
    def _twins_of_queries(self) -> "SameTexts":
        return SameTexts.of(self._queries["text"])

    @cached_property
    def _twins_of_documents(self) -> "SameTexts":
        return SameTexts.of(self._documents["text"])

    @property
    def policy(self) -> Policy:
        """The thresholds in force."""
        return self.run.policy

    def decision(self, policy: Policy | None = None) -> Decision:
        """The decision on each candidate under a policy (by default the one in force) and the verdicts."""
        policy = policy or self.policy
        with self._lock:
            key = policy, self.version
            return self.cached("decision", lambda: selection.decide(self.table, policy), key, DECISIONS_KEPT)

    def cached(self, name: str, make: Callable[[], Made], key: Hashable = None, keep: int | None = None) -> Made:
        """
        The result of `make`, kept as long as the workspace; for each name the last `keep` keys used, by default all.

        Two threads that ask for the same at once may both make it; both get the one that was ready first.
        """
        with self._caching:
            known = self._cached.setdefault(name, OrderedDict())
            if key in known:
                known.move_to_end(key)
                return cast(Made, known[key])
        made = make()  # outside the lock, since it may ask for more that is cached
        with self._caching:
            made = known.setdefault(key, made)
            known.move_to_end(key)
            while keep is not None and len(known) > keep:
                known.popitem(last=False)
        return made

    def append(self, events: Sequence[Event]) -> None:
        """Write events to the log; they count at once."""
        self.log.append(events)
        self.refresh()

    def append_batch(self, events: Sequence[Event]) -> list[Entry]:
        """Write events of one reviewer as one deed, which one undo takes back; they count at once."""
        new = self.log.append_batch(events)
        self.refresh()
        return new

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """No verdict is added inside this block."""
        with self._lock:
            yield

    def refresh(self) -> None:
        """Read what others wrote to the log, and the calibration if it changed."""
        with self._lock:
            self._recalibrate()
            touched = self.standing.absorb(self.log.since(self.standing.last_seq))
            for pair, row in self._rows_of(touched).items():
                verdict = self.standing.verdict(pair)
                self.table.verdicts[row] = selection.verdict_code(verdict)

    def _recalibrate(self) -> None:
        if (version := stored.version(self.folder)) == self._calibrated:
            return
        self.candidates["p_relevant"] = stored.probabilities(self.folder, self.candidates)
        self.table.take("p_relevant", self.candidates["p_relevant"])
        self._calibrated = version

    def _rows_of(self, pairs: Iterable[Pair]) -> dict[Pair, int]:
        found = ((pair, self.row_of(pair)) for pair in pairs)
        return {pair: row for pair, row in found if row is not None}


@dataclass(frozen=True)
class SameTexts:
    """Ids of texts that are equal apart from case and white space; `ids` has those that occur more than once."""

    digests: dict[str, int]
    ids: dict[int, list[str]]

    @classmethod
    def of(cls, texts: pd.Series) -> "SameTexts":
        """From texts, indexed by their ids."""
        plain = [" ".join(text.casefold().split()) for text in texts.fillna("").astype(str).tolist()]
        hashed = pd.util.hash_array(np.array(plain, object), categorize=False)
        digests = dict(zip(texts.index.astype(str).tolist(), hashed.tolist(), strict=True))
        ids: dict[int, list[str]] = {}
        for place in np.flatnonzero(pd.Series(hashed).duplicated(keep=False)).tolist():
            ids.setdefault(int(hashed[place]), []).append(str(texts.index[place]))
        return cls(digests, ids)

    def same_as(self, one: str) -> list[str]:
        """The ids whose text is that of `one`, itself among them."""
        return self.ids.get(self.digests[one], [one])


def open_workspace(folder: Path, reviews: str = "", number: int | None = None) -> Workspace:
    """The workspace of a run folder; its reviews lie beside the run unless a URL says otherwise."""
    run = open_run(folder, reviews)
    run.round_folder(number)
    return Workspace(run, run.log(), number)


def open_to_read(folder: Path, reviews: str = "", number: int | None = None) -> Workspace:
    """The workspace for one thread that writes no verdict: it makes no log where nobody has judged."""
    run = open_run(folder, reviews)
    return Workspace(run, run.log_to_read(), number)
