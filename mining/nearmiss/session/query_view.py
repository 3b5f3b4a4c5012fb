"""
One query beside its rankings: where every ranking puts the same documents, and how a policy decides on them.

In:  a `Workspace`, a query, a `Policy`, the reviewer
Out: `QueryView`: the documents once, each ranking as places among them, statuses, and the side of ceiling and floor

Others' verdicts are left out until the reader has judged the same pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.errors import ReviewError
from nearmiss.selection import STATUSES, VERDICTS, Table, decide, prepare
from nearmiss.selection.rules import above_ceiling, below_floor, ceiling, floor
from nearmiss.session import incoming
from nearmiss.session.cards import rounded
from nearmiss.session.highlights import Piece, WordChange, changes, pieces
from nearmiss.settings import Policy
from nearmiss.types import Floats
from nearmiss.workspace import Workspace

LISTED = 100  # documents of each ranking
FIRST_WORDS = 140  # characters of a text in a row
ARM = "query"  # in the log: chosen by the reader among all candidates of a query, never by chance
P_RELEVANT = "p_relevant"


@dataclass(frozen=True)
class Ranking:
    """One column: the best LISTED documents of a ranking, best first, as places in `QueryView.documents`."""

    name: str
    places: list[int]
    ranks: list[int]  # 1 is best
    scores: list[float | None]  # None where the ranking has ranks only
    found: int  # documents in the whole ranking, also those below LISTED
    ceiling: float | None  # on this ranking's own score; None where another score decides, or none is set
    ceiling_after: int | None  # listed rows that lie above it
    floor: float | None
    floor_after: int | None


@dataclass(frozen=True)
class ListedDocument:
    """One candidate of the query, labelled answers among them."""

    doc_id: str
    title: str
    first_words: str
    status: str
    side: str  # "above" the ceiling, "below" the floor, or "between"
    verdict: str  # of the reader; empty where they have not judged
    is_positive: bool
    p_relevant: float | None


@dataclass(frozen=True)
class QueryView:
    """A query with its documents, as its rows stand in the table, and its rankings."""

    query_id: str
    text: str
    documents: list[ListedDocument]
    rankings: list[Ranking]
    kept: int
    decides: str  # the ranking whose score the margins bound


@dataclass(frozen=True)
class Reading:
    """A document to read: its text in marked pieces, and what differs from the first labelled answer."""

    doc_id: str
    title: str
    pieces: list[Piece]
    changes: list[WordChange]
    comments: list[dict[str, str]]  # reviewer and text, oldest first; others' once the reader has judged


def view(work: Workspace, query_id: str, policy: Policy, reviewer: str = "") -> QueryView:
    """Everything but the full texts; KeyError where the round has no such query."""
    table = rows_of_query(work, query_id, reviewer)
    decision = decide(table, policy)
    doc_ids = work.doc_ids_of(query_id)
    sides = sides_of(table, policy)
    p_relevant = table.number(P_RELEVANT)
    documents = [
        ListedDocument(
            doc_id=doc_id,
            title=title,
            first_words=_first_words(text),
            status=STATUSES[int(decision.status[place])],
            side=sides[place],
            verdict=own_verdict(work, (query_id, doc_id), reviewer),
            is_positive=bool(table.positive[place]),
            p_relevant=rounded(p_relevant[place]),
        )
        for place, (doc_id, (title, text)) in enumerate(zip(doc_ids, work.titles(doc_ids), strict=True))
    ]
    decides = deciding(work)
    return QueryView(
        query_id=query_id,
        text=work.query_text(query_id),
        documents=documents,
        rankings=[_ranking(table, policy, name, decides) for name in names(work, table)],
        kept=int((decision.slot > 0).sum()),
        decides=decides,
    )


def plain(shown: QueryView) -> dict[str, Any]:
    """The view as `asdict` gives it, without a copy of each of its hundreds of rows."""
    documents, rankings = ([vars(one) for one in rows] for rows in (shown.documents, shown.rankings))
    return vars(shown) | {"documents": documents, "rankings": rankings}


def find(work: Workspace, words: str, limit: int) -> list[tuple[str, str]]:
    """Ids and texts of the first queries with this id, then of those with these words in id or text."""
    queries = work.run.dataset.queries[["query_id", "text"]].astype("str")
    exact = queries["query_id"].eq(words)
    holds = queries["text"].str.contains(words, case=False, regex=False)
    holds |= queries["query_id"].str.contains(words, case=False, regex=False)
    found: list[tuple[str, str]] = [
        (str(query_id), str(text))
        for rows in (queries[exact], queries[holds & ~exact].head(limit))
        for query_id, text in rows.itertuples(index=False)
    ]
    return [query for query in found if work.has_query(query[0])][:limit]


def rows_of_query(work: Workspace, query_id: str, reviewer: str = "") -> Table:
    """
    The candidates of one query as a table of their own, (n,): a decision on it is the same as on the whole run.

    Only a `reuse_cap` differs: it counts over all queries. For a named reviewer, pairs that only others judged count as
    not judged.
    """
    rows = work.rows_of(query_id)
    table = prepare(work.candidates.iloc[rows].reset_index(drop=True))
    verdicts = work.table.verdicts[rows].copy()
    for place in np.flatnonzero(verdicts).tolist() if reviewer else ():
        pair = query_id, work.doc_ids[int(work.table.document[rows.start + place])]
        if reviewer not in work.standing.by_reviewer(pair):
            verdicts[place] = 0
    return table.judged(verdicts, table.positive)


def names(work: Workspace, table: Table) -> list[str]:
    """The rankings of a run: every source, the deciding score, the fusion, and the probability of being an answer."""
    chances = [] if np.isnan(table.number(P_RELEVANT)).all() else [P_RELEVANT]
    return list(dict.fromkeys([*table.sources, deciding(work), "fused", *chances]))


def deciding(work: Workspace) -> str:
    """The ranking whose score the policy bounds: the teacher's, or the dense one that stands in for it."""
    return "teacher" if work.has_teacher else "dense"


