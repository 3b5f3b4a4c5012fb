"""
The workspace: one round of a run, opened for a person to look at, decide on and judge.

In:  a run folder, a log of reviews
Out: candidates as arrays, the decision of any policy on them, texts, and the verdicts that stand

Read once and shared by all who look; verdicts arrive as they are given. Knows nothing of pages.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from threading import RLock

import numpy as np
import numpy.typing as npt
import pandas as pd

from mining import selection
from mining.dataset import passages
from mining.recipe import Policy
from mining.review import Event, ReviewLog, Standing, open_log
from mining.review.standing import Pair
from mining.run import Run, open_run
from mining.selection import Decision, Table

REVIEWS_FILE = "reviews.db"
DECISIONS_KEPT = 16


class Workspace:
    """A round of a run with its reviews; safe to share between threads."""

    def __init__(self, run: Run, log: ReviewLog, number: int | None = None) -> None:
        self.run = run
        self.log = log
        self.number = int(run.round_folder(number).name)
        self.standing = Standing()
        self._lock = RLock()
        self._decisions: OrderedDict[tuple[Policy, int], Decision] = OrderedDict()
        self._seen = 0
        self.refresh()

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """Every candidate with every score, the rows of one query side by side."""
        return self.run.candidates(self.number)

    @cached_property
    def table(self) -> Table:
        """The candidates as arrays, with the verdicts that stand."""
        with self._lock:
            table = selection.prepare(self.candidates)
            _write_verdicts(table, self._rows_of(self.standing.verdicts()), self.standing)
            return table

    @cached_property
    def query_ids(self) -> list[str]:
        """The queries, in the candidates' order."""
        ids: list[str] = self.candidates["query_id"].iloc[self.table.starts[:-1]].tolist()
        return ids

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
        found = np.flatnonzero(self.candidates["doc_id"].iloc[rows].to_numpy(object) == pair[1])
        return rows.start + int(found[0]) if len(found) else None

    def query_text(self, query_id: str) -> str:
        """The text of a query."""
        return str(self._queries.at[query_id, "text"])

    def texts(self, doc_ids: Sequence[str]) -> list[str]:
        """The passages of documents, as the models read them: title and text."""
        return passages(self._documents.loc[list(doc_ids)].reset_index())

    def titles(self, doc_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Title (perhaps empty) and text of each document."""
        found = self._documents.loc[list(doc_ids), ["title", "text"]].fillna("")
        return list(zip(found["title"].astype(str), found["text"].astype(str), strict=True))

    @property
    def policy(self) -> Policy:
        """The thresholds in force."""
        return self.run.policy

    def decision(self, policy: Policy | None = None) -> Decision:
        """What a policy (the one in force unless told) and the verdicts say of each candidate."""
        policy = policy or self.policy
        key = policy, self.standing.last_seq
        with self._lock:
            if key not in self._decisions:
                self._decisions[key] = selection.decide(self.table, policy)
                while len(self._decisions) > DECISIONS_KEPT:
                    self._decisions.popitem(last=False)
            self._decisions.move_to_end(key)
            return self._decisions[key]

    def append(self, events: Sequence[Event]) -> None:
        """Write events to the log; they count at once."""
        self.log.append(events)
        self.refresh()

    def refresh(self) -> None:
        """Take in what others wrote to the log."""
        with self._lock:
            touched = self.standing.absorb(self.log.since(self.standing.last_seq))
            if "table" in self.__dict__:
                _write_verdicts(self.table, self._rows_of(touched), self.standing)

    def _rows_of(self, pairs: Iterable[Pair]) -> dict[Pair, int]:
        found = ((pair, self.row_of(pair)) for pair in pairs)
        return {pair: row for pair, row in found if row is not None}


def open_workspace(folder: Path, reviews: str = "", number: int | None = None) -> Workspace:
    """The workspace of a run folder; its reviews lie beside the run unless a URL says otherwise."""
    run = open_run(folder)
    run.round_folder(number)
    return Workspace(run, open_log(reviews or folder / REVIEWS_FILE), number)


def _write_verdicts(table: Table, rows: dict[Pair, int], standing: Standing) -> None:
    codes: npt.NDArray[np.int8] = table.verdicts
    for pair, row in rows.items():
        verdict = standing.verdict(pair)
        codes[row] = 0 if verdict is None else selection.VERDICTS.index(verdict) + 1
