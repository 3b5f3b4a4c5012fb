"""
The overview: the first page's summary of a run, from candidates already loaded.

In:  a `Workspace`, which has the candidates, the decision on them and the current verdicts
Out: the funnel, what the sources found, histograms, queries left short, queries that most need review; and the rows
     behind each of these numbers

Counts that the command line also shows come from `report`.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearmiss.reports import doubts
from nearmiss.reports import funnel as report
from nearmiss.reports.doubts import Doubt
from nearmiss.review import JUDGEMENTS, Standing
from nearmiss.selection import KEPT, STATUSES, Decision, Table
from nearmiss.settings import source_name
from nearmiss.types import Bools, Ints
from nearmiss.workspace import Workspace

REFUSED = "refused"  # in the place of a status: every row that is neither kept nor a labelled positive
SCORES = ("teacher_score", "dense_score")
BINS = 60  # about as many; their width is a round number


@dataclass(frozen=True)
class RunSummary:
    """A run's data, models and round."""

    number: int
    rounds: list[int]
    queries: int
    documents: int
    positives: int
    sources: list[tuple[str, int]]  # with the depth of each
    encoder: str
    teacher: str  # empty where the dense score stands in
    doubts: tuple[str, ...] = ()  # why its models should not be trusted, in sentences


@dataclass(frozen=True)
class FunnelStep:
    """A step of the funnel: what one rule refused, and how many rows are left after it."""

    status: str
    refused: int
    left: int


@dataclass(frozen=True)
class Histogram:
    """How many rows of each group score from one edge (included) up to the next."""

    score: str
    edges: list[float]  # (bins + 1,)
    counts: dict[str, list[int]]  # positives, kept, refused; (bins,) each


@dataclass(frozen=True)
class JudgedCounts:
    """What people have judged so far."""

    pairs: int
    verdicts: dict[str, int]  # pairs by the verdict that counts
    reviewers: list[tuple[str, int]]  # pairs that each has judged, most first


@dataclass(frozen=True)
class Overview:
    """All of the page's numbers for a run under the policy in force."""

    queries: int
    candidates: int
    kept: int
    funnel: list[FunnelStep]
    together: list[report.SourceOverlap]
    positives_found: dict[str, float]
    histograms: list[Histogram]
    short: list[int]  # numbers of the queries with too few negatives, the poorest first
    doubts: list[Doubt]
    judged: JudgedCounts


@dataclass(frozen=True)
class RowFilter:
    """Which rows to show; empty fields do not filter."""

    status: str = ""  # one of STATUSES, or REFUSED
    sources: tuple[str, ...] | None = None  # exactly these; () for rows that no source found
    score: str = ""  # one of SCORES, from `low` up to `high`
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True)
class CandidateRow:
    """One candidate with everything shown of it."""

    query_id: str
    doc_id: str
    query: str
    title: str
    text: str
    status: str
    teacher_score: float
    positive_score: float
    dense_score: float
    ranks: dict[str, int | None]  # by source; None where it did not find the row


@dataclass(frozen=True)
class ShortQuery:
    """A query with too few negatives, and what refused the most of its candidates."""

    query_id: str
    query: str
    kept: int
    refused: list[tuple[str, int]]  # by status, most first


def overview(work: Workspace) -> Overview:
    """All numbers of the page: about a quarter of a second for a million candidates."""
    table, policy = work.table, work.policy
    decision = work.decision(policy)
    per_query = report.kept_per_query(table, decision)
    short = np.flatnonzero(per_query < policy.negatives_per_query)
    return Overview(
        queries=len(per_query),
        candidates=len(table.query),
        kept=int(per_query.sum()),
        funnel=funnel(decision),
        together=report.found_together(table, decision),
        positives_found=report.positives_found(table),
        histograms=[histogram(table, decision, score) for score in SCORES],
        short=short[np.argsort(per_query[short], kind="stable")].tolist(),
        doubts=doubts.most_in_need(table, decision, policy, work.query_ids),
        judged=judged(work.standing),
    )


def about(work: Workspace) -> RunSummary:
    """The data, the models and the round, from run.json."""
    facts, data, recipe = work.run.round_facts(work.number), work.run.facts["dataset"], work.run.mining(work.number)
    return RunSummary(
        number=work.number,
        rounds=work.run.rounds,
        queries=data["queries"],
        documents=data["documents"],
        positives=data["positives"],
        sources=[(name, recipe.depth_of(name)) for name in map(source_name, recipe.sources)],
        encoder=report.model_name(work.run, facts["encoder"]),
        teacher=report.model_name(work.run, facts["teacher"]),
        doubts=tuple(doubts.of_models(facts)),
    )


def funnel(decision: Decision) -> list[FunnelStep]:
    """Every rule in order, also those that refused nothing; what is left after the last is kept."""
    counts = decision.counts()
    left = len(decision.status)
    steps = []
    for status in STATUSES:
        if status != KEPT:
            left -= counts[status]
            steps.append(FunnelStep(status, counts[status], left))
    return steps


