"""
The agenda: which candidates a reviewer sees, in which order, and which reviewer gets which.

In:  a `Workspace`, a `View` (what a person filtered for)
Out: row numbers in reading order; the next pairs of one reviewer, leased so that nobody else gets them

Judged pairs leave the agenda; those that are shared wait until as many people have judged them as `Sharing` asks for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Literal

import numpy as np
import pandas as pd

from nearmiss.review import JUDGEMENTS
from nearmiss.review.current import Entry
from nearmiss.selection import STATUSES, VERDICTS, Decision, verdict_code
from nearmiss.selection.choice import run_positions
from nearmiss.session.model_opinions import DIFFERS, UNSURE, differing, unsure
from nearmiss.session.queue import gold_cards, priority
from nearmiss.session.queue.sharing import ALONE, Sharing
from nearmiss.storage.mixing import scattered
from nearmiss.types import Bools, Ints, Pair
from nearmiss.workspace import Workspace

# Hashes of pairs are 64 bits; a salt makes the order of a blind review independent of every other draw.
DISAGREE = 0.5
Order = Literal["priority", "queries", "audit"]
BETWEEN = 0.15  # of the cards are put between the others
HELD_BY_OTHERS = 2000  # pairs that others may hold at once, fifty reviewers' worth; not all of a million are looked at


@dataclass(frozen=True)
class View:
    """The filters and the order of what a reviewer sees."""

    statuses: Annotated[tuple[str, ...], "candidates with one of these statuses"] = ("kept",)
    sources: Annotated[tuple[str, ...], "found by one of these; none for any"] = ()
    verdict: Annotated[
        str, "unjudged, judged, disputed, any, one verdict, model_differs (people judged otherwise), or model_unsure"
    ] = "unjudged"
    reviewer: Annotated[str, "judged by this reviewer; empty for anyone"] = ""
    lowest: Annotated[float | None, "teacher score at least"] = None
    highest: Annotated[float | None, "teacher score at most"] = None
    disagree: Annotated[bool, "teacher and encoder rank them far apart"] = False
    text: Annotated[str, "words in the query or the document, in any case"] = ""
    query_id: Annotated[str, "candidates of this query; empty for all"] = ""
    order: Annotated[
        Order, "what matters most first, with the audit's draws between; query by query; or only those draws"
    ] = "queries"
    blind: Annotated[bool, "hide scores, ranks and statuses until judged, and shuffle each query's candidates"] = False
    seed: Annotated[int, "seed of the shuffling"] = 42

    @property
    def is_to_do(self) -> bool:
        """Whether it is of pairs that wait for a verdict, which leave it once they are judged."""
        return self.verdict in ("unjudged", UNSURE)


@dataclass(frozen=True)
class ReviewProgress:
    """How far the review of one view is."""

    left: int  # pairs of the view that still wait for this reviewer
    judged: int
    mine: int  # pairs that this reviewer judged, in any view
    per_minute: float | None  # of this reviewer over the last ten minutes; None after too few verdicts


def rows(work: Workspace, view: View, decision: Decision, before: Decision | None = None) -> Ints:
    """
    Row numbers of the candidates that a view shows, query by query as in the data, (n,).

    An answer that somebody found is no longer kept. It still belongs to a view of what is to be judged, or of what a
    model judged otherwise, if it was kept `before` the verdicts: second opinions would else be asked on negatives only.

    Pairs of known answer are in no view of what is to be judged: they are dealt apart.

    Within a query the likeliest unlabelled answers come first, by falling teacher score; shuffled where `blind`. With
    the order "priority", those of all queries that matter most, as of what is judged by now.
    """
    table = work.table
    wanted = [STATUSES.index(status) for status in view.statuses]
    shown = np.isin(decision.status, wanted)
    if before is not None and (view.is_to_do or view.verdict == DIFFERS):
        shown |= (table.verdicts > 0) & np.isin(before.status, wanted)
    shown &= _by_verdict(work, view) & _by_score(work, view)
    if view.sources:
        shown &= np.logical_or.reduce([table.found_by(source) for source in view.sources if source in table.sources])
    if view.query_id:
        shown &= _of_query(work, view.query_id)
    if view.disagree:
        shown &= disagreement(work) >= DISAGREE
    if view.text.strip():
        shown &= _with_text(work, view.text.strip())
    if view.is_to_do:
        shown[gold_cards.rows(work)] = False
    if view.order == "priority" and not view.blind:
        return priority.order(work, np.flatnonzero(shown))
    order = _shuffled(work, view.seed) if view.blind else table.best_first
    chosen: Ints = order[shown[order]]
    return chosen


def disagreement(work: Workspace) -> pd.Series:
    """How far apart teacher and encoder rank each candidate within its query, as a share of the query, (n,)."""
    table = work.table
    size = np.diff(table.starts)[table.query]
    by_dense = np.lexsort((-table.number("dense_score"), table.query))
    places = [np.empty(len(size), np.int64), np.empty(len(size), np.int64)]
    for place, order in zip(places, (table.best_first, by_dense), strict=True):
        place[order] = run_positions(table.query[order])
    return pd.Series(np.abs(places[0] - places[1]) / np.maximum(size - 1, 1))


def next_pairs(
    work: Workspace,
    view: View,
    reviewer: str,
    order: Ints,
    count: int,
    *,
    sharing: Sharing = ALONE,
    first: Sequence[Pair] = (),
    between: Sequence[Pair] = (),
) -> list[Pair]:
    """
    The next `count` pairs, leased to a reviewer for some minutes; `first` come before all others.

    Pairs of `between` are mixed in, in order: BETWEEN of all, more where nothing else is left.
    `order` comes from `rows`, perhaps a while ago: pairs judged since are left out.
    """
    if not view.is_to_do:
        return [*first, *(_pair(work, row) for row in order[:count].tolist())][:count]
    own_turn = set(between)
    put_back = (pair for pair in put_off(work, reviewer) if pair not in own_turn)
    later = [pair for pair in put_back if not sharing.is_full(len(work.standing.by_reviewer(pair)))]
    wanted = list(first) + [pair for pair in later if pair not in first]
    open_rows = _open_rows(work, order, sharing)

    def free() -> Iterator[tuple[Pair, int]]:
        held_back = set(later)
        for row in _few_at_a_time(open_rows):
            pair = _pair(work, row)
            holders = sharing.voices(work.table.pair_key[row]) - len(work.standing.by_reviewer(pair))
            if holders > 0 and reviewer not in work.standing.by_reviewer(pair) and pair not in held_back:
                yield pair, holders
        yield from ((pair, 1) for pair in wanted[len(first) :])

    enough = islice(_interleaved(free(), between), count + HELD_BY_OTHERS)
    # A pair that several are to judge is free for another while one holds it: nobody needs to leave a share.
    left = None if sharing.every else len(open_rows) + len(between)
    leased = work.log.lease(reviewer, enough, count - len(first), as_of=work.standing.last_seq, left=left)
    return [*first, *leased]


def _interleaved(ordered: Iterator[tuple[Pair, int]], between: Sequence[Pair]) -> Iterator[tuple[Pair, int]]:
    """Pairs with those `between` mixed in, BETWEEN of all; when one side runs out, the other fills up."""
    waiting, due = iter(between), 0.0
    for pair in ordered:
        due += BETWEEN / (1 - BETWEEN)
        if due >= 1:
            due -= 1
            yield from ((other, 1) for other in islice(waiting, 1))
        yield pair
    yield from ((other, 1) for other in waiting)


def waiting(work: Workspace, order: Ints, reviewer: str, sharing: Sharing = ALONE) -> int:
    """How many pairs of an order wait for a reviewer: unjudged ones, and those that need another opinion."""
    left = int(np.count_nonzero(work.table.verdicts[order] == 0))
    keys = work.table.pair_key
    if sharing.every:
        judged = order[(work.table.verdicts[order] > 0) & sharing.shared(keys[order])].tolist()
        voices = (work.standing.by_reviewer(work.pair_at(row)) for row in judged)
        left += sum(len(found) < sharing.asked and reviewer not in found for found in voices)
    return left


def progress(work: Workspace, order: Ints, reviewer: str, now: float, sharing: Sharing = ALONE) -> ReviewProgress:
    """How much of an order is judged, and how fast this reviewer is."""
    judged = int(np.count_nonzero(work.table.verdicts[order]))
    # A pair counts once, however often it was judged or given a reason; "later" and comments are no judgements.
    mine = {entry.pair: entry for entry in work.standing.latest(reviewer, 1_000_000) if _is_judgement(entry)}
    recent = [entry.event.decided_at for entry in mine.values() if now - entry.event.decided_at < 600]
    spent = max(recent) - min(recent) if len(recent) > 4 else 0.0
    pace = 60 * (len(recent) - 1) / spent if spent > 0 else None
    return ReviewProgress(waiting(work, order, reviewer, sharing), judged, len(mine), pace)


def _is_judgement(entry: Entry) -> bool:
    return entry.event.verdict in JUDGEMENTS


def copies(work: Workspace, pair: Pair) -> list[Pair]:
    """Other candidates to which the verdict on a pair applies too: the same passage for the same words of a query."""
    queries = [query for query in work.same_query(pair[0]) if work.has_query(query)]
    documents = set(work.same_document(pair[1]))
    found = []
    for query in queries:
        ids = work.doc_ids_of(query)
        found += [(query, doc_id) for doc_id in ids if doc_id in documents and (query, doc_id) != pair]
    positive = work.table.positive
    return [other for other in found if (row := work.row_of(other)) is not None and not positive[row]]


def _pair(work: Workspace, row: int) -> Pair:
    return work.pair_at(row)


def _open_rows(work: Workspace, order: Ints, sharing: Sharing) -> Ints:
    open_to_someone = (work.table.verdicts[order] == 0) | sharing.shared(work.table.pair_key[order])
    rows: Ints = order[open_to_someone]
    return rows


def _few_at_a_time(rows: Ints) -> Iterator[int]:
    """The rows as plain numbers: a reviewer takes sixty of a million."""
    for start in range(0, len(rows), 256):
        yield from rows[start : start + 256].tolist()


def put_off(work: Workspace, reviewer: str) -> list[Pair]:
    """Pairs that the reviewer put off and has not judged since, oldest first."""
    found = [entry for entry in work.standing.latest(reviewer, 10_000) if entry.event.verdict == "later"]
    pairs = dict.fromkeys(entry.pair for entry in reversed(found))
    return [pair for pair in pairs if reviewer not in work.standing.by_reviewer(pair)]


def _by_verdict(work: Workspace, view: View) -> Bools:
    codes = work.table.verdicts
    if view.reviewer or view.verdict == "disputed":
        return _among(work, view)
    if view.verdict in (DIFFERS, UNSURE):
        return differing(work) if view.verdict == DIFFERS else unsure(work)
    if view.verdict == "any":
        return np.ones(len(codes), bool)
    if view.verdict in VERDICTS:
        return np.asarray(codes == verdict_code(view.verdict))
    # An order is kept while its pairs are judged one by one, so that judged ones belong to it and count as progress.
    return np.asarray(codes > 0) if view.verdict == "judged" else np.ones(len(codes), bool)


def _among(work: Workspace, view: View) -> Bools:
    standing = work.standing
    chosen = np.zeros(len(work.table.verdicts), bool)
    for pair in standing.disputed() if view.verdict == "disputed" else standing.verdicts():
        judged = standing.by_reviewer(pair)
        if view.reviewer and view.reviewer not in judged:
            continue
        own = judged[view.reviewer].event.verdict if view.reviewer else standing.verdict(pair)
        if view.verdict in VERDICTS and own != view.verdict:
            continue
        if (row := work.row_of(pair)) is not None:
            chosen[row] = True
    return chosen


def _by_score(work: Workspace, view: View) -> Bools:
    shown = np.ones(len(work.table.score), bool)
    if view.lowest is not None:
        shown &= work.table.score >= np.float32(view.lowest)
    if view.highest is not None:
        shown &= work.table.score <= np.float32(view.highest)
    return shown


def _of_query(work: Workspace, query_id: str) -> Bools:
    shown = np.zeros(len(work.table.query), bool)
    if work.has_query(query_id):
        shown[work.rows_of(query_id)] = True
    return shown


def _with_text(work: Workspace, text: str) -> Bools:
    queries, documents = work.with_text(text)
    return np.asarray(queries[work.table.query] | documents[work.table.document])


def _shuffled(work: Workspace, seed: int) -> Ints:
    return np.lexsort((scattered(work.table.pair_key, seed), work.table.query))