def ranks_of(table: Table, name: str) -> Floats:
    """The place that a ranking gives each row of one query, (n,), from 1; NaN where it did not find the row."""
    if name == P_RELEVANT:
        return _places(table.number(P_RELEVANT))
    return table.number(f"{name}_rank") if name in [*table.sources, "fused"] else _places(table.score)


def sides_of(table: Table, policy: Policy) -> list[str]:
    """On which side of the ceiling and the floor each row lies, (n,); an answer lies where its score does."""
    above, below = above_ceiling(table, policy), below_floor(table, policy)
    sides: list[str] = np.where(above, "above", np.where(below, "below", "between")).tolist()
    return sides


def read(work: Workspace, query_id: str, doc_id: str, reviewer: str = "") -> Reading:
    """A candidate or labelled answer in full; ReviewError where it is no candidate of the query."""
    if work.row_of((query_id, doc_id)) is None:
        raise ReviewError(f"query {query_id!r}, document {doc_id!r}: wanted a candidate of this round; found none")
    rows = work.rows_of(query_id)
    positives = work.table.document[rows][work.table.positive[rows]].tolist()
    answers = [work.doc_ids[number] for number in positives]
    [(title, text)] = work.titles([doc_id])
    if doc_id in answers:
        return Reading(doc_id, title, pieces(text, work.query_text(query_id), "", work.language), [], [])
    answer = work.titles(answers[:1])[0][1] if answers else ""
    shown = pieces(text, work.query_text(query_id), answer, work.language)
    return Reading(doc_id, title, shown, changes(answer, text), _comments(work, (query_id, doc_id), reviewer))


def _comments(work: Workspace, pair: tuple[str, str], reviewer: str) -> list[dict[str, str]]:
    judged = not reviewer or reviewer in work.standing.by_reviewer(pair)
    return [
        {"reviewer": entry.event.reviewer, "text": entry.event.comment}
        for entry in work.standing.history(pair)
        if entry.event.comment and work.standing.stands(entry.seq) and (judged or entry.event.reviewer == reviewer)
    ]


def own_verdict(work: Workspace, pair: tuple[str, str], reviewer: str) -> str:
    """A reviewer's verdict on a pair; without a reviewer the verdict that counts; empty where there is none."""
    if not reviewer:
        return work.standing.verdict(pair) or ""
    entry = work.standing.by_reviewer(pair).get(reviewer)
    return entry.event.verdict if entry is not None and entry.event.verdict in VERDICTS else ""


def write(work: Workspace, sent: Sequence[Any]) -> list[str]:
    """
    Write what a browser sent from this page, in its order; returns a message for each event that could not be written.

    Rows are judged here because the reader chose them, with every score visible: the log says so, whatever was sent.
    """
    known = {"arm": ARM, "inclusion_probability": None, "scores_visible": True}
    return incoming.write(work, [one | known if isinstance(one, dict) and _is_own(one) else one for one in sent])


def _is_own(event: dict[str, Any]) -> bool:
    # The review page's cards may wait in the same browser: they keep the arm that picked them.
    return event.get("arm") == ARM


def _ranking(table: Table, policy: Policy, name: str, decides: str) -> Ranking:
    ranks = ranks_of(table, name)
    found = np.flatnonzero(~np.isnan(ranks))
    order = found[np.argsort(ranks[found], kind="stable")]
    scores = _scores(table, name)
    listed = order[:LISTED]
    highest, lowest = _limits(table, policy, name, decides)
    return Ranking(
        name=name,
        places=listed.tolist(),
        ranks=ranks[listed].astype(int).tolist(),
        scores=[None if scores is None else rounded(scores[place]) for place in listed],
        found=len(order),
        ceiling=highest,
        ceiling_after=None if highest is None or scores is None else int((scores[listed] > np.float32(highest)).sum()),
        floor=lowest,
        floor_after=None if lowest is None or scores is None else int((scores[listed] >= np.float32(lowest)).sum()),
    )


def _limits(table: Table, policy: Policy, name: str, decides: str) -> tuple[float | None, float | None]:
    """The ceiling and the floor on this very ranking's score."""
    if name == P_RELEVANT:
        return policy.max_p_relevant, policy.min_p_relevant
    if name != decides:
        return None, None
    highest, lowest = ceiling(table, policy), floor(table, policy)
    return (None if highest is None else float(highest[0]), None if lowest is None else float(lowest[0]))


def _scores(table: Table, name: str) -> Floats | None:
    columns = {"teacher": "teacher_score", P_RELEVANT: P_RELEVANT}
    return None if name == "fused" else table.number(columns.get(name, f"{name}_score"))


def _places(scores: Floats) -> Floats:
    """Places by falling score, from 1; NaN where the score is."""
    places: npt.NDArray[np.float32] = np.full(len(scores), np.nan, np.float32)
    known = np.flatnonzero(~np.isnan(scores))
    places[known[np.argsort(-scores[known], kind="stable")]] = np.arange(1, len(known) + 1)
    return places


def _first_words(text: str) -> str:
    words = " ".join(text[: 2 * FIRST_WORDS].split())
    return words if len(words) <= FIRST_WORDS else words[:FIRST_WORDS].rsplit(" ", 1)[0] + " …"
