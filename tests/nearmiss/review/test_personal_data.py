"""One person's data: all of it in a file, and a log that forgets them, verifies as before and goes on."""

import json
import sqlite3

import pytest

from nearmiss import access
from nearmiss.access import Person
from nearmiss.errors import AccessError, ReviewError
from nearmiss.review import open_log
from nearmiss.review.backup import back_up, restore
from nearmiss.review.chain import Head
from nearmiss.review.personal_data import forget, held_of
from nearmiss.review.plans import AuditPlan, Draw
from nearmiss.review.readings import GuidelinesReading
from tests.nearmiss.review.test_chain import by_force, call, place  # noqa: F401 - a fixture
from tests.nearmiss.review.test_review import judged, where  # noqa: F401 - a fixture

ADA = "ada@example.org"


def filled(place):  # noqa: F811
    log = open_log(place)
    own = {"reviewer": ADA, "client_id": f"plain:{ADA}"}
    log.append([judged(1, "relevant", **own, comment="private words")])
    log.append([judged(2, "partial", **own)])
    log.append([judged(3, "undo", **own, undoes=2)])
    bob = {"reviewer": "bob", "client_id": "bob"}
    log.append([judged(1, "unsure", **bob, comment="@ada and @adam, see Ada@example.org")])
    log.append([judged(2, "relevant", **bob, comment="nothing of anybody")])
    log.write_plan(AuditPlan("p", 1.5, ADA, {"by": [ADA], "n": 1}), [Draw("p", 0, "q1", "d1", 0, 0.25, 1 / 3)])
    log.note_reading(GuidelinesReading(ADA, "v1", 2.5), "Read this.")
    log.lease(ADA, [(("q1", "d9"), 1)], 1)
    return log


def test_all_that_a_log_holds_of_a_person_is_given_to_them(place):  # noqa: F811
    log = filled(place)
    found = held_of(log, ADA)
    assert [(row["verdict"], row["comment"]) for row in found["verdicts"]] == [
        ("relevant", "private words"),
        ("partial", ""),
        ("undo", ""),
    ]
    assert [len(found[name]) for name in ("guidelines_read", "audits_planned", "pairs_held")] == [1, 1, 1]
    [named] = found["named_in_comments_of_others"]
    assert (named["seq"], "reviewer" in named) == (4, False)
    with pytest.raises(ReviewError, match="found nothing of 'zoe'"):
        held_of(log, "zoe")
    log.close()


def test_a_log_forgets_a_person_and_keeps_what_they_decided(place):  # noqa: F811
    log = filled(place)
    before = log.verify().head
    was = {entry.seq: (entry.event.verdict, entry.event.decided_at, entry.event.undoes) for entry in log.since(0)}
    done = forget(log, ADA, 1_795_996_800.0)
    assert (done.rows, done.before) == (4, before)
    entries = log.since(0)
    assert {one.seq: (one.event.verdict, one.event.decided_at, one.event.undoes) for one in entries} == was
    assert [one.event.reviewer for one in entries] == [*[done.pseudonym] * 3, "bob", "bob"]
    assert [one.event.comment for one in entries] == [
        "",
        "",
        "",
        f"@{done.pseudonym} and @adam, see {done.pseudonym}",
        "nothing of anybody",
    ]
    [plan] = log.plans()
    assert (plan.made_by, plan.facts) == (done.pseudonym, {"by": [done.pseudonym], "n": 1})
    assert [one.reviewer for one in log.readings()] == [done.pseudonym]
    assert log.held(0.0) == {}
    with pytest.raises(ReviewError, match="found nothing of"):
        forget(log, ADA, 3.0)
    # The chain is whole again, and what is written from now on is chained to it.
    assert log.verify(done.after).faults == ()
    log.append([judged(4, "relevant", reviewer="bob", client_id="bob")])
    assert (log.verify().faults, log.verify().not_chained) == ((), 0)
    [fault] = log.verify(before).faults
    assert f"rewritten on 2026-11-30, when {done.pseudonym} was forgotten" in fault
    log.close()


