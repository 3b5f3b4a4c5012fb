"""What nobody can lose: rows that cannot be changed, changes that are found, and a log that moves whole."""

import json
import sqlite3
from dataclasses import replace

import pytest
import sqlalchemy as sql

from nearmiss.errors import ReviewError
from nearmiss.review import open_log
from nearmiss.review.backup import back_up, restore
from nearmiss.review.chain import Head
from nearmiss.review.plans import AuditPlan, Draw
from nearmiss.review.readings import GuidelinesReading
from nearmiss.review.tables import APPENDED
from tests.nearmiss.review.test_review import judged, where  # noqa: F401 - a fixture

TABLES = [table.name for table in APPENDED]


def filled(place, count=5):
    log = open_log(place)
    log.append([judged(number) for number in range(1, count + 1)])
    log.append([judged(count + 1, comment="é\u202e\u200b", inclusion_probability=0.1 + 0.2, shown_at=1e-7, parent=2)])
    log.write_plan(AuditPlan("p", 1.5, "ann", {"n": 1}), [Draw("p", 0, "q1", "d1", 0, 0.25, 1 / 3)])
    log.note_reading(GuidelinesReading("ann", "v1", 2.5), "Read this.")
    return log


def by_force(place, *statements):
    """Change the database behind the log's back, as somebody who owns it can."""
    engine = sql.create_engine(place if "://" in place else f"sqlite:///{place}")
    with engine.begin() as connection:
        for table in TABLES:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            else:
                for deed in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{deed}")
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def place(where, tmp_path):  # noqa: F811
    """A log's place whose folder is there."""
    return where if "://" in where else str(tmp_path / "reviews.db")


def test_the_database_itself_refuses_to_change_or_remove_a_row(place):
    filled(place).close()
    engine = sql.create_engine(place if "://" in place else f"sqlite:///{place}")
    for table in TABLES:
        column = APPENDED[TABLES.index(table)].columns.keys()[0]
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
            with pytest.raises(sql.exc.DBAPIError, match=f"{table} are only appended"), engine.begin() as connection:
                connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize(
    ("statements", "faults"),
    [
        ((), ()),
        (("UPDATE verdicts SET verdict = 'relevant' WHERE seq = 3",), ("row 3 was changed, or its place",)),
        (
            ("UPDATE verdicts SET decided_at = decided_at + 1e-9 * 1000 WHERE seq = 1",),
            ("row 1 was changed, or its place",),
        ),
        (("DELETE FROM verdicts WHERE seq = 2",), ("row 2 was removed",)),
        (("DELETE FROM verdicts WHERE seq > 5",), ("row 6 was removed",)),
        (
            (
                "UPDATE verdicts SET seq = 99 WHERE seq = 3",
                "UPDATE verdicts SET seq = 3 WHERE seq = 4",
                "UPDATE verdicts SET seq = 4 WHERE seq = 99",
            ),
            ("row 3 was changed, or its place", "row 4 was changed, or its place"),
        ),
        (
            ("DELETE FROM verdicts WHERE seq = 4", "DELETE FROM chain WHERE seq = 4"),
            ("row 5 was changed, or its place",),
        ),
    ],
)
def test_a_row_that_was_changed_removed_or_moved_is_found(place, statements, faults):
    filled(place).close()
    by_force(place, *statements)
    log = open_log(place)
    assert log.verify().faults == faults
    log.close()


def test_rows_cut_off_at_the_end_with_their_digests_are_found_by_a_head_that_was_noted(place):
    log = filled(place)
    noted = log.verify().head
    assert (noted.seq, len(noted.digest), Head.of(str(noted))) == (6, 64, noted)
    by_force(place, "DELETE FROM verdicts WHERE seq = 6", "DELETE FROM chain WHERE seq = 6")
    assert log.verify().faults == ()
    assert log.verify(noted).faults == ("row 6: wanted the digest that was noted; found no such row",)
    log.close()


