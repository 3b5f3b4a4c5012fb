"""
Priority: which candidates a reviewer should judge first, and why.

In:  a `Workspace`, rows that a reviewer may see
Out: the same rows, most expected harm in training first, by all judgements so far

A row's weight is its probability of being an answer, times its harm in training, times its copies. The probability is
refitted in a thread as verdicts arrive, so that no key waits.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from threading import Lock, Thread

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from nearmiss.calibration import stored
from nearmiss.calibration.fitting import moved
from nearmiss.calibration.model import Calibration
from nearmiss.calibration.signals import Signals, signals
from nearmiss.session.labels import labels_of
from nearmiss.types import Floats, Ints
from nearmiss.workspace import Workspace

TURNS_BETWEEN = 50  # turns before a query may come again, while there are others
TOGETHER = 3  # cards of one query in its turn
PLACES_BEHIND = 100  # places that a card may rank behind the first of its turn; a lighter one waits
CARDS_SPREAD = 1000  # cards that are ordered this way
EVERY = 10  # verdicts after which the probabilities are refitted
TEMPERATURE = 0.05  # of the softmax in a usual contrastive loss
# The weight in the softmax falls by orders of magnitude down a list, and would decide alone: measured on Cranfield, its
# full power finds 46% of the answers within 5% of the reviews, where the chance alone finds 52%.
POWER_OF_HARM = 0.25
# A query with one unlabelled answer has more of them, and one whose best are all negatives has none (in the logit).
HIT, MISS, MOST_HITS = 0.5, 0.2, 4


@dataclass
class Chances:
    """What each candidate's probability depends on: judgements up to some moment, and what never changes."""

    harm: Floats
    copies: Ints
    # Made for the first fit, half a second for a million: before it, the run's p_relevant is used.
    signals: Signals | None = None
    prior: Calibration | None = None
    calibration: Calibration | None = None
    seen: int = 0  # verdicts that it was fitted to
    generation: int = 0  # rises with each fit
    lock: Lock = field(default_factory=Lock)
    making: Lock = field(default_factory=Lock)
    thread: Thread | None = None


def order(work: Workspace, rows: Ints) -> Ints:
    """
    These rows, the most important first.

    The best few of a query come together, since its text and answer are then read only once; then the query waits until
    TURNS_BETWEEN others had their turn, while there are others. An audit's random draws are mixed in as drawn.
    """
    ranked = rows[np.argsort(-importance(work, rows), kind="stable")]
    return ranked[_in_turns(work.table.query[ranked])]


def importance(work: Workspace, rows: Ints | slice = slice(None)) -> Floats:
    """Probability x harm x copies of each candidate, or of `rows`."""
    return chance(work, rows) * harm(work)[rows] ** POWER_OF_HARM * copies(work)[rows]


def chance(work: Workspace, rows: Ints | slice = slice(None)) -> Floats:
    """The probability of each candidate, or of `rows`, to be an answer, by all verdicts, mostly those on its query."""
    logits = _logits(work, rows)
    table = work.table
    answers = table.verdict("relevant") | table.verdict("partial")
    queries = len(table.starts) - 1
    hits = np.bincount(table.query[answers], minlength=queries)
    # "Cannot tell" is no evidence about the query.
    misses = np.bincount(table.query[table.verdict("not_relevant")], minlength=queries)
    raised: Floats = expit(logits + (HIT * np.minimum(hits, MOST_HITS) - MISS * misses)[table.query[rows]])
    return raised


def _logits(work: Workspace, rows: Ints | slice) -> Floats:
    chances = _chances(work)
    if chances.signals is None or chances.calibration is None:
        before: Floats = logit(work.table.number("p_relevant")[rows].astype(np.float64))
        return before
    return chances.calibration.logits(Signals(chances.signals.names, chances.signals.values[rows]))


def harm(work: Workspace) -> Floats:
    """The share of its query's softmax that each candidate takes under the encoder, (n,): how hard training pushes."""
    return _chances(work).harm


def copies(work: Workspace) -> Ints:
    """How many candidates have this text for a query of the same words, (n,): one verdict serves them all."""
    return _chances(work).copies


def generation(work: Workspace) -> int:
    """Rises with each refit: an order made before it is then out of date."""
    return _chances(work).generation


def learn(work: Workspace, *, wait: bool = False) -> None:
    """Refit the probabilities once EVERY verdicts arrived since the last time; in a thread unless `wait`."""
    chances = _chances(work)
    with chances.lock:
        judged = int(np.count_nonzero(work.table.verdicts))
        if abs(judged - chances.seen) < EVERY or (chances.thread is not None and chances.thread.is_alive()):
            return
        chances.seen = judged
        chances.thread = Thread(target=_fit, args=(work, chances), daemon=True)
        chances.thread.start()
    if wait:
        chances.thread.join()  # a fit ends: its steps are counted, and it waits for nobody


