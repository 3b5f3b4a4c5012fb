"""The review log on both databases: nothing acknowledged is lost, nothing is written twice; what of it stands."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import pytest
import sqlalchemy as sql
from hypothesis import given, settings
from hypothesis import strategies as st

from nearmiss.errors import ReviewError
from nearmiss.review import ADJUDICATION, REPEAT, Entry, Event, Standing, open_log
from nearmiss.review import schema as log_schema
from nearmiss.review.events import LARGEST, event_from
from tests.conftest import ROOT

POSTGRES = os.environ.get("NEARMISS_TEST_POSTGRES")
HOSTILE = [
    "Ελένη Παπαδοπούλου",
    "👩🏽‍🔬 zoë",
    "'; DROP TABLE verdicts; --",
    '"quoted" \\ %s :name {0}',
    "\u202egnitirw\u202c",
    "two\nlines\tand a tab",
    "é",
    "e\u0301",
    " ",
    "x" * 100,
]


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """A new log, as a person would name it."""
    if request.param == "sqlite":
        yield str(tmp_path / "100% what?" / "reviews.db")
        return
    if not POSTGRES:
        pytest.skip("no PostgreSQL (NEARMISS_TEST_POSTGRES is its URL)")
    engine, schema = sql.create_engine(POSTGRES), f"test_{uuid.uuid4().hex}"
    with engine.begin() as connection:
        connection.execute(sql.text(f"CREATE SCHEMA {schema}"))
    url = engine.url.update_query_dict({"options": f"-csearch_path={schema}"})
    yield url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(sql.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def log(where):
    opened = open_new(where)
    yield opened
    opened.close()


def open_new(where):
    if "://" not in where:
        os.makedirs(os.path.dirname(where), exist_ok=True)
    return open_log(where)


def judged(number, verdict="not_relevant", **fields):
    plain = {"query_id": "q1", "doc_id": f"d{number}", "reviewer": "ann", "client_id": "c", "client_seq": number}
    return Event(**plain | {"verdict": verdict, "decided_at": 1000.0 + number} | fields)


def undo(number, seq, **fields):
    return judged(number, "undo", undoes=seq, **fields)


def standing_of(log):
    standing = Standing()
    standing.absorb(log.since(0))
    return standing


# What is written.


def test_a_row_comes_back_as_it_was_sent(log):
    [first] = log.append([judged(1)])
    full = judged(
        2,
        "relevant",
        reason="wrong_positive",
        comment="see d1",
        arm="audit",
        inclusion_probability=0.1,
        scores_visible=False,
        shown_at=1001.25,
        decided_at=1002.123456,
        parent=first.seq,
    )
    [second] = log.append([full])
    assert log.since(0) == [Entry(first.seq, judged(1)), Entry(second.seq, full)]
    assert second.seq > first.seq


@pytest.mark.parametrize("text", HOSTILE)
def test_names_ids_and_comments_of_any_kind_come_back(log, text):
    name = text if text.strip() else "ann"
    event = judged(1, query_id=name, doc_id=name, reviewer=name, client_id=name, comment=text)
    log.append([event])
    assert [entry.event for entry in log.since(0)] == [event]
    assert log.acknowledged(name) == 1
    assert log.lease(name, [((name, name), 1)], 1) == [(name, name)]


def test_composed_and_decomposed_ids_are_two(log):
    log.append([judged(1, doc_id="é"), judged(2, doc_id="e\u0301")])
    assert [entry.event.doc_id for entry in log.since(0)] == ["é", "e\u0301"]


@pytest.mark.parametrize("moment", [0.0, -62135596800.0, 253402300799.0, 1762912345.000001])
def test_times_come_back_to_the_microsecond(log, moment):
    log.append([judged(1, shown_at=moment, decided_at=moment)])
    assert log.since(0)[0].event.decided_at == moment


def test_the_longest_allowed_values_fit(log):
    # Random characters outside the basic plane: what compression, and an index, like least.
    long = "".join(chr(0x20000 + hash((n, "salt")) % 0xA000) for n in range(10_000))
    ids = {"query_id": long[:2000], "doc_id": long[2000:4000], "reviewer": long[:100], "client_id": long[:100]}
    event = judged(1, comment=long, **ids | {"client_seq": LARGEST})
    log.append([event])
    assert log.since(0)[0].event == event
    assert log.lease(event.reviewer, [((event.query_id, event.doc_id), 1)], 1)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"query_id": "a\0b"}, "NUL"),
        ({"comment": "\ud800"}, "surrogate"),
        ({"reviewer": "\udfff"}, "surrogate"),
        ({"reviewer": "  "}, "found nothing"),
        ({"query_id": "x" * 2001}, "at most 2,000 characters; found 2,001"),
        ({"comment": "x" * 1_000_000}, "at most 10,000 characters; found 1,000,000"),
        ({"verdict": "'; DROP TABLE verdicts"}, "wanted one of relevant"),
        ({"reason": "because"}, "wanted one of duplicate_of_positive"),
        ({"client_seq": LARGEST + 1}, "client_seq: wanted a number"),
        ({"client_seq": -1}, "client_seq: wanted a number"),
        ({"decided_at": float("nan")}, "decided_at: wanted seconds"),
        ({"shown_at": float("inf")}, "shown_at: wanted seconds"),
        ({"inclusion_probability": float("nan")}, "inclusion_probability: wanted above 0"),
        ({"inclusion_probability": 0.0}, "inclusion_probability: wanted above 0"),
        ({"verdict": "undo"}, "undoes: wanted"),
        ({"undoes": 1}, "undoes: wanted"),
        ({"verdict": "later", "parent": 1}, "parent: wanted"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_reason(fields, found):
    with pytest.raises(ReviewError, match=found):
        judged(1, **fields)


@pytest.mark.parametrize(
    "content",
    [None, [], "relevant", {}, {"verdict": "relevant"}, {"query_id": 1}, {"client_seq": True}, {"decided_at": "now"}],
)
def test_an_event_from_anywhere_is_checked(content):
    with pytest.raises(ReviewError):
        event_from(content)


def test_a_bad_event_among_good_ones_writes_none(log):
    with pytest.raises(ReviewError, match="undoes 77: wanted an earlier row of 'ann'; found no such row"):
        log.append([judged(1), undo(2, 77), judged(3)])
    assert log.since(0) == []


def test_nobody_takes_back_what_another_judged(log):
    [entry] = log.append([judged(1)])
    with pytest.raises(ReviewError, match="wanted an earlier row of 'bob'; found one of 'ann'"):
        log.append([undo(2, entry.seq, reviewer="bob")])
    with pytest.raises(ReviewError, match="parent"):
        log.append([judged(3, reviewer="bob", parent=entry.seq)])


# When it is acknowledged.


def test_another_connection_sees_a_row_once_append_returns(log, where):
    log.append([judged(1)])
    other = open_log(where)
    assert len(other.since(0)) == 1
    other.close()


def test_a_commit_that_fails_is_not_acknowledged(log):
    @sql.event.listens_for(log._engine, "commit")
    def full_disk(connection):
        raise sql.exc.OperationalError("COMMIT", {}, Exception("disk is full"))

    with pytest.raises(ReviewError, match="disk is full"):
        log.append([judged(1)])
    sql.event.remove(log._engine, "commit", full_disk)
    assert log.since(0) == []
    assert len(log.append([judged(1)])) == 1


def test_sent_twice_is_written_once(log):
    first = log.append([judged(1), judged(2)])
    assert log.append([judged(2), judged(3)]) == [Entry(log.since(0)[-1].seq, judged(3))]
    assert log.append([judged(1), judged(2), judged(3)]) == []
    assert [entry.event.client_seq for entry in log.since(0)] == [1, 2, 3]
    assert log.since(0)[:2] == first
    assert log.acknowledged("c") == 3
    assert log.acknowledged("nobody") == 0


def test_twice_in_one_message_is_written_once(log):
    assert len(log.append([judged(1), judged(1)])) == 1


def test_one_number_for_two_events_is_an_error_and_not_a_loss(log):
    log.append([judged(1, "relevant")])
    with pytest.raises(ReviewError, match="wanted a new number for each event"):
        log.append([judged(2), judged(1, "partial")])
    with pytest.raises(ReviewError, match="wanted a new number for each event"):
        log.append([judged(3), judged(3, doc_id="other")])
    assert [entry.event.verdict for entry in log.since(0)] == ["relevant"]


def test_a_log_that_cannot_be_opened_says_so(tmp_path):
    (tmp_path / "reviews.db").write_text("this is no database, but a text that is long enough to be looked into" * 9)
    with pytest.raises(ReviewError, match="wanted a log that can be opened; found"):
        open_log(tmp_path / "reviews.db")
    with pytest.raises(ReviewError, match="wanted a log that can be opened"):
        open_log(tmp_path / "missing" / "reviews.db")
    with pytest.raises(ReviewError, match="wanted SQLite or PostgreSQL; found mysql"):
        open_log("mysql://host/name")
    with pytest.raises(ReviewError, match=r"postgresql\+psycopg://ann:\*\*\*@localhost:1/x: wanted a log"):
        open_log("postgresql+psycopg://ann:secret@localhost:1/x")


def test_sqlite_keeps_what_it_acknowledged(tmp_path):
    log = open_log(tmp_path / "reviews.db")
    with log._reading() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2}  # 2 is FULL


# Many at once.


def test_threads_lose_nothing_and_a_reader_misses_nothing(log, where):
    writers, each = 8, 25
    seen, done = [], []

    def write(writer):
        own = log if writer % 2 else open_log(where)
        for number in range(1, each + 1):
            own.append([judged(number, client_id=f"c{writer}", query_id=f"q{writer}")])
        done.append(writer)

    def follow():
        reader, ended = open_log(where), False
        while not ended:
            ended = len(done) == writers
            seen.extend(reader.since(seen[-1].seq if seen else 0))
        reader.close()

    with ThreadPoolExecutor(writers + 1) as pool:
        tasks = [pool.submit(follow), *(pool.submit(write, writer) for writer in range(writers))]
        for task in tasks:
            task.result(timeout=120)
    assert seen == log.since(0)
    assert Counter(entry.event.client_id for entry in seen) == {f"c{writer}": each for writer in range(writers)}
    for writer in range(writers):
        own = [entry.event.client_seq for entry in seen if entry.event.client_id == f"c{writer}"]
        assert own == list(range(1, each + 1))


def start_writer(where, client, count):
    command = [sys.executable, "-m", "tests.appending", where, client, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.slow
def test_processes_that_open_and_write_at_once_lose_nothing(where):
    if "://" not in where:
        os.makedirs(os.path.dirname(where))
    processes = [start_writer(where, f"p{number}", 40) for number in range(3)]
    answers = [process.communicate("go\n", timeout=120)[0].splitlines()[1:] for process in processes]
    log = open_log(where)
    written = {(entry.event.client_id, entry.event.client_seq): entry.seq for entry in log.since(0)}
    acknowledged = {
        (f"p{number}", int(own)): int(seq)
        for number, lines in enumerate(answers)
        for seq, own in (line.split() for line in lines)
    }
    assert written == acknowledged
    assert len(written) == 120
    log.close()


@pytest.mark.slow
def test_a_new_log_that_many_open_at_the_same_moment_is_never_seen_half_made(tmp_path):
    for attempt in range(10):
        path = tmp_path / f"{attempt}.db"
        together = threading.Barrier(8)

        def opened_at_once(path=path, together=together):
            together.wait(timeout=60)
            return open_log(path)

        with ThreadPoolExecutor(8) as pool:
            logs = [started.result(60) for started in [pool.submit(opened_at_once) for _ in range(8)]]
        for number, log in enumerate(logs):
            log.append([judged(1, client_id=f"c{number}")])
            log.close()
    names = [f"{attempt}{end}" for attempt in range(10) for end in (".db", ".db-begun.json")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    with closing(open_log(path)) as log:
        assert {entry.event.client_id for entry in log.since(0)} == {f"c{number}" for number in range(8)}


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_has_lost_nothing_acknowledged(where):
    log = open_new(where)
    for attempt, after in enumerate((1, 7, 40)):
        process = start_writer(where, f"p{attempt}", 100_000)
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        told = [process.stdout.readline() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        # A last line may be cut.
        told += [line for line in process.stdout if line.endswith("\n")]
        process.wait()
        acknowledged = [tuple(map(int, line.split())) for line in told]
        entries = [entry for entry in log.since(0) if entry.event.client_id == f"p{attempt}"]
        written = [(entry.seq, entry.event.client_seq) for entry in entries]
        assert written[: len(acknowledged)] == acknowledged
        # At most the one that was on its way.
        assert len(written) - len(acknowledged) <= 1
        assert [own for _, own in written] == list(range(1, len(written) + 1))
    log.close()


# Undo and redo.


def test_undo_and_redo_without_end_and_after_reopening(log, where):
    log.append([judged(number) for number in range(1, 6)])
    numbers = iter(range(6, 10_000))

    def step(name):
        target = getattr(standing_of(log), name)("ann")
        if target is None:
            return None
        other = open_log(where)
        other.append([undo(next(numbers), target.seq)])
        other.close()
        return target.seq

    everything = standing_of(log).verdicts()
    for _ in range(2):
        undone = [step("to_undo") for _ in range(6)]
        assert undone[5] is None
        assert standing_of(log).verdicts() == {}
        for _ in range(5):
            assert step("to_redo")
        assert step("to_redo") is None
        assert standing_of(log).verdicts() == everything


def test_after_something_new_there_is_nothing_to_redo(log):
    entries = log.append([judged(1), judged(2)])
    log.append([undo(3, entries[1].seq), judged(4)])
    assert standing_of(log).to_redo("ann") is None
    assert standing_of(log).to_undo("ann").event.doc_id == "d4"


def test_what_was_propagated_stands_and_falls_with_its_parent(log):
    [parent] = log.append([judged(1, "relevant")])
    copies = log.append([judged(number, "relevant", query_id=f"q{number}", parent=parent.seq) for number in (2, 3)])
    [grandchild] = log.append([judged(4, "relevant", parent=copies[0].seq)])
    [taken_back] = log.append([undo(5, parent.seq, doc_id="d1")])
    standing = standing_of(log)
    assert standing.verdicts() == {}
    assert standing.to_undo("ann") is None
    fresh = Standing()
    fresh.absorb(log.since(0)[:-1])
    pairs = {entry.pair for entry in (parent, *copies, grandchild)}
    assert set(fresh.verdicts()) == pairs
    assert fresh.absorb([taken_back]) == pairs
    log.append([undo(6, taken_back.seq)])
    assert set(standing_of(log).verdicts()) == pairs


def test_one_copy_can_be_taken_back_alone(log):
    [parent] = log.append([judged(1, "relevant")])
    copies = log.append([judged(number, "relevant", parent=parent.seq) for number in (2, 3)])
    log.append([undo(4, copies[0].seq)])
    assert set(standing_of(log).verdicts()) == {("q1", "d1"), ("q1", "d3")}


def test_two_undos_of_one_row_need_two_redos(log):
    # Two windows of one person, each of which took the same row back.
    [entry] = log.append([judged(1)])
    first, second = log.append([undo(2, entry.seq), undo(3, entry.seq)])
    log.append([undo(4, second.seq)])
    assert standing_of(log).verdicts() == {}
    log.append([undo(5, first.seq)])
    assert standing_of(log).verdicts() == {("q1", "d1"): "not_relevant"}


# Which verdict counts.


@pytest.mark.parametrize(
    ("voices", "counts"),
    [
        ([("ann", "relevant")], "relevant"),
        ([("ann", "relevant"), ("ann", "partial")], "partial"),  # a change of mind
        ([("ann", "relevant"), ("bob", "not_relevant")], "relevant"),  # of equals, the more cautious
        ([("ann", "relevant"), ("bob", "not_relevant"), ("cem", "not_relevant")], "not_relevant"),
        ([("ann", "unsure"), ("bob", "not_relevant")], "unsure"),
        ([("ann", "later")], None),
        ([("ann", "relevant"), ("ann", "comment")], "relevant"),
    ],
)
def test_the_verdict_that_counts(voices, counts):
    standing = Standing()
    standing.absorb(
        Entry(n, judged(n, verdict, doc_id="d", reviewer=who)) for n, (who, verdict) in enumerate(voices, 1)
    )
    assert standing.verdict(("q1", "d")) == counts


def test_an_adjudicator_decides_and_may_take_it_back():
    standing = Standing()
    voices = [
        ("ann", "not_relevant", ""),
        ("bob", "not_relevant", ""),
        ("eve", "relevant", ""),
        ("zoe", "partial", ADJUDICATION),
    ]
    rows = [Entry(n, judged(n, v, doc_id="d", reviewer=who, arm=arm)) for n, (who, v, arm) in enumerate(voices, 1)]
    standing.absorb(rows[:3])
    assert standing.disputed() == [("q1", "d")]
    standing.absorb(rows[3:])
    assert standing.verdict(("q1", "d")) == "partial"
    assert standing.disputed() == []
    standing.absorb([Entry(5, undo(5, 4, doc_id="d", reviewer="zoe"))])
    assert standing.verdict(("q1", "d")) == "not_relevant"
    assert standing.disputed() == [("q1", "d")]


def said_of(*voices):
    """A log of one pair: (reviewer, verdict, arm) each, from number 1 on."""
    standing = Standing()
    for n, (who, verdict, arm) in enumerate(voices, 1):
        standing.absorb([Entry(n, judged(n, verdict, doc_id="d", reviewer=who, arm=arm))])
    return standing


def test_a_hidden_repeat_changes_no_verdict_and_disputes_nothing():
    pair = ("q1", "d")
    alone = said_of(("ann", "relevant", ""), ("ann", "not_relevant", REPEAT))
    assert (alone.verdict(pair), alone.by_reviewer(pair)["ann"].event.verdict) == ("relevant", "relevant")
    several = said_of(("ann", "relevant", ""), ("bob", "relevant", ""), ("bob", "not_relevant", REPEAT))
    assert (several.verdict(pair), several.disputed()) == ("relevant", [])
    # What was propagated from a repeat counts as little as the repeat.
    several.absorb([Entry(4, judged(4, "not_relevant", doc_id="copy", reviewer="bob", parent=3))])
    assert several.verdict(("q1", "copy")) is None


@pytest.mark.parametrize("arm", [REPEAT, "", "audit:x"])
def test_a_decision_holds_whatever_its_adjudicator_judges_afterwards(arm):
    voices = ("ann", "relevant", ""), ("bob", "not_relevant", ""), ("bob", "partial", ADJUDICATION)
    standing = said_of(*voices, ("bob", "not_relevant", arm))
    assert (standing.verdict(("q1", "d")), standing.disputed()) == ("partial", [])
    assert standing.decision(("q1", "d")).seq == 3
    standing.absorb([Entry(5, undo(5, 3, doc_id="d", reviewer="bob"))])
    assert standing.disputed() == [("q1", "d")]


# Laws.


@st.composite
def histories(draw):
    """Rows as several people write them: judgements, copies of them, and undos of whatever is their own."""
    rows = []
    for seq in range(1, draw(st.integers(0, 25)) + 1):
        who = draw(st.sampled_from(["ann", "bob"]))
        own = [row for row in rows if row.event.reviewer == who]
        kind = draw(st.sampled_from(["judge", "judge", "copy", "undo"])) if own else "judge"
        verdict = draw(st.sampled_from(["relevant", "partial", "not_relevant", "unsure", "later"]))
        fields = {"doc_id": f"d{draw(st.integers(1, 3))}", "reviewer": who}
        target = draw(st.sampled_from(own)) if own else None
        if kind == "undo":
            rows.append(Entry(seq, undo(seq, target.seq, reviewer=who, doc_id=target.event.doc_id)))
        elif kind == "copy" and verdict != "later" and target.event.verdict != "undo":
            rows.append(Entry(seq, judged(seq, verdict, parent=target.seq, **fields)))
        else:
            arm = draw(st.sampled_from(["", "", "", ADJUDICATION, REPEAT]))
            rows.append(Entry(seq, judged(seq, verdict, arm=arm, **fields)))
    return rows


def stands_slowly(rows, row):
    """A row stands unless a standing undo names it, or it was propagated from one that does not stand."""
    if any(other.event.undoes == row.seq and stands_slowly(rows, other) for other in rows):
        return False
    parents = [other for other in rows if other.seq == row.event.parent]
    return all(stands_slowly(rows, parent) for parent in parents)


def is_repeat(rows, row):
    """A row is a repeat, or was propagated from one."""
    return row.event.arm == REPEAT or any(is_repeat(rows, other) for other in rows if other.seq == row.event.parent)


def verdict_slowly(rows, pair):
    own = [row for row in rows if row.pair == pair and row.event.verdict not in ("undo", "later", "comment")]
    own = [row for row in own if stands_slowly(rows, row) and not is_repeat(rows, row)]
    latest = {row.event.reviewer: row for row in own}
    decided = [row for row in own if row.event.arm == ADJUDICATION]
    if decided:
        return decided[-1].event.verdict
    votes = Counter(row.event.verdict for row in latest.values())
    most = [verdict for verdict in votes if votes[verdict] == max(votes.values())]
    return next((verdict for verdict in ("relevant", "partial", "unsure", "not_relevant") if verdict in most), None)


@given(histories(), st.lists(st.integers(0, 25)))
@settings(max_examples=80)
def test_any_chunking_gives_the_slow_answer_and_names_every_change(rows, cuts):
    standing, before = Standing(), {}
    borders = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, end in pairwise(borders):
        touched = standing.absorb(rows[start:end])
        now = standing.verdicts()
        assert {pair for pair in before | now if before.get(pair) != now.get(pair)} <= touched
        assert set(standing.disputed()) == {pair for pair in now if standing.is_disputed(pair)}
        before = now
    assert all(standing.stands(row.seq) == stands_slowly(rows, row) for row in rows)
    for pair in {row.pair for row in rows}:
        assert standing.verdict(pair) == verdict_slowly(rows, pair)
    assert standing.absorb(rows) == set()


@given(histories(), st.integers(0, 12))
@settings(max_examples=80)
def test_undoing_n_times_and_redoing_n_times_changes_nothing(rows, count):
    standing = Standing()
    standing.absorb(rows)
    before, seq = standing.verdicts(), len(rows)
    stood = [row.seq for row in rows if standing.stands(row.seq)]
    undone = []
    for step in ("to_undo",) * count + ("to_redo",) * count:
        target = getattr(standing, step)("ann")
        if target is None:
            break
        seq += 1
        undone.append(step)
        standing.absorb([Entry(seq, undo(seq, target.seq, doc_id=target.event.doc_id))])
    while undone.count("to_redo") < undone.count("to_undo"):
        target = standing.to_redo("ann")
        seq += 1
        undone.append("to_redo")
        standing.absorb([Entry(seq, undo(seq, target.seq, doc_id=target.event.doc_id))])
    assert standing.verdicts() == before
    assert [row.seq for row in rows if standing.stands(row.seq)] == stood


@pytest.mark.slow
def test_a_long_chain_of_undos_is_no_deep_recursion():
    standing = Standing()
    rows = [Entry(1, judged(1)), *(Entry(n, undo(n, n - 1)) for n in range(2, 1501))]
    standing.absorb(rows)
    assert not standing.stands(1)  # 1,499 undos: an odd number
    copies = [Entry(1, judged(1)), *(Entry(n, judged(n, parent=n - 1)) for n in range(2, 1501))]
    other = Standing()
    other.absorb(copies)
    assert other.stands(1500)


# Who gets what.

PAIRS = [("q1", f"d{number}") for number in range(6)]
WANTED = [(pair, 1) for pair in PAIRS]


def test_no_pair_goes_to_two_people(log, where):
    other = open_log(where)
    assert log.lease("ann", WANTED, 2) == PAIRS[:2]
    assert other.lease("bob", WANTED, 3) == PAIRS[2:5]
    assert log.lease("cem", WANTED, 3) == PAIRS[5:]
    assert other.lease("dee", WANTED, 3) == []
    other.close()


def test_a_pair_wanted_twice_is_given_once_and_no_more_are_looked_at_than_needed(log):
    def endless():
        yield from [(PAIRS[0], 1), (PAIRS[0], 1), (PAIRS[1], 1)]
        raise AssertionError("asked for more than it took")

    assert log.lease("ann", endless(), 2) == PAIRS[:2]


def test_where_few_are_left_each_reviewer_takes_a_share_and_keeps_what_they_hold(log):
    wanted = [((f"q{number}", "d"), 1) for number in range(120)]
    taken = [len(log.lease(f"reviewer {number}", wanted, 60, left=120)) for number in range(6)]
    assert taken == [60, 30, 10, 10, 10, 0]
    assert len(log.lease("reviewer 0", wanted, 60, left=120)) == 60
    many = [((f"q{number}", "d"), 1) for number in range(12_000)]
    assert len(log.lease("late", many, 60, left=12_000)) == 60


def test_a_second_opinion_is_two_people_and_not_three(log):
    wanted = [(PAIRS[0], 2), (PAIRS[1], 1)]
    assert log.lease("ann", wanted, 2) == PAIRS[:2]
    assert log.lease("bob", wanted, 2) == PAIRS[:1]
    assert log.lease("cem", wanted, 2) == []


def test_asking_again_keeps_what_is_held_and_gives_back_the_rest(log):
    log.lease("ann", WANTED, 3)
    assert log.lease("ann", WANTED, 3) == PAIRS[:3]
    log.lease("ann", WANTED[2:], 2)
    assert log.lease("bob", WANTED, 2) == PAIRS[:2]
    log.lease("bob", [], 0)
    assert log.lease("cem", WANTED, 9) == [PAIRS[0], PAIRS[1], PAIRS[4], PAIRS[5]]


def test_a_lease_ends_by_itself(log):
    log.lease("ann", WANTED, 6, seconds=60, now=1000.0)
    assert log.lease("bob", WANTED, 6, now=1059.9) == []
    assert log.lease("bob", WANTED, 6, now=1060.0) == PAIRS


def test_a_pair_judged_since_the_caller_looked_counts_as_held(log):
    log.lease("ann", WANTED, 1)
    log.append([judged(1, doc_id="d0")])
    log.lease("ann", WANTED[1:], 1)  # ann is done with d0 and moves on
    assert log.lease("bob", WANTED, 2, as_of=0) == PAIRS[2:4]
    assert log.lease("cem", [(PAIRS[0], 2)], 1, as_of=0) == PAIRS[:1]


def test_many_who_ask_at_once_get_different_pairs(log, where):
    wanted = [(("q", str(number)), 1) for number in range(60)]

    def ask(name):
        own = open_log(where)
        got = [pair for _ in range(3) for pair in own.lease(name, wanted, 10)]
        own.close()
        return set(got)

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(ask, [f"r{number}" for number in range(6)]))
    assert all(len(pairs) == 10 for pairs in got)
    assert len(set.union(*got)) == 60


# The history of another log.


def test_a_history_is_adopted_once_and_under_new_numbers(log, tmp_path):
    log.append([judged(1, client_id="mine"), judged(2, client_id="mine")])
    source = open_log(tmp_path / "source.db")
    source.append([judged(1, "relevant")])
    source.append([judged(2, "relevant", parent=1, doc_id="copy"), judged(3, doc_id="other")])
    source.append([undo(4, 1), undo(5, 3, doc_id="other")])
    source.append([undo(6, 4)])
    assert log.adopt(source.since(0)) == 6
    before = log.since(0)
    assert log.adopt(source.since(0)) == 0
    assert log.since(0) == before
    assert [entry.event.client_id for entry in before] == ["mine"] * 2 + ["c"] * 6
    assert standing_of(log).verdicts() == {
        ("q1", "d1"): "relevant",
        ("q1", "d2"): "not_relevant",
        ("q1", "copy"): "relevant",
    }


def test_a_history_that_contradicts_the_log_is_not_adopted(log):
    log.append([judged(1, "relevant")])
    with pytest.raises(ReviewError, match="wanted a new number for each event"):
        log.adopt([Entry(1, judged(2)), Entry(2, judged(1, "partial"))])
    assert len(log.since(0)) == 1


@given(histories())
@settings(max_examples=20)
def test_adopting_keeps_what_stands(tmp_path_factory, rows):
    log = open_log(tmp_path_factory.mktemp("log") / "reviews.db")
    log.append([judged(1, client_id="before", reviewer="zoe", doc_id="x")])
    log.adopt(rows)
    log.close()
    standing = Standing()
    standing.absorb(rows)
    assert standing_of(log).verdicts() == standing.verdicts() | {("q1", "x"): "not_relevant"}
    moved = {row.seq: seq for row, seq in zip(rows, (entry.seq for entry in log.since(1)), strict=True)}
    assert [entry.event for entry in log.since(1)] == [
        replace(row.event, parent=moved.get(row.event.parent), undoes=moved.get(row.event.undoes)) for row in rows
    ]


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
@pytest.mark.parametrize("held", ["SELECT pg_advisory_xact_lock({writers})", "LOCK TABLE verdicts"])
def test_a_lock_of_a_server_is_not_waited_for_without_end(where, monkeypatch, held):
    open_log(where).close()
    monkeypatch.setattr(log_schema, "BUSY_SECONDS", 0.2)
    log = open_log(where)
    other = sql.create_engine(where)
    with other.connect() as holder:
        # Another writer that never ends.
        holder.execute(sql.text(held.format(writers=log_schema.WRITERS)))
        with pytest.raises(ReviewError, match=r"wanted to read or write; found .*lock timeout"):
            log.append([judged(1)])
    other.dispose()
    assert [entry.seq for entry in log.append([judged(1)])] != []
    log.close()


def test_two_logs_that_differ_in_the_ending_alone_are_missed_each_by_its_own_name(tmp_path):
    for name in ("r.db", "r.sqlite"):
        with closing(open_log(tmp_path / name)) as log:
            log.append([judged(1)])
    (tmp_path / "r.sqlite").unlink()
    with pytest.raises(ReviewError, match=r"r\.sqlite: wanted the log .* though r\.sqlite-begun\.json says"):
        open_log(tmp_path / "r.sqlite")
    with closing(open_log(tmp_path / "r.db")) as log:
        assert len(log.since(0)) == 1


def test_a_batch_alone_leaves_word_that_the_log_holds_something(tmp_path):
    with closing(open_log(tmp_path / "r.db")) as log:
        log.append_batch([judged(1), judged(2)])
    (tmp_path / "r.db").unlink()
    with pytest.raises(ReviewError, match="no such file"):
        open_log(tmp_path / "r.db")
