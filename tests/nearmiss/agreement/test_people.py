"""Progress by person: a small log, worked out by hand; the week's report; and the command."""

import json
from dataclasses import asdict, replace

import pytest

from nearmiss.agreement import people, people_report
from nearmiss.agreement.gold_scores import GoldScore
from nearmiss.agreement.intervals import share
from nearmiss.agreement.people import PersonProgress, Week
from nearmiss.errors import ReviewError
from nearmiss.review import REPEAT, Entry, open_log
from tests.nearmiss.review.test_chain import call
from tests.nearmiss.review.test_review import judged

MONDAY = 1_795_996_800.0  # 2026-11-30, 0:00 UTC
DAY = 86_400.0
NOW = MONDAY + DAY + 3600  # Tuesday


def events():
    """Ann: two pairs before this week, one on Monday, two today. Bob: two pairs, one of them Ann's; and a batch."""

    def said(number, doc, verdict, at, seconds=None, who="ann", **fields):
        shown = None if seconds is None else at - seconds
        known = {"doc_id": doc, "decided_at": at, "shown_at": shown, "reviewer": who, "client_id": who}
        return judged(number, verdict, **known | fields)

    early, today = MONDAY - 3 * DAY, MONDAY + DAY
    yield said(1, "a", "relevant", early, 8)
    yield said(2, "b", "unsure", early + 1, 20)
    yield said(3, "c", "not_relevant", MONDAY, 4)
    yield said(4, "d", "partial", today, 30)
    yield said(5, "d", "partial", today + 2, 32, reason="too_easy")  # the same card's reason
    yield said(6, "e", "unsure", today + 9, 6)
    yield said(7, "a", "relevant", today + 20, 5, arm=REPEAT)
    yield said(8, "b", "relevant", today + 30, 5, arm=REPEAT)
    yield said(9, "f", "relevant", today + 40, arm="import")
    yield said(10, "g", "relevant", today + 50, 2)
    yield judged(11, "undo", undoes=10, reviewer="ann", client_id="ann", decided_at=today + 51)
    yield said(1, "a", "not_relevant", today, 3, who="bob")
    yield said(2, "c", "not_relevant", today, 5, who="bob")
    yield said(3, "x", "not_relevant", today + 1, 500, who="bob", arm="pairs")
    yield said(4, "y", "not_relevant", today + 1, who="bob", arm="pairs", parent=14)
    yield said(1, "a", "relevant", today, who="model:m", arm="judge:x")


ENTRIES = [Entry(seq, event) for seq, event in enumerate(events(), 1)]
ANN = PersonProgress("ann", 2, 3, 5, 6.0, 0.4, 0.5, 2, 0.5, 2, 3)
BOB = PersonProgress("bob", 3, 3, 3, 4.0, 0.0, 0.5, 2, None, 0, 0)


@pytest.fixture
def log(tmp_path):
    opened = open_log(tmp_path / "reviews.db")
    for entry in ENTRIES:
        opened.append([entry.event])
    opened.lease("ann", [(("q1", doc), 1) for doc in "uvw"], 3, now=NOW - 1)
    opened.lease("eve", [(("q1", "z"), 1)], 1, now=NOW - DAY)
    yield opened
    opened.close()


def test_everybody_s_progress_is_what_their_rows_say(log):
    assert people.of_log(log, None, NOW) == [ANN, BOB]


def test_a_week_is_as_it_stood_at_its_end_with_its_own_speed(log):
    before = people.of_log(log, Week.of(MONDAY - 1), NOW)
    assert before == [PersonProgress("ann", 0, 2, 2, 14.0, 0.5, None, 0, None, 0, 0)]
    [ann, _] = people.of_log(log, Week.of(NOW), NOW)
    assert (ann.median_seconds, ann.unsure, ann.waiting) == (5.0, 1 / 3, 3)  # of 4, 32, 6, 5 and 5 seconds


def test_weeks_have_the_names_of_iso_8601():
    assert Week.of(MONDAY) == Week("2026-W49", MONDAY)
    assert Week.of(MONDAY - 1) == Week.named("2026-W48")
    assert Week.named("2026-W53").in_words == "2026-12-28 to 2027-01-03"
    for name in ("2025-W53", "2026-48", "last", "2026-W0", "99999-W1"):
        with pytest.raises(ReviewError, match="wanted one as 2026-W48"):
            Week.named(name)


def test_a_report_runs_nothing_wherever_it_is_opened(tmp_path):
    score = GoldScore(share(8, 10), share(1, 2), 2)
    hostile = replace(ANN, name="=cmd()|\n![x](http://x.test) <b>", gold=score)
    week = Week.of(NOW)
    people_report.write(tmp_path / "week.csv", [hostile], week)
    said = (tmp_path / "week.csv").read_text()
    assert said.splitlines()[0] == "week," + ",".join(people_report.HEADINGS)
    assert said.splitlines()[1].startswith("2026-W49,\"'=cmd()|")
    assert said.endswith("2,3,5,6.0,40%,50%,2,50%,2,3,80%,49% to 94%,10,2,50% of 2\n")
    people_report.write(tmp_path / "week.md", [hostile], week)
    *_, row, _, last = (tmp_path / "week.md").read_text().splitlines()
    cells = "2 | 3 | 5 | 6.0 | 40% | 50% | 2 | 50% | 2 | 3 | 80% | 49% to 94% | 10 | 2 | 50% of 2 |"
    assert row == rf"| \=cmd\(\)\| \!\[x\]\(http\:\/\/x\.test\) \<b\> | {cells}"
    assert last == "Days and weeks are those of UTC."
    with pytest.raises(ReviewError, match=r"ends in \.csv or \.md"):
        people_report.write(tmp_path / "week.xlsx", [hostile], week)


def test_the_command_prints_and_writes_the_same(run, capsys, monkeypatch, tmp_path):
    opened = open_log(run / "reviews.db")
    for entry in ENTRIES:
        opened.append([entry.event])
    opened.close()
    monkeypatch.setattr("time.time", lambda: NOW)
    code, out = call(capsys, monkeypatch, "review", "people", run, "--json")
    assert (code, json.loads(out)) == (0, [asdict(replace(ANN, waiting=0)), asdict(BOB)])
    code, out = call(capsys, monkeypatch, "review", "people", run, "--week", "2026-W48", "--out", tmp_path / "week.csv")
    assert (code, "1 reviewer, 2026-W48" in out) == (0, True)
    assert (tmp_path / "week.csv").read_text().splitlines()[1] == "2026-W48,ann,0,2,2,14.0,50%,,0,,0,0,,,0,0,"
    assert call(capsys, monkeypatch, "review", "people", run, "--week", "48")[0] == 1