def _fit(work: Workspace, chances: Chances) -> None:
    with work.unchanged():
        # It is fitted to audits too: it chooses what is read next, and certifies nothing.
        labels = labels_of(work, with_audits=True)
    found, prior = prepare(work)
    # Its weights alone: its reliability takes six fits and a second of imports, and is not needed here.
    chances.calibration = moved(found, prior, labels)
    chances.generation += 1


def prepare(work: Workspace) -> tuple[Signals, Calibration]:
    """The starting point of every fit, made once, before the first fit needs it."""
    chances = _chances(work)
    with chances.making:
        if chances.signals is None:
            chances.signals = signals(work.candidates)
        if chances.prior is None:
            chances.prior = stored.by_prior(chances.signals, work.candidates)
        return chances.signals, chances.prior


_MAKING = Lock()


def _chances(work: Workspace) -> Chances:
    def make() -> Chances:
        made = Chances(_harm(work), _copies(work))
        in_force = stored.load(work.folder)
        if in_force is not None and in_force.steps:  # there p_relevant rises by steps, and has too many ties
            made.signals, made.calibration = signals(work.candidates), in_force
        return made

    with _MAKING:
        return work.cached("chances", make)


def _harm(work: Workspace) -> Floats:
    table = work.table
    dense = np.nan_to_num(table.number("dense_score"), nan=-1.0).astype(np.float64)
    weight = np.exp((dense - dense.max(initial=0.0)) / TEMPERATURE)
    total = np.bincount(table.query, weight, len(table.starts) - 1)
    shares: Floats = weight / total[table.query]
    return shares


def _copies(work: Workspace) -> Ints:
    rows = np.flatnonzero(work.twinned)
    place, known = pd.factorize(work.digests[rows])
    found = np.ones(len(work.table.query), np.int64)
    found[rows] = np.bincount(place, minlength=len(known))[place]
    return found


def _in_turns(query: Ints) -> Ints:
    """Places of ranked rows of these queries, (n,), in the order of reading: turns of up to TOGETHER, spread."""
    turns: dict[int, list[int]] = {}  # by the place of their first card
    first: dict[int, int] = {}  # of a query's last turn
    looked_at = query[: CARDS_SPREAD * TOGETHER].tolist()
    for place, own in enumerate(looked_at):
        begun = first.get(own)
        if begun is not None and place - begun <= PLACES_BEHIND and len(turns[begun]) < TOGETHER:
            turns[begun].append(place)
        else:
            first[own] = place
            turns[place] = [place]
    leaders = np.fromiter(turns, np.int64, len(turns))
    ordered = [place for leader in _spread(leaders, query[leaders]).tolist() for place in turns[leader]]
    return np.concatenate([np.array(ordered, np.int64), np.arange(len(looked_at), len(query))])


def _spread(ranked: Ints, query: Ints) -> Ints:
    """
    Rows (n,) in order, each put off while its query is among the TURNS_BETWEEN - 1 before it and another could come.

    Only the first CARDS_SPREAD places are filled this way: the rest keeps its order, and a new one is made before that.
    """
    placed: list[int] = []
    put_off: dict[int, deque[int]] = defaultdict(deque)  # of a query that had its turn, its places in `ranked`
    free_from: dict[int, int] = {}
    free: list[int] = []  # places whose query is free again, a heap
    resting: deque[int] = deque()  # queries in the order in which they had their turn
    coming = 0
    while len(placed) < min(CARDS_SPREAD, len(ranked)):
        now = len(placed)
        while resting and (free_from[resting[0]] <= now or (coming == len(ranked) and not free)):
            if waiting := put_off[resting.popleft()]:
                heappush(free, waiting.popleft())
        while (
            coming < len(ranked)
            and (own := int(query[coming])) in free_from
            and (free_from[own] > now or put_off[own] or any(query[place] == own for place in free))
        ):
            put_off[own].append(coming)
            coming += 1
        if coming < len(ranked) and not (free and free[0] < coming):
            chosen, coming = coming, coming + 1
        elif free:
            chosen = heappop(free)
        else:
            continue
        placed.append(chosen)
        own = int(query[chosen])
        free_from[own] = now + TURNS_BETWEEN
        resting.append(own)
    rest = np.ones(len(ranked), bool)
    rest[placed] = False
    return np.concatenate([ranked[placed], ranked[rest]])