def histogram(table: Table, decision: Decision, score: str) -> Histogram:
    """Counts by group over bins of a round width that hold every row."""
    values = table.number(score)
    edges = round_edges(float(values.min()), float(values.max())) if len(values) else [0.0, 1.0]
    # As float32, like the values: `rows_behind` compares with the same edges and must find as many rows.
    place = np.searchsorted(np.asarray(edges, np.float32), values, side="right") - 1
    bins = len(edges) - 1
    groups = report.groups(table, decision)
    counts = {name: np.bincount(place[rows], minlength=bins).tolist() for name, rows in groups.items()}
    return Histogram(score, edges, counts)


def round_edges(low: float, high: float) -> list[float]:
    """Edges at multiples of 1, 2 or 5 times a power of ten, about BINS of them, from `low` or below to above `high`."""
    # Never so narrow that two edges are the same float32.
    least = max((high - low) / BINS, 1e-6 * max(1.0, abs(low), abs(high)))
    power = 10.0 ** math.floor(math.log10(least))
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= least)
    digits = max(0, -math.floor(math.log10(width)))
    number = math.floor(low / width)
    edges = [round(number * width, digits)]
    # Compared as float32: there an edge just above a score may be that score.
    while np.float32(edges[-1]) <= np.float32(high):
        number += 1
        edges.append(round(number * width, digits))
    return edges


def judged(standing: Standing) -> JudgedCounts:
    """How much each reviewer has judged, and what they found."""
    # A copy, since others go on judging meanwhile.
    entries = [entry for entry in list(standing.entries.values()) if entry.event.verdict in JUDGEMENTS]
    in_force = {(entry.event.reviewer, entry.pair) for entry in entries if standing.stands(entry.seq)}
    verdicts = Counter(standing.verdict(pair) for pair in {pair for _, pair in in_force})
    reviewers = Counter(reviewer for reviewer, _ in in_force)
    return JudgedCounts(
        pairs=verdicts.total(),
        verdicts={verdict: verdicts[verdict] for verdict in JUDGEMENTS},
        reviewers=sorted(reviewers.items(), key=lambda entry: (-entry[1], entry[0])),
    )


def rows_behind(table: Table, decision: Decision, wanted: RowFilter, *, best_first: bool = False) -> Ints:
    """Row numbers of the wanted rows, in the table's order or by falling teacher score."""
    found = _of_status(table, decision, wanted.status)
    if wanted.sources is not None:
        code = sum(2**bit for bit, source in enumerate(table.sources) if source in wanted.sources)
        found = found & (report.found_codes(table) == code)
    if wanted.score:
        values = table.number(wanted.score)
        found = found & (values >= np.float32(wanted.low)) & (values < np.float32(wanted.high))
    rows: Ints = np.flatnonzero(found)
    return rows[np.argsort(-table.score[rows], kind="stable")] if best_first else rows


def read_rows(work: Workspace, decision: Decision, rows: npt.NDArray[Any]) -> list[CandidateRow]:
    """The rows with their texts, in the order given."""
    table = work.table
    anchors = table.anchors[work.policy.anchor]
    pairs = [work.pair_at(int(row)) for row in rows]
    texts = work.titles([doc_id for _, doc_id in pairs])
    ranks = {source: table.number(f"{source}_rank") for source in table.sources}
    return [
        CandidateRow(
            query_id=query_id,
            doc_id=doc_id,
            query=work.query_text(query_id),
            title=title,
            text=text,
            status=STATUSES[decision.status[row]],
            teacher_score=float(table.score[row]),
            positive_score=float(anchors[row]),
            dense_score=float(table.number("dense_score")[row]),
            ranks={source: None if np.isnan(rank[row]) else int(rank[row]) for source, rank in ranks.items()},
        )
        for row, (query_id, doc_id), (title, text) in zip(rows, pairs, texts, strict=True)
    ]


def read_short(work: Workspace, decision: Decision, queries: list[int]) -> list[ShortQuery]:
    """Details of queries left short, by their numbers, in the order given."""
    starts = work.table.starts
    shorts = []
    for query in queries:
        counts = np.bincount(decision.status[starts[query] : starts[query + 1]], minlength=len(STATUSES))
        refused = [(STATUSES[code], int(counts[code])) for code in np.argsort(-counts, kind="stable") if counts[code]]
        own = [entry for entry in refused if entry[0] not in (KEPT, "known_positive")]
        query_id = work.query_ids[query]
        shorts.append(ShortQuery(query_id, work.query_text(query_id), int(counts[STATUSES.index(KEPT)]), own))
    return shorts


def _of_status(table: Table, decision: Decision, status: str) -> Bools:
    if not status:
        return np.ones(len(table.query), bool)
    if status == REFUSED:
        return report.groups(table, decision)[REFUSED]
    return np.asarray(decision.status == STATUSES.index(status))
