"""
Standing: what of the log holds now.

In:  the log's rows, in order, as they come
Out: which rows stand, each reviewer's verdict on each pair, and the one verdict that counts

An undo takes back one row; undoing the undo brings it back. What was propagated from a row stands and falls with it.
Knows nothing of databases.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mining.review.events import JUDGEMENTS, Event

ADJUDICATION = "adjudication"  # the arm of a verdict that decides between others
# Of two verdicts with as many voices, the one nearer to an answer: training against an answer does more harm than
# losing one negative.
CAUTION = {verdict: place for place, verdict in enumerate(("relevant", "partial", "unsure", "not_relevant"))}
Pair = tuple[str, str]


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
    """The log, absorbed row by row; each row costs the same however long the log is."""

    entries: dict[int, Entry] = field(default_factory=dict)
    last_seq: int = 0
    _undone: set[int] = field(default_factory=set)
    _by_pair: dict[Pair, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_reviewer: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def absorb(self, entries: Iterable[Entry]) -> set[Pair]:
        """Take rows in; returns the pairs whose verdict may have changed."""
        touched: set[Pair] = set()
        for entry in entries:
            if entry.seq in self.entries:
                continue
            self.entries[entry.seq] = entry
            self.last_seq = max(self.last_seq, entry.seq)
            self._by_pair[entry.pair].append(entry.seq)
            self._by_reviewer[entry.event.reviewer].append(entry.seq)
            touched.add(entry.pair)
            if entry.event.parent is not None:
                self._children[entry.event.parent].append(entry.seq)
            if entry.event.undoes is not None:
                touched |= self._set_undone(entry.event.undoes, True)
        return touched

    def stands(self, seq: int) -> bool:
        """Whether a row was neither undone nor propagated from one that was."""
        entry = self.entries.get(seq)
        if entry is None or seq in self._undone:
            return False
        return entry.event.parent is None or self.stands(entry.event.parent)

    def by_reviewer(self, pair: Pair) -> dict[str, Entry]:
        """Each reviewer's latest standing judgement of a pair."""
        judged = (self.entries[seq] for seq in self._by_pair.get(pair, ()) if self.stands(seq))
        return {entry.event.reviewer: entry for entry in judged if entry.event.verdict in JUDGEMENTS}

    def verdict(self, pair: Pair) -> str | None:
        """The verdict that counts: the adjudicator's, else the majority's, and of equals the more cautious."""
        judged = self.by_reviewer(pair)
        decided = [entry for entry in judged.values() if entry.event.arm == ADJUDICATION]
        if decided:
            return max(decided, key=lambda entry: entry.seq).event.verdict
        voices = Counter(entry.event.verdict for entry in judged.values())
        return min(voices, key=lambda verdict: (-voices[verdict], CAUTION[verdict]), default=None)

    def verdicts(self) -> dict[Pair, str]:
        """The verdict that counts, for each pair that has one."""
        found = ((pair, self.verdict(pair)) for pair in self._by_pair)
        return {pair: verdict for pair, verdict in found if verdict is not None}

    def disputed(self) -> list[Pair]:
        """Pairs on which reviewers differ and nobody has decided."""
        return [pair for pair in self._by_pair if self.is_disputed(pair)]

    def is_disputed(self, pair: Pair) -> bool:
        """Whether reviewers differ on a pair and nobody has decided."""
        judged = self.by_reviewer(pair).values()
        decided = any(entry.event.arm == ADJUDICATION for entry in judged)
        return not decided and len({entry.event.verdict for entry in judged}) > 1

    def history(self, pair: Pair) -> list[Entry]:
        """Everything that was ever done to a pair, oldest first."""
        return [self.entries[seq] for seq in self._by_pair.get(pair, ())]

    def latest(self, reviewer: str, count: int) -> list[Entry]:
        """The reviewer's last standing judgements, newest first; propagated ones are left out."""
        found = (self.entries[seq] for seq in reversed(self._by_reviewer.get(reviewer, ())))
        own = (entry for entry in found if self._is_own_deed(entry) and self.stands(entry.seq))
        return [entry for entry, _ in zip(own, range(count), strict=False)]

    def to_undo(self, reviewer: str) -> Entry | None:
        """What an undo of this reviewer takes back."""
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

    def _newest(self, reviewer: str) -> Iterator[Entry]:
        return (self.entries[seq] for seq in reversed(self._by_reviewer.get(reviewer, ())))

    def _is_own_deed(self, entry: Entry) -> bool:
        return entry.event.verdict != "undo" and entry.event.parent is None

    def _set_undone(self, seq: int, undone: bool) -> set[Pair]:
        """Take a row back or bring it back; a row that itself took another back does the opposite to that one."""
        entry = self.entries.get(seq)
        if entry is None or (seq in self._undone) == undone:
            return set()
        (self._undone.add if undone else self._undone.discard)(seq)
        touched = {entry.pair} | {self.entries[child].pair for child in self._children.get(seq, ())}
        if entry.event.undoes is not None:
            touched |= self._set_undone(entry.event.undoes, not undone)
        return touched
