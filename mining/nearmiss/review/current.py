"""
Current judgements: which events of the log hold now.

In:  the log's rows, in order, as they come
Out: which rows stand, each reviewer's verdict on each pair, and the final verdict

An undo takes back one row; undoing the undo brings it back. Rows propagated from a row are undone and restored with it.
A hidden repeat measures how consistent a reviewer is and changes nothing else: it never counts as a verdict. An
adjudication decides a pair until it is undone or another one is made, whatever its adjudicator judges afterwards.

Rows of models are kept apart, in `judges`: nothing that reads people's judgements can meet one there.

A verdict on a pair that its reviewer chose with scores and statuses in sight counts as any other, but not for a random
draw of the same pair: see `drawn_verdict`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from nearmiss.review.events import JUDGEMENTS, Event, is_model
from nearmiss.types import Pair

ADJUDICATION = "adjudication"  # the arm of a verdict that decides between others
REPEAT = "repeat"  # the arm of a verdict on a pair that was shown again, unannounced, to measure a reviewer
GOLD = "gold"  # the arm of a verdict on a pair whose answer is known, which its reviewer could not tell from others
TRAINING = "training"  # the arm of a verdict of the training round, whose reviewer was then told the known answer
# The arms of verdicts that test or teach their reviewer: they decide nothing about the pair.
TESTS = (REPEAT, GOLD, TRAINING)
# The arms of verdicts on pairs that their reviewer chose, each named by the page: scores and statuses were in sight.
CHOSEN = ("query", "map", "pairs")
# Of two verdicts with as many voices, the one nearer to an answer: training against an answer does more harm than
# losing one negative.
CAUTION = {verdict: place for place, verdict in enumerate(("relevant", "partial", "unsure", "not_relevant"))}


@dataclass(frozen=True)
class Entry:
    """One row of the log."""

    seq: int
    event: Event

    @property
    def pair(self) -> Pair:
        """The query and the document that it is about."""
        return self.event.query_id, self.event.doc_id


@dataclass
class Standing:
    """The state of the log, updated row by row; each row costs the same however long the log is."""

    entries: dict[int, Entry] = field(default_factory=dict)
    last_seq: int = 0
    _against: Counter[int] = field(default_factory=Counter)  # how many standing undos a row has
    _by_pair: dict[Pair, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_reviewer: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_client: dict[tuple[str, int], int] = field(default_factory=dict)
    _children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _disputed: dict[Pair, None] = field(default_factory=dict)  # a set that remembers its order
    _judges: "Standing | None" = None
    _commented: list[int] = field(default_factory=list)
    _chosen: set[Pair] = field(default_factory=set)  # pairs with a verdict of an arm of CHOSEN, standing or not

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Standing":
        """The state after these rows, in order."""
        made = cls()
        made.absorb(entries)
        return made

    def until(self, seq: int) -> "Standing":
        """Another one: the state after the row of this number, models' rows among those before it."""
        rows = [*list(self.entries.values()), *list(self.judges.entries.values())]
        return Standing.of(sorted((row for row in rows if row.seq <= seq), key=lambda row: row.seq))

    def absorb(self, entries: Iterable[Entry]) -> set[Pair]:
        """Add rows; returns the pairs whose verdict may have changed."""
        touched: set[Pair] = set()
        for entry in entries:
            if is_model(entry.event.reviewer):
                self.last_seq = max(self.last_seq, entry.seq)
                self.judges._absorb_one(entry)
            else:
                touched |= self._absorb_one(entry)
        for pair in sorted(touched):
            if not self.is_disputed(pair):
                self._disputed.pop(pair, None)
            else:
                self._disputed.setdefault(pair)
        return touched

    @property
    def judges(self) -> "Standing":
        """What models said, read by the same rules; no person's row is in it, and none of its rows is here."""
        if self._judges is None:
            self._judges = Standing()
        return self._judges

    def _absorb_one(self, entry: Entry) -> set[Pair]:
        touched: set[Pair] = set()
        if entry.seq not in self.entries:
            self.entries[entry.seq] = entry
            self.last_seq = max(self.last_seq, entry.seq)
            self._by_pair[entry.pair].append(entry.seq)
            self._by_reviewer[entry.event.reviewer].append(entry.seq)
            self._by_client[entry.event.client_id, entry.event.client_seq] = entry.seq
            touched.add(entry.pair)
            if entry.event.comment:
                self._commented.append(entry.seq)
            if self._is_of(entry, CHOSEN):
                self._chosen.add(entry.pair)
            if entry.event.parent is not None:
                self._children[entry.event.parent].append(entry.seq)
            touched |= self._take_back(entry)
        return touched

    def stands(self, seq: int) -> bool:
        """Whether neither the row nor one it was propagated from was undone."""
        while (entry := self.entries.get(seq)) is not None and not self._against[seq]:
            if entry.event.parent is None:
                return True
            if entry.event.parent >= seq:
                return False
            seq = entry.event.parent
        return False

    def by_reviewer(self, pair: Pair) -> dict[str, Entry]:
        """Each reviewer's latest standing judgement of a pair; those of TESTS are left out."""
        return {entry.event.reviewer: entry for entry in self._judgements(pair)}

    def as_drawn(self, pair: Pair) -> dict[str, Entry]:
        """The same without the verdicts of CHOSEN: what answers a random draw of the pair."""
        own = (entry for entry in self._judgements(pair) if not self._is_of(entry, CHOSEN))
        return {entry.event.reviewer: entry for entry in own}

    @property
    def chosen(self) -> set[Pair]:
        """Pairs that somebody judged by their own choice, with scores in sight."""
        return self._chosen

    def decision(self, pair: Pair) -> Entry | None:
        """The latest standing adjudication of a pair; None where nobody decided."""
        decided = [entry for entry in self._judgements(pair) if entry.event.arm == ADJUDICATION]
        return decided[-1] if decided else None

    def verdict(self, pair: Pair) -> str | None:
        """The final verdict: the adjudicator's, else the majority's; in a tie, the more cautious."""
        return self._final(pair, self.by_reviewer(pair))

    def drawn_verdict(self, pair: Pair) -> str | None:
        """
        The final verdict of a pair as an answer to a random draw of it; None where it has none.

        Verdicts of CHOSEN are left out. They were given in sight of the score and status that the draw is to check, and
        mostly to pairs that look like answers: counted only where they happen to exist, they would bias the estimate.
        """
        return self._final(pair, self.as_drawn(pair))

    def _final(self, pair: Pair, judged: dict[str, Entry]) -> str | None:
        if (decision := self.decision(pair)) is not None:
            return decision.event.verdict
        voices = Counter(entry.event.verdict for entry in judged.values())
        return min(voices, key=lambda verdict: (-voices[verdict], CAUTION[verdict]), default=None)

    def verdicts(self) -> dict[Pair, str]:
        """The final verdict of each pair that has one."""
        found = ((pair, self.verdict(pair)) for pair in list(self._by_pair))
        return {pair: verdict for pair, verdict in found if verdict is not None}

    def disputed(self) -> list[Pair]:
        """Pairs on which reviewers differ and nobody has decided."""
        return list(self._disputed)

    def is_disputed(self, pair: Pair) -> bool:
        """Whether reviewers differ on a pair and nobody has decided."""
        if len(self._by_pair.get(pair, ())) < 2:
            return False
        verdicts = {entry.event.verdict for entry in self.by_reviewer(pair).values()}
        return len(verdicts) > 1 and self.decision(pair) is None

    def history(self, pair: Pair) -> list[Entry]:
        """All events of a pair, oldest first."""
        return [self.entries[seq] for seq in self._by_pair.get(pair, ())]

    @property
    def reviewers(self) -> set[str]:
        """Everyone who did anything."""
        return set(self._by_reviewer)

    def commented(self) -> list[Entry]:
        """The rows with a comment, oldest first."""
        return [self.entries[seq] for seq in list(self._commented)]

    def rows_of(self, reviewer: str) -> list[Entry]:
        """Everything that a reviewer did, oldest first."""
        return [self.entries[seq] for seq in list(self._by_reviewer.get(reviewer, ()))]

    def judged_by(self, reviewer: str) -> set[Pair]:
        """The pairs that a reviewer ever judged, whether that stands or not."""
        return {entry.pair for entry in self.rows_of(reviewer) if entry.event.verdict in JUDGEMENTS}

    def standing_of(self, reviewer: str) -> dict[Pair, Entry]:
        """What a reviewer says of each pair now, in order of pairs; what was taken back is left out."""
        said = ((pair, self.by_reviewer(pair).get(reviewer)) for pair in sorted(self.judged_by(reviewer)))
        return {pair: entry for pair, entry in said if entry is not None}

    def latest(self, reviewer: str, count: int | None = None) -> list[Entry]:
        """The reviewer's last standing judgements, all or so many, newest first; propagated ones are left out."""
        found = (self.entries[seq] for seq in reversed(self._by_reviewer.get(reviewer, ())))
        own = (entry for entry in found if self._is_own_deed(entry) and self.stands(entry.seq))
        return list(islice(own, count))

    def children(self, seq: int) -> int:
        """How many judgements were propagated from a row."""
        return len(self._children.get(seq, ()))

    def seq_of(self, client_id: str, client_seq: int) -> int | None:
        """The number of a client's event; None where it has not arrived."""
        return self._by_client.get((client_id, client_seq))

    def to_undo(self, reviewer: str) -> Entry | None:
        """The row that an undo of this reviewer takes back."""
        return next(iter(self.latest(reviewer, 1)), None)

    def to_redo(self, reviewer: str) -> Entry | None:
        """The undo that a redo takes back: none once something else was done since."""
        for entry in self._newest(reviewer):
            if entry.event.verdict != "undo":
                return None
            undone = self.entries.get(entry.event.undoes or 0)
            if self.stands(entry.seq) and undone is not None and undone.event.verdict != "undo":
                return entry
        return None

    def _judgements(self, pair: Pair) -> Iterator[Entry]:
        """The standing judgements of a pair that may count, oldest first."""
        for seq in self._by_pair.get(pair, ()):
            entry = self.entries[seq]
            if entry.event.verdict in JUDGEMENTS and not self._is_of(entry, TESTS) and self.stands(seq):
                yield entry

    def _is_of(self, entry: Entry, arms: tuple[str, ...]) -> bool:
        """Whether a row is of one of these arms, or was propagated from one that is."""
        while entry.event.arm not in arms:
            above = None if entry.event.parent is None else self.entries.get(entry.event.parent)
            if above is None or above.seq >= entry.seq:
                return False
            entry = above
        return True

    def _newest(self, reviewer: str) -> Iterator[Entry]:
        return (self.entries[seq] for seq in reversed(self._by_reviewer.get(reviewer, ())))

    def _is_own_deed(self, entry: Entry) -> bool:
        return entry.event.verdict != "undo" and entry.event.parent is None

    def _take_back(self, undo: Entry) -> set[Pair]:
        """Count a new undo; undoing an undo restores its row, and so on. Returns the pairs concerned."""
        touched: set[Pair] = set()
        change = 1
        # An undo of a later row could form a cycle.
        while undo.event.undoes is not None and undo.event.undoes < undo.seq:
            seq = undo.event.undoes
            before, self._against[seq] = self._against[seq], self._against[seq] + change
            if (before > 0) == (before + change > 0) or seq not in self.entries:
                break
            touched |= self._with_children(seq)
            undo, change = self.entries[seq], -change
        return touched

    def _with_children(self, seq: int) -> set[Pair]:
        """The pairs of a row and of all that was propagated from it."""
        pairs, waiting = set(), [seq]
        while waiting:
            here = waiting.pop()
            pairs.add(self.entries[here].pair)
            waiting += [child for child in self._children.get(here, ()) if child > here]
        return pairs