def test_a_log_of_the_first_release_keeps_its_rows_and_is_chained_from_its_end(tmp_path):
    place = str(tmp_path / "reviews.db")
    filled(place).close()
    before = open_log(place).since(0)
    drop = [f"DROP TABLE {table}" for table in ("chain", "versions")]
    by_force(place, *drop)
    log = open_log(place)
    assert log.since(0) == before
    assert (log.verify().faults, log.verify().head.seq) == ((), 6)
    # A release that knows no chain writes one row more.
    by_force(
        place,
        "INSERT INTO verdicts SELECT 7, query_id, 'd9', verdict, reason, comment, reviewer, arm,"
        " inclusion_probability, scores_visible, shown_at, decided_at, client_id, 77, NULL, NULL"
        " FROM verdicts WHERE seq = 1",
    )
    assert log.verify().not_chained == 1
    log.append([judged(50)])
    assert (log.verify().faults, log.verify().not_chained, log.verify().head.seq) == ((), 0, 8)
    log.close()


def test_a_log_of_a_later_release_is_left_alone(tmp_path):
    place = str(tmp_path / "reviews.db")
    filled(place).close()
    by_force(place, "INSERT INTO versions VALUES (99, 0)")
    with pytest.raises(ReviewError, match=r"found 99\. A newer nearmiss made it"):
        open_log(place)


def test_a_log_moves_through_a_backup_with_its_numbers_and_digests(place, tmp_path):
    first = str(tmp_path / "first.db")
    log = filled(first)
    done = back_up(log, tmp_path / "backup.db")
    assert (done.verdicts, done.others, done.head) == (6, 4, log.verify().head)
    assert restore(tmp_path / "backup.db", place).head == done.head
    moved = open_log(place)
    for read in ("plans", "readings", "guideline_texts"):
        assert getattr(moved, read)() == getattr(log, read)()
    assert (moved.since(0), moved.draws("p")) == (log.since(0), log.draws("p"))
    # It goes on with the next number, and back again.
    assert [entry.seq for entry in moved.append([judged(9)])] == [7]
    assert back_up(moved, tmp_path / "again.db").head == moved.verify().head
    with pytest.raises(ReviewError, match="wanted an empty log; found rows in verdicts"):
        restore(tmp_path / "backup.db", place)
    assert moved.verify().rows == 7
    log.close()
    moved.close()


def test_a_backup_is_one_file_and_replaces_none(tmp_path):
    log = filled(str(tmp_path / "reviews.db"))
    (tmp_path / "out").mkdir()
    back_up(log, tmp_path / "out" / "backup.db")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["backup.db"]
    with pytest.raises(ReviewError, match="wanted a file that does not exist yet"):
        back_up(log, tmp_path / "out" / "backup.db")
    log.close()


def test_what_was_changed_is_not_backed_up_as_if_nothing_were(tmp_path):
    place = str(tmp_path / "reviews.db")
    log = filled(place)
    by_force(place, "UPDATE verdicts SET verdict = 'relevant' WHERE seq = 3")
    with pytest.raises(ReviewError, match=r"found row 3 was changed, or its place\. Nothing was written"):
        back_up(log, tmp_path / "backup.db")
    assert not (tmp_path / "backup.db").exists()
    log.close()


def test_a_lost_log_comes_back_from_its_backup(run, tmp_path, capsys, monkeypatch):
    from nearmiss.run import open_run

    opened = open_run(run)
    log = opened.log()
    [entry] = log.append([replace(judged(1), client_id="x")])
    back_up(log, tmp_path / "backup.db")
    log.close()
    for path in run.glob("reviews.db*"):
        path.unlink()
    code, out = call(capsys, monkeypatch, "review", "restore", run, tmp_path / "backup.db")
    assert (code, "1 row" in out) == (0, True)
    assert open_run(run).log().since(0) == [entry]
    code, out = call(capsys, monkeypatch, "review", "verify", run, "--json")
    assert (code, json.loads(out)["rows"]) == (0, 1)
    with sqlite3.connect(run / "reviews.db") as connection:
        connection.execute("DROP TRIGGER verdicts_no_update")
        connection.execute("UPDATE verdicts SET reviewer = 'eve'")
    code, out = call(capsys, monkeypatch, "review", "verify", run)
    assert (code, "row 1 was changed" in out) == (1, True)
    assert call(capsys, monkeypatch, "review", "verify", run, "--head", "1:x")[0] == 1


def call(capsys, monkeypatch, *words):
    from nearmiss import cli

    monkeypatch.setattr("sys.argv", ["nearmiss", *map(str, words)])
    with pytest.raises(SystemExit) as done:
        cli.main()
    captured = capsys.readouterr()
    return int(done.value.code or 0), captured.out + captured.err