def test_after_it_nobody_can_change_a_row_nor_the_word_that_it_happened(place):  # noqa: F811
    log = filled(place)
    forget(log, ADA, 2.0)
    again = forget(log, "bob", 3.0)
    log.close()
    with pytest.raises(Exception, match="verdicts are only appended"):
        raw(place, "UPDATE verdicts SET verdict = 'unsure'")
    with pytest.raises(Exception, match="rewrites are only appended"):
        raw(place, "DELETE FROM rewrites")
    engine_off = (
        "DROP TRIGGER rewrites_no_delete" if "://" not in place else "ALTER TABLE rewrites DISABLE TRIGGER USER"
    )
    raw(place, engine_off)
    raw(place, "DELETE FROM rewrites WHERE number = 1")
    opened = open_log(place)
    assert opened.verify().faults == ("row 1 was changed, or its place",)
    assert again.before != again.after
    opened.close()


def raw(place, statement):  # noqa: F811
    import sqlalchemy as sql

    engine = sql.create_engine(place if "://" in place else f"sqlite:///{place}")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def test_nothing_of_the_person_is_left_in_the_file(tmp_path):
    file = tmp_path / "reviews.db"
    log = filled(str(file))
    forget(log, ADA, 2.0)
    log.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [word for word in (b"ada@", b"Ada@", b"private words") if word in left] == []


def test_a_forgotten_person_stays_forgotten_in_a_backup(place, tmp_path):  # noqa: F811
    log = filled(place)
    done = forget(log, ADA, 2.0)
    back_up(log, tmp_path / "copy.db")
    log.close()
    assert restore(tmp_path / "copy.db", tmp_path / "again.db").head == done.after
    assert open_log(tmp_path / "again.db").verify(done.after).faults == ()


def test_a_log_that_somebody_changed_forgets_nobody(place):  # noqa: F811
    filled(place).close()
    by_force(place, "UPDATE verdicts SET verdict = 'unsure' WHERE seq = 2")
    log = open_log(place)
    with pytest.raises(ReviewError, match=r"row 2 was changed, or its place\. Nothing was written"):
        forget(log, ADA, 2.0)
    assert {one.event.reviewer for one in log.since(0)} == {ADA, "bob"}
    log.close()


def test_only_an_owner_may_export_or_forget_others(place):  # noqa: F811
    log = filled(place)
    access.answered_by(lambda: Person("eve@example.org", "adjudicator"))
    try:
        for deed in (lambda: held_of(log, ADA), lambda: forget(log, ADA, 2.0)):
            with pytest.raises(AccessError):
                deed()
    finally:
        access.answered_by(lambda: access.OWN_PROCESS)
    assert log.verify().head.seq == 5
    log.close()


def test_the_command_exports_then_forgets_and_says_where_the_name_still_stands(run, capsys, monkeypatch, tmp_path):
    filled(str(run / "reviews.db")).close()
    (run / "policies.jsonl").write_text(json.dumps({"by": ADA}) + "\n")
    assert call(capsys, monkeypatch, "review", "person", run, ADA)[0] == 1
    file = tmp_path / "ada.json"
    code, out = call(capsys, monkeypatch, "review", "person", run, ADA, "--export", file, "--forget")
    assert (code, len(json.loads(file.read_text())["verdicts"])) == (0, 3)
    assert f"the name also stands in {run / 'policies.jsonl'}" in out
    head = next(line.removeprefix("Head now ") for line in out.splitlines() if line.startswith("Head now"))
    assert call(capsys, monkeypatch, "review", "verify", run, "--head", head)[0] == 0
    assert Head.of(head).seq == 5
    assert sqlite3.connect(run / "reviews.db").execute("SELECT count(*) FROM rewrites").fetchone() == (1,)
