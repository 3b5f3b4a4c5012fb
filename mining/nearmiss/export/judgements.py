"""
Judgements: how people's verdicts and reasons change one export.

In:  the candidates as arrays with the verdicts that count, what the log says beside them, a policy, an `Export`
Out: every candidate with the `status` and `slot` that this export gives it, and `ExportReviews`: the queries it
     leaves out whole, and the record for its manifest

Candidates that judgements remove (partly, cannot tell, every reason) are removed before negatives are chosen, so that
the next best takes the free place. Found answers (`relevant`) are handled afterwards, when rows are planned: an answer
is never a negative, whatever it becomes. Margins still start from the labelled positives; only where a query has none
left do they start from the answers that were found.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nearmiss import selection
from nearmiss.data.avoided import NOTHING_AVOIDED, Avoided
from nearmiss.review import GOLD, JUDGEMENTS, TRAINING, Standing
from nearmiss.selection import VERDICTS, Table, verdict_code
from nearmiss.settings import Export, Policy
from nearmiss.types import Bools, Ints, Pair

RELEVANT = "reviewed_relevant"  # the status of a found answer
# Statuses that only an export gives: nobody could tell; a positive judged not to be one; a query left out whole.
UNSURE, WRONG_POSITIVE, WITHHELD = "reviewed_unsure", "wrong_positive", "withheld"
IN_EVALUATION_SET = "in_evaluation_set"  # an answer there too, so no positive here; and no negative, being an answer
STATUSES = (*selection.STATUSES, UNSURE, WRONG_POSITIVE, WITHHELD, IN_EVALUATION_SET)
# Why a query is left out whole.
BAD_QUERY = "judged a bad query"
NO_POSITIVE_LEFT = "all positives judged wrong"
UNCLEAR_POSITIVE = "unclear which positive is wrong"
QUERY_IN_EVALUATION_SET = "stands in an evaluation set"
ANSWERS_IN_EVALUATION_SET = "all positives stand in an evaluation set"
_STATUS = {status: np.int8(place) for place, status in enumerate(STATUSES)}
_MASKED = np.int8(verdict_code("partial"))
_UNJUDGED = np.int8(0)
Statuses = npt.NDArray[np.int8]  # places in STATUSES; 0 where the judgements give none


@dataclass(frozen=True)
class JudgementSnapshot:
    """What the log holds at one moment, beside the final verdict of each candidate; and what the run avoids."""

    last_seq: int = 0
    judgements: int = 0
    reviewers: int = 0
    with_known_chance: int = 0  # judgements of pairs that were picked at random, as an audit does
    reasons: Mapping[Pair, frozenset[str]] = field(default_factory=dict)
    avoided: Avoided = NOTHING_AVOIDED


@dataclass(frozen=True)
class ExportReviews:
    """What reviewers contributed to an export; `verdicts` counts candidates by their final verdict."""

    last_seq: int = 0
    judgements: int = 0
    reviewers: int = 0
    with_known_chance: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)  # query_id -> why the whole query is left out

    def as_json(self) -> dict[str, Any]:
        """The record for the manifest; the queries withheld are counted there among those left out."""
        return {name: value for name, value in asdict(self).items() if name != "withheld"}


def read(standing: Standing, avoided: Avoided = NOTHING_AVOIDED) -> JudgementSnapshot:
    """
    What an export needs of the log, and of what the run avoids.

    A reason counts where it came with the verdict that counts; then one voice is enough, since leaving something out
    does less harm than training on it.
    """
    tests = GOLD, TRAINING
    entries = [e for e in standing.entries.values() if e.event.verdict in JUDGEMENTS and e.event.arm not in tests]
    standing_ones = [entry.event for entry in entries if standing.stands(entry.seq)]
    found = ((pair, _reasons(standing, pair)) for pair in {entry.pair for entry in entries if entry.event.reason})
    return JudgementSnapshot(
        last_seq=standing.last_seq,
        judgements=len(standing_ones),
        reviewers=len({event.reviewer for event in standing_ones}),
        with_known_chance=sum(event.inclusion_probability is not None for event in standing_ones),
        reasons={pair: reasons for pair, reasons in found if reasons},
        avoided=avoided,
    )


def _reasons(standing: Standing, pair: Pair) -> frozenset[str]:
    decision, verdict = standing.decision(pair), standing.verdict(pair)
    counting = [decision] if decision is not None else list(standing.by_reviewer(pair).values())
    return frozenset(e.event.reason for e in counting if e.event.reason and e.event.verdict == verdict)


def alone(doc_id: str) -> list[str]:
    """For data without documents of the same text."""
    return [doc_id]


def judge(
    table: Table,
    snapshot: JudgementSnapshot,
    policy: Policy,
    export: Export,
    same_document: Callable[[str], Iterable[str]] = alone,
) -> tuple[pd.DataFrame, ExportReviews]:
    """
    The candidates with `is_positive`, `status` and `slot` as the export sees them, and its record.

    `same_document` names the documents of the same words, so that no copy of a found answer stays a negative of the
    same query: when the run was mined, only the copies of labelled positives were marked.
    """
    ready = _settled(table, snapshot, export, same_document)
    decision = selection.decide(ready.table, policy)
    status: Statuses = np.where(ready.own > 0, ready.own, decision.status)
    frame = table.candidates.assign(
        is_positive=table.positive & ~ready.wrong & ~ready.avoided,
        status=pd.Categorical.from_codes(status, dtype=pd.CategoricalDtype(list(STATUSES))),
        slot=pd.arrays.IntegerArray(decision.slot.astype(np.int32), decision.slot == 0),
    )
    withheld = {_query_id(table, place): reason for place, reason in sorted(ready.queries.items())}
    return frame, _record(table, snapshot, withheld)


def settled(
    table: Table, snapshot: JudgementSnapshot, export: Export, same_document: Callable[[str], Iterable[str]] = alone
) -> Table:
    """The candidates as selection reads them for an export, what its judgements take away being masked."""
    return _settled(table, snapshot, export, same_document).table


@dataclass(frozen=True)
class _Settled:
    """
    What is settled before negatives are chosen: statuses, and why queries are left out.

    `wrong` positives are none, and `avoided` answers stand in an evaluation set, (n,) each.
    """

    table: Table
    own: Statuses
    wrong: Bools
    avoided: Bools
    queries: dict[int, str]


def _settled(
    table: Table, snapshot: JudgementSnapshot, export: Export, same_document: Callable[[str], Iterable[str]]
) -> _Settled:
    named = _named(table, snapshot.reasons)
    wrong = table.positive & table.verdict("not_relevant")
    wrong[named.wrong_positive] = True
    own = _taken_away(table, named, wrong, export)
    found = table.verdict("relevant") & ~table.positive & (own == 0) & (export.relevant == "promote")
    own[_copies(table, found, same_document)] = _STATUS["duplicate"]
    anchors, lost = _anchors(table, wrong, found)
    own[anchors & found] = _STATUS[RELEVANT]
    answers = (table.positive & ~wrong) | found
    avoided = answers & np.isin(table.document, table.numbers_of(sorted(snapshot.avoided.documents)))
    own[avoided] = _STATUS[IN_EVALUATION_SET]
    queries = (
        dict.fromkeys(lost, NO_POSITIVE_LEFT) | named.queries | _avoided_queries(table, snapshot, answers, avoided)
    )
    own[np.isin(table.query, list(queries)) & ~table.positive] = _STATUS[WITHHELD]
    return _Settled(table.judged(_codes(table, own, export), anchors), own, wrong, avoided, queries)


def _avoided_queries(table: Table, snapshot: JudgementSnapshot, answers: Bools, avoided: Bools) -> dict[int, str]:
    """Queries that stand in an evaluation set, or whose answers all do."""
    if not (snapshot.avoided.queries or avoided.any()):
        return {}
    without = np.setdiff1d(table.query[avoided], table.query[answers & ~avoided])
    places = _places(table)
    own = [places[query_id] for query_id in sorted(snapshot.avoided.queries) if query_id in places]
    return dict.fromkeys(without.tolist(), ANSWERS_IN_EVALUATION_SET) | dict.fromkeys(own, QUERY_IN_EVALUATION_SET)


@dataclass(frozen=True)
class _Named:
    """Rows, and numbers of queries, that a reason names."""

    wrong_positive: list[int]
    duplicate: list[int]
    too_easy: list[int]
    queries: dict[int, str]


def _named(table: Table, reasons: Mapping[Pair, frozenset[str]]) -> _Named:
    named = _Named([], [], [], {})
    places = _places(table) if reasons else {}
    known = sorted(pair for pair in reasons if pair[0] in places)
    numbers = table.numbers_of([doc_id for _, doc_id in known])
    for pair, number in zip(known, numbers.tolist(), strict=True):
        place, given = places[pair[0]], reasons[pair]
        rows = _rows(table, place)
        own = rows[table.document[rows] == number]
        if "wrong_positive" in given:
            # On a positive's own card it is that one; on a candidate's, the query's only one.
            answers = own[table.positive[own]] if table.positive[own].any() else rows[table.positive[rows]]
            if len(answers) == 1:
                named.wrong_positive.extend(answers.tolist())
            else:
                named.queries.setdefault(place, UNCLEAR_POSITIVE)
        if "bad_query" in given:
            named.queries[place] = BAD_QUERY
        if "duplicate_of_positive" in given:
            named.duplicate.extend(own.tolist())
        elif "too_easy" in given:
            named.too_easy.extend(own.tolist())
    return named


def _taken_away(table: Table, named: _Named, wrong: Bools, export: Export) -> Statuses:
    """Statuses of the rows that are neither a positive nor a negative of this export."""
    own = np.zeros(len(table.query), np.int8)
    if export.unsure == "drop":
        own[table.verdict("unsure")] = _STATUS[UNSURE]
    own[named.too_easy] = _STATUS["too_easy"]
    # "Too easy" does not make an answer worse.
    own[table.verdict("relevant")] = 0
    own[named.duplicate] = _STATUS["duplicate"]
    own[table.positive] = 0
    own[wrong] = _STATUS[WRONG_POSITIVE]
    return own


def _copies(table: Table, found: Bools, same_document: Callable[[str], Iterable[str]]) -> list[int]:
    """Rows with the same text as an answer found for their query."""
    copies: list[int] = []
    rows = np.flatnonzero(found)
    for row, doc_id in zip(rows.tolist(), table.candidates["doc_id"].iloc[rows].tolist(), strict=True):
        twins = list(same_document(doc_id))
        if len(twins) > 1:
            near = _rows(table, int(table.query[row]))
            same = np.isin(table.document[near], table.numbers_of(twins))
            copies += near[same & ~table.positive[near] & ~found[near]].tolist()
    return copies


def _anchors(table: Table, wrong: Bools, found: Bools) -> tuple[Bools, list[int]]:
    """What the margins start from, (n,), and the queries that have no positive left."""
    if not wrong.any():
        return table.positive, []
    queries = len(table.starts) - 1
    labelled = np.bincount(table.query[table.positive & ~wrong], minlength=queries)[table.query] > 0
    answered = np.bincount(table.query[found], minlength=queries)[table.query] > 0
    # Nothing is kept of a query that lost every positive, but selection needs a start for its margins.
    lost = ~labelled & ~answered
    anchors = (table.positive & (~wrong | lost)) | (found & ~labelled)
    return anchors, np.unique(table.query[lost]).tolist()


def _codes(table: Table, own_statuses: Statuses, export: Export) -> npt.NDArray[np.int8]:
    """Verdicts as selection reads them: what is taken away is masked, before any rule but `known_positive`."""
    codes = table.verdicts.copy()
    if export.partial == "keep":
        codes[table.verdict("partial")] = _UNJUDGED
    codes[own_statuses > 0] = _MASKED
    return codes


def _record(table: Table, snapshot: JudgementSnapshot, withheld: Mapping[str, str]) -> ExportReviews:
    counts = np.bincount(table.verdicts, minlength=len(VERDICTS) + 1)[1:].tolist()
    return ExportReviews(
        last_seq=snapshot.last_seq,
        judgements=snapshot.judgements,
        reviewers=snapshot.reviewers,
        with_known_chance=snapshot.with_known_chance,
        verdicts={verdict: count for verdict, count in zip(VERDICTS, counts, strict=True) if count},
        withheld=withheld,
    )


def _places(table: Table) -> dict[str, int]:
    ids = table.candidates["query_id"].iloc[table.starts[:-1]].tolist()
    return {query_id: place for place, query_id in enumerate(ids)}


def _rows(table: Table, place: int) -> Ints:
    return np.arange(table.starts[place], table.starts[place + 1])


def _query_id(table: Table, place: int) -> str:
    return str(table.candidates["query_id"].iat[int(table.starts[place])])
